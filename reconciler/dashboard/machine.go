package dashboard

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/portreeve/portreeve/reconciler/catalog"
)

//go:embed style.css
var styleSheet []byte

func (s *Server) style(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "max-age=3600")
	http.ServeContent(w, r, "style.css", time.Time{}, bytes.NewReader(styleSheet))
}

// status gives the last pass as JSON, with an ETag.
func (s *Server) status(w http.ResponseWriter, r *http.Request) {
	v := s.seen.Load()
	w.Header().Set("Content-Type", "application/json")
	if v == nil {
		w.Header().Set("Retry-After", "5")
		w.WriteHeader(http.StatusServiceUnavailable)
		io.WriteString(w, `{"error":"no pass has ended yet"}`+"\n")
		return
	}
	body, etag := v.status()
	w.Header().Set("ETag", etag)
	http.ServeContent(w, r, "status.json", time.Time{}, bytes.NewReader(body))
}

// entities gives who owns what as entities for a Backstage's catalog, in the
// namespace that the query names, with an ETag. Before a config has been read
// there is no answer: an empty one would be taken for the truth.
func (s *Server) entities(w http.ResponseWriter, r *http.Request) {
	namespace := cmp.Or(r.URL.Query().Get("namespace"), catalog.DefaultNamespace)
	if err := catalog.CheckNamespace(namespace); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	v := s.seen.Load()
	if v == nil || v.owners == nil {
		w.Header().Set("Retry-After", "5")
		http.Error(w, "the config repo has not been read yet", http.StatusServiceUnavailable)
		return
	}
	text := catalog.Entities(v.owners.config, v.owners.listings, namespace)
	w.Header().Set("Content-Type", "application/yaml")
	w.Header().Set("ETag", fmt.Sprintf("%q", fmt.Sprintf("%x", sha256.Sum256(text))[:24]))
	http.ServeContent(w, r, "catalog-info.yaml", time.Time{}, bytes.NewReader(text))
}

// Now is what the daemon is doing, or waiting for; empty is nothing.
type Now struct {
	Doing string    `json:"doing"`
	Since time.Time `json:"since"`
}

// now gives Now as JSON.
func (s *Server) now(w http.ResponseWriter, _ *http.Request) {
	p := s.progress.Load()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(Now{p.text, p.since}) // who asked is gone
}

// healthz says whether the process is alive: restart it if not.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	silent := s.Now().Sub(time.Unix(0, s.tick.Load()))
	if silent > s.Alive {
		http.Error(w, fmt.Sprintf("the loop has been silent for %s", silent.Round(time.Second)), http.StatusServiceUnavailable)
		return
	}
	io.WriteString(w, "ok\n")
}

// readyz says whether there is something to see.
func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	v := s.seen.Load()
	switch {
	case v == nil:
		http.Error(w, "no pass has ended yet", http.StatusServiceUnavailable)
	case v.found == nil:
		http.Error(w, "the config repo has not been read yet", http.StatusServiceUnavailable)
	default:
		io.WriteString(w, "ok\n")
	}
}
