package ownership

import (
	"cmp"
	"slices"
	"strings"

	"github.com/portreeve/portreeve/reconciler/transform"
)

// ordered sorts patterns for a file in which the last match wins: one that
// matches a part of what another matches comes after it; where two only
// overlap, the one that says more of a path comes later. The same patterns
// give the same order, however they are given.
func ordered(patterns []string) []string {
	left := slices.SortedFunc(slices.Values(patterns), compare)
	// By weight most are right already; wider lists the others that have to
	// come first.
	wider := make([][]int, len(left))
	for i, p := range left {
		for j := i + 1; j < len(left); j++ {
			if q := left[j]; !disjoint(p, q) && within(p, q) && !within(q, p) {
				wider[i] = append(wider[i], j)
			}
		}
	}
	order := make([]string, 0, len(left))
	done := make([]bool, len(left))
	var visit func(i int)
	visit = func(i int) {
		if done[i] {
			return
		}
		done[i] = true
		for _, j := range wider[i] {
			visit(j)
		}
		order = append(order, left[i])
	}
	for i := range left {
		visit(i)
	}
	return order
}

// disjoint is a cheap test that is true of most pairs: both begin at the root
// with different names.
func disjoint(p, q string) bool {
	a, anchoredA, _ := segmentsOf(p)
	b, anchoredB, _ := segmentsOf(q)
	return anchoredA && anchoredB && len(a) > 0 && len(b) > 0 && a[0] != b[0] &&
		!strings.ContainsAny(a[0], `*?\`) && !strings.ContainsAny(b[0], `*?\`)
}

// within reports whether q matches all that p matches. It asks q about paths
// that stand for all of p's: where p leaves something open they hold
// characters that no pattern names, none, one, or more than q could count.
func within(p, q string) bool {
	for _, stars := range []int{0, 1, len(q) + 1} {
		for _, gap := range []int{0, 1, strings.Count(q, "/") + 2} {
			for _, below := range []int{0, 1, strings.Count(q, "/") + 2} {
				if path := instance(p, stars, gap, below); Match(p, path) && !Match(q, path) {
					return false
				}
			}
		}
	}
	return true
}

// instance is a path for a pattern: each "*" is so many characters, and so is an
// element that nothing is said of, each "**" is so many elements, and below it
// there are more elements.
func instance(p string, stars, gap, below int) string {
	const open = "\x01" // no pattern holds it
	segments, anchored, _ := segmentsOf(p)
	var elements []string
	fill := func(n int) {
		for range n {
			elements = append(elements, strings.Repeat(open, max(1, stars)))
		}
	}
	if !anchored {
		fill(gap)
	}
	for _, s := range segments {
		if s == "**" {
			fill(gap)
			continue
		}
		var b strings.Builder
		for i := 0; i < len(s); i++ {
			switch {
			case s[i] == '\\' && i+1 < len(s):
				i++
				b.WriteByte(s[i])
			case s[i] == '*':
				b.WriteString(strings.Repeat(open, stars))
			case s[i] == '?':
				b.WriteString(open)
			default:
				b.WriteByte(s[i])
			}
		}
		if b.Len() == 0 {
			b.WriteString(open)
		}
		elements = append(elements, b.String())
	}
	fill(below)
	return strings.Join(elements, "/")
}

// compare is a total order by how much a pattern says of a path.
func compare(a, b string) int {
	x, y := weigh(a), weigh(b)
	return cmp.Or(slices.Compare(x, y), strings.Compare(normal(a), normal(b)), strings.Compare(a, b))
}

// weigh lists what makes a pattern specific, the weightiest first.
func weigh(p string) []int {
	segments, anchored, dir := segmentsOf(transform.EscapeOwnersPattern(p))
	named, literal, chars, stars, gaps := 0, 0, 0, 0, 0
	for _, s := range segments {
		if s == "**" {
			gaps++
			continue
		}
		named++
		wild := 0
		for _, c := range transform.UnescapeOwnersPattern(s) {
			switch c {
			case '*':
				stars++
				wild++
			case '?':
				wild++
			}
		}
		if wild == 0 {
			literal++
		}
		chars += len(s) - wild - strings.Count(s, `\`)
	}
	return []int{flag(len(segments) > 0), flag(anchored), named, literal, chars, -stars, -gaps, flag(dir)}
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}
