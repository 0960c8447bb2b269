package gitrepo

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/gitrepo/gitrepotest"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// change makes a commit on at that sets file "a".
func change(t *testing.T, r Remote, at fleet.CommitID, content string) *Commit {
	t.Helper()
	edits := []transform.Edit{{Path: "a", Content: []byte(content)}}
	s := snapshot(t, r, at, CommitPaths(edits)...)
	made, err := New(Options{}).Commit(s, edits, someone, say)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestPushComparesAndSwaps(t *testing.T) {
	srv := gitrepotest.NewServer(t)
	at := srv.Create("r", map[string]string{"a": "1"})
	c, r := New(Options{}), remote(srv, "r")
	made := change(t, r, at, "2")
	theirs := srv.Commit("r", "main", map[string]string{"b": "theirs"})

	err := c.Push(t.Context(), r, made, RefUpdate{Branch: "main", Old: at, New: made.ID})
	wantClass(t, err, fleet.Moved, "main")
	err = c.Push(t.Context(), r, made, RefUpdate{Branch: "main", New: made.ID})
	wantClass(t, err, fleet.Moved)
	err = c.Push(t.Context(), r, nil, RefUpdate{Branch: "main", Old: at})
	wantClass(t, err, fleet.Moved)
	// All or none.
	err = c.Push(t.Context(), r, made, RefUpdate{Branch: "x", New: made.ID}, RefUpdate{Branch: "main", Old: at, New: made.ID})
	wantClass(t, err, fleet.Moved)
	if got := srv.Head("r", "main"); got != theirs || srv.Head("r", "x") != "" {
		t.Error(got)
	}
	err = c.Push(t.Context(), r, made, RefUpdate{Branch: "bad..name", New: made.ID})
	wantClass(t, err, fleet.Permanent, "branch name")
	err = c.Push(t.Context(), r, made, RefUpdate{Branch: "x", New: theirs})
	wantClass(t, err, fleet.Permanent)
}

// A race that is lost after the refs were listed is found by the server.
func TestPushLosesRaceAtTheLastMoment(t *testing.T) {
	var srv *gitrepotest.Server
	var race func()
	srv = gitrepotest.NewServerWith(t, gitrepotest.Options{Wrap: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, receivePack) && race != nil {
				race()
			}
			next.ServeHTTP(w, r)
		})
	}})
	at := srv.Create("r", map[string]string{"a": "1"})
	c, r := New(Options{}), remote(srv, "r")
	made := change(t, r, at, "2")
	var theirs fleet.CommitID
	race = func() { theirs = srv.Commit("r", "main", map[string]string{"b": "theirs"}) }
	err := c.Push(t.Context(), r, made, RefUpdate{Branch: "main", Old: at, New: made.ID})
	wantClass(t, err, fleet.Moved)
	if srv.Head("r", "main") != theirs {
		t.Error("forced")
	}
}

func TestPushRefusedByHook(t *testing.T) {
	srv := gitrepotest.NewServer(t)
	at := srv.Create("r", map[string]string{"a": "1"})
	srv.Hook("r", "pre-receive", "echo 'Protected: ask the \x1b[1mowners' >&2; exit 1\n")
	r := remote(srv, "r")
	made := change(t, r, at, "2")
	err := New(Options{}).Push(t.Context(), r, made, RefUpdate{Branch: "main", Old: at, New: made.ID})
	wantClass(t, err, fleet.Permanent, "Protected: ask the [1mowners", "hook declined")
	if srv.Head("r", "main") != at {
		t.Error("moved")
	}
}

// The answer to the push is lost; whether it was done decides.
func TestPushAnswerCutOff(t *testing.T) {
	for _, done := range []bool{true, false} {
		for _, cut := range []string{"reset", "half", "502"} {
			var posts atomic.Int32
			srv := gitrepotest.NewServerWith(t, gitrepotest.Options{Wrap: func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, receivePack) {
						next.ServeHTTP(w, r)
						return
					}
					posts.Add(1)
					rec := httptest.NewRecorder()
					if done {
						next.ServeHTTP(rec, r)
					}
					switch cut {
					case "reset":
						panic(http.ErrAbortHandler)
					case "502":
						w.WriteHeader(http.StatusBadGateway)
					case "half":
						_, _ = w.Write(rec.Body.Bytes()[:rec.Body.Len()/2])
					}
				})
			}})
			at := srv.Create("r", map[string]string{"a": "1"})
			r := remote(srv, "r")
			made := change(t, r, at, "2")
			err := New(Options{}).Push(t.Context(), r, made, RefUpdate{Branch: "main", Old: at, New: made.ID})
			if done && err != nil {
				t.Errorf("%s, done: %v", cut, err)
			}
			if !done {
				wantClass(t, err, fleet.Transient)
			}
			if posts.Load() != 1 {
				t.Errorf("%s: pushed %d times", cut, posts.Load())
			}
		}
	}
}

func TestAuthAndSecrets(t *testing.T) {
	const secret = "gho_s3cret/+value"
	srv := gitrepotest.NewServerWith(t, gitrepotest.Options{User: "x-access-token", Secret: secret})
	at := srv.Create("r", map[string]string{"a": "1"})
	r := remote(srv, "r")
	asked := 0
	r.Auth = func(context.Context) (string, string, error) { asked++; return "x-access-token", secret, nil }
	made := change(t, r, at, "2")
	srv.Hook("r", "pre-receive", "echo 'your token "+secret+" is bad' >&2; exit 1\n")
	c := New(Options{})
	errs := []error{c.Push(t.Context(), r, made, RefUpdate{Branch: "main", Old: at, New: made.ID})}
	wantClass(t, errs[0], fleet.Permanent, "is bad")
	if asked == 0 {
		t.Error("not asked")
	}

	bad := r
	bad.Auth = func(context.Context) (string, string, error) { return "u", secret + "x", nil }
	_, err := c.Snapshot(t.Context(), bad, at)
	wantClass(t, err, fleet.Permanent, "401", "who are you?")
	errs = append(errs, err)
	bad.Auth = nil
	bad.URL = strings.Replace(r.URL, "http://", "http://x:"+secret+"@", 1)
	_, err = c.Snapshot(t.Context(), bad, at)
	wantClass(t, err, fleet.Permanent)
	errs = append(errs, err)
	bad.URL = "http://127.0.0.1:1/" + secret
	_, err = c.Snapshot(t.Context(), bad, at)
	wantClass(t, err, fleet.Transient)
	errs = append(errs, err)
	bad.URL = "http://host/%zz" + secret
	_, err = c.Snapshot(t.Context(), bad, at)
	wantClass(t, err, fleet.Permanent)
	for _, err := range append(errs, err) {
		if strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "://") {
			t.Errorf("leaks: %v", err)
		}
	}
	limited := &fleet.Failure{Class: fleet.Limited, Op: "token", On: "acme", Err: errors.New("wait")}
	bad.Auth = func(context.Context) (string, string, error) { return "", "", limited }
	_, err = c.Snapshot(t.Context(), bad, at)
	if fleet.ClassOf(err) != fleet.Permanent { // the address is judged first
		t.Error(err)
	}
	bad.URL = r.URL
	if _, err = c.Snapshot(t.Context(), bad, at); fleet.ClassOf(err) != fleet.Limited {
		t.Error(err)
	}
}

func TestStatusClasses(t *testing.T) {
	for _, test := range []struct {
		code  int
		after string
		class fleet.Class
	}{
		{401, "", fleet.Permanent},
		{403, "", fleet.Permanent},
		{403, "30", fleet.Limited},
		{404, "", fleet.Permanent},
		{408, "", fleet.Transient},
		{429, "", fleet.Transient},
		{429, "30", fleet.Limited},
		{429, time.Now().Add(time.Minute).UTC().Format(http.TimeFormat), fleet.Limited},
		{500, "", fleet.Transient},
		{503, "30", fleet.Transient},
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if test.after != "" {
				w.Header().Set("Retry-After", test.after)
			}
			w.WriteHeader(test.code)
		}))
		_, err := New(Options{}).Branch(t.Context(), Remote{Name: "a/b", URL: srv.URL}, "main")
		wantClass(t, err, test.class)
		f := (*fleet.Failure)(nil)
		if errors.As(err, &f); (f.Class == fleet.Limited) != time.Now().Before(f.Until) {
			t.Errorf("%d: until %v", test.code, f.Until)
		}
		srv.Close()
	}
}

func TestSlowServer(t *testing.T) {
	release := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "001e# service=git-upload-pack\n")
		w.(http.Flusher).Flush()
		<-release
	}))
	defer srv.Close()
	defer close(release)
	r := Remote{Name: "a/b", URL: srv.URL}
	start := time.Now()
	_, err := New(Options{Timeout: 50 * time.Millisecond}).Branch(t.Context(), r, "main")
	wantClass(t, err, fleet.Transient)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = New(Options{}).Branch(ctx, r, "main")
	wantClass(t, err, fleet.Transient)
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 5*time.Second {
		t.Error(err, time.Since(start))
	}
}

func TestRedirects(t *testing.T) {
	srv := gitrepotest.NewServerWith(t, gitrepotest.Options{User: "u", Secret: "s"})
	at := srv.Create("new", map[string]string{"a": "1"})
	auth := func(context.Context) (string, string, error) { return "u", "s", nil }
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Error("followed to another host")
	}))
	defer other.Close()
	var target string
	var leaked atomic.Bool
	tls := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		leaked.Store(leaked.Load() || r.Header.Get("Authorization") != "")
		w.WriteHeader(http.StatusNotFound)
	}))
	defer tls.Close()
	moved := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, target+r.URL.Path[len("/old"):]+"?"+r.URL.RawQuery, http.StatusMovedPermanently)
	}))
	defer moved.Close()
	c := New(Options{HTTP: tls.Client()})
	r := Remote{Name: "a/b", URL: moved.URL + "/old", Auth: auth}
	target = other.URL
	_, err := c.Snapshot(t.Context(), r, at)
	wantClass(t, err, fleet.Permanent, "redirects")
	target = tls.URL
	_, err = c.Snapshot(t.Context(), r, at)
	wantClass(t, err, fleet.Permanent, "404")
	if leaked.Load() {
		t.Error("the secret went to another host")
	}
	// A renamed repo on one host is followed, and pushed to.
	within := gitrepotest.NewServerWith(t, gitrepotest.Options{Wrap: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if rest, ok := strings.CutPrefix(r.URL.Path, "/old.git"); ok {
				http.Redirect(w, r, "/new.git"+rest+"?"+r.URL.RawQuery, http.StatusMovedPermanently)
				return
			}
			next.ServeHTTP(w, r)
		})
	}})
	at = within.Create("new", map[string]string{"a": "1"})
	made := change(t, remote(within, "old"), at, "2")
	if err := c.Push(t.Context(), remote(within, "old"), made, RefUpdate{Branch: "main", Old: at, New: made.ID}); err != nil {
		t.Error(err)
	}
}

func FuzzAnswers(f *testing.F) {
	f.Add([]byte("001e# service=git-upload-pack\n0000000eversion 2\n0000"))
	f.Add([]byte("000dpackfile\n0009\x01PACK0000"))
	f.Add([]byte("0008NAK\nPACK\x00\x00\x00\x02\x00\x00\x00\x01"))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _ = readAdvert(bytes.NewReader(data))
		if r, err := packV2(newPktReader(bytes.NewReader(data))); err == nil {
			_ = readPack(r, packLimits{1 << 16, 1 << 18}, newObjects())
		}
		_ = readPack(bytes.NewReader(data), packLimits{1 << 16, 1 << 18}, newObjects())
	})
}
