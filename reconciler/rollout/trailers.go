package rollout

import (
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Trailers are what a commit of ours says of itself in its message, so that
// Git alone tells whose it is. They are Git trailers: the last paragraph.
type Trailers struct {
	Declaration fleet.ID
	Spec        string         // Item.Hash that the commit was made for
	Base        fleet.CommitID // that it was made on
	Tree        fleet.TreeID   // that it had: a commit with another was touched
	SignOff     string         // who signs it off, "NAME <MAIL>"; never read back
}

const (
	trailerDeclaration = "Portreeve-Declaration"
	trailerSpec        = "Portreeve-Spec"
	trailerBase        = "Portreeve-Base"
	trailerTree        = "Portreeve-Tree"
	trailerSignOff     = "Signed-off-by" // the Developer Certificate of Origin's
)

// Append writes the trailers under a message.
func (t Trailers) Append(message string) string {
	var b strings.Builder
	b.WriteString(strings.TrimRight(message, "\n"))
	b.WriteString("\n\n")
	for _, line := range [][2]string{
		{trailerDeclaration, t.Declaration.String()},
		{trailerSpec, t.Spec},
		{trailerBase, string(t.Base)},
		{trailerTree, string(t.Tree)},
		{trailerSignOff, t.SignOff},
	} {
		if line[0] != trailerSignOff || line[1] != "" {
			b.WriteString(line[0] + ": " + line[1] + "\n")
		}
	}
	return b.String()
}

// ParseTrailers reads the trailers of a commit's message; ok is false when it
// is not a commit of ours. Only the last paragraph is read, so a message that
// quotes ours elsewhere is a person's.
func ParseTrailers(message string) (t Trailers, ok bool) {
	message = strings.TrimSpace(strings.ReplaceAll(message, "\r\n", "\n"))
	if i := strings.LastIndex(message, "\n\n"); i >= 0 {
		message = message[i+2:]
	}
	for line := range strings.Lines(message) {
		key, value, found := strings.Cut(strings.TrimSpace(line), ": ")
		if !found {
			continue
		}
		switch key {
		case trailerDeclaration:
			if t.Declaration, found = fleet.ParseID(value); !found {
				return Trailers{}, false
			}
		case trailerSpec:
			t.Spec = value
		case trailerBase:
			t.Base = fleet.CommitID(value)
		case trailerTree:
			t.Tree = fleet.TreeID(value)
		}
	}
	return t, t.Declaration != fleet.ID{} && t.Spec != "" && t.Tree != ""
}

// Untrailed is a message without our trailers, for a commit of a person's that
// has them: whoever amends or copies a commit of ours keeps its message.
func Untrailed(message string) string {
	message = strings.TrimSpace(strings.ReplaceAll(message, "\r\n", "\n"))
	start := strings.LastIndex(message, "\n\n") + 1
	var kept strings.Builder
	for line := range strings.Lines(message[start:]) {
		switch key, _, _ := strings.Cut(strings.TrimSpace(line), ": "); key {
		case trailerDeclaration, trailerSpec, trailerBase, trailerTree:
		default:
			kept.WriteString(line)
		}
	}
	return strings.TrimSpace(message[:start]+kept.String()) + "\n"
}

// ours reports whether a commit with this message and tree is one that
// Portreeve made for the declaration and that nobody has touched since.
func ours(id fleet.ID, message string, tree fleet.TreeID) (Trailers, bool) {
	t, ok := ParseTrailers(message)
	return t, ok && t.Declaration == id && t.Tree == tree
}
