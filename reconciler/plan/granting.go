package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/report"
	"github.com/portreeve/portreeve/reconciler/rollout"
)

// granting is what is done about the write access of engineers who are lent.
// What is given is written down before, in an issue of the config repo, and
// only what stands there is taken back: so it is found again without anything
// that this process remembers, also of a loan that is gone by then.
type granting struct {
	records map[fleet.ID][]*record
	// states are of loans in repos, where access is why they are not in force.
	states map[lentPlace]rollout.Outcome
	// told is of what is done in the config repo for a loan.
	told map[fleet.ID]rollout.Outcome
}

type lentPlace struct {
	loan fleet.ID
	repo fleet.RepoName
}

// record is what is written down, and its issue; 0 for one to be opened.
type record struct {
	report.LoanAccess
	number  int
	changed bool
}

// mostGiven bounds the repos of a record, so that it fits an issue.
const mostGiven = 300

// grants plans what is given and taken back.
func (c *computation) grants() {
	c.granting = granting{states: map[lentPlace]rollout.Outcome{}, told: map[fleet.ID]rollout.Outcome{}, records: map[fleet.ID][]*record{}}
	if c.world.Config.Settings.Mode != fleet.Merge || c.world.ConfigRepo == "" {
		return
	}
	if c.world.Issues == nil {
		c.needs.issues = true
		return
	}
	if c.world.IssuesUnread != "" {
		return
	}
	for _, issue := range *c.world.Issues {
		if read, ok := report.ParseLoanAccess(issue.Body); ok {
			c.granting.records[read.Loan] = append(c.granting.records[read.Loan], &record{LoanAccess: read, number: issue.Number})
		}
	}
	for _, lent := range c.world.Config.Lent {
		if !lent.Over && lent.Loan.Access == fleet.AccessGrant {
			c.writeDown(lent)
		}
	}
	for _, id := range slices.SortedFunc(maps.Keys(c.granting.records), fleet.ID.Compare) {
		for _, r := range c.granting.records[id] {
			c.carryOut(id, r)
		}
	}
}

// writeDown writes down where an engineer lacks access.
func (c *computation) writeDown(lent fleet.Lent) {
	var of *record
	for _, r := range c.granting.records[lent.ID] {
		if strings.EqualFold(r.Engineer, lent.Loan.Engineer) {
			of = r
		}
	}
	for _, repo := range c.lentIn(lent.Declaration) {
		u := c.lacks[lentPlace{lent.ID, repo}]
		if u == nil || u.Code != noWrite || lent.Without[repo] != "" || of != nil && open(of.Repos[repo]) {
			continue
		}
		own, known := c.collaborators(repo)
		switch {
		case !known && own != nil:
			c.grantState(lent.ID, repo, rollout.Blocked, "who has access there can't be read: "+own.Unread, "let Portreeve read and write who has access (Administration)")
			continue
		case !known:
			continue
		case of != nil && len(of.Repos) >= mostGiven:
			c.grantState(lent.ID, repo, rollout.Blocked, fmt.Sprintf("access is given in %d repos at most", mostGiven), "give it by hand, or make a second loan")
			continue
		case of == nil:
			of = &record{LoanAccess: report.LoanAccess{Loan: lent.ID, Engineer: lent.Loan.Engineer, Repos: map[fleet.RepoName]report.Given{}}}
			c.granting.records[lent.ID] = append(c.granting.records[lent.ID], of)
		}
		of.Repos[repo] = report.Given{Before: own.Direct[strings.ToLower(lent.Loan.Engineer)], State: report.GivenPlanned}
		of.changed = true
		c.grantState(lent.ID, repo, rollout.Waiting, lent.Loan.Engineer+" is about to be given write access", "writes it down first")
	}
}

// open reports whether what is written down of a repo is not at its end.
func open(g report.Given) bool { return g.State == report.GivenPlanned || g.State == report.GivenDone }

// carryOut gives, or takes back, what is written down.
func (c *computation) carryOut(id fleet.ID, r *record) {
	d := c.declared(id)
	if d != nil && d.Frozen != nil {
		return // what it says is not known
	}
	login := strings.ToLower(r.Engineer)
	for _, repo := range slices.Sorted(maps.Keys(r.Repos)) {
		given := r.Repos[repo]
		listing, listed := c.listed(repo)
		switch {
		case !open(given), r.changed && given.State == report.GivenPlanned: // at its end, or to be written down first
			continue
		case !listed:
			c.grantState(id, repo, rollout.Failed, "what access "+r.Engineer+" was given there can't be taken back: the forge lists no such repo in the fleet", "take it back by hand, if the repo has another name now")
			continue
		}
		own, known := c.collaborators(listing.Name)
		if !known {
			if own != nil {
				c.grantState(id, repo, rollout.Blocked, "who has access there can't be read: "+own.Unread, "let Portreeve read and write who has access (Administration)")
			}
			continue
		}
		tell := func(state rollout.State, reason, next string) { c.grantState(id, repo, state, reason, next) }
		_, invited := own.Invited[login]
		has := own.Direct[login]
		switch wanted := c.isLent(d, r.Engineer, repo); {
		case wanted && given.State == report.GivenPlanned && !invited && !has.Writes():
			c.aside(rollout.Step{
				Action: rollout.Grant, Declaration: id, Repo: listing.Name, Reason: "it is lent there", Login: r.Engineer, SpecHash: id.String() + " " + login,
			}, "gives "+r.Engineer+" write access", tell)
		case wanted && given.State == report.GivenPlanned:
			given.State, r.changed = report.GivenDone, true
			c.grantState(id, repo, rollout.Waiting, "waits for "+r.Engineer+" to accept the invitation", "")
		case wanted && invited:
			c.grantState(id, repo, rollout.Waiting, "waits for "+r.Engineer+" to accept the invitation", "")
		case wanted && !has.Writes() && c.lacks[lentPlace{id, repo}] != nil:
			c.grantState(id, repo, rollout.Blocked, "the write access that "+r.Engineer+" was given is gone: the invitation was declined, or someone took it", "give it by hand, or end the loan")
		case wanted:
		case invited || has == fleet.RoleWrite:
			c.aside(rollout.Step{
				Action: rollout.Revoke, Declaration: id, Repo: listing.Name, Reason: "the loan has ended", Login: r.Engineer, Before: given.Before, SpecHash: id.String() + " " + login,
			}, "takes back the write access of "+r.Engineer, tell)
		default:
			given.State, r.changed = report.GivenReturned, true
		}
		r.Repos[repo] = given
	}
	if !r.changed {
		return
	}
	step := rollout.Step{
		Action: rollout.EditIssue, Declaration: id, Repo: c.world.ConfigRepo, Number: r.number, Reason: "what access is given has changed",
		Title: r.Heading(), Body: r.Text(),
	}
	if r.number == 0 {
		step.Action, step.Reason = rollout.OpenIssue, "access is written down before it is given"
	}
	step.SpecHash = report.LastLine(step.Body)
	c.aside(step, "writes down what access is given", func(state rollout.State, reason, next string) {
		if d == nil {
			d = &fleet.Declaration{ID: id}
		}
		c.granting.told[id] = outcome(d, c.world.ConfigRepo, state, reason, next)
	})
}

// isLent reports whether a loan gives an engineer access to a repo now.
func (c *computation) isLent(d *fleet.Declaration, engineer string, repo fleet.RepoName) bool {
	if d == nil || d.Loan == nil {
		return false
	}
	return d.Loan.Access == fleet.AccessGrant && strings.EqualFold(d.Loan.Engineer, engineer) && slices.Contains(c.lentIn(d), repo) &&
		slices.ContainsFunc(c.world.Config.Lent, func(l fleet.Lent) bool { return l.ID == d.ID && !l.Over })
}

// collaborators are whose access to a repo is their own; false where that is not
// known, which is asked for or told.
func (c *computation) collaborators(name fleet.RepoName) (*fleet.Collaborators, bool) {
	r := c.world.Repos[name]
	switch {
	case r == nil || r.Out != "" || r.Err != "":
		return nil, false
	case r.Collaborators == nil:
		c.needs.collaborators[name] = true
		return nil, false
	}
	return r.Collaborators, r.Collaborators.Unread == ""
}

// grantState notes why a loan is not in force in a repo, or what is done there.
func (c *computation) grantState(id fleet.ID, repo fleet.RepoName, state rollout.State, reason, next string) {
	d := c.world.Config.Declaration(id)
	if d == nil {
		d = &fleet.Declaration{ID: id}
	}
	c.granting.states[lentPlace{id, repo}] = outcome(d, repo, state, reason, next)
}

// noWrite is the code of what access alone would mend.
const noWrite = "no-write"

// lacking notes what engineers who are lent lack, and takes out of the wants of
// those who own the repos what drop says: it is the loan's, and not theirs.
func (c *computation) lacking(drop func(*fleet.Loan, kind.Unreached) bool) {
	if c.lacks == nil {
		c.lacks = map[lentPlace]*kind.Unreached{}
	}
	for _, item := range c.items {
		if len(item.Want.Unreached) == 0 {
			continue
		}
		item.Want.Unreached = slices.DeleteFunc(slices.Clone(item.Want.Unreached), func(u kind.Unreached) bool {
			d := c.world.Config.Declaration(u.By)
			if d == nil || d.Loan == nil {
				return false
			}
			c.lacks[lentPlace{u.By, item.Listing.Name}] = &u
			return drop(d.Loan, u)
		})
	}
}
