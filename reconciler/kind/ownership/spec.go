package ownership

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// Spec is a decoded declaration.
type Spec struct {
	Repo     fleet.RepoName    `json:"repo"`
	Owner    fleet.TeamName    `json:"owner"`
	CoOwners []fleet.TeamName  `json:"coOwners"`
	Paths    map[string]Entry  `json:"paths"`
	File     fleet.Path        `json:"file"`
	Merge    fleet.MergePolicy `json:"merge"`
	Why      string            `json:"why"`
	AskAgain string            `json:"askAgain"`

	again time.Time // AskAgain
	order []string  // the keys of Paths, as ordered gives them
}

// Entry is who owns the paths that a pattern matches.
type Entry struct {
	Owner    fleet.TeamName   `json:"owner,omitempty"`
	CoOwners []fleet.TeamName `json:"coOwners,omitempty"`
	Unowned  bool             `json:"unowned,omitempty"`
}

// effect is what the spec hash covers.
type effect struct {
	Repo     fleet.RepoName
	Owner    fleet.TeamName
	CoOwners []fleet.TeamName
	Paths    map[string]Entry
	File     fleet.Path
}

var repoName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]{1,100}$`)

func decode(source kind.Source) (kind.Decoded, []fleet.Problem) {
	k := New()
	s := &Spec{}
	if err := transform.DecodeFields(source.JSON, s); err != nil {
		return kind.Decoded{}, []fleet.Problem{source.FieldProblem(k, "bad-field", "", err)}
	}
	var problems []fleet.Problem
	report := func(code, field, hint, format string, args ...any) {
		problems = append(problems, source.Problem(k, code, field, hint, format, args...))
	}
	if short := s.Repo.Short(); !repoName.MatchString(string(s.Repo)) || short == "." || short == ".." {
		report("bad-repo", "repo", `write "owner/name"`, "repo %q is no full name of a repo", s.Repo)
	}
	if s.Owner == "" {
		report("missing-field", "owner", "", "owner is required")
	}
	if s.File != "" && !slices.Contains(transform.OwnersFiles, s.File) {
		report("bad-value", "file", "", "file %q is none of the places that GitHub reads: %q", s.File, transform.OwnersFiles)
	}
	problems = append(problems, source.CheckMerge(k, s.Merge)...)
	problems = append(problems, s.checkPaths(k, source)...)
	again, bad := source.AskAgain(k, s.AskAgain)
	s.again, problems = again, append(problems, bad...)
	refs := s.teams(source.Fields)
	if problems != nil {
		refs = slices.DeleteFunc(refs, func(r fleet.Ref) bool { return r.Team == "" })
		return kind.Decoded{Refs: refs}, problems
	}
	s.order = ordered(slices.Collect(maps.Keys(s.Paths)))
	return kind.Decoded{
		Owner: s.Owner, Owns: s.Repo, Refs: append(refs, fleet.Ref{Field: "repo", Repo: s.Repo}),
		Spec: s, Effect: effect{s.Repo, s.Owner, s.CoOwners, s.Paths, s.File},
	}, nil
}

func (s *Spec) checkPaths(k kind.Kind, source kind.Source) []fleet.Problem {
	var problems []fleet.Problem
	report := func(code, field, hint, format string, args ...any) {
		problems = append(problems, source.Problem(k, code, field, hint, format, args...))
	}
	seen := map[string]string{"*": ""}
	for _, p := range slices.Sorted(maps.Keys(s.Paths)) {
		field := pathField(source.Fields, p)
		if err := transform.CheckOwnersPattern(p); err != nil {
			report("bad-pattern", field, "", "pattern %q: %s", p, err)
			continue
		}
		entry := s.Paths[p]
		switch owned := entry.Owner != "" || len(entry.CoOwners) > 0; {
		case entry.Unowned && owned:
			report("bad-value", field, "", "pattern %q is unowned and has owners", p)
		case !entry.Unowned && entry.Owner == "":
			report("missing-field", field, "to leave it to nobody write unowned: true", "pattern %q has no owner", p)
		}
		same, double := seen[normal(p)]
		switch {
		case double && same == "":
			report("double-pattern", field, "owner and coOwners at the top say who owns everything", "pattern %q matches everything", p)
		case double:
			report("double-pattern", field, "", "patterns %q and %q (%s) match the same paths", p, same, positionOf(source, pathField(source.Fields, same)))
		}
		seen[normal(p)] = p
	}
	return problems
}

func positionOf(source kind.Source, field string) fleet.Pos {
	d := fleet.Declaration{Pos: source.Pos, Fields: source.Fields}
	return d.FieldPos(field)
}

// pathField is the field of a pattern in the spelling under which its
// position is known: keys that are no identifiers may be quoted there.
func pathField(fields map[string]fleet.Pos, pattern string) string {
	for _, f := range []string{"paths." + pattern, fmt.Sprintf("paths.%q", pattern), fmt.Sprintf("paths[%q]", pattern)} {
		if _, ok := fields[f]; ok {
			return f
		}
	}
	if strings.ContainsAny(pattern, ".[") {
		return "paths"
	}
	return "paths." + pattern
}

// teams lists the teams that the declaration names, each with its field.
func (s *Spec) teams(fields map[string]fleet.Pos) []fleet.Ref {
	all := []fleet.Ref{{Field: "owner", Team: s.Owner}}
	all = append(all, list("coOwners", s.CoOwners)...)
	for _, p := range slices.Sorted(maps.Keys(s.Paths)) {
		field := pathField(fields, p)
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
