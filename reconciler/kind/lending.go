package kind

import (
	"slices"
	"strings"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Lend gives a config that knows which loans are in force at a moment, and
// which are over. It is where the clock comes in: kinds see what it gives, and
// no time. Without may say why an engineer is no owner in a repo all the same;
// it may be nil.
func Lend(config *fleet.Config, now time.Time, without func(*fleet.Declaration) map[fleet.RepoName]string) *fleet.Config {
	var lent []fleet.Lent
	for _, d := range config.Declarations {
		if d.Loan == nil || d.Frozen != nil || d.Loan.Engineer == "" {
			continue
		}
		begins, over, err := d.Loan.Span(TeamsOf(config, d)[d.Loan.From])
		if err != nil || now.Before(begins) {
			continue
		}
		one := fleet.Lent{Declaration: d, Over: !now.Before(over)}
		if without != nil && !one.Over {
			one.Without = without(d)
		}
		lent = append(lent, one)
	}
	if lent == nil && config.Lent == nil {
		return config
	}
	out := *config
	out.Lent = lent
	return &out
}

// LentIn are the loans of Lend, also those that are over, that may concern a
// repo which a declaration owns: their engineers join, or joined, the lines of
// the team that borrows.
func LentIn(config *fleet.Config, owning *fleet.Declaration, repo fleet.RepoName) []fleet.Lent {
	var all []fleet.Lent
	for _, l := range config.Lent {
		if IsLentIn(config, l.Declaration, owning, repo) {
			all = append(all, l)
		}
	}
	return all
}

// IsLentIn reports whether a loan is about a repo which a declaration owns.
func IsLentIn(config *fleet.Config, loan, owning *fleet.Declaration, repo fleet.RepoName) bool {
	repos := loan.Loan.Repos
	if len(repos) > 0 {
		return slices.ContainsFunc(repos, func(r fleet.RepoName) bool { return strings.EqualFold(string(r), string(repo)) })
	}
	names := func(d *fleet.Declaration) bool { return Names(d, loan.Loan.To) }
	return owning != nil && (names(owning) || slices.ContainsFunc(Parts(config, repo), names))
}

// Names reports whether a declaration says that a team owns something.
func Names(d *fleet.Declaration, team fleet.TeamName) bool {
	return d.Owner == team || slices.ContainsFunc(d.Refs, func(r fleet.Ref) bool { return r.Team == team })
}
