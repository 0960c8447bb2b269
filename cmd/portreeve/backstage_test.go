package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
	"go.yaml.in/yaml/v4"
)

// backstage plays Backstage's catalog: the entities of a file in pages of two.
type backstage struct {
	mu       sync.Mutex
	entities []map[string]any
	trouble  string
	forge    func() string
	held     chan struct{} // closed at the script's end
}

// ServeHTTP answers by-query to who has the token.
func (b *backstage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.trouble == "down":
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case b.trouble == "slow":
		b.mu.Unlock()
		select {
		case <-b.held:
		case <-r.Context().Done():
		}
		b.mu.Lock()
		return
	case b.trouble == "garbage":
		_, _ = io.WriteString(w, "<html>maintenance</html>")
		return
	case r.URL.Path != "/api/catalog/entities/by-query":
		w.WriteHeader(http.StatusNotFound)
		return
	case r.Header.Get("Authorization") != "Bearer token-of-backstage":
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	start := 0
	if cursor := r.URL.Query().Get("cursor"); cursor != "" {
		start = len(cursor)
	}
	total := len(b.entities)
	end := min(total, start+2)
	page := map[string]any{}
	if end < total {
		page["nextCursor"] = strings.Repeat("x", end)
	}
	if b.trouble == "lying" {
		total += 3
	}
	text, _ := json.Marshal(map[string]any{
		"items": slices.Concat(b.entities[start:end], []map[string]any{}), "totalItems": total, "pageInfo": page,
	})
	_, _ = w.Write(bytes.ReplaceAll(text, []byte("FORGE"), []byte(b.forge())))
}

// cmdBackstage sets what Backstage answers: "backstage FILE", entities in
// YAML in which FORGE is the forge's URL, or a trouble: down, slow, garbage, lying, empty.
func cmdBackstage(ts *testscript.TestScript, _ bool, args []string) {
	w := townOf(ts)
	if w.backstage == nil {
		w.backstage = &backstage{held: make(chan struct{}), forge: func() string { return ts.Getenv("FORGE") }}
		server := httptest.NewServer(w.backstage)
		ts.Defer(func() { close(w.backstage.held); server.Close() })
		ts.Setenv("BACKSTAGE", server.URL)
		ts.Setenv(backstageTokenEnv, "token-of-backstage")
		settings := strings.ReplaceAll(ts.ReadFile("config/fleet.cue"), "BACKSTAGE", server.URL)
		ts.Check(os.WriteFile(ts.MkAbs("config/fleet.cue"), []byte(settings), 0o644))
	}
	b := w.backstage
	b.mu.Lock()
	defer b.mu.Unlock()
	b.trouble = ""
	switch args[0] {
	case "down", "slow", "garbage", "lying":
		b.trouble = args[0]
		return
	}
	b.entities = nil
	if args[0] == "empty" {
		return
	}
	documents := yaml.NewDecoder(bytes.NewReader([]byte(ts.ReadFile(args[0]))))
	for {
		var e map[string]any
		err := documents.Decode(&e)
		if errors.Is(err, io.EOF) {
			return
		}
		ts.Check(err)
		b.entities = append(b.entities, e)
	}
}
