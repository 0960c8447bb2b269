package report

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Breaker is the issue that tells an owner that the change of a declaration has
// failed on more clusters than it may. While it is there, open or closed, nothing
// more of that change is done.
type Breaker struct {
	Declaration *fleet.Declaration
	Owner       fleet.Team
	Failures    []string // "eu-1: in #7 test fails"
}

// Heading is the title.
func (b Breaker) Heading() string {
	return quiet(Line(fmt.Sprintf("The breaker of %s has tripped", b.Declaration.ID), 200))
}

// Text is the body; its last line is Marker's.
func (b Breaker) Text() string {
	var t strings.Builder
	fmt.Fprintf(&t, "%s: the change of %s (%s) has failed on more clusters than it may, and nothing more of it is done:\n\n",
		call(b.Owner), Code(b.Declaration.ID.String()), Code(b.Declaration.Pos.String()))
	for i, f := range b.Failures {
		if i == 50 {
			fmt.Fprintf(&t, "- and %d more\n", len(b.Failures)-i)
			break
		}
		fmt.Fprintf(&t, "- %s\n", Code(Line(f, 300)))
	}
	t.WriteString("\nWhat is open stays open. A commit to the declaration resumes it: mend it, or, where what failed was something else, change " +
		Code("rollout.resume") + " in it. Closing this changes nothing.\n\n")
	return t.String() + b.Marker()
}

// Marker is the last line of the issue: it is of the declaration as it is.
func (b Breaker) Marker() string {
	sum := sha256.Sum256([]byte(b.Declaration.ID.String() + "\n" + b.Declaration.Hash))
	return "<!-- portreeve breaker=" + hex.EncodeToString(sum[:6]) + " -->"
}
