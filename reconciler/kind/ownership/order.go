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
	extents := extentsOf(left)
	wider := make([][]int, len(left))
	for i := range left {
		for j := i + 1; j < len(left); j++ {
			if p, q := extents[i], extents[j]; p.within(q) && !q.within(p) {
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

// extent is a pattern with paths that stand for all that it matches: where it
// leaves something open they hold characters that no pattern names, none, one,
// or more than any other could count.
type extent struct {
	line
	root  string     // the name with which all that it matches begins, if there is one
	paths [][]string // which it matches; none of a pattern that is beyond bounds
	all   bool       // it matches everything
}

// Bounds of patterns that are held against one another; what is beyond them no
// person wrote, and would take long.
const (
	mostGaps     = 4
	mostSegments = 40
	mostBytes    = 200
)

// extentsOf are the extents of patterns, to be held against one another.
func extentsOf(patterns []string) []*extent {
	long, deep := 1, 2
	all := make([]*extent, len(patterns))
	for i, p := range patterns {
		e := &extent{line: compile(p), all: normal(p) == "*"}
		all[i] = e
		if len(e.line) > 0 && e.line[0].form == plain {
			e.root = e.line[0].text
		}
		if !e.beyond(p) {
			long, deep = max(long, len(p)+1), max(deep, len(e.line)+1)
		}
	}
	for i, p := range patterns {
		if e := all[i]; !e.beyond(p) {
			e.fill(p, long, deep)
		}
	}
	return all
}

func (e *extent) beyond(p string) bool {
	gaps := 0
	for _, s := range e.line {
		if s.form == gap {
			gaps++
		}
	}
	return gaps > mostGaps || len(e.line) > mostSegments || len(p) > mostBytes
}

// fill makes the paths, the longest and deepest first: that is what most
// others don't match.
func (e *extent) fill(p string, long, deep int) {
	segments, anchored, _ := segmentsOf(p)
	for _, stars := range []int{long, 0, 1} {
		for _, gap := range []int{deep, 0, 1} {
			for _, below := range []int{deep, 0, 1} {
				if path := instance(segments, anchored, stars, gap, below); e.match(path) {
					e.paths = append(e.paths, path)
				}
			}
		}
	}
}

// disjoint is a cheap test that is true of most pairs: both begin at the root
// with different names.
func (e *extent) disjoint(q *extent) bool {
	return e.root != "" && q.root != "" && e.root != q.root
}

// within reports whether q matches all that the pattern matches.
func (e *extent) within(q *extent) bool {
	switch {
	case q.all:
		return true
	case e.disjoint(q) || len(e.paths) == 0:
		return false
	}
	for _, s := range q.line {
		if s.form == plain && !slices.ContainsFunc(e.line, func(own segment) bool { return own.form == wild || own == s }) {
			return false
		}
	}
	for _, path := range e.paths {
		if !q.match(path) {
			return false
		}
	}
	return true
}

// within is extent.within for two patterns alone.
func within(p, q string) bool {
	both := extentsOf([]string{p, q})
	return both[0].within(both[1])
}

// instance is a path for a pattern: each "*" is so many characters, and so is an
// element that nothing is said of, each "**" is so many elements, and below it
// there are more elements.
func instance(segments []string, anchored bool, stars, gap, below int) []string {
	const open = "\x01" // no pattern holds it
	var elements []string
	filler := strings.Repeat(open, max(1, stars))
	fill := func(n int) {
		for range n {
			elements = append(elements, filler)
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
	return elements
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
