package sandbox

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
)

// post sends a form as a browser would, with what it says of where it is from.
func post(t *testing.T, target string, form url.Values, header ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, target, strings.NewReader(form.Encode()))
	must(t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i+1 < len(header); i += 2 {
		if req.Header.Set(header[i], header[i+1]); header[i] == "Host" {
			req.Host = header[i+1]
		}
	}
	noFollow := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := noFollow.Do(req)
	must(t, err)
	defer resp.Body.Close()
	return resp.StatusCode, resp.Header.Get("Location")
}

func TestPages(t *testing.T) {
	f, _ := newForge(t, "", func(s *Spec) { s.CI = []CheckSpec{{Name: "<b>build</b>"}} })
	const evil = `<script>alert(1)</script>`
	who := f.Person("portreeve")
	_, err := who.CommitFile(ledger, "portreeve/x", evil+".txt", evil+"\n", evil)
	must(t, err)
	n, err := who.OpenPull(ledger, forge.NewPull{Head: "portreeve/x", Text: forge.Text{
		Title: evil, Body: evil + "\n\n[x](javascript:alert(1)) **bold**", Labels: []string{evil},
	}})
	must(t, err)
	must(t, who.Comment(ledger, n, evil))
	issue, err := who.OpenIssue(ledger, evil, evil+"\n\n- http://127.0.0.1:1/acme/ledger/pull/1\n- *told*")
	must(t, err)
	must(t, who.SetStatus(ledger, pullOf(t, f, n).HeadCommit, evil, fleet.CommitStatus{State: fleet.StatusSuccess, URL: "javascript:alert(1)"}))
	server, _ := serve(t, f)
	for path, want := range map[string]string{
		"/":                             "1 repo, 1 open pull request",
		"/acme":                         "acme/ledger",
		"/acme/ledger":                  "a/b.txt",
		"/acme/ledger/blob/main/go.mod": "go 1.24",
		"/acme/ledger/edit/go.mod":      "<textarea",
		"/acme/ledger/pull/1":           "<strong>bold</strong>",
		"/acme/ledger/issues/2":         `" href="http://127.0.0.1:1/acme/ledger/pull/1"`,
		"/acme/ledger/commit/" + string(pullOf(t, f, n).HeadCommit): "&lt;script&gt;",
		"/style.css": "--ink",
	} {
		resp, body := get(t, server.URL+path)
		if resp.StatusCode != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %s\n%s", path, resp.Status, body)
		}
		if strings.Contains(body, evil) || strings.Contains(body, `"javascript:`) || strings.Contains(body, "<b>build") {
			t.Errorf("%s lets hostile text through:\n%s", path, body)
		}
		if csp := resp.Header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'") {
			t.Errorf("%s: policy %q", path, csp)
		}
	}
	if status, to := post(t, server.URL+"/acme/ledger/issues/2/close", nil); status != http.StatusSeeOther || to != "/acme/ledger/issues/2" {
		t.Errorf("closing an issue: %d, to %s", status, to)
	}
	if all, err := f.Issues(ledger); err != nil || len(all) != 1 || all[0].Number != issue || all[0].Open {
		t.Errorf("it is not closed: %+v, %v", all, err)
	}
	if _, body := get(t, server.URL+"/acme/ledger/issues/2"); !strings.Contains(body, "you closed this just now") {
		t.Errorf("the page does not say so: %s", body)
	}
	for _, path := range []string{"/acme/none", "/acme/ledger/pull/9", "/acme/ledger/issues/1", "/acme/ledger/issues/x", "/acme/ledger/blob/main/none", "/acme/ledger/blob/none/go.mod"} {
		if resp, _ := get(t, server.URL+path); resp.StatusCode != 404 {
			t.Errorf("%s: %s", path, resp.Status)
		}
	}
}

func TestPageForms(t *testing.T) {
	f, _ := newForge(t, "", nil)
	n := propose(t, f, "portreeve/x", "x", "x\n")
	server, _ := serve(t, f)
	at := server.URL + "/acme/ledger/pull/1"
	for name, header := range map[string][]string{
		"another origin": {"Origin", "https://evil.example"},
		"another site":   {"Sec-Fetch-Site", "cross-site"},
		"another host":   {"Host", "evil.example", "Origin", "http://evil.example"},
	} {
		if status, _ := post(t, at+"/close", nil, header...); status != http.StatusForbidden {
			t.Errorf("%s: %d", name, status)
		}
	}
	if p := pullOf(t, f, n); p.State != fleet.PullOpen {
		t.Fatal("a foreign form closed it")
	}
	for _, step := range []struct {
		act  string
		form url.Values
	}{
		{"comment", url.Values{"body": {"a\r\nb"}}},
		{"approve", nil},
		{"close", url.Values{"body": {"no"}}},
		{"reopen", nil},
		{"merge", url.Values{"method": {"squash"}}},
	} {
		if status, where := post(t, at+"/"+step.act, step.form, "Sec-Fetch-Site", "same-origin"); status != 303 || where != "/acme/ledger/pull/1" {
			t.Errorf("%s: %d %s", step.act, status, where)
		}
	}
	p := pullOf(t, f, n)
	if p.State != fleet.PullMerged || len(p.Comments) != 2 || p.Comments[0].Body != "a\nb" || p.Comments[0].Author.Login != "you" {
		t.Errorf("%+v", p)
	}
	edit := url.Values{"content": {"changed\r\n"}, "message": {"Typo"}}
	if status, _ := post(t, server.URL+"/acme/ledger/edit/a/b.txt", edit); status != 303 {
		t.Error(status)
	}
	if got, _ := f.ReadFile(ledger, "", "a/b.txt"); got != "changed\n" {
		t.Errorf("%q", got)
	}
	edit.Set("head", strings.Repeat("0", 40))
	if status, _ := post(t, server.URL+"/acme/ledger/edit/a/b.txt", edit); status != 409 {
		t.Error("an edit of an old version must be refused", status)
	}
	fresh := url.Values{"content": {"new\n"}, "path": {"dir/new"}}
	if status, _ := post(t, server.URL+"/acme/ledger/edit/", fresh); status != 303 {
		t.Error(status)
	}
	fresh.Set("path", "../x")
	if status, _ := post(t, server.URL+"/acme/ledger/edit/", fresh); status != 422 {
		t.Error(status)
	}
}
