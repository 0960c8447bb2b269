package main

import (
	"strings"
	"testing"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
	"github.com/portreeve/portreeve/reconciler/forge/sandbox"
	"github.com/portreeve/portreeve/reconciler/rollout"
	"github.com/portreeve/portreeve/reconciler/store"
)

const lentFleet = `package fleet

fleet: {repos: ["acme/deploy"], mode: "merge"}
teams: {
	payments: {github: "acme/payments", timezone: "Europe/London"}
	platform: github: "acme/platform"
}
ownership: deploy: {repo: "acme/deploy", owner: "platform", merge: "no-checks"}
`

const lentMaria = `package fleet

loans: maria: {
	engineer: "maria-s", from: "payments", to: "platform", repos: ["acme/deploy"]
	since: "2026-11-02", until: "2026-12-18", goal: "Canary deploys"
}
`

// clock is one that a test sets. Of none, nil, the machine's is used.
type clock struct{ now time.Time }

// drive makes it a daemon's.
func (c *clock) drive(e *engine) {
	if c != nil {
		e.Now, e.Observer.Now, e.Applier.Now = c.time, c.time, c.time
	}
}

func (c *clock) time() time.Time { return c.now }

// noon sets it to noon of a day.
func (c *clock) noon(t *testing.T, day string) {
	t.Helper()
	at, err := time.Parse(time.DateOnly, day)
	must(t, err)
	c.now = at.Add(12 * time.Hour)
}

// tick goes on by more than what a pass has read of access is believed for.
func (c *clock) tick() {
	if c != nil {
		c.now = c.now.Add(11 * time.Minute)
	}
}

// lending is a fleet in which payments lends maria-s to platform, and a clock.
type lending struct {
	*stage
	*engine
	*clock
}

func newLending(t *testing.T, loan string) *lending {
	t.Helper()
	l := &lending{clock: &clock{}}
	l.noon(t, "2026-11-01")
	l.stage = newStageOn(t, t.TempDir(), sandbox.Options{Now: l.time},
		map[string]string{"fleet.cue": lentFleet, "loans.cue": loan},
		sandbox.Spec{Name: "acme/deploy", Files: map[string]sandbox.File{"main.go": {Content: "package main\n"}}})
	l.restart(t)
	return l
}

// restart is a daemon with nothing that the one before remembered.
func (l *lending) restart(t *testing.T) {
	t.Helper()
	l.engine = l.stage.engine(t)
	l.drive(l.engine)
}

// day goes to noon of a day and makes passes until nothing more is done.
func (l *lending) day(t *testing.T, day string) *store.Pass {
	t.Helper()
	l.noon(t, day)
	return l.settle(t)
}

func (l *lending) settle(t *testing.T) *store.Pass {
	t.Helper()
	for range 20 {
		l.tick()
		pass := l.Once(t.Context())
		if pass.Err != "" {
			t.Fatal(pass.Err)
		}
		for _, d := range pass.Done {
			if d.Err != "" {
				t.Fatalf("%s %s: %s", d.Action, d.Declaration, d.Err)
			}
		}
		if len(pass.Done) == 0 {
			return pass
		}
	}
	t.Fatal("it does not come to rest")
	return nil
}

// commit has a person commit a file of the config repo.
func (l *lending) commit(t *testing.T, path, content string) {
	t.Helper()
	_, err := l.Person("kim").CommitFile("acme/config", "main", path, content, "By hand")
	must(t, err)
}

// is holds what the pass tells of the loan, and CODEOWNERS.
func (l *lending) is(t *testing.T, pass *store.Pass, state rollout.State, reason, owners string) {
	t.Helper()
	file, err := l.ReadFile("acme/deploy", "", ".github/CODEOWNERS")
	must(t, err)
	if lines := strings.Split(strings.TrimSpace(file), "\n"); lines[len(lines)-1] != owners {
		t.Errorf("CODEOWNERS says %q, expected %q", lines[len(lines)-1], owners)
	}
	for _, o := range pass.Plan.Outcomes {
		if o.Declaration == (fleet.ID{Kind: "loan", Name: "maria"}) && o.Target.Repo == "acme/deploy" {
			if o.State != state || !strings.Contains(o.Reason, reason) {
				t.Errorf("the loan is %s, %q; expected %s, %q", o.State, o.Reason, state, reason)
			}
			return
		}
	}
	t.Error("nothing is told of the loan")
}

// TestLoanByTheClock holds that a loan begins and ends without a commit.
func TestLoanByTheClock(t *testing.T) {
	l := newLending(t, lentMaria)
	l.is(t, l.day(t, "2026-11-01"), rollout.Waiting, "begins on 2 November 2026", "* @acme/platform")
	l.is(t, l.day(t, "2026-11-02"), rollout.Done, "in force", "* @acme/platform @maria-s")
	l.is(t, l.day(t, "2026-12-18"), rollout.Done, "in force", "* @acme/platform @maria-s")
	l.is(t, l.day(t, "2026-12-19"), rollout.Done, "ended on 18 December 2026", "* @acme/platform")
}

// TestLoanAsksHowItWent holds that both teams are asked once, in the config repo,
// also by a daemon that was not there at the end, and whatever became of it.
func TestLoanAsksHowItWent(t *testing.T) {
	l := newLending(t, lentMaria)
	l.day(t, "2026-12-18")
	if issues, err := l.Issues("acme/config"); err != nil || len(issues) > 0 {
		t.Fatalf("before the end: %v, %v", issues, err)
	}
	for _, day := range []string{"2026-12-21", "2026-12-22", "2027-01-10", "2027-06-01"} {
		l.restart(t)
		l.day(t, day)
		issues, err := l.Issues("acme/config")
		must(t, err)
		if len(issues) != 1 || !strings.Contains(issues[0].Body, "(@acme/payments) lent `maria-s` to platform (@acme/platform)") {
			t.Fatalf("on %s: %+v", day, issues)
		}
		if issues[0].Open {
			must(t, l.Person("kim").CloseIssue("acme/config", issues[0].Number))
		}
	}
}

// TestLoanOverRestart holds that it does where no process lives through it.
func TestLoanOverRestart(t *testing.T) {
	l := newLending(t, lentMaria)
	l.day(t, "2026-11-01")
	l.restart(t)
	l.is(t, l.day(t, "2026-11-02"), rollout.Done, "in force", "* @acme/platform @maria-s")
	l.restart(t)
	l.is(t, l.day(t, "2026-12-17"), rollout.Done, "in force", "* @acme/platform @maria-s")
	l.restart(t)
	l.is(t, l.day(t, "2026-12-19"), rollout.Done, "ended", "* @acme/platform")
}

// TestLoanWhileInvalid holds that it begins and ends as it was last valid, with
// the days of the teams of that time, also for a daemon that starts then.
func TestLoanWhileInvalid(t *testing.T) {
	for name, broken := range map[string]string{
		"loan": strings.Replace(lentMaria, "2026-12-18", "2026-13-18", 1), "all of it": "package fleet\n\nloans: {",
	} {
		t.Run(name, func(t *testing.T) {
			l := newLending(t, lentMaria)
			l.day(t, "2026-11-01")
			l.commit(t, "loans.cue", broken)
			l.is(t, l.day(t, "2026-11-02"), rollout.Done, "in force", "* @acme/platform @maria-s")
			l.restart(t)
			l.is(t, l.day(t, "2026-12-18"), rollout.Done, "in force", "* @acme/platform @maria-s")
			l.is(t, l.day(t, "2026-12-19"), rollout.Done, "ended", "* @acme/platform")
		})
	}
}

// TestLoanEndClosed holds that a person's no to the pull request that ends a
// loan stands, and that the loan is overdue until someone ends it.
func TestLoanEndClosed(t *testing.T) {
	manual := strings.Replace(lentFleet, "no-checks", "manual", 1)
	l := newLending(t, lentMaria)
	l.day(t, "2026-11-02")
	l.commit(t, "fleet.cue", manual)
	l.is(t, l.day(t, "2026-12-19"), rollout.Review, "OVERDUE", "* @acme/platform @maria-s")
	pulls, err := l.Pulls("acme/deploy")
	must(t, err)
	ending := pulls[len(pulls)-1].Number
	must(t, l.Person("kim").Close("acme/deploy", ending))
	for _, day := range []string{"2026-12-20", "2027-01-20"} {
		l.restart(t)
		l.is(t, l.day(t, day), rollout.Blocked, "OVERDUE: it ended on 18 December 2026, and CODEOWNERS still names maria-s; ownership/deploy: kim closed", "* @acme/platform @maria-s")
	}
	must(t, l.Person("kim").Reopen("acme/deploy", ending))
	must(t, l.Person("kim").Merge("acme/deploy", ending, fleet.MergeCommit))
	l.is(t, l.settle(t), rollout.Done, "ended on 18 December 2026", "* @acme/platform")
}

// granting is a lending in an organisation whose people and teams are known,
// with a loan that gives access.
func newGranting(t *testing.T) *lending {
	t.Helper()
	l := newLending(t, strings.Replace(lentMaria, "goal:", `access: "grant", goal:`, 1))
	l.Manage("acme")
	for _, team := range []string{"acme/payments", "acme/platform"} {
		l.AddTeam(team)
		must(t, l.SetAccess("acme/deploy", team, fleet.RoleWrite))
	}
	l.AddUser("maria-s", "token-of-maria", false)
	return l
}

// role is what maria-s may do herself.
func (l *lending) role(t *testing.T) fleet.Role {
	t.Helper()
	account := forge.Account{Repo: "acme/deploy", Name: "maria-s"}
	answer := l.As("portreeve").Access(t.Context(), []forge.Account{account})[account]
	must(t, answer.Err)
	return answer.Value.Role
}

func (l *lending) mayOnly(t *testing.T, role fleet.Role) {
	t.Helper()
	if got := l.role(t); got != role {
		t.Errorf("maria-s may %q, expected %q", got, role)
	}
}

// TestLoanGivesAccess holds that write access is given for the time of a loan and
// taken back, over restarts, and that what was there before is there after it.
func TestLoanGivesAccess(t *testing.T) {
	for _, before := range []fleet.Role{"", fleet.RoleRead} {
		l := newGranting(t)
		must(t, l.SetAccess("acme/deploy", "maria-s", before))
		l.day(t, "2026-11-01")
		l.mayOnly(t, before)
		l.restart(t)
		l.is(t, l.day(t, "2026-11-02"), rollout.Done, "in force", "* @acme/platform @maria-s")
		l.mayOnly(t, fleet.RoleWrite)
		l.restart(t)
		l.is(t, l.day(t, "2026-12-19"), rollout.Done, "ended", "* @acme/platform")
		l.mayOnly(t, before)

		// What somebody gives later is not ours to take.
		must(t, l.SetAccess("acme/deploy", "maria-s", fleet.RoleWrite))
		l.restart(t)
		l.day(t, "2026-12-22")
		l.mayOnly(t, fleet.RoleWrite)
	}
}

// TestLoanKeepsAccess holds that who could write before still can afterwards, and
// so can who was given more meanwhile.
func TestLoanKeepsAccess(t *testing.T) {
	l := newGranting(t)
	must(t, l.SetAccess("acme/deploy", "maria-s", fleet.RoleWrite))
	l.is(t, l.day(t, "2026-11-02"), rollout.Done, "in force", "* @acme/platform @maria-s")
	l.day(t, "2026-12-19")
	l.mayOnly(t, fleet.RoleWrite)

	l = newGranting(t)
	l.day(t, "2026-11-02")
	must(t, l.SetAccess("acme/deploy", "maria-s", fleet.RoleMaintain))
	l.day(t, "2026-12-19")
	l.mayOnly(t, fleet.RoleMaintain)
}

// TestLoanInvites holds that an invitation is waited for, that a declined one is
// not made again, and that one which is open at the end is withdrawn.
func TestLoanInvites(t *testing.T) {
	l := newGranting(t)
	l.Outside("maria-s")
	l.is(t, l.day(t, "2026-11-02"), rollout.Waiting, "waits for maria-s to accept the invitation", "* @acme/platform")
	must(t, l.Person("maria-s").AnswerInvitation("acme/deploy", true))
	l.is(t, l.day(t, "2026-11-03"), rollout.Done, "in force", "* @acme/platform @maria-s")

	l = newGranting(t)
	l.Outside("maria-s")
	l.day(t, "2026-11-02")
	must(t, l.Person("maria-s").AnswerInvitation("acme/deploy", false))
	for _, day := range []string{"2026-11-03", "2026-11-04"} {
		l.restart(t)
		l.is(t, l.day(t, day), rollout.Blocked, "was given is gone", "* @acme/platform")
	}

	l = newGranting(t)
	l.Outside("maria-s")
	l.day(t, "2026-11-02")
	l.day(t, "2026-12-19")
	if err := l.Person("maria-s").AnswerInvitation("acme/deploy", true); err == nil {
		t.Error("the invitation outlives the loan")
	}
}

// TestLoanGoneTakesAccessBack holds that access which was given is found again
// when the loan is not declared any more, and kept while that is not known.
func TestLoanGoneTakesAccessBack(t *testing.T) {
	l := newGranting(t)
	l.day(t, "2026-11-02")
	l.commit(t, "loans.cue", "package fleet\n\nloans: {")
	l.restart(t)
	l.day(t, "2026-11-03")
	l.mayOnly(t, fleet.RoleWrite)
	l.commit(t, "loans.cue", "package fleet\n")
	l.restart(t)
	l.day(t, "2026-11-04")
	l.mayOnly(t, "")
}

// TestLoanIsNoDrift holds that a loan begins and ends also where a change by hand
// is only told: it is none.
func TestLoanIsNoDrift(t *testing.T) {
	l := newLending(t, lentMaria)
	l.commit(t, "fleet.cue", strings.Replace(lentFleet, `merge: "no-checks"`, `merge: "no-checks", onDrift: "report"`, 1))
	l.day(t, "2026-11-01")
	l.is(t, l.day(t, "2026-11-02"), rollout.Done, "in force", "* @acme/platform @maria-s")
	l.is(t, l.day(t, "2026-12-19"), rollout.Done, "ended", "* @acme/platform")
}
