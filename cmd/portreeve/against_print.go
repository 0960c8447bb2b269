package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/plan"
)

// meanings say what a weight comes to.
var meanings = map[plan.Weight]string{
	plan.Writes:  "would be written otherwise",
	plan.Words:   "written in other words, and left in the old ones",
	plan.States:  "in another state, with nothing to write",
	plan.Reasons: "told in other words",
}

// printComparison prints a comparison for people.
func printComparison(w io.Writer, c *comparison, o planOptions) error {
	fmt.Fprintln(w, safe(fmt.Sprintf("this %s · that %s (%s) · revision %s · observed %s",
		c.This, orDash(c.That), c.Program, orDash(c.Revision.Short()), c.Observed.Local().Format("15:04"))))
	printOnly(w, "this", c.OnlyThis)
	printOnly(w, "that", c.OnlyThat)
	printDifferences(w, c, o.all)
	for _, r := range c.Moved {
		fmt.Fprintln(w, safe(fmt.Sprintf("moved  %s  changed while it was looked at, %d times", orDash(string(r)), tries)))
	}
	if o.diffs {
		for i := range c.Differences {
			printSides(w, &c.Differences[i])
		}
	}
	_, err := fmt.Fprintln(w, comparisonSummary(c)+"\nNothing was written.")
	return err
}

func printOnly(w io.Writer, side string, problems []fleet.Problem) {
	for i := range problems {
		fmt.Fprintln(w, safe("only "+side+" finds: "+problems[i].String()))
	}
}

// printDifferences prints two lines for each difference; many alike are one.
func printDifferences(w io.Writer, c *comparison, all bool) {
	key := func(d *plan.Difference) string {
		return fmt.Sprint(d.Weight, d.Declaration, d.Lane, inWordsOf(&d.This), "\x00", inWordsOf(&d.That))
	}
	alike := map[string]int{}
	for i := range c.Differences {
		alike[key(&c.Differences[i])]++
	}
	var t table
	told := map[string]bool{}
	for i := range c.Differences {
		d := &c.Differences[i]
		target, k := d.Target.String(), key(d)
		if n := alike[k]; !all && n >= many {
			if told[k] {
				continue
			}
			told[k], target = true, fmt.Sprintf("%d repos", n)
		}
		if target == "" {
			target = "the fleet"
		}
		name := laned(d.Declaration, d.Lane)
		t.add(string(d.Weight), target, name, "this", inWordsOf(&d.This))
		t.add("", "", "", "that", inWordsOf(&d.That))
	}
	t.print(w)
}

// inWordsOf is what one plan tells, in one line.
func inWordsOf(s *plan.Side) string {
	if s.State == "" && len(s.Steps) == 0 {
		return "tells nothing of it"
	}
	var parts []string
	for i := range s.Steps {
		parts = append(parts, stepInWords(&s.Steps[i]))
	}
	if len(parts) == 0 {
		parts = append(parts, string(s.State))
	}
	return strings.Join(parts, ", ") + ": " + s.Reason
}

// stepInWords is a step with its files, and what tells their contents apart.
func stepInWords(s *plan.ToldStep) string {
	words := strings.ReplaceAll(string(s.Action), "-", " ")
	if s.Number > 0 {
		words += fmt.Sprintf(" #%d", s.Number)
	}
	var files []string
	for _, e := range s.Edits {
		switch {
		case e.Delete:
			files = append(files, string(e.Path)+" deleted")
		case e.Executable:
			files = append(files, fmt.Sprintf("%s@%.8s executable", e.Path, e.SHA256))
		default:
			files = append(files, fmt.Sprintf("%s@%.8s", e.Path, e.SHA256))
		}
	}
	if len(files) > 0 {
		words += " (" + strings.Join(files, ", ") + ")"
	}
	return words
}

// printSides prints line by line how the steps differ that both take, from
// that one's files and words to this one's.
func printSides(w io.Writer, d *plan.Difference) {
	for i := range min(len(d.This.Steps), len(d.That.Steps)) {
		this, that := &d.This.Steps[i], &d.That.Steps[i]
		if this.Action != that.Action {
			return
		}
		theirs := map[fleet.Path][]byte{}
		for _, e := range that.Edits {
			theirs[e.Path] = e.Content
		}
		for _, e := range this.Edits {
			if old, both := theirs[e.Path]; both {
				printDiff(w, string(this.Repo)+"/"+string(e.Path), old, e.Content)
			}
		}
		printDiff(w, string(this.Repo)+"#text", textOf(that), textOf(this))
	}
}

func printDiff(w io.Writer, name string, that, this []byte) {
	fmt.Fprint(w, safe(string(diff.Diff("that/"+name, that, "this/"+name, this))))
}

// textOf is all that a step says.
func textOf(s *plan.ToldStep) []byte {
	var b strings.Builder
	for _, part := range []string{s.Title, s.Body, s.Message, s.Comment} {
		if part != "" {
			b.WriteString(strings.TrimRight(part, "\n") + "\n\n")
		}
	}
	return []byte(b.String())
}

func comparisonSummary(c *comparison) string {
	n := map[plan.Weight]int{}
	for i := range c.Differences {
		n[c.Differences[i].Weight]++
	}
	parts := []string{count(c.Repos, "repo")}
	for _, weight := range plan.Weights {
		if n[weight] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[weight], meanings[weight]))
		}
	}
	if len(parts) == 1 && len(c.Moved) == 0 {
		parts = append(parts, "both plan the same")
	}
	return strings.Join(parts, " · ")
}
