package gitrepo

import (
	"strings"

	"github.com/aymanbagabas/go-udiff"
)

// mergeLines makes of a text, and of two that were made from it, one that has
// the changes of both. It keeps to three rules, which are Git's:
//
//  1. Every line that only one side added is in the result, and none that one
//     side removed.
//  2. Changes that touch, with no unchanged line between them, conflict,
//     unless both sides say the same there.
//  3. Bytes are bytes: a line ends with "\n" or with the text, whatever else
//     is in it.
//
// Where lines repeat, what a change is may be seen otherwise than Git sees it;
// the rules hold all the same.
func mergeLines(base, a, b string) (merged string, ok bool) {
	x, y := udiff.Lines(base, a), udiff.Lines(base, b)
	var out strings.Builder
	done := 0
	for len(x) > 0 || len(y) > 0 {
		start, end, n, m := region(x, y)
		out.WriteString(base[done:start])
		left, right := side(base, start, end, x[:n]), side(base, start, end, y[:m])
		switch {
		case m == 0, left == right:
			out.WriteString(left)
		case n == 0:
			out.WriteString(right)
		default:
			return "", false
		}
		x, y, done = x[n:], y[m:], end
	}
	out.WriteString(base[done:])
	return out.String(), true
}

// region is the first stretch of the base that edits change, with all edits
// that touch it: the first n of x and m of y.
func region(x, y []udiff.Edit) (start, end, n, m int) {
	switch {
	case len(y) == 0 || len(x) > 0 && x[0].Start <= y[0].Start:
		start = x[0].Start
	default:
		start = y[0].Start
	}
	for end = start; ; {
		switch {
		case n < len(x) && x[n].Start <= end:
			end = max(end, x[n].End)
			n++
		case m < len(y) && y[m].Start <= end:
			end = max(end, y[m].End)
			m++
		default:
			return start, end, n, m
		}
	}
}

// side is a stretch of the base as one side has it.
func side(base string, start, end int, edits []udiff.Edit) string {
	var out strings.Builder
	for _, e := range edits {
		out.WriteString(base[start:e.Start] + e.New)
		start = e.End
	}
	out.WriteString(base[start:end])
	return out.String()
}
