package rollout_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/rollout"
)

var update = flag.Bool("update", false, "write what follows from the cases into testdata")

// TestTruth runs the truth table testdata/*.txtar. A case says why, gives
// items (files named "item…", see itemFile) and limits (the file "bounds",
// see boundsFile), and expects the file "decided": what becomes of each item.
func TestTruth(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { truth(t, file) })
	}
}

func truth(t *testing.T, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(bytes.TrimSpace(archive.Comment)) == 0 {
		t.Error("the case does not say why")
	}
	var items []*rollout.Item
	var settings []rollout.Settings
	limits := boundsFile{}
	given := archive.Files[:0:0]
	want := ""
	for _, f := range archive.Files {
		switch {
		case f.Name == "decided":
			want = string(f.Data)
			continue
		case f.Name == "bounds":
			limits = read(t, f, boundsFile{})
		case strings.HasPrefix(f.Name, "item"):
			for _, one := range read(t, f, itemFile{Count: 1}).all() {
				i, s := one.item()
				items, settings = append(items, i), append(settings, s)
			}
		default:
			t.Fatalf("what is the file %s?", f.Name)
		}
		given = append(given, f)
	}
	got := decide(t, limits, items, settings)
	if *update {
		archive.Files = append(given, txtar.File{Name: "decided", Data: []byte(got)})
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// decide words what becomes of items.
func decide(t *testing.T, limits boundsFile, items []*rollout.Item, settings []rollout.Settings) string {
	var decisions []rollout.Decision
	for n, i := range items {
		d := rollout.Decide(settings[n], i)
		uphold(t, settings[n], i, d)
		decisions = append(decisions, d)
	}
	paced := rollout.Pace(limits.bounds(), items, decisions)
	var b strings.Builder
	for n := 0; n < len(items); {
		i, words := items[n], ""
		same := 0
		for ; n < len(items); n, same = n+1, same+1 {
			uphold(t, settings[n], items[n], decisions[n])
			if now := decided(decisions[n]); words == "" || now == words && items[n].ID == i.ID {
				words = now
				continue
			}
			break
		}
		switch {
		case same > 1:
			fmt.Fprintf(&b, "%s and %d more, %s ", i.Listing.Name, same-1, i.ID)
		case len(items) > 1:
			fmt.Fprintf(&b, "%s %s ", i.Listing.Name, i.ID)
		}
		b.WriteString(words)
	}
	if limits.Order {
		for _, n := range paced.Order {
			fmt.Fprintf(&b, "%s %s %s\n", decisions[n].Steps[0].Action, items[n].Listing.Name, items[n].ID)
		}
	}
	if paced.AskOpened {
		b.WriteString("asks how many were opened today\n")
	}
	return b.String()
}

// decided words what was decided on one item.
func decided(d rollout.Decision) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", d.Outcome.State, d.Outcome.Reason)
	if d.Outcome.Next != "" {
		fmt.Fprintf(&b, "  next: %s\n", d.Outcome.Next)
	}
	if t := d.Outcome.Turn; t != nil {
		fmt.Fprintf(&b, "  turn: %d of %d, %s\n", t.Place, t.Of, t.Bound)
	}
	if d.Questions.Rules {
		b.WriteString("  asks for the branch rules\n")
	}
	if d.Questions.Workflows {
		b.WriteString("  asks for the workflows\n")
	}
	if d.Questions.History {
		b.WriteString("  asks for the branch's commits\n")
	}
	if r := d.Questions.Replay; r != nil {
		fmt.Fprintf(&b, "  asks what becomes of%s on %s\n", picked(r.Picks), r.Base)
	}
	if d.Questions.Readiness {
		b.WriteString("  asks what it lacks\n")
	}
	for _, s := range d.Steps {
		b.WriteString("  " + inWords(s) + "\n")
	}
	return b.String()
}

// picked are picks on one line.
func picked(picks []fleet.Pick) string {
	var b strings.Builder
	for _, p := range picks {
		fmt.Fprintf(&b, " %s", p.Commit)
		if p.Since != "" {
			fmt.Fprintf(&b, " (merges the base since %s)", p.Since)
		}
		if p.Made != nil {
			fmt.Fprintf(&b, " (was %s on %s)", p.Made.Tree, p.Made.Base)
		}
		if p.Message != "" {
			b.WriteString(" (without our trailers)")
		}
	}
	return b.String()
}

// inWords is a step on one line, with all that it says to whom it is taken.
func inWords(s rollout.Step) string {
	words := []string{string(s.Action)}
	if s.Number != 0 {
		words = append(words, fmt.Sprintf("#%d", s.Number))
	}
	if s.Expect != "" {
		words = append(words, "at "+string(s.Expect))
	}
	if len(s.Keeps) > 0 {
		words = append(words, fmt.Sprintf("keep %v,", s.Keeps))
	}
	if len(s.Edits) > 0 {
		paths := []string{}
		for _, e := range s.Edits {
			paths = append(paths, string(e.Path))
		}
		words = append(words, fmt.Sprintf("push %s on %s", strings.Join(paths, ","), s.Base))
	}
	if s.Method != "" {
		words = append(words, "by "+string(s.Method))
	}
	if s.Comment != "" {
		words = append(words, "with a comment")
	}
	return strings.Join(words, " ") + ": " + s.Reason
}

// uphold holds a decision to what is promised of every decision.
func uphold(t *testing.T, s rollout.Settings, i *rollout.Item, d rollout.Decision) {
	t.Helper()
	at := fmt.Sprintf("%s %s", i.Listing.Name, i.ID)
	o := d.Outcome
	if !slices.Contains(rollout.States, o.State) || o.Reason == "" || o.Target.Repo != i.Listing.Name || o.Declaration != i.ID {
		t.Errorf("%s: an outcome without state, reason, target or declaration: %+v", at, o)
	}
	if o.State == rollout.Change && len(d.Steps) == 0 {
		t.Errorf("%s: changes, and takes no step", at)
	}
	if d.Questions != (rollout.Questions{}) && len(d.Steps) > 0 {
		t.Errorf("%s: asks and acts at once", at)
	}
	for _, step := range d.Steps {
		for _, broken := range breaks(s, i, step) {
			t.Errorf("%s: %s: %s", at, step.Action, broken)
		}
	}
}

// keeps reports whether a step puts all commits by people back, in order.
func keeps(i *rollout.Item, step rollout.Step) bool {
	if i.History == nil || i.History.TooMany || i.History.Unread != "" || step.Action != rollout.Update {
		return false
	}
	picked := slices.DeleteFunc(slices.Clone(step.Picks), func(p fleet.Pick) bool { return p.Since != "" })
	return slices.EqualFunc(picked, byPeople(i), func(p fleet.Pick, id fleet.CommitID) bool { return p.Commit == id })
}

// breaks are the promises that a step breaks.
func breaks(s rollout.Settings, i *rollout.Item, step rollout.Step) (broken []string) {
	rule := func(holds bool, name string) {
		if !holds {
			broken = append(broken, name)
		}
	}
	open := i.Pull != nil && i.Pull.State == "open"
	pushes := step.Action == rollout.Open || step.Action == rollout.Update
	rule(step.Branch == i.BranchName() && step.Repo == i.Listing.Name && step.Reason != "", "names another branch or repo, or no reason")
	rule(!i.Listing.Archived && !i.Listing.Disabled, "writes to a repo that takes no writes")
	rule(i.Declaration == nil || i.Declaration.Frozen == nil || step.Action == rollout.Dequeue && i.Pull.Queued.By.Self, "writes for a frozen declaration")
	rule(i.Hold == nil || step.Action == rollout.Dequeue || step.Action == rollout.Close || step.Action == rollout.DeleteBranch, "does something new that a policy holds")
	rule(step.Action != rollout.Open || !open, "opens a second pull request")
	rule(step.Action == rollout.Open || step.Action == rollout.DeleteBranch || open, "is for an open pull request")
	if step.Action == rollout.Open && i.Pull != nil && i.Pull.State == "closed" {
		asked := i.Pull.Closed.Before(i.Want.AskAgain) && !s.Now.Before(i.Want.AskAgain)
		bots := i.Pull.ClosedBy.Bot && i.BotCloses == 0 && s.Now.Sub(i.Pull.Closed) >= 24*time.Hour
		rule(i.Pull.ClosedBy.Self || asked || bots, "opens again what another closed")
	}
	if pushes && i.Branch != nil {
		rule(step.Expect == i.Branch.Commit, "does not expect the branch that was seen")
	}
	if pushes && i.Branch == nil && !open {
		rule(step.Expect == "", "expects a branch that was not seen")
	}
	if (pushes && len(step.Edits) > 0 || step.Action == rollout.DeleteBranch) && i.Branch != nil {
		merged := i.Pull != nil && i.Pull.State == "merged" && i.Pull.HeadCommit == i.Branch.Commit
		rule(merged || untouched(i) || keeps(i, step), "destroys commits by people")
	}
	queued := open && i.Pull.Queued != nil
	rule(!queued || step.Action == rollout.Dequeue || step.Action == rollout.Close || step.Action == rollout.DeleteBranch, "changes what is in a merge queue")
	rule(step.Action != rollout.Dequeue || queued, "takes out of the queue what is not in it")
	if step.Action == rollout.Merge || step.Action == rollout.Enqueue {
		rule(i.Rules != nil && i.Rules.Unread == "" && i.Rules.Queue == (step.Action == rollout.Enqueue), "merges another way than the rules want")
		rule(!i.Rules.Locked && (!i.Rules.Signatures || i.Pull.Signature == "verified"), "merges what the rules forbid")
		rule(!i.Rules.Conversations || i.Ready != nil && i.Ready.Unresolved == 0, "merges over a conversation")
		rule(!i.Rules.Queue || i.Ready != nil && (i.Ready.Dequeued == nil || i.Ready.Dequeued.By.Self), "puts again into the queue what was taken out")
		rule(i.Pull.AutoMerge == nil, "merges what the forge is to merge")
		rule(s.Mode == "merge" && (i.Want.Merge == "checks-pass" || i.Want.Merge == "no-checks"), "may not merge")
		rule(untouched(i) && step.Expect == i.Pull.HeadCommit, "merges what nobody planned")
		rule(!slices.ContainsFunc(i.Pull.Checks, red(i)), "merges over a check that is not green")
		rule(len(i.Pull.Checks) > 0 || i.Want.Merge == "no-checks", "merges what nothing tested")
	}
	return broken
}
