package lines

import "strings"

// Merge joins the changes that ours and theirs made to base; false means that
// both changed the same lines, or lines that touch, in different ways.
func Merge(base, ours, theirs string) (string, bool) {
	switch {
	case ours == theirs || base == theirs:
		return ours, true
	case base == ours:
		return theirs, true
	}
	o, a, b := Split(base), Split(ours), Split(theirs)
	left, right := Diff(o, a), Diff(o, b)
	var out strings.Builder
	at := 0
	for len(left) > 0 || len(right) > 0 {
		switch {
		case len(right) == 0 || len(left) > 0 && left[0].AEnd < right[0].A:
			at = splice(&out, o, a, at, left[0])
			left = left[1:]
		case len(left) == 0 || right[0].AEnd < left[0].A:
			at = splice(&out, o, b, at, right[0])
			right = right[1:]
		default:
			l, r := left[0], right[0]
			if l.A != r.A || l.AEnd != r.AEnd || strings.Join(a[l.B:l.BEnd], "") != strings.Join(b[r.B:r.BEnd], "") {
				return "", false
			}
			at = splice(&out, o, a, at, l)
			left, right = left[1:], right[1:]
		}
	}
	for _, line := range o[at:] {
		out.WriteString(line)
	}
	return out.String(), true
}

func splice(out *strings.Builder, base, side []string, at int, e Edit) int {
	for _, line := range base[at:e.A] {
		out.WriteString(line)
	}
	for _, line := range side[e.B:e.BEnd] {
		out.WriteString(line)
	}
	return e.AEnd
}
