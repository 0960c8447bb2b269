package ownership

import "strings"

// Match reports whether a CODEOWNERS pattern matches the file at a path, as
// GitHub decides it. Patterns are Git's ignore patterns without negation and
// ranges, and with one difference: a last element that is "*" alone, below a
// directory or the root, takes in the files there and nothing deeper. The
// pattern is one that GitHub does not skip.
func Match(pattern, path string) bool {
	return compile(pattern).match(strings.Split(path, "/"))
}

// segment is what a pattern asks of one element of a path.
type segment struct {
	text string
	form form
}

type form byte

const (
	wild     form = iota // text is a pattern
	plain                // text is the element
	anything             // any element: "*"
	ending               // the element ends with text: "*.go"
	gap                  // any number of elements: "**"
)

// compile takes a pattern apart.
func compile(pattern string) line {
	parts := expanded(pattern)
	l := make(line, len(parts))
	for i, s := range parts {
		rest, starred := strings.CutPrefix(s, "*")
		switch literal := !strings.ContainsAny(rest, `*?\`); {
		case s == "**":
			l[i] = segment{form: gap}
		case starred && rest == "":
			l[i] = segment{form: anything}
		case starred && literal:
			l[i] = segment{rest, ending}
		case literal:
			l[i] = segment{s, plain}
		default:
			l[i] = segment{s, wild}
		}
	}
	return l
}

func (s *segment) match(element string) bool {
	switch s.form {
	case plain:
		return s.text == element
	case anything:
		return true
	case ending:
		return strings.HasSuffix(element, s.text)
	}
	return matchElement(s.text, element)
}

// line is a pattern, taken apart; it is empty for one that matches nothing.
type line []segment

// expanded splits a pattern into elements, and says what its form leaves out:
// none for one that matches nothing.
func expanded(pattern string) []string {
	if pattern == "" || pattern == "/" {
		return nil
	}
	rest, slash := strings.CutPrefix(pattern, "/")
	segments := strings.Split(rest, "/")
	last := len(segments) - 1
	if !slash && (last == 0 || last == 1 && segments[1] == "") && segments[0] != "**" {
		segments = append([]string{"**"}, segments...)
		last++
	}
	if last > 0 && segments[last] == "" {
		segments[last] = "**"
		if last == 1 && segments[0] == "**" {
			segments[0] = "*" // below any directory, hence not at the root
		}
	}
	return segments
}

// match matches elements one by one. It keeps the set of places in the path up
// to which the segments so far match, so that many "**" cost no more than a few.
func (l line) match(elements []string) bool {
	if len(l) == 0 {
		return false
	}
	var room [2][32]bool
	var reached, next []bool
	if n := len(elements) + 1; n <= len(room[0]) {
		reached, next = room[0][:n], room[1][:n]
	} else {
		reached, next = make([]bool, n), make([]bool, n)
	}
	reached[0] = true
	for i := range l {
		s, end, some := &l[i], i == len(l)-1, false
		clear(next)
		for j, ok := range reached {
			switch {
			case !ok:
			case s.form == gap && end:
				return j < len(elements) // the first place leaves the most
			case s.form == gap:
				for k := j; k <= len(elements); k++ {
					next[k] = true
				}
				some = true
			case j < len(elements) && s.match(elements[j]):
				next[j+1], some = true, true
			}
			if some && s.form == gap {
				break // all that follows is reached
			}
		}
		if !some {
			return false
		}
		reached, next = next, reached
	}
	if l[len(l)-1].form == anything {
		return reached[len(elements)]
	}
	return true // and all that is below
}

// matchElement matches one element: "*" is any characters, "?" is one, a
// backslash takes the next one literally.
func matchElement(pattern, element string) bool {
	p, e := []rune(pattern), []rune(element)
	star, mark := -1, 0
	i, j := 0, 0
	for j < len(e) {
		switch {
		case i < len(p) && p[i] == '*':
			star, mark = i, j
			i++
			continue
		case i < len(p) && p[i] == '?':
			i, j = i+1, j+1
			continue
		case i+1 < len(p) && p[i] == '\\' && p[i+1] == e[j]:
			i, j = i+2, j+1
			continue
		case i < len(p) && p[i] != '\\' && p[i] == e[j]:
			i, j = i+1, j+1
			continue
		case star < 0:
			return false
		}
		mark++
		i, j = star+1, mark
	}
	for i < len(p) && p[i] == '*' {
		i++
	}
	return i == len(p)
}
