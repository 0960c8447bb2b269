package sandbox

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// A repo that was renamed or transferred is still found under its names of
// before, until another repo takes one: they stay keys of Forge.repos.

// Rename gives a repo another name, or another owner too.
func (p *Person) Rename(name, to fleet.RepoName) error {
	if !nameForm.MatchString(string(to)) {
		return invalid("Repository", "name", "invalid", fmt.Sprintf("%q can't be a repo's name", to))
	}
	return p.settings(name, "renamed", func(r *repo) {
		p.forge.mu.Lock()
		defer p.forge.mu.Unlock()
		r.name = to
		p.forge.repos[key(to)] = r
	})
}

// taken says whether a name is a repo's own. It needs f.mu.
func (f *Forge) taken(name fleet.RepoName) bool {
	r := f.repos[key(name)]
	return r != nil && key(r.name) == key(name)
}

// strike removes a repo's names, those of before too. It needs f.mu.
func (f *Forge) strike(r *repo) {
	maps.DeleteFunc(f.repos, func(_ fleet.RepoName, other *repo) bool { return other == r })
	delete(f.byID, r.nodeID())
}

// moved is the repo that a name led to before; nil for a repo's own name.
func (f *Forge) moved(name fleet.RepoName) *repo {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r := f.repos[key(name)]; r != nil && key(r.name) != key(name) {
		return r
	}
	return nil
}

// named are the repos that names lead to, each with those that are not its own.
func (f *Forge) named(names []fleet.RepoName) map[*repo][]fleet.RepoName {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := map[*repo][]fleet.RepoName{}
	for _, name := range names {
		r := f.repos[key(name)]
		if r == nil {
			continue
		}
		formerly := out[r]
		if key(name) != key(r.name) && !slices.Contains(formerly, name) {
			formerly = append(formerly, name)
		}
		out[r] = formerly
	}
	return out
}

var idPath = regexp.MustCompile(`^/repositories/(\d+)(/.*)?$`)

// byID leads from a path that names a repo by its number, as redirects do, to
// the path with its name.
func (s *skin) byID(r *http.Request) *http.Request {
	parts := idPath.FindStringSubmatch(r.URL.Path)
	if parts == nil {
		return r
	}
	s.forge.mu.Lock()
	defer s.forge.mu.Unlock()
	repo := s.forge.byID["R_"+parts[1]]
	if repo == nil {
		return r
	}
	out := r.Clone(r.Context())
	out.URL.Path, out.URL.RawPath = "/repos/"+string(repo.name)+parts[2], ""
	return out
}

// redirectREST answers a request for a renamed repo: reads by 301, writes,
// which must stay writes, by 307.
func (s *skin) redirectREST(w http.ResponseWriter, r *http.Request) bool {
	name := repoIn(r.URL.Path)
	if name == "" {
		return false
	}
	to := s.forge.moved(name)
	if to == nil {
		return false
	}
	status := http.StatusTemporaryRedirect
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		status = http.StatusMovedPermanently
	}
	rest := strings.TrimPrefix(r.URL.EscapedPath(), "/repos/"+string(name))
	where := baseOf(r) + "/api/v3/repositories/" + strconv.FormatInt(to.id, 10) + rest
	if r.URL.RawQuery != "" {
		where += "?" + r.URL.RawQuery
	}
	w.Header().Set("Location", where)
	text, _ := encode(obj{"message": "Moved Permanently", "url": where, "documentation_url": docs})
	writeJSON(w, status, text)
	return true
}

// redirectGit answers Git's first request for a renamed repo.
func (s *skin) redirectGit(w http.ResponseWriter, r *http.Request, name fleet.RepoName, action string) bool {
	to := s.forge.moved(name)
	if to == nil {
		return false
	}
	where := baseOf(r) + "/" + string(to.name) + ".git/" + action
	if r.URL.RawQuery != "" {
		where += "?" + r.URL.RawQuery
	}
	http.Redirect(w, r, where, http.StatusMovedPermanently)
	return true
}
