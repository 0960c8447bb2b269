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
	return newStageOn(t, dir, sandbox.Options{Dir: filepath.Join(dir, "forge")}, files, repos...)
}

// newMemoryStage is newStage without a disk or a git command below the forge:
// for tests that play much.
func newMemoryStage(t *testing.T, files map[string]string, repos ...sandbox.Spec) *stage {
	t.Helper()
	return newStageOn(t, t.TempDir(), sandbox.Options{}, files, repos...)
}

func newStageOn(t *testing.T, dir string, o sandbox.Options, files map[string]string, repos ...sandbox.Spec) *stage {
	t.Helper()
	f, err := sandbox.New(o)
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
	c := s.connection(t, filepath.Join(s.dir, fmt.Sprint("data", s.engines)))
	e, err := newEngine(c, s.url+"/acme/config.git", true, true, slog.New(slog.DiscardHandler), &progress{})
	must(t, err)
	t.Cleanup(func() { e.Close() })
	return e
}

// connection is a daemon's to the forge, as portreeve.
func (s *stage) connection(t *testing.T, data string) *connection {
	t.Helper()
	token := filepath.Join(s.dir, "token")
	must(t, os.WriteFile(token, []byte("token-of-portreeve"), 0o600))
	return &connection{
		forgeURL: s.url, tokenFile: token, data: data, author: "P <p@noreply.invalid>",
		poll: 20 * time.Millisecond, backoff: shortPause,
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
