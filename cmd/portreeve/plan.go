package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"github.com/portreeve/portreeve/cmd/internal/release"
	"github.com/portreeve/portreeve/reconciler"
	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/plan"
	"github.com/portreeve/portreeve/reconciler/report"
	"github.com/portreeve/portreeve/reconciler/rollout"
)

func planCommand() *cobra.Command {
	var c connection
	var o planOptions
	cmd := &cobra.Command{
		Use:   "plan [PATH]",
		Short: "Show what would change in the fleet, and why; writes nothing",
		Long: `Plan reads the declarations in PATH (a folder as it lies there, or the URL of a
config repo) and the fleet, and shows what a pass would do now. It is what the
daemon computes; only, nothing is written.

With --exit-code the status is 4 when there is something to do, 0 when not, also
where nothing would be written (mode observe, the file STOP).

With --against another portreeve, older or newer, plans for the same fleet, and
what is shown is where the two differ: what an upgrade from one to the other
would change. It runs with this command's flags and identity, so name a program
that you trust to read the fleet. --diff compares the files that both would
write; with --exit-code the status is 4 when anything differs.`,
		Example: `  portreeve plan --diff
  portreeve plan --exit-code https://github.com/acme/config
  portreeve plan --output json | jq '.outcomes[] | select(.state == "blocked")'
  portreeve plan --against ./portreeve-next https://github.com/acme/config`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.against != "" {
				return planAgainst(cmd, &c, o.against, place(args), o)
			}
			return planAlone(cmd, &c, place(args), o)
		},
	}
	c.flags(cmd)
	cmd.Flags().BoolVar(&o.diffs, "diff", false, "show the edits line by line; in JSON, the contents of the files")
	cmd.Flags().BoolVar(&o.all, "all", false, "show also what is as declared and what is out")
	cmd.Flags().BoolVar(&o.code, "exit-code", false, "exit with 4 when there is something to do")
	cmd.Flags().StringVar(&o.against, "against", "", "show where the plan of another portreeve, the program `BINARY`, differs")
	outputFlag(cmd, &o.format, "table", "json")
	return cmd
}

// planOptions are what is shown of a plan, and how.
type planOptions struct {
	format           string
	diffs, all, code bool
	against          string
}

func planAlone(cmd *cobra.Command, c *connection, where string, o planOptions) error {
	bar := newProgress()
	e, err := newEngine(c, where, false, !o.diffs, logger(cmd.ErrOrStderr(), false), bar)
	if err != nil {
		return err
	}
	defer e.Close()
	look, err := e.Plan(cmd.Context())
	bar.clear()
	if err != nil {
		if look != nil {
			printProblems(cmd.ErrOrStderr(), look.Config.Problems)
		}
		return outside(err)
	}
	out := cmd.OutOrStdout()
	if o.format == "json" {
		err = printJSON(out, plan.Tell(look.Plan, release.Name(), o.diffs))
	} else {
		printPlan(out, look.Plan, o.all)
		if o.diffs {
			err = printDiffs(cmd, e, look)
		}
	}
	if err != nil {
		return err
	}
	return planStatus(look, o.code)
}

// planStatus is how plan exits: problems weigh more than changes.
func planStatus(look *reconciler.Look, code bool) error {
	switch {
	case fleet.HasErrors(look.Plan.Problems):
		return &exitError{status: exitProblems}
	case look.Plan.Unread > 0:
		return unread(look.Plan)
	case code && len(look.Plan.Steps) > 0:
		return &exitError{status: exitChanges}
	}
	return nil
}

// unread is the error of repos that could not be read.
func unread(p *plan.Plan) error {
	return outside(fmt.Errorf("%s could not be read; see what waits, or has failed", count(p.Unread, "repo")))
}

// verb is the word in a plan's first column.
func verb(o *rollout.Outcome, steps []rollout.Step) string {
	for _, s := range steps {
		if s.Target() == o.Target && s.Declaration == o.Declaration && s.Lane == o.Lane {
			return string(s.Action)
		}
	}
	if len(o.Policies) > 0 {
		return "hold"
	}
	return string(o.State)
}

// many is from how many outcomes alike on they are told as one line.
const many = 6

// printPlan prints a plan for people.
func printPlan(w io.Writer, p *plan.Plan, all bool) {
	fmt.Fprintf(w, "revision %s · observed %s · mode %s\n", p.Revision.Short(), p.Observed.Local().Format("15:04"), p.Mode)
	printProblems(w, p.Problems)
	printStale(w, p.Stale)
	alike := map[string]int{}
	for i := range p.Outcomes {
		alike[alikeKey(&p.Outcomes[i])]++
	}
	var t table
	told, queued := map[string]bool{}, queues(p)
	for i := range p.Outcomes {
		o := &p.Outcomes[i]
		if !all && (o.State == rollout.Done || o.State == rollout.Out) {
			continue
		}
		if turns := queued[declaration(o)]; !all && o.Turn != nil && len(turns) >= many {
			if key := "turns of " + declaration(o); !told[key] {
				told[key] = true
				t.add(string(o.State), fmt.Sprintf("%d repos", len(turns)), declaration(o), report.Queue(p.Observed, turns))
			}
			continue
		}
		target, key := orDash(o.Target.String()), alikeKey(o)
		if n := alike[key]; !all && n >= many && o.State != rollout.Change {
			if told[key] {
				continue
			}
			told[key], target = true, fmt.Sprintf("%d repos", n)
		}
		t.add(verb(o, p.Steps), target, declaration(o), detail(o))
	}
	t.print(w)
	fmt.Fprintln(w, planSummary(p))
	if p.Halted != "" {
		fmt.Fprintf(w, "Nothing would be written: %s.\n", p.Halted)
	} else {
		fmt.Fprintln(w, "Nothing was written.")
	}
}

func alikeKey(o *rollout.Outcome) string {
	return string(o.State) + "\x00" + declaration(o) + "\x00" + o.Reason
}

// declaration is an outcome's declaration, with its lane.
func declaration(o *rollout.Outcome) string { return laned(o.Declaration, o.Lane) }

func laned(id fleet.ID, lane fleet.Lane) string {
	switch {
	case id == fleet.ID{}:
		return "-"
	case lane != "":
		return id.String() + " (" + string(lane) + ")"
	}
	return id.String()
}

// detail is an outcome in one line: what a change does, else why it is so, and
// when what waits for a limit has its turn.
func detail(o *rollout.Outcome) string {
	text := o.Reason
	if o.State == rollout.Change && len(o.What) > 0 {
		text += ": " + o.What[0]
		if len(o.What) > 1 {
			text += fmt.Sprintf(" and %d more", len(o.What)-1)
		}
		if o.Effect != nil {
			text += "; " + report.EffectInShort(o.Effect)
		}
	}
	if o.Turn != nil {
		text = o.Reason + "; " + o.Next
	}
	return text + stale(o)
}

// planSummary counts, and says what it costs.
func planSummary(p *plan.Plan) string {
	var parts []string
	actions := map[rollout.Action]int{}
	for _, s := range p.Steps {
		actions[s.Action]++
	}
	for _, a := range []rollout.Action{rollout.Open, rollout.Update, rollout.Reword, rollout.Merge, rollout.Enqueue, rollout.Dequeue, rollout.Close, rollout.DeleteBranch, rollout.OpenIssue, rollout.EditIssue, rollout.Grant, rollout.Revoke, rollout.Apply, rollout.LetGo} {
		if n := actions[a]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d to %s", n, strings.ReplaceAll(string(a), "-", " ")))
		}
	}
	for _, s := range rollout.States {
		if n := p.Count(s); n > 0 && s != rollout.Change {
			parts = append(parts, fmt.Sprintf("%d %s", n, s))
		}
	}
	if len(parts) == 0 {
		return "nothing declared"
	}
	return fmt.Sprintf("%s · %s", count(p.Repos, "repo"), strings.Join(parts, ", ")) + paceSummary(p)
}

// printDiffs prints the edits of all steps as unified diffs.
func printDiffs(cmd *cobra.Command, e *engine, look *reconciler.Look) error {
	var needs []plan.Need
	for _, s := range look.Plan.Steps {
		if len(s.Edits) == 0 || s.Cluster != "" { // a cluster has been looked at
			continue
		}
		n := plan.Need{Repo: s.Repo}
		for _, edit := range s.Edits {
			n.Files = append(n.Files, edit.Path)
		}
		needs = append(needs, n)
	}
	if err := e.Observer.Answer(cmd.Context(), look.World, needs); err != nil {
		return outside(err)
	}
	for _, s := range look.Plan.Steps {
		for _, edit := range s.Edits {
			var tree fs.FS
			if s.Cluster != "" {
				tree = look.World.Clusters[s.Cluster].Tree
			} else {
				tree = look.World.Repos[s.Repo].Tree
			}
			old, err := fs.ReadFile(tree, string(edit.Path))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return outside(fmt.Errorf("%s: %w", s.Target(), err))
			}
			now := edit.Content
			if trial := look.World.Trials[s.Key()]; s.Cluster != "" && trial != nil && trial.Shows != nil {
				old, now = trial.Shows[edit.Path].Before, trial.Shows[edit.Path].After
			}
			name := s.Target().String() + "/" + string(edit.Path)
			fmt.Fprintln(cmd.OutOrStdout())
			fmt.Fprint(cmd.OutOrStdout(), safe(string(diff.Diff("a/"+name, old, "b/"+name, now))))
		}
	}
	return nil
}

// printProblems prints problems, a line each.
func printProblems(w io.Writer, problems []fleet.Problem) {
	for _, p := range problems {
		fmt.Fprintln(w, safe(p.String()))
	}
}
