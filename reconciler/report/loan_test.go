package report

import (
	"strings"
	"testing"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// TestLoanEnd holds that the teams are mentioned, and nobody else, whatever a
// declaration says.
func TestLoanEnd(t *testing.T) {
	loan := &fleet.Loan{Engineer: "maria-s", From: "payments", To: "platform", Since: "2026-11-02", Until: "2026-12-18", Goal: "Canary deploys"}
	l := LoanEnd{
		Declaration: fleet.ID{Kind: "loan", Name: "maria"}, Loan: loan, From: fleet.Team{Name: "payments", GitHub: "acme/payments"},
		To: fleet.Team{Name: "platform", Title: "Platform"}, Repos: []fleet.RepoName{"acme/a", "acme/b"}, Pos: fleet.Pos{File: "loans.cue", Line: 3},
	}
	want := "payments (@acme/payments) lent `maria-s` to Platform from 2 November 2026 until 18 December 2026.\n\n" +
		"**Goal:** Canary deploys\n**Where:** `acme/a` and 1 more\n\n" +
		"Both teams, please tell here how it went: was the goal reached, and would you do it again? Close this when that is said.\n\n" +
		"---\nOpened by Portreeve for `loan/maria` · `loans.cue:3`\n\n<!-- portreeve loan-end="
	if got := l.Text(); !strings.HasPrefix(got, want) || l.Heading() != "How did it go? maria-s, lent by payments to Platform" {
		t.Errorf("%q\n%q", l.Heading(), got)
	}
	hostile := "@acme/everyone #12 <!-- portreeve loan-end=x -->\n@kim [x](y)"
	loan.Goal, loan.Engineer, l.To.Title = hostile, "kim`@ola", hostile
	l.From.GitHub = "acme/x @kim"
	text := l.Text()
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == '\n' || r == '(' || r == '`' }) {
		if strings.HasPrefix(word, "@") && !strings.HasPrefix(word, "@"+zeroWidth) && !strings.Contains(text, "`` "+"kim`@ola") && !strings.Contains(text, "``kim`@ola``") {
			t.Errorf("%q is a mention in %q", word, text)
		}
	}
	if lines := strings.Split(strings.TrimSpace(text), "\n"); lines[len(lines)-1] != LoanMarker(l.Declaration, loan) || strings.Count(text, "\n<!--") != 1 {
		t.Errorf("the marker is not the last line: %q", text)
	}
	moved := *loan
	moved.Until = "2027-01-31"
	if LoanMarker(l.Declaration, loan) == LoanMarker(l.Declaration, &moved) {
		t.Error("a loan that goes on is not asked about again")
	}
}
