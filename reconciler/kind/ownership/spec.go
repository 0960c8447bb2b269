package ownership

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// Spec is a decoded declaration. It owns all of Repo; or, with Only, some
// paths of it; or, with Default, the repos that no declaration names; and in
// each case Namespaces.
type Spec struct {
	Repo       fleet.RepoName                 `json:"repo"`
	Default    *Default                       `json:"default"`
	Owner      fleet.TeamName                 `json:"owner"`
	CoOwners   []fleet.TeamName               `json:"coOwners"`
	Unowned    bool                           `json:"unowned"`
	Only       []string                       `json:"only"`
	Paths      map[string]Entry               `json:"paths"`
	Namespaces map[fleet.ClusterName][]string `json:"namespaces"`
	File       fleet.Path                     `json:"file"`
	Block      bool                           `json:"block"`
	Keep       bool                           `json:"keep"`
	Catalog    *Catalog                       `json:"catalog"`
	Merge      fleet.MergePolicy              `json:"merge"`
	Why        string                         `json:"why"`
	AskAgain   string                         `json:"askAgain"`
	OnDrift    fleet.Drift                    `json:"onDrift"`

	again   time.Time      // AskAgain
	catalog transform.Step // what Catalog asks of a file that is there
}

// Default selects repos, by globs on their names and by topics.
type Default struct {
	Names  []string `json:"names,omitempty"`
	Topics []string `json:"topics,omitempty"`
}

// Entry is who owns the paths that a pattern matches.
type Entry struct {
	Owner    fleet.TeamName   `json:"owner,omitempty"`
	CoOwners []fleet.TeamName `json:"coOwners,omitempty"`
	Unowned  bool             `json:"unowned,omitempty"`
	Rank     int              `json:"rank,omitempty"`
}

// effect is what the spec hash covers. What was added later is left out where
// nothing is declared of it, so that an upgrade changes no hash.
type effect struct {
	Repo     fleet.RepoName
	Owner    fleet.TeamName
	CoOwners []fleet.TeamName
	Paths    map[string]Entry
	File     fleet.Path
	Default  *Default `json:",omitempty"`
	Unowned  bool     `json:",omitempty"`
	Only     []string `json:",omitempty"`
	Block    bool     `json:",omitempty"`
	Catalog  *Catalog `json:",omitempty"`
	Keep     bool     `json:",omitempty"`
}

var repoName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]{1,100}$`)

func (m member) decode(source kind.Source) (kind.Decoded, []fleet.Problem) {
	k := self
	s := &Spec{}
	if err := transform.DecodeFields(source.JSON, s); err != nil {
		return kind.Decoded{}, []fleet.Problem{source.FieldProblem(k, "bad-field", "", err)}
	}
	var problems []fleet.Problem
	report := func(code, field, hint, format string, args ...any) {
		problems = append(problems, source.Problem(k, code, field, hint, format, args...))
	}
	var refs []fleet.Ref
	switch short := s.Repo.Short(); {
	case s.Repo == "":
	case !repoName.MatchString(string(s.Repo)) || short == "." || short == "..":
		report("bad-repo", "repo", `write "owner/name"`, "repo %q is no full name of a repo", s.Repo)
	default:
		refs = append(refs, fleet.Ref{Field: "repo", Repo: s.Repo})
	}
	if s.Owner == "" {
		report("missing-field", "owner", "", "owner is required")
	}
	if s.File != "" && !slices.Contains(transform.OwnersFiles, s.File) {
		report("bad-value", "file", "", "file %q is none of the places that GitHub reads: %q", s.File, transform.OwnersFiles)
	}
	problems = append(problems, s.checkForm(k, source)...)
	problems = append(problems, source.CheckMerge(k, s.Merge)...)
	problems = append(problems, s.checkPaths(k, source)...)
	problems = append(problems, s.checkNamespaces(k, source)...)
	problems = append(problems, m.decodeCatalog(s, source)...)
	again, bad := source.AskAgain(k, s.AskAgain)
	s.again, problems = again, append(problems, bad...)
	teams := s.teams(source.Fields)
	if problems != nil {
		teams = slices.DeleteFunc(teams, func(r fleet.Ref) bool { return r.Team == "" })
		decoded := kind.Decoded{Refs: append(teams, refs...)}
		if len(refs) > 0 && s.whole(source) {
			decoded.Owns = s.Repo
		}
		return decoded, problems
	}
	decoded := kind.Decoded{
		Owner: s.Owner, Refs: slices.Concat(teams, refs, s.claims(source.Fields)), Spec: s,
		Effect: effect{s.Repo, s.Owner, s.CoOwners, s.Paths, s.File, s.Default, s.Unowned, s.Only, s.Block, s.Catalog, s.Keep},
	}
	switch {
	case s.Default != nil:
		decoded.Default = &fleet.Selection{Names: s.Default.Names, Topics: s.Default.Topics}
	case s.Only != nil:
		decoded.Within = s.Repo
	case s.whole(source):
		decoded.Owns = s.Repo
	}
	return decoded, nil
}

// whole reports whether it is written that all of a repo is owned: nothing that
// decides on it is wrong, nor misspelt.
func (s *Spec) whole(source kind.Source) bool {
	return s.Default == nil && s.Only == nil && !slices.ContainsFunc(source.Guessed, func(field string) bool {
		top := strings.FieldsFunc(field, func(r rune) bool { return r == '.' || r == '[' })
		return len(top) == 0 || fleet.Nearest(top[0], []string{"repo", "only", "default"}) != ""
	})
}

// checkForm holds that the fields go together.
func (s *Spec) checkForm(k kind.Kind, source kind.Source) []fleet.Problem {
	var problems []fleet.Problem
	report := func(code, field, hint, format string, args ...any) {
		problems = append(problems, source.Problem(k, code, field, hint, format, args...))
	}
	file := map[string]bool{"file": s.File != "", "merge": s.Merge != "", "askAgain": s.AskAgain != "", "why": s.Why != "", "block": s.Block, "keep": s.Keep, "onDrift": s.OnDrift != ""}
	switch {
	case s.Default != nil && s.Repo != "":
		report("bad-value", "default", "leave out one of the two", "default is about repos that no declaration names, and repo names one")
	case s.Default != nil && s.Only != nil:
		report("bad-value", "only", "", "only is about paths of one repo, and default about many")
	case s.Default == nil && s.Repo == "" && len(s.Namespaces) == 0:
		report("missing-field", "repo", `write repo: "owner/name"`, "repo is required")
	case s.Default == nil && s.Repo == "" && (s.Unowned || s.Only != nil || s.Paths != nil || s.Catalog != nil || file["file"] || file["onDrift"] || s.Block || s.Keep):
		report("missing-field", "repo", `write repo: "owner/name"`, "repo is required, to say whose paths these are")
	}
	if s.Default != nil {
		for i, glob := range s.Default.Names {
			if _, err := path.Match(glob, ""); err != nil || glob == "" {
				report("bad-glob", fmt.Sprintf("default.names[%d]", i), "", "glob %q can't be read", glob)
			}
		}
	}
	if s.Unowned && (len(s.CoOwners) > 0 || s.Only != nil) {
		report("bad-value", "unowned", "", "where a repo is unowned it has no coOwners and no only; paths may have owners")
	}
	if s.Only != nil {
		if len(s.Only) == 0 {
			report("missing-field", "only", `for example only: ["/web/"]`, "only names no path")
		}
		for _, field := range slices.Sorted(maps.Keys(file)) {
			if file[field] {
				report("bad-value", field, "leave it out here", "%s belongs to the declaration that owns all of %s; this one owns some paths", field, s.Repo)
			}
		}
	}
	return problems
}

// namespaceClaim is what a declaration claims of a namespace on a cluster.
const namespaceClaim = "namespace %s on %s"

// clusterOf is the cluster of such a claim.
func clusterOf(claim string) (fleet.ClusterName, bool) {
	var name, cluster string
	n, err := fmt.Sscanf(claim, namespaceClaim, &name, &cluster)
	return fleet.ClusterName(cluster), n == 2 && err == nil
}

// label is a name as Kubernetes has it for namespaces.
var label = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// clusterName is a name that a cluster may be declared by.
var clusterName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

func (s *Spec) checkNamespaces(k kind.Kind, source kind.Source) []fleet.Problem {
	var problems []fleet.Problem
	for _, cluster := range slices.Sorted(maps.Keys(s.Namespaces)) {
		field := fieldOf(source.Fields, "namespaces", string(cluster))
		if !clusterName.MatchString(string(cluster)) {
			problems = append(problems, source.Problem(k, "bad-name", field, "", `found cluster %q, expected at most 64 letters, digits, ".", "_" and "-"`, cluster))
		}
		for i, name := range s.Namespaces[cluster] {
			at := fmt.Sprintf("%s[%d]", field, i)
			switch {
			case !label.MatchString(name):
				problems = append(problems, source.Problem(k, "bad-name", at, "", `no namespace can be named %q: expected at most 63 of a-z, 0-9 and "-", no "-" at an end`, name))
			case slices.Index(s.Namespaces[cluster], name) < i:
				problems = append(problems, source.Problem(k, "double-claim", at, "", "namespace %s on %s is named twice", name, cluster))
			}
		}
	}
	return problems
}

// claims lists what nobody else may own.
func (s *Spec) claims(fields map[string]fleet.Pos) []fleet.Ref {
	var all []fleet.Ref
	if s.Repo != "" {
		for _, e := range s.entries(fields) {
			all = append(all, fleet.Ref{Field: e.field, Claim: fmt.Sprintf("%s in %s", normal(e.pattern), strings.ToLower(string(s.Repo)))})
		}
		if s.Catalog != nil {
			all = append(all, fleet.Ref{Field: "catalog", Claim: s.Catalog.claim(s.Repo)})
		}
	}
	for _, cluster := range slices.Sorted(maps.Keys(s.Namespaces)) {
		field := fieldOf(fields, "namespaces", string(cluster))
		for i, name := range s.Namespaces[cluster] {
			all = append(all, fleet.Ref{Field: fmt.Sprintf("%s[%d]", field, i), Claim: fmt.Sprintf(namespaceClaim, name, cluster)})
		}
	}
	return all
}

// entry is a pattern with who owns what it matches, and its field.
type entry struct {
	pattern string
	Entry
	field string
}

// entries are all patterns of the declaration: those of Only, then those of
// Paths by name.
func (s *Spec) entries(fields map[string]fleet.Pos) []entry {
	all := make([]entry, 0, len(s.Only)+len(s.Paths))
	for i, p := range s.Only {
		all = append(all, entry{p, Entry{Owner: s.Owner, CoOwners: s.CoOwners}, fmt.Sprintf("only[%d]", i)})
	}
	for _, p := range slices.Sorted(maps.Keys(s.Paths)) {
		all = append(all, entry{p, s.Paths[p], fieldOf(fields, "paths", p)})
	}
	return all
}

func (s *Spec) checkPaths(k kind.Kind, source kind.Source) []fleet.Problem {
	var problems []fleet.Problem
	report := func(code, field, hint, format string, args ...any) {
		problems = append(problems, source.Problem(k, code, field, hint, format, args...))
	}
	type first struct{ pattern, field string }
	seen := map[string]first{"*": {}}
	for _, e := range s.entries(source.Fields) {
		if err := transform.CheckOwnersPattern(e.pattern); err != nil {
			report("bad-pattern", e.field, "", "pattern %q: %s", e.pattern, err)
			continue
		}
		if strings.HasPrefix(e.field, "paths") {
			switch owned := e.Owner != "" || len(e.CoOwners) > 0; {
			case e.Unowned && owned:
				report("bad-value", e.field, "", "pattern %q is unowned and has owners", e.pattern)
			case !e.Unowned && e.Owner == "":
				report("missing-field", e.field, "to leave it to nobody write unowned: true", "pattern %q has no owner", e.pattern)
			}
		}
		n := normal(e.pattern)
		same, double := seen[n]
		switch {
		case double && same.pattern == "" && s.Only != nil:
			report("double-pattern", e.field, "leave out only, to own all of the repo", "pattern %q matches everything", e.pattern)
		case double && same.pattern == "":
			report("double-pattern", e.field, "owner and coOwners at the top say who owns everything", "pattern %q matches everything", e.pattern)
		case double:
			report("double-pattern", e.field, "", "patterns %q and %q (%s) match the same paths", e.pattern, same.pattern, positionOf(source, same.field))
		default:
			seen[n] = first{e.pattern, e.field}
		}
	}
	return problems
}

func positionOf(source kind.Source, field string) fleet.Pos {
	d := fleet.Declaration{Pos: source.Pos, Fields: source.Fields}
	return d.FieldPos(field)
}

// fieldOf is the field of a name below a map, in the spelling under which its
// position is known: names that are no identifiers may be quoted there.
func fieldOf(fields map[string]fleet.Pos, parent, name string) string {
	for _, f := range []string{parent + "." + name, fmt.Sprintf("%s.%q", parent, name), fmt.Sprintf("%s[%q]", parent, name)} {
		if _, ok := fields[f]; ok {
			return f
		}
	}
	if strings.ContainsAny(name, ".[") {
		return parent
	}
	return parent + "." + name
}

// teams lists the teams that the declaration names, each with its field.
func (s *Spec) teams(fields map[string]fleet.Pos) []fleet.Ref {
	all := []fleet.Ref{{Field: "owner", Team: s.Owner}}
	all = append(all, list("coOwners", s.CoOwners)...)
	for _, p := range slices.Sorted(maps.Keys(s.Paths)) {
		field := fieldOf(fields, "paths", p)
		if entry := s.Paths[p]; !entry.Unowned {
			all = append(all, fleet.Ref{Field: field + ".owner", Team: entry.Owner})
			all = append(all, list(field+".coOwners", entry.CoOwners)...)
		}
	}
	return all
}

func list(field string, teams []fleet.TeamName) []fleet.Ref {
	var all []fleet.Ref
	for i, t := range teams {
		all = append(all, fleet.Ref{Field: fmt.Sprintf("%s[%d]", field, i), Team: t})
	}
	return all
}
