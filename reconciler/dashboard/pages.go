package dashboard

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/report"
	"github.com/portreeve/portreeve/reconciler/rollout"
	"github.com/portreeve/portreeve/reconciler/store"
)

//go:embed pages.html
var pagesText string

var pages = template.Must(template.New("pages").Funcs(template.FuncMap{
	"targetURL":      targetURL,
	"laneURL":        laneURL,
	"declarationURL": declarationURL,
	"web":            web,
	"stateClass":     stateClass,
	"short":          func(r fleet.Revision) string { return r.Short() },
	"utc":            func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") },
	"iso":            func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"first":          first[store.Done],
	"moment":         rollout.Moment,
}).Parse(pagesText))

// page is what a template is given.
type page struct {
	Title    string
	Version  string
	Now      time.Time
	Progress string
	Since    string
	Refresh  bool
	Toggle   string // the URL of this page with Refresh the other way

	Pass   *store.Pass // nil before the first
	Found  *store.Pass // nil while none has a plan
	Age    string
	Took   time.Duration
	Counts []count
	ToDo   []count
	Left   string // what the forge's limits leave
	Queue  string // what waits for limits, and how long
	Teams  []string

	Filter   filter
	States   []rollout.State
	Rows     []*rollout.Outcome
	From, To int // of Total, counted from 1
	Total    int
	Previous string // URL, empty if there is none
	Next     string

	Problems     []fleet.Problem
	MoreProblems int
	Stale        []fleet.Stale
	MoreStale    int

	// Of a page about one target or declaration.
	Name        string
	Declaration fleet.ID
}

type count struct {
	Name string
	N    int
	URL  string
}

// filter is what the query asks for. Team and State must be equal; of the
// others a part is enough.
type filter struct {
	Team, State, Declaration, Target string
	Page                             int
	Refresh                          bool
}

func readFilter(r *http.Request) filter {
	q := r.URL.Query()
	f := filter{
		Team: q.Get("team"), State: q.Get("state"),
		Declaration: q.Get("declaration"), Target: q.Get("target"),
		Refresh: q.Get("refresh") == "1",
	}
	f.Page, _ = strconv.Atoi(q.Get("page"))
	f.Page = min(max(f.Page, 1), 1_000_000)
	return f
}

// Any says whether the filter leaves something out.
func (f filter) Any() bool { return f.Team+f.State+f.Declaration+f.Target != "" }

func (f filter) matches(o *rollout.Outcome) bool {
	return (f.State == "" || f.State == string(o.State)) &&
		(f.Team == "" || f.Team == string(o.Decides)) &&
		(f.Target == "" || strings.Contains(o.Target.String(), f.Target) || strings.Contains(string(o.Lane), f.Target)) &&
		(f.Declaration == "" || strings.Contains(o.Declaration.String(), f.Declaration))
}

func (f filter) url(path string) string {
	q := url.Values{}
	for key, value := range map[string]string{
		"team": f.Team, "state": f.State, "declaration": f.Declaration, "target": f.Target,
	} {
		if value != "" {
			q.Set(key, value)
		}
	}
	if f.Page > 1 {
		q.Set("page", strconv.Itoa(f.Page))
	}
	if f.Refresh {
		q.Set("refresh", "1")
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// newPage fills in what all pages show. path is the page's own.
func (s *Server) newPage(v *view, title, path string, f filter) *page {
	p := &page{
		Title: title, Version: s.Version, Now: s.Now(), Filter: f, States: rollout.States,
		Refresh: f.Refresh,
	}
	other := f
	other.Refresh = !f.Refresh
	p.Toggle = other.url(path)
	if now := s.progress.Load(); now.text != "" {
		p.Progress, p.Since = now.text, ago(s.Now().Sub(now.since))
	}
	if v == nil {
		return p
	}
	p.Pass, p.Found, p.Teams = v.pass, v.found, v.teams[:min(len(v.teams), 200)]
	p.Age = ago(s.Now().Sub(v.pass.Finished))
	p.Took = v.pass.Finished.Sub(v.pass.Started).Round(time.Millisecond)
	return p
}

// list puts one page of the outcomes that match into p.
func (p *page) list(all []*rollout.Outcome, path string) {
	f := p.Filter
	skip := (f.Page - 1) * pageRows
	for _, o := range all {
		if !f.matches(o) {
			continue
		}
		if p.Total >= skip && len(p.Rows) < pageRows {
			p.Rows = append(p.Rows, o)
		}
		p.Total++
	}
	p.From, p.To = skip+1, skip+len(p.Rows)
	if f.Page > 1 {
		f.Page = min(p.Filter.Page-1, max(1, (p.Total+pageRows-1)/pageRows))
		p.Previous = f.url(path)
	}
	if p.Total > skip+pageRows {
		f.Page = p.Filter.Page + 1
		p.Next = f.url(path)
	}
}

func (p *page) problems(all []fleet.Problem) {
	p.Problems = all[:min(len(all), listRows)]
	p.MoreProblems = len(all) - len(p.Problems)
}

// stale shows what is invalid in the config repo: of the declaration, or all
// if it is empty.
func (p *page) stale(v *view, declaration fleet.ID) {
	all := v.plan().Stale
	if declaration != (fleet.ID{}) {
		all = slices.DeleteFunc(slices.Clone(all), func(s fleet.Stale) bool {
			return fleet.ID{Kind: s.Kind, Name: s.Name} != declaration
		})
	}
	p.Stale = all[:min(len(all), listRows)]
	p.MoreStale = len(all) - len(p.Stale)
}

func (p *page) counts(states map[rollout.State]int, path string) {
	for _, s := range rollout.States {
		if states[s] > 0 {
			f := filter{State: string(s), Team: p.Filter.Team, Refresh: p.Filter.Refresh}
			p.Counts = append(p.Counts, count{string(s), states[s], f.url(path)})
		}
	}
}

func (s *Server) overview(w http.ResponseWriter, r *http.Request) {
	v, f := s.seen.Load(), readFilter(r)
	p := s.newPage(v, "Fleet", "/", f)
	if v != nil {
		p.list(v.outcomes, "/")
		p.problems(v.problems(""))
		p.stale(v, fleet.ID{})
		states := v.states
		if f.Team != "" {
			states = map[rollout.State]int{}
			for _, o := range v.outcomes {
				if string(o.Decides) == f.Team {
					states[o.State]++
				}
			}
		}
		p.counts(states, "/")
		p.ToDo = toDo(v)
		now := v.plan().Observed
		p.Left, p.Queue = report.Left(now, v.plan().Budget.Allowance), report.Queue(now, turns(v.outcomes))
	}
	s.render(w, "overview", http.StatusOK, p)
}

// turns are those of the outcomes that wait for a limit.
func turns(outcomes []*rollout.Outcome) (all []*rollout.Turn) {
	for _, o := range outcomes {
		if o.Turn != nil {
			all = append(all, o.Turn)
		}
	}
	return all
}

// toDo counts the steps that the plan leaves, by action.
func toDo(v *view) (counts []count) {
	for i := range v.plan().Steps {
		action := string(v.plan().Steps[i].Action)
		at := slices.IndexFunc(counts, func(c count) bool { return c.Name == action })
		if at < 0 {
			at, counts = len(counts), append(counts, count{Name: action})
		}
		counts[at].N++
	}
	return counts
}

// target tells what portreeve why tells.
func (s *Server) target(w http.ResponseWriter, r *http.Request) {
	v, name := s.seen.Load(), r.PathValue("name")
	p := s.newPage(v, name, targetPath(name), filter{Refresh: r.URL.Query().Get("refresh") == "1", Page: 1})
	p.Name = name
	code := http.StatusOK
	if v != nil {
		p.Rows = v.targets[name]
		if len(p.Rows) == 0 {
			code = http.StatusNotFound
		}
		p.Rows = p.Rows[:min(len(p.Rows), 10*pageRows)]
		p.Total = len(v.targets[name])
	}
	s.render(w, "target", code, p)
}

func (s *Server) declaration(w http.ResponseWriter, r *http.Request) {
	v, id := s.seen.Load(), fleet.ID{Kind: r.PathValue("kind"), Name: r.PathValue("name")}
	f := readFilter(r)
	f.Declaration = ""
	path := declarationURL(id)
	p := s.newPage(v, id.String(), path, f)
	p.Declaration, p.Name = id, id.String()
	code := http.StatusOK
	if v != nil {
		all := v.declarations[id]
		p.list(all, path)
		p.problems(v.problems(id.String()))
		p.stale(v, id)
		states := map[rollout.State]int{}
		for _, o := range all {
			states[o.State]++
		}
		p.Queue = report.Queue(v.plan().Observed, turns(all))
		p.counts(states, path)
		if len(all) == 0 && len(p.Problems) == 0 {
			code = http.StatusNotFound
		}
	}
	s.render(w, "declaration", code, p)
}

func (s *Server) render(w http.ResponseWriter, name string, code int, p *page) {
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, name, p); err != nil {
		http.Error(w, "the page can't be shown: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(code)
	w.Write(b.Bytes())
}

func targetURL(t fleet.Target) string { return targetPath(t.String()) }

func laneURL(lane fleet.Lane) string { return targetPath(string(lane)) }

func targetPath(name string) string {
	parts := strings.Split(name, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return "/target/" + strings.Join(parts, "/")
}

func declarationURL(id fleet.ID) string {
	return "/declaration/" + url.PathEscape(id.Kind) + "/" + url.PathEscape(id.Name)
}

// web is a URL that leads to the web, or nothing.
func web(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return ""
	}
	return u.String()
}

// stateClass is a CSS class; a state comes from data.
func stateClass(s rollout.State) string {
	if rank(s) < 0 {
		return "state"
	}
	return "state " + string(s)
}

func first[T any](all []T) []T { return all[:min(len(all), listRows)] }

// ago says how long something has been, roughly.
func ago(d time.Duration) string {
	switch d = max(0, d); {
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}
