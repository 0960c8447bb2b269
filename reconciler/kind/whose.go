package kind

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Line says who owns some paths of a repo, or a namespace on a cluster, and
// where that is declared.
type Line struct {
	Repo fleet.RepoName `json:"repo,omitempty"`
	// Pattern is of the paths, in the syntax of CODEOWNERS; "*" for all.
	Pattern   string            `json:"pattern,omitempty"`
	Cluster   fleet.ClusterName `json:"cluster,omitempty"`
	Namespace string            `json:"namespace,omitempty"`
	// Owner and CoOwners are teams, and Handles how the forge calls them;
	// Unowned says that there are none on purpose.
	Owner    fleet.TeamName   `json:"owner,omitempty"`
	CoOwners []fleet.TeamName `json:"coOwners,omitempty"`
	Handles  []string         `json:"handles,omitempty"`
	Unowned  bool             `json:"unowned,omitempty"`
	// Lent are engineers who own them together with Owner for the time of a loan.
	Lent []LentTo `json:"lent,omitempty"`
	// Default says that it is so because no declaration names the repo.
	Default     bool     `json:"default,omitempty"`
	Declaration fleet.ID `json:"declaration"`
	// Pos is where the line is declared, at the revision that last changed its
	// declaration. Stale is set where that is invalid by now, and held.
	Pos      fleet.Pos      `json:"pos"`
	Revision fleet.Revision `json:"revision,omitempty"`
	Stale    *fleet.Stale   `json:"stale,omitempty"`
	// Matches reports whether a path is one of those.
	Matches func(fleet.Path) bool `json:"-"`
}

// LentTo is an engineer who is lent to one of a line's teams.
type LentTo struct {
	Engineer string         `json:"engineer"`
	Loan     fleet.ID       `json:"loan"`
	From     fleet.TeamName `json:"from"`
	Until    string         `json:"until"` // the last day, "2026-12-18"
}

// Answer is who owns a path.
type Answer struct {
	Repo fleet.RepoName `json:"repo"`
	Path fleet.Path     `json:"path"` // with a slash at its end: what lies in that folder
	// Line is what decides; nil if nothing does, and Why then says so.
	Line *Line  `json:"line"`
	Why  string `json:"why,omitempty"`
	// Contact and OnCall are the owner's.
	Contact string `json:"contact,omitempty"`
	OnCall  string `json:"onCall,omitempty"`
}

// Whose says who owns paths of a repo by what is declared. A path that is
// empty, or ends with a slash, stands for a file in that folder.
func (s Set) Whose(config *fleet.Config, repo fleet.Repo, paths ...fleet.Path) []Answer {
	lines, err := s.Lines(config, repo)
	unknown := ""
	owning, left := Owning(config, repo), config.Settings.Leaves(repo.Name)
	switch doubt := Doubtful(config, repo.Name); {
	case owning != nil && owning.Default != nil && left != "":
		lines, unknown = nil, fmt.Sprintf("no declaration names %s, and no default is for it: %s", repo.Name, left)
	case err != nil:
		unknown = err.Error()
	case doubt != nil:
		unknown = fmt.Sprintf("%s names %s and is invalid: %s", doubt.ID, repo.Name, fleet.FirstError(doubt.Frozen))
	default:
		unknown = fmt.Sprintf("no declaration says who owns %s", repo.Name)
		if near := fleet.DidYouMean(string(repo.Name), named(config)); near != "" {
			unknown += "; " + near
		}
	}
	all := make([]Answer, len(paths))
	for i, p := range paths {
		a := &all[i]
		*a = Answer{Repo: repo.Name, Path: p, Line: deciding(lines, p)}
		if a.Line == nil {
			a.Why = unknown
		} else if d := config.Declaration(a.Line.Declaration); d != nil {
			team := TeamsOf(config, d)[a.Line.Owner]
			a.Contact, a.OnCall = team.Contact, team.OnCall
		}
	}
	return all
}

// deciding is the line that decides on a path.
func deciding(lines []Line, p fleet.Path) *Line {
	if p == "" || strings.HasSuffix(string(p), "/") {
		p += "\x01" // a name that no pattern has
	}
	for i := len(lines) - 1; i >= 0; i-- {
		if lines[i].Matches(p) {
			return &lines[i]
		}
	}
	return nil
}

// named are the repos that declarations of owners name.
func named(config *fleet.Config) []string {
	all := map[string]bool{}
	for _, index := range []map[string][]*fleet.Declaration{config.Owners, config.Parts} {
		for _, found := range index {
			for _, d := range found {
				all[string(d.Owns)+string(d.Within)] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// Lines are what is declared of a repo's owners, in the order in which the last
// that matches a path decides. An error says why they can't be told.
func (s Set) Lines(config *fleet.Config, repo fleet.Repo) ([]Line, error) {
	var all []Line
	for _, k := range s {
		if k.Lines == nil {
			continue
		}
		lines, err := k.Lines(config, repo)
		if err != nil {
			return nil, err
		}
		all = append(all, lines...)
	}
	return all, nil
}

// Everything lists the lines of repos, and of those that declarations name
// besides, by name, and then of namespaces. Repos of which they can't be told
// are left out.
func (s Set) Everything(config *fleet.Config, repos []fleet.Repo) []Line {
	byName := map[string]fleet.Repo{}
	for _, name := range named(config) {
		byName[ownersKey(fleet.RepoName(name))] = fleet.Repo{Name: fleet.RepoName(name)}
	}
	for _, r := range repos {
		for _, former := range r.Formerly {
			delete(byName, ownersKey(former))
		}
	}
	for _, r := range repos {
		byName[ownersKey(r.Name)] = r
	}
	all := []Line{}
	for _, key := range slices.Sorted(maps.Keys(byName)) {
		if lines, err := s.Lines(config, byName[key]); err == nil {
			all = append(all, lines...)
		}
	}
	for _, k := range s {
		if k.Namespaces != nil {
			all = append(all, k.Namespaces(config)...)
		}
	}
	return all
}
