package sandbox

import (
	"bytes"
	"embed"
	"html/template"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge/sandbox/markdown"
)

//go:embed pages
var pageFiles embed.FS

// pageUser is whom forms act as.
const pageUser = "you"

// pages are what a person sees of the forge.
type pages struct {
	forge     *Forge
	templates *template.Template
}

func newPages(f *Forge) http.Handler {
	p := &pages{forge: f}
	p.templates = template.Must(template.New("").Funcs(template.FuncMap{
		"markdown": markdown.HTML,
		"ago":      p.ago,
		"mark":     mark,
	}).ParseFS(pageFiles, "pages/*.html"))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /style.css", p.style)
	for pattern, show := range map[string]view{
		"GET /{$}":            p.index,
		"GET /{owner}":        p.index,
		"GET /{owner}/{repo}": p.repo,
		"GET /{owner}/{repo}/blob/{rev}/{path...}": p.file,
		"GET /{owner}/{repo}/commit/{sha}":         p.commit,
		"GET /{owner}/{repo}/edit/{path...}":       p.editor,
		"GET /{owner}/{repo}/pull/{number}":        p.pull,
		"GET /{owner}/{repo}/issues/{number}":      p.issue,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { p.show(w, r, show) })
	}
	mux.HandleFunc("POST /{owner}/{repo}/edit/{path...}", p.save)
	mux.HandleFunc("POST /{owner}/{repo}/pull/{number}/{act}", p.act)
	mux.HandleFunc("POST /{owner}/{repo}/issues/{number}/close", p.closeIssue)
	return guard(f, http.NewCrossOriginProtection().Handler(mux))
}

// guard keeps scripts, frames and foreign hosts away: a page of somebody
// else's that was made to resolve to this server can't post forms to it.
func guard(f *Forge, next http.Handler) http.Handler {
	own := ""
	if u, err := url.Parse(f.baseURL); err == nil {
		own = u.Hostname()
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = strings.Trim(r.Host, "[]")
		}
		if r.Method == http.MethodPost && host != own && host != "localhost" && net.ParseIP(host) == nil {
			http.Error(w, "The sandbox is not served as "+host, http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *skin) servePage(w http.ResponseWriter, r *http.Request) {
	q := Request{Kind: "page", Route: r.Method, Write: r.Method == http.MethodPost, Login: pageUser}
	s.faulty(w, r, q, func(w http.ResponseWriter) { s.pages.ServeHTTP(w, r) })
}

// view gives a template's name and its data.
type view func(r *http.Request) (name string, data any, err error)

func (p *pages) show(w http.ResponseWriter, r *http.Request, v view) {
	name, data, err := v(r)
	if err != nil {
		p.fail(w, err)
		return
	}
	p.render(w, http.StatusOK, name, data)
}

func (p *pages) render(w http.ResponseWriter, status int, name string, data any) {
	var b bytes.Buffer
	if err := p.templates.ExecuteTemplate(&b, name, data); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}

func (p *pages) fail(w http.ResponseWriter, err error) {
	r := refusalOf(err)
	p.render(w, r.Status, "error.html", obj{"Title": http.StatusText(r.Status), "Message": r.Error()})
}

func (p *pages) style(w http.ResponseWriter, r *http.Request) {
	http.ServeFileFS(w, r, pageFiles, "pages/style.css")
}

// ago is a moment as people say it.
func (p *pages) ago(t time.Time) string {
	switch d := p.forge.now().Sub(t); {
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return plural(int(d.Minutes()), "minute") + " ago"
	case d < 48*time.Hour:
		return plural(int(d.Hours()), "hour") + " ago"
	}
	return t.Format("2 Jan 2006")
}

// mark is the class of a line of a difference.
func mark(first string) string {
	switch first {
	case "+":
		return "add"
	case "-":
		return "del"
	}
	return "same"
}

func repoOf(r *http.Request) fleet.RepoName {
	return fleet.RepoName(r.PathValue("owner") + "/" + r.PathValue("repo"))
}
