package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// promHost is a Prometheus that runs by the files of a folder, as far as the
// daemon asks it anything.
type promHost struct {
	mu    sync.Mutex
	dir   string
	runs  string
	limit float64
	state string
}

// cmdPrometheus starts one, whose URL is put where config/fleet.cue says
// PROMETHEUS; or has it be down, up, or restarted.
func cmdPrometheus(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: prometheus DIR|down|up|restart")
	}
	w := townOf(ts)
	switch args[0] {
	case "down", "up", "restart":
		w.prometheus.mu.Lock()
		defer w.prometheus.mu.Unlock()
		w.prometheus.state = args[0]
		if args[0] == "restart" {
			environment, err := os.ReadFile(w.prometheus.dir + "/prometheus.env")
			ts.Check(err)
			mebibytes := 0.0
			_, after, _ := strings.Cut(string(environment), "GOMEMLIMIT=")
			_, err = fmt.Sscanf(after, "%fMiB", &mebibytes)
			ts.Check(err)
			w.prometheus.limit = mebibytes * (1 << 20)
		}
		return
	}
	p := &promHost{dir: ts.MkAbs(args[0])}
	ts.Check(p.load())
	server := httptest.NewServer(p)
	ts.Defer(server.Close)
	w.prometheus = p
	config := ts.MkAbs("config/fleet.cue")
	for _, name := range []string{config, ts.MkAbs("merge.cue"), ts.MkAbs("bad.cue"), ts.MkAbs("gone.cue")} {
		if text, err := os.ReadFile(name); err == nil {
			ts.Check(os.WriteFile(name, []byte(strings.ReplaceAll(string(text), "PROMETHEUS", server.URL)), 0o644))
		}
	}
}

func (p *promHost) load() error {
	text, err := os.ReadFile(p.dir + "/prometheus.yml")
	if err == nil && strings.Contains(string(text), "max_shards: 13") {
		return fmt.Errorf("couldn't load configuration: `max_shards: 13` is unlucky")
	}
	p.runs = string(text)
	return err
}

func (p *promHost) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	data := map[string]any{}
	switch r.Method + " " + r.URL.Path {
	case "POST /-/reload":
		if p.state == "down" {
			http.Error(w, "down", http.StatusBadGateway)
		} else if err := p.load(); err != nil {
			http.Error(w, "failed to reload config: "+err.Error(), http.StatusInternalServerError)
		}
		return
	case "GET /api/v1/status/config":
		data["yaml"] = p.runs
	case "GET /api/v1/status/runtimeinfo":
		data["GOGC"], data["GOMEMLIMIT"] = "75", p.limit
	case "GET /api/v1/status/buildinfo":
		data["version"] = "3.5.0"
	case "POST /api/v1/query": // no queue lags
		data["resultType"], data["result"] = "vector", []any{}
	case "GET /api/v1/status/flags":
	default:
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"status": "success", "data": data})
}
