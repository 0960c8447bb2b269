package ownership

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Bounds of lines that are held against one another, each with each; nobody keeps
// more by hand.
const (
	mostLines = 4000
	mostText  = 128 << 10 // of all patterns, in bytes
	mostWild  = 8 << 10   // of those that hold "*" or "?"
)

// few reports whether lines are within these bounds.
func few(all []rule) bool {
	text, wild := 0, 0
	for _, r := range all {
		text += len(r.pattern)
		if strings.ContainsAny(r.pattern, "*?") {
			wild += len(r.pattern)
		}
	}
	return len(all) <= mostLines && text <= mostText && wild <= mostWild
}

// asDeclared reports whether a file that people wrote gives every path, also one
// that is not there yet, the owners that lines give it. It may say no of one that
// does; it never says yes of one that does not.
func asDeclared(content []byte, now []rule) bool {
	old := []rule{}
	for _, w := range readLines(content) {
		switch {
		case w.state == unclear:
			return false
		case w.state == counts:
			old = append(old, w.rule)
		}
	}
	// One of which the most decides on nothing is not worth the time.
	if !few(old) || !few(now) || len(old) > 100+2*len(now) {
		return false
	}
	old, now = deciding(old), deciding(now)
	return sameLines(old, now) || sameLines(minimal(old), minimal(now))
}

// deciding is lines without those that decide on no path: what such a line
// matches a later one matches, too. What no line matches is nobody's, which a
// first line says here in so many words.
func deciding(all []rule) []rule {
	all = append([]rule{{pattern: "*"}}, all...)
	var kept []rule
	for i, later := range covered(all) {
		if later < 0 {
			kept = append(kept, all[i])
		}
	}
	return kept
}

// covered gives, of each line, the place of a later one that matches all that it
// does, -1 if there is none.
func covered(all []rule) []int {
	patterns := make([]string, len(all))
	for i, r := range all {
		patterns[i] = r.pattern
	}
	extents := extentsOf(patterns)
	by := make([]int, len(all))
	lastOf := map[string]int{}
	for i := len(all) - 1; i >= 0; i-- {
		by[i] = -1
		n := normal(all[i].pattern)
		if j, twice := lastOf[n]; twice {
			by[i] = j
			continue
		}
		lastOf[n] = i
		for j := i + 1; j < len(all) && by[i] < 0; j++ {
			if extents[i].within(extents[j]) {
				by[i] = j
			}
		}
	}
	return by
}

// sameLines reports whether two files have the same lines, and of each two that
// have other owners and may match one path the same is the later one: then each
// path has the same owners in both. In neither a pattern stands twice.
func sameLines(a, b []rule) bool {
	if len(a) != len(b) {
		return false
	}
	places := map[string]int{}
	for i, r := range b {
		places[normal(r.pattern)] = i
	}
	place, lines := make([]int, len(a)), make([]line, len(a))
	for i, r := range a {
		j, ok := places[normal(r.pattern)]
		if !ok || !sameOwners(r.owners, b[j].owners) {
			return false
		}
		place[i], lines[i] = j, compile(r.pattern).whole()
	}
	for i := range a {
		for j := i + 1; j < len(a); j++ {
			if place[j] < place[i] && !sameOwners(a[i].owners, a[j].owners) && overlap(lines[i], lines[j]) {
				return false
			}
		}
	}
	return true
}

// overlap reports whether two whole patterns match one path. It may say so of two
// that don't; it never denies it of two that do.
func overlap(a, b line) bool {
	if len(a) == 0 || len(b) == 0 {
		return false
	}
	for i := 0; i < len(a) && i < len(b) && a[i].form != gap && b[i].form != gap; i++ {
		if !a[i].meets(b[i]) {
			return false
		}
	}
	open := func(s segment) bool { return s.form == gap }
	return meet(len(a), len(b),
		func(i int) bool { return open(a[i]) }, func(j int) bool { return open(b[j]) },
		func(i, j int) bool { return a[i].meets(b[j]) })
}

// whole is a pattern with what it matches below its last element written out:
// each gap is any number of elements, also none.
func (l line) whole() line {
	if len(l) == 0 {
		return nil
	}
	l = slices.Clone(l)
	switch l[len(l)-1].form {
	case anything:
		return l
	case gap: // at least one element
		l[len(l)-1] = segment{form: anything}
	}
	return append(l, segment{form: gap})
}

// meets reports whether two segments match one element.
func (s segment) meets(t segment) bool {
	if s.form == plain && t.form == plain {
		return s.text == t.text
	}
	if s.form == anything || t.form == anything {
		return true
	}
	a, b := s.signs(), t.signs()
	return meet(len(a), len(b),
		func(i int) bool { return a[i] == star }, func(j int) bool { return b[j] == star },
		func(i, j int) bool { return a[i] == b[j] || a[i] == anyOne || b[j] == anyOne })
}

// star and anyOne stand for "*" and "?" among the characters of a pattern, which
// are never negative.
const (
	star   rune = -1
	anyOne rune = -2
)

// signs is a segment character by character.
func (s segment) signs() []rune {
	if s.form == plain {
		return []rune(s.text)
	}
	var all []rune
	if s.form == ending {
		all = append(all, star)
	}
	for text := s.text; text != ""; {
		c, n := utf8.DecodeRuneInString(text)
		switch {
		case c == '\\' && len(text) > 1:
			c, n = utf8.DecodeRuneInString(text[1:])
			n++
		case c == '*':
			c = star
		case c == '?':
			c = anyOne
		}
		all, text = append(all, c), text[n:]
	}
	return all
}

// meet reports whether two patterns of n and m parts match one sequence, where
// openA and openB tell the parts that match any number of things, and pair
// whether two others match one thing.
func meet(n, m int, openA, openB func(int) bool, pair func(i, j int) bool) bool {
	reached := make([]bool, (n+1)*(m+1)) // up to part i of one and j of the other
	reached[0] = true
	for i := range n + 1 {
		for j := range m + 1 {
			if !reached[i*(m+1)+j] {
				continue
			}
			a, b := i < n && openA(i), j < m && openB(j)
			if i < n && (a || b) {
				reached[(i+1)*(m+1)+j] = true
			}
			if j < m && (a || b) {
				reached[i*(m+1)+j+1] = true
			}
			if i < n && j < m && !a && !b && pair(i, j) {
				reached[(i+1)*(m+1)+j+1] = true
			}
		}
	}
	return reached[n*(m+1)+m]
}

// isOurs reports whether a file, or a block of it, was written by Portreeve.
func isOurs(content []byte) bool {
	text := string(content)
	return strings.HasPrefix(text, generated) || strings.Contains(text, "# portreeve:begin ")
}
