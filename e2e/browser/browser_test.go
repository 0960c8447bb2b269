package browser

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

// TestPage proves that a page is read and used as a person would, and that
// what is wrong with it is noticed.
func TestPage(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a browser")
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		switch r.URL.Path {
		case "/":
			fmt.Fprint(w, `<a href="/form">Write</a>`)
		case "/form":
			fmt.Fprint(w, `<form method="post" action="/said"><input name="title" value="old"><textarea name="body"></textarea><button>Comment</button></form>`)
		case "/said":
			fmt.Fprintf(w, "You said <b>%s</b> %s", r.FormValue("title"), r.FormValue("body"))
		case "/broken":
			fmt.Fprint(w, `<script>nothing()</script><img src="/none.png"><img src="http://cdn.example/x.png">`)
		default:
			http.NotFound(w, r)
		}
	}))
	defer server.Close()
	p, err := Open(context.Background(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for _, step := range []error{
		p.Go(server.URL + "/"), p.Follow("Write"), p.Fill("title", "new"), p.Fill("body", "Hello."), p.Follow("Comment"), p.Shows("You said new Hello."),
		p.Picture(filepath.Join(t.TempDir(), "said.png")),
	} {
		if step != nil {
			t.Fatal(step)
		}
	}
	if f := p.Faults(); len(f) > 0 && !(len(f) == 1 && strings.Contains(f[0], "favicon")) {
		t.Errorf("a good page has faults: %q", f)
	}
	if err := p.Go(server.URL + "/broken"); err != nil {
		t.Fatal(err)
	}
	found := strings.Join(p.Faults(), "\n")
	for _, want := range []string{"nothing is not defined", "none.png", "cdn.example"} {
		if !strings.Contains(found, want) {
			t.Errorf("of a broken page it found %q, not %q", found, want)
		}
	}
}
