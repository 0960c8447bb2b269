package fleet_test

import (
	"slices"
	"testing"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

func TestPos(t *testing.T) {
	for want, pos := range map[string]fleet.Pos{
		"-": {}, "fleet.cue": {File: "fleet.cue"}, "fleet.cue:3:7": {File: "fleet.cue", Line: 3, Column: 7},
	} {
		if got := pos.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestProblemString(t *testing.T) {
	p := fleet.Problem{Pos: fleet.Pos{File: "a.cue", Line: 1, Column: 2}, Message: "wrong", Hint: "mend it"}
	if got := p.String(); got != "a.cue:1:2: wrong; mend it" {
		t.Error(got)
	}
	p.Severity, p.Hint = fleet.Warning, ""
	if got := p.String(); got != "a.cue:1:2: warning: wrong" || fleet.HasErrors([]fleet.Problem{p}) {
		t.Error(got)
	}
}

func TestSortProblems(t *testing.T) {
	p := func(file string, line int, message string) fleet.Problem {
		return fleet.Problem{Pos: fleet.Pos{File: file, Line: line}, Message: message}
	}
	want := []fleet.Problem{p("a.cue", 1, "x"), p("a.cue", 1, "y"), p("a.cue", 9, "x"), p("a.cue", 10, "x"), p("b.cue", 1, "x")}
	got := []fleet.Problem{want[4], want[3], want[0], want[2], want[1], want[0], want[3]}
	if got = fleet.SortProblems(got); !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
}

func TestNearest(t *testing.T) {
	teams := []string{"platform", "payments", "sre", "search", "Ops"}
	for word, want := range map[string]string{
		"platfrom": "platform", "payment": "payments", "Platform": "platform", "ser": "sre", "serach": "search", "ops": "Ops",
		"zebra": "", "": "", "p": "",
	} {
		if got := fleet.Nearest(word, teams); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
	if got := fleet.DidYouMean("platform", teams); got != "" {
		t.Errorf("a word that is known: %q", got)
	}
	if got := fleet.DidYouMean("platfrom", teams); got != `did you mean "platform"?` {
		t.Error(got)
	}
	if fleet.Nearest("ab", []string{"ax", "ay"}) != fleet.Nearest("ab", []string{"ay", "ax"}) {
		t.Error("the order of the candidates decides")
	}
}
