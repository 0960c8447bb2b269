package rollout

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// unreported is how long checks that are configured may take to report
// before people are told that it is blocked.
const unreported = time.Hour

// merge decides whether an open pull request, which is as wanted, is merged
// now, or put into the merge queue where its base asks for that. It needs all
// of: a policy and a mode that let Portreeve merge, no commit by people, what
// the rules ask for (see rules.go), a forge that says it merges, and checks
// that are known to be green. Whether our identity could do without is never
// asked.
func (i *Item) merge(s Settings, trailers Trailers, untouched bool) Decision {
	pr := i.Pull
	switch {
	case pr.Draft:
		return i.review("take it out of draft, or close it", "#%d is a draft", pr.Number)
	case pr.Review == fleet.ReviewChangesRequested:
		return i.review("settle the review, or close it", "a reviewer asks for changes in #%d", pr.Number)
	case !untouched:
		return i.review("finish and merge it, or close it",
			"#%d has commits by people, so it is theirs to merge: Portreeve only keeps its own commit beneath them up to date", pr.Number)
	case pr.AutoMerge != nil && pr.Review == fleet.ReviewRequired:
		return i.review("approve it, or close it; then the forge merges it", "%s has #%d merged by the forge, which waits for a required review",
			pr.AutoMerge.Login, pr.Number)
	case pr.AutoMerge != nil:
		return Decision{Outcome: i.outcome(Waiting, "the forge merges it once its rules let it; Portreeve leaves it alone",
			"%s has #%d merged by the forge%s", pr.AutoMerge.Login, pr.Number, i.checksInWords())}
	case !i.automatic(s):
		return i.review("merge it, or close it", "#%d has been open for %s%s", pr.Number, Age(s.Now, pr.Created), i.checksInWords())
	case pr.Review == fleet.ReviewRequired:
		return i.review("approve it, or close it; then it merges by itself", "#%d has waited for a required review for %s",
			pr.Number, Age(s.Now, pr.Created))
	case i.Rules == nil:
		return i.ask(Questions{Rules: true})
	}
	for _, gate := range []func(Settings, Trailers) (Decision, bool){i.passable, i.checks, i.clean, i.ready, i.left, i.newest, i.unheld, i.rightOwners} {
		if d, open := gate(s, trailers); !open {
			return d
		}
	}
	reason := "checks are green"
	if len(pr.Checks) == 0 {
		reason = "the repo has no checks, and its declaration merges nevertheless"
	}
	if i.Rules.Queue {
		return Decision{Outcome: i.outcome(Change, "", "adds #%d to the merge queue", pr.Number), Steps: []Step{i.step(Enqueue, reason)}}
	}
	step := i.step(Merge, reason)
	step.Method = i.method()
	return Decision{Outcome: i.outcome(Change, "", "merges #%d", pr.Number), Steps: []Step{step}}
}

// automatic reports whether the mode and the declaration let Portreeve merge.
func (i *Item) automatic(s Settings) bool {
	return s.Mode == fleet.Merge && (i.Want.Merge == fleet.MergeChecksPass || i.Want.Merge == fleet.MergeAlways)
}

// clean is whether the forge says that it merges cleanly.
func (i *Item) clean(Settings, Trailers) (Decision, bool) {
	if i.Pull.Mergeable == fleet.MergeableYes {
		return Decision{}, true
	}
	return Decision{Outcome: i.outcome(Waiting, "then it merges", "the forge is working out whether #%d merges cleanly", i.Pull.Number)}, false
}

// newest is whether it is on its base's newest commit, where that is asked
// for. A queue sees to it by itself.
func (i *Item) newest(_ Settings, trailers Trailers) (Decision, bool) {
	if !i.Rules.UpToDate || i.Rules.Queue || trailers.Base == i.Head.Commit {
		return Decision{}, true
	}
	return i.update("it must be on its base's newest commit to be merged"), false
}

// review is an open pull request that waits for people of its repo.
func (i *Item) review(next, reason string, args ...any) Decision {
	return Decision{Outcome: i.outcome(Review, next, reason, args...)}
}

// ask is a decision that waits for an answer.
func (i *Item) ask(q Questions) Decision {
	return Decision{Outcome: i.outcome(Waiting, "", "it is being read"), Questions: q}
}

// method is how to merge: one commit on the base, where that is allowed. Empty
// says that no way is.
func (i *Item) method() fleet.MergeMethod {
	for _, m := range []fleet.MergeMethod{fleet.MergeSquash, fleet.MergeCommit, fleet.MergeRebase} {
		if slices.Contains(i.Rules.MergeMethods, m) {
			return m
		}
	}
	return ""
}

// checks reports whether the checks let it merge; otherwise the decision.
//
// That no check has reported is not that none is configured, and that none is
// configured is not that none is required. Checks are configured where a
// context is required, checks have reported on the base, or a workflow runs
// on pull requests.
func (i *Item) checks(s Settings, _ Trailers) (Decision, bool) {
	required := i.Rules.RequiredChecks
	missing := i.unreported()
	var failing, running []string
	for _, c := range i.Pull.Checks {
		if len(required) > 0 && !slices.ContainsFunc(required, func(r fleet.RequiredCheck) bool { return r.By(c) }) {
			continue
		}
		switch c.State {
		case fleet.CheckFailure:
			failing = append(failing, c.Name)
		case fleet.CheckPending:
			running = append(running, c.Name)
		}
	}
	switch {
	case len(failing) > 0:
		return Decision{Outcome: i.outcome(Blocked, "mend the repo, run the check again, or close it",
			"in #%d %s", i.Pull.Number, these(failing, "fails", "fail"))}, false
	case len(missing) > 0:
		return i.silent(s, these(missing, "has not reported", "have not reported")), false
	case len(running) > 0:
		return Decision{Outcome: i.outcome(Waiting, "merges when all checks are green",
			"in #%d %s", i.Pull.Number, these(running, "is running", "are running"))}, false
	case len(required) > 0:
		return Decision{}, true
	case len(i.Pull.Checks) > 0 && s.Now.Sub(i.reportable()) < s.Settle:
		return Decision{Outcome: i.outcome(Waiting, "merges if no other check starts",
			"#%d is new, and more of its checks may be about to start", i.Pull.Number)}, false
	case slices.ContainsFunc(i.Pull.Checks, func(c fleet.Check) bool { return c.State == fleet.CheckSuccess }):
		return Decision{}, true
	case len(i.Pull.Checks) > 0 && i.Want.Merge == fleet.MergeAlways:
		return Decision{}, true
	case len(i.Pull.Checks) > 0:
		return Decision{Outcome: i.outcome(Blocked, `merge it by hand, or declare merge: "no-checks"`,
			"every check of #%d was skipped, so nothing has tested it", i.Pull.Number)}, false
	}
	switch i.configured() {
	case unknown:
		return i.ask(Questions{Workflows: true}), false
	case yes:
		return i.silent(s, "no check has reported"), false
	}
	if i.Want.Merge == fleet.MergeAlways {
		return Decision{}, true
	}
	return Decision{Outcome: i.outcome(Blocked, `merge it by hand, or declare merge: "no-checks"`,
		"#%d could merge, but the repo has no check configured", i.Pull.Number)}, false
}

// unreported are the required checks that have not reported, each once. One
// that reported under another App's name has not.
func (i *Item) unreported() (missing []string) {
	for _, r := range i.Rules.RequiredChecks {
		if slices.ContainsFunc(i.Pull.Checks, r.By) {
			continue
		}
		what := r.Name
		if slices.ContainsFunc(i.Pull.Checks, func(c fleet.Check) bool { return c.Name == r.Name }) {
			what += " (of the App that is required)"
		}
		if !slices.Contains(missing, what) {
			missing = append(missing, what)
		}
	}
	return missing
}

// reportable is since when checks could report: they run for a pull request's
// commit, and it may have been opened long after its commit was made.
func (i *Item) reportable() time.Time {
	if i.Pull.Created.After(i.Pull.HeadTime) {
		return i.Pull.Created
	}
	return i.Pull.HeadTime
}

// silent is a check that is configured and has not reported.
func (i *Item) silent(s Settings, what string) Decision {
	if s.Now.Sub(i.reportable()) > unreported {
		return Decision{Outcome: i.outcome(Blocked, "see why it does not run, merge it by hand, or close it",
			"in #%d %s for %s", i.Pull.Number, what, Age(s.Now, i.reportable()))}
	}
	return Decision{Outcome: i.outcome(Waiting, "merges when all checks are green", "in #%d %s yet", i.Pull.Number, what)}
}

type answer int

const (
	unknown answer = iota
	yes
	no
)

// configured reports whether any check is configured for pull requests.
func (i *Item) configured() answer {
	switch {
	case len(i.Rules.RequiredChecks) > 0 || i.Head.Checked:
		return yes
	case i.Workflows == nil:
		return unknown
	case *i.Workflows:
		return yes
	}
	return no
}

// checksInWords adds what people who merge by hand want to know.
func (i *Item) checksInWords() string {
	green := 0
	for _, c := range i.Pull.Checks {
		switch c.State {
		case fleet.CheckFailure:
			return fmt.Sprintf("; %s fails", c.Name)
		case fleet.CheckPending:
			return fmt.Sprintf("; %s is running", c.Name)
		default:
			green++
		}
	}
	if green == 0 {
		return ""
	}
	return fmt.Sprintf("; %d of %d checks are green", green, len(i.Pull.Checks))
}

// these is "a fails" or "a, b and c fail".
func these(names []string, one, many string) string {
	slices.Sort(names)
	if len(names) == 1 {
		return names[0] + " " + one
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1] + " " + many
}
