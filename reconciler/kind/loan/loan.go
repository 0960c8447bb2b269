// Package loan is the kind "loan": an engineer whom one team lends to another
// until a day. It edits nothing itself: while a loan's time lasts, the engineer
// stands in the lines that the kind "ownership" writes for the team that
// borrows.
package loan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// self is what the member's own problems are told of.
var self = kind.Kind{Name: "loan", Field: "loans"}

// New is the member.
func New() kind.Kind {
	k := self
	k.Doc = "An engineer whom one team lends to another until a day."
	k.Holds = true
	k.Decode, k.Check, k.Targets, k.Want = decode, check, targets, want
	return k
}

// Spec is a decoded declaration.
type Spec struct {
	Engineer string             `json:"engineer"`
	From     fleet.TeamName     `json:"from"`
	To       fleet.TeamName     `json:"to"`
	Repos    []fleet.RepoName   `json:"repos"`
	Since    string             `json:"since"`
	Until    string             `json:"until"`
	Access   fleet.AccessPolicy `json:"access"`
	Goal     string             `json:"goal"`
}

func decode(source kind.Source) (kind.Decoded, []fleet.Problem) {
	s := &Spec{}
	if err := transform.DecodeFields(source.JSON, s); err != nil {
		return kind.Decoded{}, []fleet.Problem{source.FieldProblem(self, "bad-field", "", err)}
	}
	if s.Access == "" {
		s.Access = fleet.AccessRequire
	}
	loan := &fleet.Loan{
		Engineer: s.Engineer, From: s.From, To: s.To, Repos: s.Repos,
		Since: s.Since, Until: s.Until, Access: s.Access, Goal: s.Goal,
	}
	decoded := kind.Decoded{Owner: s.To, Loan: loan, Refs: s.refs()}
	if problems := s.problems(source); problems != nil {
		return decoded, problems
	}
	decoded.Spec, decoded.Effect = s, loan
	return decoded, nil
}

// refs are the teams and repos that the loan names.
func (s *Spec) refs() []fleet.Ref {
	var refs []fleet.Ref
	for field, team := range map[string]fleet.TeamName{"from": s.From, "to": s.To} {
		if team != "" {
			refs = append(refs, fleet.Ref{Field: field, Team: team})
		}
	}
	slices.SortFunc(refs, func(a, b fleet.Ref) int { return strings.Compare(a.Field, b.Field) })
	for i, repo := range s.Repos {
		refs = append(refs, fleet.Ref{Field: fmt.Sprintf("repos[%d]", i), Repo: repo})
	}
	return refs
}

func (s *Spec) problems(source kind.Source) []fleet.Problem {
	var problems []fleet.Problem
	report := func(code, field, hint, format string, args ...any) {
		problems = append(problems, source.Problem(self, code, field, hint, format, args...))
	}
	for _, f := range []struct{ name, value string }{{"to", string(s.To)}, {"since", s.Since}, {"until", s.Until}, {"goal", s.Goal}} {
		if f.value == "" {
			report("missing-field", f.name, "", "%s is required", f.name)
		}
	}
	if s.Engineer != "" && s.From == "" {
		report("missing-field", "from", "name the team that lends", "from is required where there is an engineer")
	}
	if s.From != "" && s.From == s.To {
		report("bad-value", "to", "name the team that borrows", "team %q can't lend to itself", s.To)
	}
	if s.Access != fleet.AccessRequire && s.Access != fleet.AccessGrant {
		report("bad-value", "access", "", `access is "require" or "grant", not %q`, s.Access)
	}
	if s.Repos != nil && len(s.Repos) == 0 {
		report("missing-field", "repos", "leave repos out for all in which the team owns something", "repos names no repo")
	}
	for i, repo := range s.Repos {
		if slices.IndexFunc(s.Repos, func(r fleet.RepoName) bool { return strings.EqualFold(string(r), string(repo)) }) < i {
			report("double-repo", fmt.Sprintf("repos[%d]", i), "", "%s is named twice", repo)
		}
	}
	valid := true
	for _, f := range []struct{ name, value string }{{"since", s.Since}, {"until", s.Until}} {
		one := fleet.Loan{Since: f.value, Until: f.value}
		if _, _, err := one.Span(fleet.Team{}); err != nil && f.value != "" {
			report("bad-date", f.name, `write a day, "2026-12-18"`, "%s: %s", f.name, err)
			valid = false
		}
	}
	if valid && s.Since != "" && s.Until != "" && s.Until < s.Since {
		report("bad-date", "until", "", "the loan ends (%s) before it begins (%s)", s.Until, s.Since)
	}
	return problems
}

func check(d *fleet.Declaration, config *fleet.Config) []fleet.Problem {
	var problems []fleet.Problem
	for _, r := range d.Refs {
		if r.Team != "" {
			problems = append(problems, kind.CheckTeam(self, d, config, r.Field, r.Team)...)
		}
	}
	l := d.Loan
	if l == nil {
		return problems
	}
	warn := func(code, field, hint, format string, args ...any) {
		p := kind.ProblemAt(self, d, code, field, hint, format, args...)
		p.Severity = fleet.Warning
		problems = append(problems, p)
	}
	if from := config.Teams[l.From]; l.Engineer != "" && len(from.Members) > 0 && !isMember(from, l.Engineer) {
		warn("no-member", "engineer", fleet.DidYouMean(l.Engineer, from.Members), "%s is no member of %s, which lends", l.Engineer, l.From)
	}
	for i, repo := range l.Repos {
		owners, parts := kind.Owners(config, repo), kind.Parts(config, repo)
		names := slices.ContainsFunc(slices.Concat(owners, parts), func(d *fleet.Declaration) bool { return kind.Names(d, l.To) })
		if len(owners) > 0 && !names {
			warn("not-the-teams", fmt.Sprintf("repos[%d]", i), "", "%s owns nothing in %s, so there is no line for the engineer to join", l.To, repo)
		}
	}
	return problems
}

func isMember(team fleet.Team, login string) bool {
	return slices.ContainsFunc(team.Members, func(m string) bool { return strings.EqualFold(m, login) })
}

// targets are none: planning tells of loans in the repos that they are for.
func targets(*fleet.Declaration, *fleet.Config, []fleet.Repo) []kind.Candidate { return nil }

func want(p *kind.Pass) (kind.Want, error) {
	return kind.Want{Out: "a loan edits nothing itself"}, nil
}
