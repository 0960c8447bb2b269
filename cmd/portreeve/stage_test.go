package main

import (
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/portreeve/portreeve/reconciler/forge/sandbox"
)

// stage is a forge over HTTP, with the users portreeve and kim, and room for
// daemons on it.
type stage struct {
	*sandbox.Forge
	url, dir string
	engines  int
}

// newStage starts a forge with a config repo, acme/config, that holds files,
// and with repos.
func newStage(t *testing.T, files map[string]string, repos ...sandbox.Spec) *stage {
	t.Helper()
	dir := t.TempDir()
	f, err := sandbox.New(sandbox.Options{Dir: filepath.Join(dir, "forge")})
	must(t, err)
	f.AddUser("portreeve", "token-of-portreeve", true)
	f.AddUser("kim", "token-of-kim", false)
	config := sandbox.Spec{Name: "acme/config", Files: map[string]sandbox.File{}}
	for path, content := range files {
		config.Files[path] = sandbox.File{Content: content}
	}
	for _, spec := range append([]sandbox.Spec{config}, repos...) {
		must(t, f.CreateRepo(spec))
	}
	server := httptest.NewServer(f.Handler())
	t.Cleanup(server.Close)
	return &stage{Forge: f, url: server.URL, dir: dir}
}

// engine is one more daemon, with a data directory of its own.
func (s *stage) engine(t *testing.T) *engine {
	t.Helper()
	s.engines++
	token := filepath.Join(s.dir, "token")
	must(t, os.WriteFile(token, []byte("token-of-portreeve"), 0o600))
	c := &connection{
		forgeURL: s.url, tokenFile: token, data: filepath.Join(s.dir, fmt.Sprint("data", s.engines)),
		author: "P <p@noreply.invalid>", poll: 20 * time.Millisecond,
	}
	e, err := newEngine(c, s.url+"/acme/config.git", true, true, slog.New(slog.DiscardHandler), &progress{})
	must(t, err)
	t.Cleanup(func() { e.Close() })
	return e
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
