package lines

import (
	"fmt"
	"strings"
)

// Hunk is a part of a unified diff.
type Hunk struct {
	OldStart, OldCount int
	NewStart, NewCount int
	// Lines begin with ' ', '-' or '+' and have no newline.
	Lines []string
}

// Header is the hunk's line of numbers.
func (h Hunk) Header() string {
	return fmt.Sprintf("@@ -%s +%s @@", span(h.OldStart, h.OldCount), span(h.NewStart, h.NewCount))
}

func span(start, count int) string {
	if count == 1 {
		return fmt.Sprint(start)
	}
	if count == 0 {
		start--
	}
	return fmt.Sprintf("%d,%d", start, count)
}

const context = 3

// Unified is the difference between two texts with three lines of context.
func Unified(oldText, newText string) []Hunk {
	a, b := Split(oldText), Split(newText)
	edits := Diff(a, b)
	var hunks []Hunk
	for len(edits) > 0 {
		n := 1
		for n < len(edits) && edits[n].A-edits[n-1].AEnd <= 2*context {
			n++
		}
		hunks = append(hunks, hunk(a, b, edits[:n]))
		edits = edits[n:]
	}
	return hunks
}

func hunk(a, b []string, edits []Edit) Hunk {
	first, last := edits[0], edits[len(edits)-1]
	from, to := max(0, first.A-context), min(len(a), last.AEnd+context)
	lead := first.A - from
	h := Hunk{OldStart: from + 1, OldCount: to - from, NewStart: first.B - lead + 1}
	h.NewCount = last.BEnd + (to - last.AEnd) - (first.B - lead)
	at := from
	for _, e := range edits {
		h.add(' ', a[at:e.A])
		h.add('-', a[e.A:e.AEnd])
		h.add('+', b[e.B:e.BEnd])
		at = e.AEnd
	}
	h.add(' ', a[at:to])
	return h
}

func (h *Hunk) add(mark byte, lines []string) {
	for _, line := range lines {
		text, whole := strings.CutSuffix(line, "\n")
		h.Lines = append(h.Lines, string(mark)+text)
		if !whole {
			h.Lines = append(h.Lines, `\ No newline at end of file`)
		}
	}
}

// Stat counts the lines added and deleted.
func Stat(oldText, newText string) (added, deleted int) {
	for _, e := range Diff(Split(oldText), Split(newText)) {
		added += e.BEnd - e.B
		deleted += e.AEnd - e.A
	}
	return added, deleted
}
