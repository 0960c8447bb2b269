package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/portreeve/portreeve/cmd/internal/release"
	"github.com/portreeve/portreeve/reconciler"
	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/plan"
)

// comparison is how this version's plan differs from another one's.
type comparison struct {
	Format      int               `json:"format"`
	This        string            `json:"this"` // versions
	That        string            `json:"that"`
	Program     string            `json:"program"` // that is that one
	Revision    fleet.Revision    `json:"revision"`
	Observed    time.Time         `json:"observed"`
	Repos       int               `json:"repos"`
	Differences []plan.Difference `json:"differences"`
	// OnlyThis and OnlyThat are the problems that only one version finds.
	OnlyThis []fleet.Problem `json:"onlyThis,omitempty"`
	OnlyThat []fleet.Problem `json:"onlyThat,omitempty"`
	// Moved are the repos that changed at each try, so that nothing is said of
	// them; Unread is how many one of the two could not read.
	Moved  []fleet.RepoName `json:"moved,omitempty"`
	Unread int              `json:"unread,omitempty"`
}

// tries is how often the other version is asked while the fleet moves.
const tries = 3

// against compares this version's plan with another one's. That both see one
// world can't be had, so it is proved: this version looks before the other one
// and after it, and a repo counts once both looks found and planned the same.
type against struct {
	look func(context.Context) (*reconciler.Look, error)
	ask  func(context.Context, time.Duration) (*plan.Told, error) // the other one; it is told how long a look took
	// contents says that the contents of files are compared line by line.
	contents bool
}

// compare fills in all of a comparison but who was asked.
func (a *against) compare(ctx context.Context) (*comparison, error) {
	began := time.Now()
	before, err := a.look(ctx)
	if err != nil {
		return nil, err
	}
	took := time.Since(began)
	var c *comparison
	for range tries {
		that, err := a.ask(ctx, took)
		if err != nil {
			return nil, err
		}
		after, err := a.look(ctx)
		if err != nil {
			return nil, err
		}
		if r := before.Plan.Revision; r == that.Revision && r == after.Plan.Revision {
			c = a.judge(c, before, after, that)
		}
		if c != nil && len(c.Moved) == 0 {
			return c, nil
		}
		before = after
	}
	if c == nil {
		return nil, outside(fmt.Errorf("the config repo moved at each of %d tries, so the two never planned for one revision", tries))
	}
	return c, nil
}

// judge compares what stood still. Of c, an earlier try's result or nil, it
// keeps what was found of the repos that stood still then.
func (a *against) judge(c *comparison, before, after *reconciler.Look, that *plan.Told) *comparison {
	ours, again := plan.Tell(before.Plan, release.Name(), a.contents), plan.Tell(after.Plan, release.Name(), false)
	moved := plan.Moved(before.World, after.World)
	for _, d := range plan.Compare(ours, again) {
		moved[d.Target.Repo] = true
	}
	next := &comparison{
		Format: plan.Format, This: ours.Version, That: that.Version, Revision: ours.Revision, Observed: ours.Observed,
		Repos: ours.Repos, Differences: []plan.Difference{}, Unread: max(ours.Unread, that.Unread),
		OnlyThis: lacking(ours.Problems, that.Problems), OnlyThat: lacking(that.Problems, ours.Problems),
	}
	still := func(fleet.RepoName) bool { return false } // before this try
	if c != nil && c.Revision == next.Revision {
		still = func(r fleet.RepoName) bool { return !slices.Contains(c.Moved, r) }
		for _, d := range c.Differences {
			if still(d.Target.Repo) {
				next.Differences = append(next.Differences, d)
			}
		}
	}
	for _, d := range plan.Compare(ours, that) {
		if !moved[d.Target.Repo] && !still(d.Target.Repo) {
			next.Differences = append(next.Differences, d)
		}
	}
	for _, r := range slices.Sorted(maps.Keys(moved)) {
		if !still(r) {
			next.Moved = append(next.Moved, r)
		}
	}
	plan.SortDifferences(next.Differences)
	return next
}

// lacking are the problems that others lacks.
func lacking(problems, others []fleet.Problem) (only []fleet.Problem) {
	for i := range problems {
		if !slices.ContainsFunc(others, func(o fleet.Problem) bool { return o.String() == problems[i].String() }) {
			only = append(only, problems[i])
		}
	}
	return only
}

// planAgainst is plan --against.
func planAgainst(cmd *cobra.Command, c *connection, program, where string, o planOptions) error {
	bar := newProgress()
	e, err := newEngine(c, where, false, false, logger(cmd.ErrOrStderr(), false), bar)
	if err != nil {
		return err
	}
	defer e.Close()
	r, err := newRival(cmd, c, program, where, o.diffs)
	if err != nil {
		return err
	}
	defer r.Close()
	a := &against{
		contents: o.diffs,
		look: func(ctx context.Context) (*reconciler.Look, error) {
			look, err := e.Plan(ctx)
			if err != nil && look != nil {
				printProblems(cmd.ErrOrStderr(), look.Config.Problems)
			}
			return look, outside(err)
		},
		ask: func(ctx context.Context, took time.Duration) (*plan.Told, error) {
			bar.step("asking the other version", 0, 0)
			return r.plan(ctx, patience(took))
		},
	}
	found, err := a.compare(cmd.Context())
	bar.clear()
	if err != nil {
		return err
	}
	found.Program = program
	if o.format == "json" {
		err = printJSON(cmd.OutOrStdout(), found)
	} else {
		err = printComparison(cmd.OutOrStdout(), found, o)
	}
	if err != nil {
		return err
	}
	return found.status(o.code)
}

// status is how the command exits: what is not known weighs more than what
// differs.
func (c *comparison) status(code bool) error {
	switch {
	case c.Unread > 0:
		return outside(fmt.Errorf("%s could not be read, so nothing is sure of them", count(c.Unread, "repo")))
	case len(c.Moved) > 0:
		return outside(errors.New("the fleet moved while it was looked at; see what moved, and compare again"))
	case code && c.differs():
		return &exitError{status: exitChanges}
	}
	return nil
}

func (c *comparison) differs() bool {
	return len(c.Differences)+len(c.OnlyThis)+len(c.OnlyThat) > 0
}
