package dashboard

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/rollout"
	"github.com/portreeve/portreeve/reconciler/store"
)

// Ownership is who owns what by what is declared: the answers that were asked
// for, or all lines.
type Ownership struct {
	// Revision is what is declared, Committed when that was, and Seen when the
	// config repo was last looked at; Trouble says why that failed.
	Revision  fleet.Revision `json:"revision"`
	Committed time.Time      `json:"committed,omitzero"`
	Seen      time.Time      `json:"seen,omitzero"`
	Trouble   string         `json:"trouble,omitempty"`
	Answers   []Owner        `json:"answers,omitempty"`
	Lines     []kind.Line    `json:"lines,omitempty"`
	// Unknown says what could not be known and may make the answer another.
	Unknown []string `json:"unknown,omitempty"`
}

// Owner is an answer, and whether the repo's own files say the same.
type Owner struct {
	kind.Answer
	State  rollout.State `json:"state,omitempty"`
	Reason string        `json:"reason,omitempty"`
}

// owners is what is known of who owns what. It never changes.
type owners struct {
	config   *fleet.Config
	seen     time.Time
	trouble  string
	listings []fleet.Repo
	byName   map[string]fleet.Repo // in lower case, by former names too
}

// newOwners goes on with what was known before where a pass could not find out.
func newOwners(p *store.Pass, before *view) *owners {
	o := &owners{config: p.Config, seen: p.Started, trouble: p.Err, listings: p.Listings}
	if before != nil && before.owners != nil {
		if o.config == nil {
			o.config, o.seen = before.owners.config, before.owners.seen
		}
		if o.listings == nil {
			o.listings = before.owners.listings
		}
	}
	if o.config == nil {
		return nil
	}
	o.byName = make(map[string]fleet.Repo, len(o.listings))
	renamed := map[fleet.RepoName]fleet.RepoName{}
	for _, r := range o.listings {
		o.byName[strings.ToLower(string(r.Name))] = r
		for _, former := range r.Formerly {
			renamed[former] = r.Name
		}
	}
	for former, now := range renamed {
		if key := strings.ToLower(string(former)); o.byName[key].Name == "" {
			o.byName[key] = o.byName[strings.ToLower(string(now))]
		}
	}
	if len(renamed) > 0 {
		o.config = kind.Follow(o.config, renamed)
	}
	o.config = kind.Lend(o.config, p.Started, nil)
	return o
}

// Bounds of a question.
const (
	mostAsked = 200
	mostPath  = 4096 // bytes
)

// ParseAsked reads "owner/name:path"; the path may be empty, and may end with a
// slash, for a folder.
func ParseAsked(text string) (repo fleet.RepoName, p fleet.Path, ok bool) {
	name, rest, found := strings.Cut(text, ":")
	r := fleet.RepoName(name)
	if !found || len(text) > mostPath || r.Owner() == "" || r.Short() == "" || strings.Contains(r.Short(), "/") {
		return "", "", false
	}
	clean := strings.TrimPrefix(path.Clean("/"+rest), "/")
	if clean != "" && strings.HasSuffix(rest, "/") {
		clean += "/"
	}
	return r, fleet.Path(clean), true
}

// owner gives an Ownership: of each path=owner/name:path, or with all=true of
// everything.
func (s *Server) owner(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	refuse := func(status int, reason string) {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": reason}) // who asked is gone
	}
	v := s.seen.Load()
	asked := r.URL.Query()["path"]
	all := r.URL.Query().Get("all") == "true"
	switch {
	case v == nil || v.owners == nil:
		w.Header().Set("Retry-After", "5")
		refuse(http.StatusServiceUnavailable, "the config repo has not been read yet")
		return
	case len(asked) == 0 && !all:
		refuse(http.StatusBadRequest, "ask with ?path=owner/name:path, several times if need be, or with ?all=true")
		return
	case len(asked) > mostAsked:
		refuse(http.StatusBadRequest, "too many paths at once")
		return
	}
	o := v.owners
	var err error
	told := Ownership{Revision: o.config.Revision, Committed: o.config.Time, Seen: o.seen, Trouble: o.trouble}
	if o.listings == nil {
		told.Unknown = append(told.Unknown, "what the forge lists: topics, by which a default may choose, and renames")
	}
	if all {
		told.Lines = s.Kinds.Everything(o.config, o.listings)
	}
	told.Answers, err = Ask(s.Kinds, o.config, asked, o.repo)
	if err != nil {
		refuse(http.StatusBadRequest, err.Error())
		return
	}
	for i := range told.Answers {
		v.compare(&told.Answers[i])
	}
	body, err := json.Marshal(told)
	if err != nil {
		refuse(http.StatusInternalServerError, "the answer can't be written")
		return
	}
	_, _ = io.WriteString(w, string(body)+"\n")
}

// Ask answers for each of "owner/name:path". find gives what is listed of a repo.
// It fails for what ParseAsked can't read.
func Ask(kinds kind.Set, config *fleet.Config, asked []string, find func(fleet.RepoName) fleet.Repo) ([]Owner, error) {
	answers := make([]Owner, len(asked))
	places := map[fleet.RepoName][]int{}
	paths := map[fleet.RepoName][]fleet.Path{}
	for i, text := range asked {
		name, p, ok := ParseAsked(text)
		if !ok {
			return nil, errors.New("a path is of the form owner/name:path")
		}
		places[name], paths[name] = append(places[name], i), append(paths[name], p)
	}
	for name := range places {
		for n, a := range kinds.Whose(config, find(name), paths[name]...) {
			answers[places[name][n]].Answer = a
		}
	}
	return answers, nil
}

// repo is what is listed by a name, now or formerly; else the name alone.
func (o *owners) repo(name fleet.RepoName) fleet.Repo {
	if r, ok := o.byName[strings.ToLower(string(name))]; ok {
		return r
	}
	return fleet.Repo{Name: name}
}

// compare says how far the repo's own files are.
func (v *view) compare(a *Owner) {
	owning := kind.Owning(v.owners.config, v.owners.repo(a.Repo))
	if owning == nil {
		return
	}
	for _, o := range v.targets[string(a.Repo)] {
		if o.Declaration == owning.ID {
			a.State, a.Reason = o.State, o.Reason
		}
	}
}
