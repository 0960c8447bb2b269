// Package gitrepotest serves real Git repos over smart HTTP, with the git
// command itself as the server, for tests.
package gitrepotest

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Options make a server differ from one like GitHub's.
type Options struct {
	// NoFilter is a server that can't leave out files' contents, nor gives
	// objects by their ids.
	NoFilter bool
	// V0 is a server that speaks protocol version 0 alone.
	V0 bool
	// User and Secret, when set, must be given by Basic authentication.
	User, Secret string
	// Wrap stands between the client and the server.
	Wrap func(http.Handler) http.Handler
}

// Server serves bare repos from a directory of its own.
type Server struct {
	*httptest.Server
	t    testing.TB
	root string
	opts Options
}

// NewServer starts a server that ends with the test. The test is skipped
// where there is no git command.
func NewServer(t testing.TB) *Server { return NewServerWith(t, Options{}) }

// NewServerWith is NewServer with options.
func NewServerWith(t testing.TB, opts Options) *Server {
	t.Helper()
	git, err := exec.LookPath("git")
	if err != nil {
		t.Skip("no git command")
	}
	s := &Server{t: t, root: t.TempDir(), opts: opts}
	backend := http.Handler(&cgi.Handler{
		Path:   git,
		Args:   []string{"http-backend"},
		Env:    append(environ(s.root), "GIT_PROJECT_ROOT="+s.root, "GIT_HTTP_EXPORT_ALL=1"),
		Stderr: io.Discard,
	})
	backend = s.guard(backend)
	if opts.Wrap != nil {
		backend = opts.Wrap(backend)
	}
	s.Server = httptest.NewServer(backend)
	t.Cleanup(s.Close)
	return s
}

func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, secret, _ := r.BasicAuth(); user != s.opts.User || secret != s.opts.Secret {
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			http.Error(w, "who are you? "+r.Header.Get("Authorization")+" "+secret, http.StatusUnauthorized)
			return
		}
		if s.opts.V0 {
			r.Header.Del("Git-Protocol")
		}
		next.ServeHTTP(w, r)
	})
}

// RepoURL is the address of a repo, existing or not.
func (s *Server) RepoURL(name string) string { return s.URL + "/" + name + ".git" }

// Create makes a bare repo whose default branch main holds files, path to
// content; with no files it is empty and so is the commit.
func (s *Server) Create(name string, files map[string]string) fleet.CommitID {
	s.t.Helper()
	dir := s.Dir(name)
	s.run("", s.root, "init", "-q", "--bare", "-b", "main", dir)
	config := "[http]\n\treceivepack = true\n[gc]\n\tauto = 0\n[receive]\n\tautogc = false\n"
	if !s.opts.NoFilter {
		config += "[uploadpack]\n\tallowFilter = true\n\tallowAnySHA1InWant = true\n"
	}
	file, err := os.OpenFile(filepath.Join(dir, "config"), os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = file.WriteString(config)
		file.Close()
	}
	if err != nil {
		s.t.Fatal(err)
	}
	if len(files) == 0 {
		return ""
	}
	return s.Commit(name, "main", files)
}

// Commit adds a commit to a branch that changes files and keeps the rest; it
// makes the branch if need be.
func (s *Server) Commit(name, branch string, files map[string]string) fleet.CommitID {
	s.t.Helper()
	var in strings.Builder
	fmt.Fprintf(&in, "commit refs/heads/%s\ncommitter Test <test@example.com> 1700000000 +0000\ndata 5\ntest\n\n", branch)
	if parent := s.Head(name, branch); parent != "" {
		fmt.Fprintf(&in, "from %s\n", parent)
	}
	for _, path := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(&in, "M 100644 inline %s\ndata %d\n%s\n", path, len(files[path]), files[path])
	}
	return s.Import(name, branch, in.String())
}

// Import runs a stream of git fast-import and gives the head of a branch.
func (s *Server) Import(name, branch, stream string) fleet.CommitID {
	s.t.Helper()
	s.GitIn(name, stream, "fast-import", "--quiet", "--force")
	return s.Head(name, branch)
}

// Head is where a branch stands; empty if there is none.
func (s *Server) Head(name, branch string) fleet.CommitID {
	s.t.Helper()
	return fleet.CommitID(s.Git(name, "for-each-ref", "--format=%(objectname)", "refs/heads/"+branch))
}

// PullRefs makes n refs like those of a forge's pull requests, all at a commit.
func (s *Server) PullRefs(name string, at fleet.CommitID, n int) {
	s.t.Helper()
	s.Git(name, "pack-refs", "--all")
	file := filepath.Join(s.Dir(name), "packed-refs")
	text, err := os.ReadFile(file)
	if err != nil {
		s.t.Fatal(err)
	}
	// As git would write it, without making a file for each first.
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	for i := range n {
		lines = append(lines, fmt.Sprintf("%s refs/pull/%d/head", at, i+1))
	}
	slices.SortStableFunc(lines[1:], func(a, b string) int { return strings.Compare(a[41:], b[41:]) })
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// Hook installs a hook, a shell script.
func (s *Server) Hook(name, hook, script string) {
	s.t.Helper()
	file := filepath.Join(s.Dir(name), "hooks", hook)
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		s.t.Fatal(err)
	}
}

// Dir is where a bare repo is.
func (s *Server) Dir(name string) string { return filepath.Join(s.root, name+".git") }

// Git runs git in a bare repo and gives its trimmed output; a failure ends
// the test.
func (s *Server) Git(name string, args ...string) string {
	s.t.Helper()
	return s.run("", s.Dir(name), args...)
}

// GitIn is Git with standard input.
func (s *Server) GitIn(name, stdin string, args ...string) string {
	s.t.Helper()
	return s.run(stdin, s.Dir(name), args...)
}

func (s *Server) run(stdin, dir string, args ...string) string {
	s.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Env, cmd.Stdin = dir, append(os.Environ(), environ(s.root)...), strings.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("git %s: %v\n%s%s", strings.Join(args, " "), err, out, stderr.Bytes())
	}
	return strings.TrimSpace(string(out))
}

// environ keeps the machine's own configuration away.
func environ(home string) []string {
	return []string{
		"HOME=" + home, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=Test", "GIT_AUTHOR_EMAIL=test@example.com", "GIT_AUTHOR_DATE=1700000000 +0000",
		"GIT_COMMITTER_NAME=Test", "GIT_COMMITTER_EMAIL=test@example.com", "GIT_COMMITTER_DATE=1700000000 +0000",
	}
}
