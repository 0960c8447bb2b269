package report

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// LoanAccess is the issue in which is written down, before it is done, what
// access is given for a loan: only that is taken back.
type LoanAccess struct {
	Loan     fleet.ID                 `json:"loan"`
	Engineer string                   `json:"engineer"`
	Repos    map[fleet.RepoName]Given `json:"repos"`
}

// Given is write access to a repo.
type Given struct {
	Before fleet.Role `json:"before,omitempty"` // the engineer's own role; empty for none
	State  GivenState `json:"state"`
}

// GivenState is how far it has come.
type GivenState string

const (
	GivenPlanned  GivenState = "planned"  // it is to be given, or has been just now
	GivenDone     GivenState = "given"    //
	GivenReturned GivenState = "returned" // it is none of ours any more
)

// Heading is the title.
func (l LoanAccess) Heading() string {
	return quiet(Line(fmt.Sprintf("Access of %s for %s", l.Engineer, l.Loan), 200))
}

const accessPrefix = "<!-- portreeve access="

// Text is the body; its last line is what ParseLoanAccess reads.
func (l LoanAccess) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "For the time of %s Portreeve gives %s write access to these repos, and takes back only that. This is where it is written down: please leave it as it is.\n\n", Code(l.Loan.String()), Code(l.Engineer))
	for i, repo := range slices.Sorted(maps.Keys(l.Repos)) {
		if i == 50 {
			fmt.Fprintf(&b, "- and %d more\n", len(l.Repos)-i)
			break
		}
		before := "none"
		if role := l.Repos[repo].Before; role != "" {
			before = string(role)
		}
		fmt.Fprintf(&b, "- %s: %s (before: %s)\n", Code(string(repo)), l.Repos[repo].State, before)
	}
	data, err := json.Marshal(l) // which writes no angle bracket
	if err != nil {
		panic(err) // plain fields
	}
	return b.String() + "\n" + accessPrefix + string(data) + " -->"
}

// ParseLoanAccess reads an issue's body; false for any other issue.
func ParseLoanAccess(body string) (LoanAccess, bool) {
	rest, ok := strings.CutPrefix(LastLine(body), accessPrefix)
	data, end := strings.CutSuffix(rest, " -->")
	var l LoanAccess
	if !ok || !end || json.Unmarshal([]byte(data), &l) != nil || l.Loan == (fleet.ID{}) || l.Engineer == "" {
		return LoanAccess{}, false
	}
	for _, g := range l.Repos {
		if g.State != GivenPlanned && g.State != GivenDone && g.State != GivenReturned || g.Before.Writes() {
			return LoanAccess{}, false
		}
	}
	return l, true
}
