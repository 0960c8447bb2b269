package ownership

import (
	"fmt"
	"slices"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
)

// lend adds the engineers of loans that are in force to the lines of the teams
// that borrow them.
func lend(config *fleet.Config, owning *fleet.Declaration, repo fleet.RepoName, all []rule) {
	for _, l := range kind.LentIn(config, owning, repo) {
		if l.Over || l.Without[repo] != "" {
			continue
		}
		for i := range all {
			r := &all[i]
			if !r.Unowned && (r.Owner == l.Loan.To || slices.Contains(r.CoOwners, l.Loan.To)) && !containsFold(r.owners, handleOf(l)) {
				r.owners, r.from = append(r.owners, handleOf(l)), append(r.from, origin{l.ID, "engineer"})
				r.lent = append(r.lent, kind.LentTo{Engineer: l.Loan.Engineer, Loan: l.ID, From: l.Loan.From, Until: l.Loan.Until})
			}
		}
	}
}

// withoutLent takes engineers who are lent out of the lines of the teams that
// borrow them, and says so: there they stand by their loan, and not for good.
func withoutLent(out *kind.Adopted, p *kind.Pass, lines []written) {
	for _, l := range p.Config.Lent {
		in := func(r fleet.RepoName) bool { return strings.EqualFold(string(r), string(p.Repo.Name)) }
		if len(l.Loan.Repos) > 0 && !slices.ContainsFunc(l.Loan.Repos, in) {
			continue
		}
		to, told := "@"+strings.TrimPrefix(kind.TeamsOf(p.Config, l.Declaration)[l.Loan.To].GitHub, "@"), false
		for i := range lines {
			owners := lines[i].owners
			if !containsFold(owners, to) || !containsFold(owners, handleOf(l)) {
				continue
			}
			lines[i].owners = slices.DeleteFunc(slices.Clone(owners), func(o string) bool { return strings.EqualFold(o, handleOf(l)) })
			if !told {
				told = true
				out.Remark(kind.Place{File: out.File, Line: lines[i].number}, fmt.Sprintf("%s stands there by %s, until %s", handleOf(l), l.ID, l.Loan.UntilDay()))
			}
		}
	}
}

func handleOf(l fleet.Lent) string { return "@" + l.Loan.Engineer }

// loans says which loans an edit of CODEOWNERS begins and ends, and takes those
// who go back to their teams out of those who are removed.
func loans(w *kind.Want, p *kind.Pass, old, now []rule) {
	was, is := handlesIn(old), handlesIn(now)
	for _, l := range kind.LentIn(p.Config, p.Declaration, p.Repo.Name) {
		handle := handleOf(l)
		switch in, out := containsFold(is, handle), containsFold(was, handle); {
		case l.Over && out && !in:
			w.Returned = append(w.Returned, l.ID)
			w.What = append(w.What, fmt.Sprintf("%s ended on %s: %s goes back to %s", l.ID, l.Loan.UntilDay(), l.Loan.Engineer, l.Loan.From))
			w.OwnersRemoved = slices.DeleteFunc(w.OwnersRemoved, func(h string) bool { return containsFold([]string{h}, handle) })
		case !l.Over && in && !out:
			w.Joined = append(w.Joined, l.ID)
			w.What = append(w.What, fmt.Sprintf("%s: %s, lent by %s until %s for: %s", l.ID, l.Loan.Engineer, l.Loan.From, l.Loan.UntilDay(), l.Loan.Goal))
		}
	}
}
