// Package dashboard shows the result of the last pass: pages for people, JSON
// and metrics for machines. It reads what has been published and writes
// nothing, neither to a disk nor to a forge; the most that a request can bring
// about is an earlier pass. It knows nobody: who may see it is up to the
// network in front of it.
package dashboard

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/store"
)

// Options are what a Server is made of. All may be left out.
type Options struct {
	Now     func() time.Time // time.Now
	Version string
	Kinds   kind.Set // say who owns what
	// Wake asks for a pass soon; it must return at once. POST /webhook calls
	// it, at most once a second.
	Wake func()
	// Look asks to look at the config repo now, also during a pass; it must
	// return at once. POST /webhook calls it for a push to ConfigRepo. May be
	// nil.
	Look       func()
	ConfigRepo fleet.RepoName // empty where the forge does not have it
	// WebhookSecret is what the forge signs its webhooks with. Without it, or
	// without Wake, there is no /webhook: where nobody can prove who they
	// are, anybody could keep the daemon busy.
	WebhookSecret string
	// Alive is how long the loop may be silent, without a pass, a Progress or
	// a Tick, before /healthz says that it hangs; 15 minutes if zero.
	Alive time.Duration
}

// Server is an http.Handler. Its methods may be called at the same time.
type Server struct {
	Options
	mux     *http.ServeMux
	metrics *metrics
	busy    chan struct{} // a place for each request that is being answered

	seen     atomic.Pointer[view]     // nil before the first pass
	progress atomic.Pointer[progress] // never nil
	tick     atomic.Int64             // Unix time in nanoseconds
	hooks    *receiver                // nil where none are taken

	publishing sync.Mutex
}

type progress struct {
	text  string
	since time.Time
}

// Bounds of the server.
const (
	atOnce   = 64 // requests
	pageRows = 100
	listRows = 50 // of a list beside the table
)

// New makes a Server to which nothing has been published yet.
func New(o Options) *Server {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Alive == 0 {
		o.Alive = 15 * time.Minute
	}
	s := &Server{Options: o, busy: make(chan struct{}, atOnce)}
	s.progress.Store(&progress{"starting", o.Now()})
	s.metrics = newMetrics(o.Version, o.Now, s.seen.Load)
	s.mux = http.NewServeMux()
	s.mux.HandleFunc("GET /{$}", s.overview)
	s.mux.HandleFunc("GET /target/{name...}", s.target)
	s.mux.HandleFunc("GET /declaration/{kind}/{name}", s.declaration)
	s.mux.HandleFunc("GET /status.json", s.status)
	s.mux.HandleFunc("GET /now.json", s.now)
	s.mux.HandleFunc("GET /api/owner", s.owner)
	s.mux.HandleFunc("GET /api/backstage/catalog-info.yaml", s.entities)
	s.mux.HandleFunc("GET /style.css", s.style)
	s.mux.HandleFunc("GET /healthz", s.healthz)
	s.mux.HandleFunc("GET /readyz", s.readyz)
	s.mux.Handle("GET /metrics", s.metrics.handler())
	if o.Wake != nil && o.WebhookSecret != "" {
		s.hooks = newReceiver(o)
		s.mux.HandleFunc("POST /webhook", s.webhook)
	}
	s.Tick()
	return s
}

// Publish shows a pass. The pass must not be changed any more. One whose Plan
// is nil, because the config repo could not be read, leaves the outcomes of
// the pass before in sight.
func (s *Server) Publish(p *store.Pass) {
	s.publishing.Lock()
	defer s.publishing.Unlock()
	s.seen.Store(newView(p, s.seen.Load()))
	s.metrics.count(p)
	s.Progress("")
}

// Progress says what is under way now, in a few words; empty is nothing.
func (s *Server) Progress(text string) {
	s.Tick()
	s.progress.Store(&progress{text, s.Now()})
}

// Tick says that the loop is alive.
func (s *Server) Tick() { s.tick.Store(s.Now().UnixNano()) }

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy",
		"default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-cache")
	if r.URL.Path == "/healthz" { // which must not wait for others
		s.mux.ServeHTTP(w, r)
		return
	}
	select {
	case s.busy <- struct{}{}:
		defer func() { <-s.busy }()
		s.mux.ServeHTTP(w, r)
	default:
		h.Set("Retry-After", "1")
		http.Error(w, "too many requests at once", http.StatusServiceUnavailable)
	}
}

// Serve answers requests on l until ctx is done; then those under way get a
// few seconds to end. It closes l.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	srv := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      2 * time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
	}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if srv.Shutdown(grace) != nil {
			srv.Close()
		}
	})
	err := srv.Serve(l)
	if stop() { // it ended by itself
		return err
	}
	<-stopped
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
