package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// gossip is a forge that repeats to everyone what it was told in confidence.
type gossip struct {
	forge http.Handler
	away  string // where its redirects lead

	mu    sync.Mutex
	mood  string
	said  int
	heard map[string]bool // all that it was told in confidence
}

// moods are the ways in which it fails, each for some passes.
var moods = []string{"well", "401", "403", "404", "422", "500", "page", "redirect", "redirect away", "errors", "git 401", "git 403", "git 500", "git redirect", "git redirect away", "git error", "well"}

func (g *gossip) set(mood string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.mood, g.said = mood, 0
}

// hear keeps the secrets of a request: a token that an App was given, or what
// it signed to be given one, is planted by nobody. It is called with mu held.
func (g *gossip) hear(r *http.Request) {
	if g.heard == nil {
		g.heard = map[string]bool{}
	}
	_, password, _ := r.BasicAuth()
	scheme, bearer, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "bearer") {
		bearer = ""
	}
	for _, secret := range []string{password, bearer} {
		if secret != "" {
			g.heard[secret] = true
		}
	}
}

func (g *gossip) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	g.hear(r)
	git := strings.Contains(r.URL.Path, ".git/")
	mood, onGit := strings.CutPrefix(g.mood, "git ")
	// The config repo is read, so that there is something to do.
	if g.mood == "well" || git != onGit || strings.Contains(r.URL.Path, "config.git") || mood != "401" && strings.Contains(r.URL.Path, "/orgs/") {
		g.mu.Unlock()
		g.forge.ServeHTTP(w, r)
		return
	}
	g.said++
	g.mu.Unlock()
	heard := r.Header.Get("Authorization")
	user, password, _ := r.BasicAuth()
	_, bearer, _ := strings.Cut(heard, " ")
	words := fmt.Sprintf("no: %s (%s:%s) (%s) %s", heard, user, password, bearer, url.QueryEscape(password+bearer))
	if git {
		w.Header().Set("Content-Type", "text/plain")
	} else {
		w.Header().Set("Content-Type", "application/json")
		words = fmt.Sprintf(`{"message":%q,"errors":[{"message":%q}]}`, words, words)
	}
	switch mood {
	case "401", "403", "404", "422", "500":
		status := map[string]int{"401": 401, "403": 403, "404": 404, "422": 422, "500": 500}[mood]
		w.Header().Set("WWW-Authenticate", "Basic realm="+heard)
		w.WriteHeader(status)
	case "page":
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusBadGateway)
	case "redirect":
		w.Header().Set("Location", "http://x:"+url.PathEscape(planted["query"])+"@"+r.Host+r.URL.Path+"?access_token="+planted["query"])
		w.WriteHeader(http.StatusFound)
	case "redirect away":
		w.Header().Set("Location", g.away+r.URL.Path+"?access_token="+planted["query"])
		w.WriteHeader(http.StatusTemporaryRedirect)
	case "error":
		w.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
		words = fmt.Sprintf("%04xERR %s", len(words)+8, words)
	}
	_, _ = io.WriteString(w, words)
}
