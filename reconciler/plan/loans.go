package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/report"
	"github.com/portreeve/portreeve/reconciler/rollout"
)

// lend has kinds see the loans whose time has come.
func (c *computation) lend() {
	lent := *c.world
	lent.Config = kind.Lend(c.world.Config, c.world.Now, c.without)
	c.world = &lent
}

// without says why an engineer does not become an owner in the repos of a loan
// that is in force.
func (c *computation) without(d *fleet.Declaration) map[fleet.RepoName]string {
	why := map[fleet.RepoName]string{}
	if hold := c.holds[d.ID]; hold != nil {
		for _, repo := range c.lentIn(d) {
			why[repo] = hold.Reason()
		}
	}
	return why
}

// lentIn are the repos of a loan, sorted, also those that it names and that are
// not in the fleet.
func (c *computation) lentIn(d *fleet.Declaration) []fleet.RepoName {
	var all []fleet.RepoName
	for _, name := range d.Loan.Repos {
		if r, ok := c.listed(name); ok {
			name = r.Name
		}
		all = append(all, name)
	}
	if len(d.Loan.Repos) == 0 {
		for _, r := range c.listings {
			if kind.IsLentIn(c.world.Config, d, kind.Owning(c.world.Config, r), r.Name) {
				all = append(all, r.Name)
			}
		}
	}
	slices.Sort(all)
	return all
}

// loans tells of each loan, in each of its repos, from what was decided on who
// owns them.
func (c *computation) loans() {
	owning := map[fleet.RepoName]*settled{}
	for i := range c.outcomes {
		o := &c.outcomes[i]
		if r, ok := c.listed(o.Target.Repo); ok {
			if d := kind.Owning(c.world.Config, r); d != nil && d.ID == o.Declaration {
				owning[r.Name] = &settled{outcome: *o}
			}
		}
	}
	for _, item := range c.items {
		if t := owning[item.Listing.Name]; t != nil && t.outcome.Declaration == item.ID {
			t.item = item
		}
	}
	c.grants()
	first := len(c.outcomes)
	for _, d := range c.world.Config.Declarations {
		if d.Loan != nil && d.Frozen == nil {
			c.loan(d, owning)
		}
	}
	c.besides(first)
}

// besides tells what is given, taken back and written down where nothing has
// been told of the loan since first.
func (c *computation) besides(first int) {
	has := map[lentPlace]bool{}
	for _, o := range c.outcomes[first:] {
		has[lentPlace{o.Declaration, o.Target.Repo}] = true
	}
	var more []rollout.Outcome
	for at, o := range c.granting.states {
		if !has[at] {
			has[at], more = true, append(more, o)
		}
	}
	for id, o := range c.granting.told {
		if !has[lentPlace{id, o.Target.Repo}] {
			more = append(more, o)
		}
	}
	c.outcomes = append(c.outcomes, more...) // which are sorted in the end
}

// settled is what has been decided on who owns a repo.
type settled struct {
	outcome rollout.Outcome
	item    *rollout.Item // nil where it could not be decided on
}

// loan tells of one loan.
func (c *computation) loan(d *fleet.Declaration, owning map[fleet.RepoName]*settled) {
	l := d.Loan
	_, over, err := l.Span(kind.TeamsOf(c.world.Config, d)[l.From])
	if err != nil {
		c.outcomes = append(c.outcomes, outcome(d, "", rollout.Failed, err.Error(), "mend it in the config repo"))
		return
	}
	if l.Engineer == "" {
		c.outcomes = append(c.outcomes, c.wanted(d, over))
		return
	}
	repos, i := c.lentIn(d), slices.IndexFunc(c.world.Config.Lent, func(one fleet.Lent) bool { return one.ID == d.ID })
	if len(repos) == 0 {
		c.outcomes = append(c.outcomes, outcome(d, "", rollout.Blocked,
			fmt.Sprintf("%s owns nothing in the fleet, so there is no line for %s to join", l.To, l.Engineer), "name repos in it, or declare what the team owns"))
		return
	}
	var overdue []fleet.RepoName
	for _, repo := range repos {
		var o rollout.Outcome
		switch r, listed := c.listed(repo); {
		case !listed:
			o = c.unlisted(d, repo)
		case i < 0:
			o = outcome(d, repo, rollout.Waiting, "begins on "+l.SinceDay()+": "+lentBy(l), "a pull request adds "+l.Engineer+" to CODEOWNERS then")
		case c.world.Config.Lent[i].Over:
			var late bool
			if o, late = ended(d, owning[r.Name], repo); late {
				overdue = append(overdue, repo)
			}
			if back, ok := c.granting.states[lentPlace{d.ID, r.Name}]; ok {
				o.Reason += "; " + back.Reason
				if o.State == rollout.Done {
					o.State, o.Next = back.State, back.Next
				}
			}
		default:
			o = c.inForce(d, owning[r.Name], r, c.world.Config.Lent[i].Without[r.Name])
			if hold := c.holds[d.ID]; hold != nil {
				o.Policies, o.Next = hold.Policies, hold.Next(c.world.Now)
			}
		}
		o.Decides = l.To
		c.outcomes = append(c.outcomes, o)
	}
	if notice := over.AddDate(0, 0, -c.world.Config.Settings.LoanNotice); i >= 0 && c.world.Now.Before(over) && !c.world.Now.Before(notice) {
		c.notice(d, "loan-ends", "move until if it should go on", "%s ends on %s", lentBy(l), l.UntilDay())
	}
	if i >= 0 && c.world.Config.Lent[i].Over && c.world.Now.Before(over.Add(askWithin)) {
		c.askHowItWent(d, repos)
	}
	if len(overdue) > 0 {
		more := ""
		if n := len(overdue) - 1; n > 0 {
			more = fmt.Sprintf(" and %d more", n)
		}
		c.notice(d, "loan-overdue", "merge the pull request there, or move until", "it ended on %s, and CODEOWNERS of %s%s still names %s", l.UntilDay(), overdue[0], more, l.Engineer)
	}
}

// askWithin is how long after the end of a loan the teams are asked about it:
// who writes down one of long ago asks nobody.
const askWithin = 30 * 24 * time.Hour

// askHowItWent asks both teams, once, in an issue of the config repo.
func (c *computation) askHowItWent(d *fleet.Declaration, repos []fleet.RepoName) {
	tell := func(state rollout.State, reason, next string) {
		if !slices.Contains(repos, c.world.ConfigRepo) { // else its outcome is of the loan there
			c.outcomes = append(c.outcomes, outcome(d, c.world.ConfigRepo, state, reason, next))
		}
	}
	switch {
	case c.world.ConfigRepo == "":
		return
	case c.world.Issues == nil:
		c.needs.issues = true
		tell(rollout.Waiting, "its issues are being read", "")
		return
	case c.world.IssuesUnread != "":
		tell(rollout.Blocked, "nobody is asked how it went: "+c.world.IssuesUnread, "let Portreeve read and write issues")
		return
	}
	marker := report.LoanMarker(d.ID, d.Loan)
	for _, issue := range *c.world.Issues {
		if report.LastLine(issue.Body) == marker {
			tell(rollout.Done, fmt.Sprintf("both teams were asked how it went, in #%d", issue.Number), "")
			return
		}
	}
	teams := kind.TeamsOf(c.world.Config, d)
	end := report.LoanEnd{Declaration: d.ID, Loan: d.Loan, From: teams[d.Loan.From], To: teams[d.Loan.To], Repos: repos, Pos: d.Pos}
	c.aside(rollout.Step{
		Action: rollout.OpenIssue, Declaration: d.ID, Repo: c.world.ConfigRepo, Reason: "the loan has ended", Pos: d.Pos,
		Title: end.Heading(), Body: end.Text(), SpecHash: marker,
	}, "asks both teams how it went", tell)
}

// aside adds a step that is about no pull request, or tells why it is refused, or
// what it waits for.
func (c *computation) aside(s rollout.Step, does string, tell func(state rollout.State, reason, next string)) {
	if no, refused := c.world.Refused[s.Key()]; refused && c.world.Now.Before(no.Until) {
		tell(rollout.Blocked, no.Reason, "see the repo's settings, and what Portreeve may do there")
		return
	}
	if why, next := c.paced.Aside(&s); why != "" {
		tell(rollout.Waiting, why, next)
		return
	}
	tell(rollout.Change, does, "")
	c.planned = append(c.planned, s)
}

func (c *computation) notice(d *fleet.Declaration, code, hint, format string, args ...any) {
	c.problems = append(c.problems, fleet.Problem{
		Severity: fleet.Warning, Code: code, Pos: d.FieldPos("until"), Declaration: d.ID.String(), Field: "loans." + d.ID.Name + ".until",
		Message: fmt.Sprintf(format, args...), Hint: hint,
	})
}

// wanted is the outcome of what asks for somebody.
func (c *computation) wanted(d *fleet.Declaration, over time.Time) rollout.Outcome {
	l := d.Loan
	if !c.world.Now.Before(over) {
		return outcome(d, "", rollout.Out, "nobody was lent; the time that it asked for is over", "")
	}
	next := "a team that lends somebody writes from and engineer"
	if l.From != "" {
		next = string(l.From) + " writes engineer, or says no"
	}
	o := outcome(d, "", rollout.Blocked, fmt.Sprintf("%s asks for somebody from %s until %s for: %s", l.To, l.SinceDay(), l.UntilDay(), l.Goal), next)
	o.Decides = l.From
	return o
}

// unlisted is the outcome of a loan in a repo that is not in the fleet.
func (c *computation) unlisted(d *fleet.Declaration, repo fleet.RepoName) rollout.Outcome {
	if r := c.world.Repos[repo]; r != nil && r.Out != "" {
		return outcome(d, repo, rollout.Out, r.Out, "")
	}
	return outcome(d, repo, rollout.Failed, "the forge lists no such repo in the fleet", "see the repo's name, or what fleet covers")
}

// inForce is the outcome of a loan whose time lasts.
func (c *computation) inForce(d *fleet.Declaration, own *settled, r fleet.Repo, without string) rollout.Outcome {
	repo, until := r.Name, lentBy(d.Loan)+" until "+d.Loan.UntilDay()
	names := func(owner *fleet.Declaration) bool { return kind.Names(owner, d.Loan.To) }
	switch owner := kind.Owning(c.world.Config, r); {
	case own == nil:
		return outcome(d, repo, rollout.Blocked, "no declaration says who owns the repo, so there is no line for "+d.Loan.Engineer+" to join", "declare who owns it")
	case !names(owner) && !slices.ContainsFunc(kind.Parts(c.world.Config, repo), names):
		return outcome(d, repo, rollout.Blocked, fmt.Sprintf("%s owns nothing in the repo, so there is no line for %s to join", d.Loan.To, d.Loan.Engineer), "declare what it owns there")
	case without != "":
		return outcome(d, repo, rollout.Blocked, without, "")
	case c.lacks[lentPlace{d.ID, repo}] != nil:
		return c.notInForce(d, repo, c.lacks[lentPlace{d.ID, repo}])
	case own.item != nil && !slices.Contains(own.item.Want.Joined, d.ID):
		return outcome(d, repo, rollout.Done, "in force: "+until, "")
	}
	return of(d, own, "in force: "+until)
}

// notInForce is the outcome where an engineer lacks what a code owner needs, and
// what is done about it.
func (c *computation) notInForce(d *fleet.Declaration, repo fleet.RepoName, u *kind.Unreached) rollout.Outcome {
	o := outcome(d, repo, rollout.Blocked, "not in force: "+u.Why, u.Hint)
	if d.Loan.Access != fleet.AccessGrant || u.Code != noWrite {
		return o
	}
	done, known := c.granting.states[lentPlace{d.ID, repo}]
	switch {
	case known:
		done.Reason = "not in force: " + done.Reason
		return done
	case c.world.Config.Settings.Mode != fleet.Merge:
		o.Next = "fleet.mode is " + string(c.world.Config.Settings.Mode) + ", and only merge gives access; or give it by hand"
	case c.world.ConfigRepo == "":
		o.Next = "give it by hand: what is given is written down in the config repo's issues, and it is not on the forge"
	case c.world.IssuesUnread != "":
		o.Reason, o.Next = "not in force: what access is given can't be written down: "+c.world.IssuesUnread, "let Portreeve read and write issues of the config repo"
	default:
		o.State, o.Next = rollout.Waiting, "is given it"
	}
	return o
}

// ended is the outcome of a loan whose time has passed, and whether the engineer
// is an owner all the same.
func ended(d *fleet.Declaration, own *settled, repo fleet.RepoName) (o rollout.Outcome, late bool) {
	on := "ended on " + d.Loan.UntilDay()
	switch {
	case own == nil || own.item != nil && !slices.Contains(own.item.Want.Returned, d.ID):
		return outcome(d, repo, rollout.Done, on, ""), false
	case own.item == nil: // nobody knows
		return of(d, own, on), false
	}
	o = of(d, own, fmt.Sprintf("OVERDUE: it %s, and CODEOWNERS still names %s", on, d.Loan.Engineer))
	if o.State == rollout.Declined {
		o.State = rollout.Blocked // it was a no to the pull request, and the loan is over
		o.Next = fmt.Sprintf("reopen #%d and merge it, or have %s ask again (askAgain), or move until", o.Pull.Number, own.outcome.Declaration)
	}
	return o, true
}

// of is the outcome of a loan that goes the way of its repo's ownership.
func of(d *fleet.Declaration, own *settled, reason string) rollout.Outcome {
	o := outcome(d, own.outcome.Target.Repo, own.outcome.State, fmt.Sprintf("%s; %s: %s", reason, own.outcome.Declaration, own.outcome.Reason), own.outcome.Next)
	if o.State == rollout.Change { // which is another's
		o.State = rollout.Waiting
	}
	o.Pull, o.Turn = own.outcome.Pull, own.outcome.Turn
	return o
}

func lentBy(l *fleet.Loan) string {
	return fmt.Sprintf("%s, lent by %s to %s", l.Engineer, l.From, l.To)
}

// listed is the listing of a repo of the fleet, whatever the case of its name.
func (c *computation) listed(name fleet.RepoName) (fleet.Repo, bool) {
	if c.byName == nil {
		c.byName = make(map[string]int, len(c.listings))
		for i, r := range c.listings {
			c.byName[strings.ToLower(string(r.Name))] = i
		}
	}
	i, ok := c.byName[strings.ToLower(string(name))]
	if !ok {
		return fleet.Repo{}, false
	}
	return c.listings[i], true
}
