package sandbox

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// skin is the forge over HTTP.
type skin struct {
	forge   *Forge
	rest    *http.ServeMux
	graphql *graph
	pages   http.Handler
}

// Handler serves everything over HTTP: REST at /api/v3, GraphQL at
// /api/graphql, both also without /api as api.github.com does, Git at
// /OWNER/REPO.git, and pages at /. Forms on pages act as the user "you".
func (f *Forge) Handler() http.Handler {
	s := &skin{forge: f, graphql: newGraph(f), pages: newPages(f)}
	s.rest = s.routes()
	return s
}

// accessLog writes one line for each request.
type accessLog struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *accessLog) line(format string, args ...any) {
	if l.w == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.w, format+"\n", args...)
}

// ServeHTTP sends a request to the part of the skin that its path belongs to.
func (s *skin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	seen := &statusWriter{ResponseWriter: w}
	begun := time.Now()
	defer func() {
		s.forge.access.line("%s %s %d %s", r.Method, r.URL.EscapedPath(), seen.status, time.Since(begun).Round(time.Millisecond))
	}()
	path := r.URL.Path
	switch first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/"); {
	case strings.HasPrefix(path, "/api/v3/") || path == "/api/v3":
		http.StripPrefix("/api/v3", http.HandlerFunc(s.serveREST)).ServeHTTP(seen, r)
	case path == "/api/graphql" || path == "/graphql":
		s.serveGraphQL(seen, r)
	case isReserved(first):
		s.serveREST(seen, r)
	case isGit(path):
		s.serveGit(seen, r)
	default:
		s.servePage(seen, r)
	}
}

func isReserved(owner string) bool {
	for _, name := range reserved {
		if strings.EqualFold(owner, name) {
			return true
		}
	}
	return false
}

// statusWriter remembers the status for the log.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = cmp.Or(w.status, status)
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(b []byte) (int, error) {
	w.status = cmp.Or(w.status, http.StatusOK)
	return w.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// buffer is an answer that has not been sent.
type buffer struct {
	status int
	header http.Header
	body   []byte
}

func newBuffer() *buffer { return &buffer{header: http.Header{}} }

func (b *buffer) Header() http.Header    { return b.header }
func (b *buffer) WriteHeader(status int) { b.status = cmp.Or(b.status, status) }

func (b *buffer) Write(p []byte) (int, error) {
	b.status = cmp.Or(b.status, http.StatusOK)
	b.body = append(b.body, p...)
	return len(p), nil
}

// send sends the answer; half of it, then the connection is cut.
func (b *buffer) send(w http.ResponseWriter, half bool) {
	for k, v := range b.header {
		w.Header()[k] = v
	}
	w.Header().Set("Content-Length", fmt.Sprint(len(b.body)))
	w.WriteHeader(cmp.Or(b.status, http.StatusOK))
	if !half {
		_, _ = w.Write(b.body)
		return
	}
	_, _ = w.Write(b.body[:len(b.body)/2])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// faulty carries a request out, or lets it fail as a fault says.
func (s *skin) faulty(w http.ResponseWriter, r *http.Request, q Request, serve func(http.ResponseWriter)) {
	fault := s.forge.fault(q)
	if fault == nil {
		serve(w)
		return
	}
	if fault.Latency > 0 {
		timer := time.NewTimer(fault.Latency)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
			return
		}
	}
	refusal := fault.refusal(s.forge.now())
	if fault.Half || fault.Done {
		b := newBuffer()
		serve(b)
		if refusal == nil && !fault.Reset {
			b.send(w, fault.Half)
			return
		}
	}
	switch {
	case fault.Reset:
		panic(http.ErrAbortHandler)
	case refusal != nil:
		if fault.RetryAfter > 0 && refusal.limit == "" {
			w.Header().Set("Retry-After", fmt.Sprint(int(fault.RetryAfter.Seconds())))
		}
		s.refuse(w, refusal, s.forge.rate(q.Login, resourceOf(q.Kind)))
	default:
		serve(w)
	}
}

func resourceOf(kind string) string {
	if kind == "graphql" {
		return kind
	}
	return "core"
}

// identify finds who asks; nobody for a request without credentials.
func (s *skin) identify(r *http.Request) (*user, error) {
	header := r.Header.Get("Authorization")
	if header == "" {
		return nobody, nil
	}
	if appPath.MatchString(r.URL.Path) {
		a, err := s.forge.appOf(r)
		if err != nil {
			return nil, err
		}
		return a.self, nil
	}
	scheme, value, _ := strings.Cut(header, " ")
	token := strings.TrimSpace(value)
	if strings.EqualFold(scheme, "basic") {
		raw, err := base64.StdEncoding.DecodeString(token)
		name, secret, _ := strings.Cut(string(raw), ":")
		if token = secret; err == nil && secret == "" {
			token = name
		}
	}
	if u := s.forge.byToken(token); u != nil {
		return u, nil
	}
	return nil, &Refusal{Status: 401, Message: "Bad credentials"}
}

// repoIn is the repo that an API path names.
func repoIn(path string) fleet.RepoName {
	parts := strings.SplitN(strings.TrimPrefix(path, "/"), "/", 4)
	if len(parts) < 3 || parts[0] != "repos" {
		return ""
	}
	return fleet.RepoName(parts[1] + "/" + parts[2])
}

func baseOf(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}
