package report

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// LoanEnd is the issue in which two teams are asked how a loan went.
type LoanEnd struct {
	Declaration fleet.ID
	Loan        *fleet.Loan
	From, To    fleet.Team
	Repos       []fleet.RepoName
	Pos         fleet.Pos
}

// Heading is the title.
func (l LoanEnd) Heading() string {
	return quiet(Line(fmt.Sprintf("How did it go? %s, lent by %s to %s", l.Loan.Engineer, l.From.Label(), l.To.Label()), 200))
}

// Text is the body; its last line is Marker's.
func (l LoanEnd) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s lent %s to %s from %s until %s.\n\n", call(l.From), Code(l.Loan.Engineer), call(l.To), l.Loan.SinceDay(), l.Loan.UntilDay())
	fmt.Fprintf(&b, "**Goal:** %s\n", Plain(l.Loan.Goal))
	if n := len(l.Repos); n > 0 {
		fmt.Fprintf(&b, "**Where:** %s", Code(string(l.Repos[0])))
		if n > 1 {
			fmt.Fprintf(&b, " and %d more", n-1)
		}
		b.WriteString("\n")
	}
	b.WriteString("\nBoth teams, please tell here how it went: was the goal reached, and would you do it again? Close this when that is said.\n")
	fmt.Fprintf(&b, "\n---\nOpened by Portreeve for %s", Code(l.Declaration.String()))
	if l.Pos.File != "" {
		fmt.Fprintf(&b, " · %s", Code(fmt.Sprintf("%s:%d", l.Pos.File, l.Pos.Line)))
	}
	return b.String() + "\n\n" + LoanMarker(l.Declaration, l.Loan)
}

// teamHandle is a team's name on a forge, and nothing else.
var teamHandle = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

// call is a team as people say it, with its handle: it is asked, so that it is
// to hear of it.
func call(t fleet.Team) string {
	text := Plain(Line(t.Label(), 100))
	if CanCall(t) {
		text += " (@" + strings.TrimPrefix(t.GitHub, "@") + ")"
	}
	return text
}

// LastLine is what tells one issue of ours from another.
func LastLine(body string) string {
	body = strings.TrimSpace(strings.ReplaceAll(body, "\r\n", "\n"))
	return strings.TrimSpace(body[strings.LastIndexByte(body, '\n')+1:])
}

// LoanMarker is the last line of the issue for the end of a loan; a loan that
// goes on until another day ends once more.
func LoanMarker(id fleet.ID, loan *fleet.Loan) string {
	sum := sha256.Sum256([]byte(id.String() + "\n" + loan.Until))
	return "<!-- portreeve loan-end=" + hex.EncodeToString(sum[:6]) + " -->"
}
