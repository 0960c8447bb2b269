package catalog_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portreeve/portreeve/reconciler/catalog"
	"github.com/portreeve/portreeve/reconciler/fleet"
)

const secret = "s3cr3t-t0k3n"

// page writes one page.
func page(w http.ResponseWriter, total int, next string, items ...string) {
	fmt.Fprintf(w, `{"items": [%s], "totalItems": %d, "pageInfo": {"nextCursor": %q}}`, strings.Join(items, ","), total, next)
}

func component(name, more string) string {
	return fmt.Sprintf(`{"kind": "Component", "metadata": {"name": %q}, "spec": {"owner": "payments"}%s}`, name, more)
}

func read(t *testing.T, h http.HandlerFunc, change ...func(*catalog.Options)) (*fleet.Catalog, error) {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	o := catalog.Options{URL: server.URL, Forge: "github.com", Token: func() (string, error) { return secret, nil }}
	for _, c := range change {
		c(&o)
	}
	client, err := catalog.New(o)
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.Read(t.Context())
	if err != nil {
		if f := (*fleet.Failure)(nil); !errors.As(err, &f) {
			t.Errorf("no *fleet.Failure: %v", err)
		}
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the token is told: %v", err)
		}
	}
	return c, err
}

func TestReadPages(t *testing.T) {
	var asked []string
	c, err := read(t, func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		asked = append(asked, strings.Join(q["filter"], " | "))
		if got := r.Header.Get("Authorization"); got != "Bearer "+secret {
			t.Errorf("Authorization: %q", got)
		}
		if strings.Contains(r.URL.String(), secret) {
			t.Error("the token is in the URL")
		}
		switch q.Get("cursor") {
		case "":
			page(w, 3, "second", component("a", ""), component("b", ""))
		case "second": // b moved to this page, too
			page(w, 3, "", component("b", ""), component("c", ""))
		}
	}, func(o *catalog.Options) { o.Filter = []string{"spec.lifecycle=production", "spec.type=library"} })
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Components) != 3 || c.Components[1].Ref != "component:default/b" {
		t.Errorf("%+v", c.Components)
	}
	if want := "kind=group | kind=user | kind=component,spec.lifecycle=production | kind=component,spec.type=library"; asked[0] != want || asked[1] != "" {
		t.Errorf("asked %q", asked)
	}
}

// TestReadHostile has a server do what none should.
func TestReadHostile(t *testing.T) {
	n := 0
	cases := map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"endless pages": {func(w http.ResponseWriter, r *http.Request) {
			n++
			page(w, 1, fmt.Sprint(n), component(fmt.Sprint("c", n), ""))
		}, "more than 1000 pages"},
		"repeated cursor": {func(w http.ResponseWriter, r *http.Request) {
			page(w, 1, "again", component("a", ""))
		}, "lead back to one another"},
		"huge cursor": {func(w http.ResponseWriter, r *http.Request) {
			page(w, 1, strings.Repeat("x", 1<<20), component("a", ""))
		}, "cursor is longer"},
		"huge body": {func(w http.ResponseWriter, r *http.Request) {
			for range 40 {
				if _, err := w.Write(make([]byte, 1<<20)); err != nil {
					return
				}
			}
		}, "larger than 32 MiB"},
		"no JSON":  {func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "<html>") }, "something else than a page"},
		"no count": {func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, `{"items": []}`) }, "something else than a page"},
		"half": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "99")
			fmt.Fprint(w, "{")
		}, "unexpected EOF"},
		"error":         {func(w http.ResponseWriter, r *http.Request) { http.Error(w, secret, http.StatusBadGateway) }, "it answers 502 Bad Gateway"},
		"refused token": {func(w http.ResponseWriter, r *http.Request) { http.Error(w, secret, http.StatusUnauthorized) }, "does not take the token (401)"},
		"elsewhere": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.2:1/"+secret, http.StatusFound)
		}, "the token must not go"},
		"in a circle": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.String(), http.StatusFound) }, "from one address to the next"},
		"gossip":      {func(w http.ResponseWriter, r *http.Request) { page(w, 1, "", component(secret, "")) }, "repeats the token"},
		"too few":     {func(w http.ResponseWriter, r *http.Request) { page(w, 7, "", component("a", "")) }, "counts 7 entities and its pages held 1"},
		"always others": {func(w http.ResponseWriter, r *http.Request) {
			n++
			page(w, 1, "", component(fmt.Sprint("c", n), ""))
		}, "4 reads in a row disagree"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got, err := read(t, c.answer); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, %v, want an error with %q", got, err, c.want)
			}
		})
	}
}

// TestReadAgain: a catalog that changes while it is read is read until two
// reads agree.
func TestReadAgain(t *testing.T) {
	reads := 0
	c, err := read(t, func(w http.ResponseWriter, r *http.Request) {
		reads++
		if reads == 1 {
			page(w, 1, "", component("a", ""))
			return
		}
		page(w, 2, "", component("a", ""), component("b", ""))
	})
	if err != nil || len(c.Components) != 2 || reads != 3 {
		t.Errorf("%+v, %v after %d reads", c, err, reads)
	}
}

// TestReadSlow: a server that never answers is left in time.
func TestReadSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, err := catalog.New(catalog.Options{URL: "https://backstage.invalid", HTTP: never{}})
		if err != nil {
			t.Fatal(err)
		}
		started := time.Now()
		_, err = client.Read(t.Context())
		if took := time.Since(started); err == nil || took > 2*time.Minute || !strings.Contains(err.Error(), "no answer within 30s") {
			t.Errorf("after %v: %v", took, err)
		}
	})
}

type never struct{}

func (never) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// TestTokenStaysAtHome: a token goes over https, or to this machine.
func TestTokenStaysAtHome(t *testing.T) {
	sent := carrier(func(r *http.Request) (*http.Response, error) {
		t.Errorf("sent to %s", r.URL.Host)
		return nil, errors.New("no")
	})
	client, err := catalog.New(catalog.Options{URL: "http://backstage.acme.example", Token: func() (string, error) { return secret, nil }, HTTP: sent})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Read(context.Background()); err == nil || !strings.Contains(err.Error(), "https only") {
		t.Error(err)
	}
	for _, bad := range []string{"", "backstage", "ftp://x", "https://kim:" + secret + "@x/", "https://x/?token=" + secret, "https://\n" + secret} {
		if _, err := catalog.New(catalog.Options{URL: bad}); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

type carrier func(*http.Request) (*http.Response, error)

func (c carrier) RoundTrip(r *http.Request) (*http.Response, error) { return c(r) }

func TestComponents(t *testing.T) {
	cases := map[string]struct {
		entity string
		want   string // of the component as JSON, or why it is passed over
	}{
		"slug": {
			`{"kind": "Component", "metadata": {"name": "A", "annotations": {"github.com/project-slug": "acme/a", "backstage.io/source-location": "url:https://github.com/acme/b/tree/main/x/"}}}`,
			`{"Ref":"component:default/a","Owner":"","Repo":"acme/a","Path":"","FileRepo":"","File":"","Doubt":""}`,
		},
		"slug and a path in it": {
			`{"kind": "Component", "metadata": {"name": "a", "annotations": {"github.com/project-slug": "acme/a", "backstage.io/source-location": "url:https://github.com/Acme/A/tree/main/x/y/"}}}`,
			`{"Ref":"component:default/a","Owner":"","Repo":"acme/a","Path":"x/y","FileRepo":"","File":"","Doubt":""}`,
		},
		"source location": {
			`{"kind": "Component", "metadata": {"name": "a", "namespace": "Web", "annotations": {"backstage.io/source-location": "url:https://github.com/acme/a/"}}, "spec": {"owner": "team"}}`,
			`{"Ref":"component:web/a","Owner":"group:web/team","Repo":"acme/a","Path":"","FileRepo":"","File":"","Doubt":""}`,
		},
		"managed by": {
			`{"kind": "Component", "metadata": {"name": "a", "annotations": {"backstage.io/managed-by-location": "url:https://github.com/acme/a/blob/main/x/catalog-info.yaml"}}, "spec": {"owner": "other"}, "relations": [{"type": "ownedBy", "targetRef": "Group:default/Team"}]}`,
			`{"Ref":"component:default/a","Owner":"group:default/team","Repo":"acme/a","Path":"x","FileRepo":"acme/a","File":"x/catalog-info.yaml","Doubt":""}`,
		},
		"another host": {
			`{"kind": "Component", "metadata": {"name": "a", "annotations": {"backstage.io/managed-by-location": "url:https://gitlab.com/acme/a/blob/main/catalog-info.yaml"}}}`,
			`{"Ref":"component:default/a","Owner":"","Repo":"","Path":"","FileRepo":"","File":"","Doubt":""}`,
		},
		"a file": {
			`{"kind": "Component", "metadata": {"name": "a", "annotations": {"backstage.io/managed-by-location": "file:/etc/passwd"}}}`,
			`{"Ref":"component:default/a","Owner":"","Repo":"","Path":"","FileRepo":"","File":"","Doubt":""}`,
		},
		"out of the repo": {
			`{"kind": "Component", "metadata": {"name": "a", "annotations": {"backstage.io/source-location": "url:https://github.com/acme/a/tree/main/../../b/"}}}`,
			`{"Ref":"component:default/a","Owner":"","Repo":"","Path":"","FileRepo":"","File":"","Doubt":""}`,
		},
		"in error": {
			`{"kind": "Component", "metadata": {"name": "a"}, "status": {"items": [{"level": "info"}, {"level": "error"}]}}`,
			`{"Ref":"component:default/a","Owner":"","Repo":"","Path":"","FileRepo":"","File":"","Doubt":"the catalog reports an error of it"}`,
		},
		"orphan":     {`{"kind": "Component", "metadata": {"name": "a", "annotations": {"backstage.io/orphan": "true"}}}`, "it is orphaned"},
		"bad slug":   {`{"kind": "Component", "metadata": {"name": "a", "annotations": {"github.com/project-slug": "../../x"}}}`, "expected owner/name"},
		"two owners": {`{"kind": "Component", "metadata": {"name": "a"}, "relations": [{"type": "ownedBy", "targetRef": "group:default/x"}, {"type": "ownedBy", "targetRef": "user:default/y"}]}`, "more than one owner"},
		"bad owner":  {`{"kind": "Component", "metadata": {"name": "a"}, "spec": {"owner": "@acme/everyone\n"}}`, "expected a reference"},
		"bad name":   {`{"kind": "Component", "metadata": {"name": "../a"}}`, "no name that the catalog gives"},
		"long name":  {`{"kind": "Component", "metadata": {"name": "` + strings.Repeat("a", 64) + `"}}`, "no name that the catalog gives"},
		"odd field":  {`{"kind": "Component", "metadata": {"name": "a", "annotations": 7}}`, "another type"},
		"no object":  {`[]`, "no name that the catalog gives"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := read(t, func(w http.ResponseWriter, r *http.Request) { page(w, 1, "", c.entity) })
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Components) == 1 {
				if b, _ := json.Marshal(got.Components[0]); string(b) != c.want {
					t.Errorf("got  %s\nwant %s", b, c.want)
				}
				return
			}
			if len(got.Passed) != 1 || !strings.Contains(got.Passed[0].Reason, c.want) {
				t.Errorf("got %+v, want %q", got, c.want)
			}
		})
	}
}

func TestGroups(t *testing.T) {
	got, err := read(t, func(w http.ResponseWriter, r *http.Request) {
		page(
			w, 4, "",
			`{"kind": "Group", "metadata": {"name": "pay", "annotations": {"github.com/team-slug": "acme/payments"}}, "spec": {"profile": {"displayName": "Pay\n\u202ements", "email": "pay@acme.example"}}}`,
			`{"kind": "Group", "metadata": {"name": "web"}, "relations": [{"type": "hasMember", "targetRef": "user:default/kim"}, {"type": "hasMember", "targetRef": "user:default/ana"}, {"type": "childOf", "targetRef": "group:default/pay"}]}`,
			`{"kind": "User", "metadata": {"name": "kim", "annotations": {"github.com/user-login": "kim-s"}}}`,
			`{"kind": "User", "metadata": {"name": "ana", "annotations": {"github.com/user-login": "not a login"}}}`,
		)
	})
	if err != nil {
		t.Fatal(err)
	}
	b, _ := json.Marshal(got.Groups)
	want := `[{"Ref":"group:default/pay","Title":"Pay ments","GitHub":"acme/payments","Members":null,"Contact":"pay@acme.example","Parent":"","Doubt":""},` +
		`{"Ref":"group:default/web","Title":"","GitHub":"","Members":["kim-s"],"Contact":"","Parent":"group:default/pay","Doubt":""}]`
	if string(b) != want {
		t.Errorf("got  %s\nwant %s", b, want)
	}
}

// FuzzPage: whatever a page holds, what is taken of it are names, repos and
// clean paths.
func FuzzPage(f *testing.F) {
	f.Add([]byte(component("a", `, "relations": [{"type": "ownedBy", "targetRef": "x"}]`)))
	f.Add([]byte(`{"kind": "Component", "metadata": {"name": "a", "annotations": {"backstage.io/source-location": "url:https://github.com/acme/a/tree/main/x/%2e%2e/"}}}`))
	f.Fuzz(func(t *testing.T, item []byte) {
		if !json.Valid(item) {
			return
		}
		body := fmt.Sprintf(`{"items": [%s], "totalItems": 1}`, item)
		client, err := catalog.New(catalog.Options{URL: "https://x", Forge: "github.com", HTTP: carrier(func(r *http.Request) (*http.Response, error) {
			w := httptest.NewRecorder()
			_, _ = w.WriteString(body)
			return w.Result(), nil
		})})
		if err != nil {
			t.Fatal(err)
		}
		c, err := client.Read(t.Context())
		if err != nil {
			t.Fatalf("%s: %v", item, err)
		}
		for _, p := range c.Components {
			for _, path := range []fleet.Path{p.Path, p.File} {
				if strings.Contains("/"+string(path)+"/", "/../") || strings.HasPrefix(string(path), "/") {
					t.Errorf("%q", path)
				}
			}
			if strings.ContainsAny(string(p.Repo+p.FileRepo)+p.Owner+p.Ref, " \n\"@") {
				t.Errorf("%+v", p)
			}
		}
	})
}
