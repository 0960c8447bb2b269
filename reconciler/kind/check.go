package kind

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// CheckTeam is the problem that no team of that name is declared, or none.
func CheckTeam(k Kind, d *fleet.Declaration, config *fleet.Config, field string, team fleet.TeamName) []fleet.Problem {
	if _, ok := config.Teams[team]; ok {
		return nil
	}
	return []fleet.Problem{ProblemAt(k, d, "unknown-team", field, teamHint(config, string(team)), "unknown team %q", team)}
}

// CheckCluster is the problem that no cluster of that name is declared, or none.
func CheckCluster(k Kind, d *fleet.Declaration, config *fleet.Config, field string, name fleet.ClusterName) []fleet.Problem {
	if config.Clusters[name] != nil || config.Declaration(fleet.ID{Kind: fleet.ClusterKind, Name: string(name)}) != nil {
		return nil // an invalid one is a problem of its own
	}
	var known []string
	for _, c := range slices.Sorted(maps.Keys(config.Clusters)) {
		known = append(known, string(c))
	}
	hint := cmp.Or(fleet.DidYouMean(string(name), known), "declare it under clusters")
	return []fleet.Problem{ProblemAt(k, d, "unknown-cluster", field, hint, "unknown cluster %q", name)}
}

// teamHint is the team that was probably meant: by its name on GitHub, or one
// of a similar name.
func teamHint(config *fleet.Config, written string) string {
	var known []string
	for _, name := range slices.Sorted(maps.Keys(config.Teams)) {
		known = append(known, string(name))
		if handle := strings.TrimPrefix(written, "@"); handle != "" && strings.EqualFold(config.Teams[name].GitHub, handle) {
			return fmt.Sprintf("did you mean %q, which is that team here?", name)
		}
	}
	if near := fleet.DidYouMean(written, known); near != "" {
		return near
	}
	return "declare it under teams"
}

// FieldProblems is FieldProblem for each of errors that are joined.
func (s Source) FieldProblems(k Kind, code, below string, err error) []fleet.Problem {
	if joined := (interface{ Unwrap() []error })(nil); errors.As(err, &joined) {
		var all []fleet.Problem
		for _, one := range joined.Unwrap() {
			all = append(all, s.FieldProblems(k, code, below, one)...)
		}
		return all
	}
	return []fleet.Problem{s.FieldProblem(k, code, below, err)}
}

// FieldProblem makes a problem of an error of decoding what stands below a
// field; a *transform.FieldError says which field it is, and below is then
// its parent, "" at the top.
func (s Source) FieldProblem(k Kind, code, below string, err error) fleet.Problem {
	e := (*transform.FieldError)(nil)
	if !errors.As(err, &e) {
		return s.Problem(k, code, below, "", "%s", err)
	}
	under := func(field string) string {
		if below != "" {
			return below + "." + field
		}
		return field
	}
	field := under(e.Field)
	if e.Beside != "" && slices.ContainsFunc(s.Guessed, func(g string) bool { return strings.HasPrefix(g, under(e.Beside)) }) {
		field = under(e.Beside) // what is wrong there has been told
	}
	return s.Problem(k, code, field, e.Hint, "%s: %s", e.Field, e.Message)
}

// AskAgain reads the field askAgain: a day, which begins in UTC, or a moment.
// Empty is never.
func (s Source) AskAgain(k Kind, text string) (time.Time, []fleet.Problem) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC(), nil
		}
	}
	return time.Time{}, []fleet.Problem{s.Problem(k, "bad-date", "askAgain", `write a day, "2026-12-01", or a moment, "2026-12-01T09:00:00Z"`,
		"askAgain %q is neither a day nor a moment that there is", text)}
}

// CheckMerge is the problem that a merge policy is none; empty is the default.
func (s Source) CheckMerge(k Kind, policy fleet.MergePolicy) []fleet.Problem {
	policies := []string{string(fleet.MergeManual), string(fleet.MergeChecksPass), string(fleet.MergeAlways)}
	if policy == "" || slices.Contains(policies, string(policy)) {
		return nil
	}
	return []fleet.Problem{s.Problem(k, "bad-value", "merge", fleet.DidYouMean(string(policy), policies), "merge is one of %q, not %q", policies, policy)}
}
