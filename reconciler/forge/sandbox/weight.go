package sandbox

import (
	"strconv"
	"strings"
)

// weight is what a query costs by GitHub's formula: one request for each
// connection and each parent it is read for, a point for 100 of them; and how
// many nodes it may give.
type weight struct{ requests, nodes int }

func (w weight) points() int { return max(1, (w.requests+50)/100) }

// most bounds counts, so that hostile queries can't overflow them.
const most = 1 << 30

// weigh reads a query no further than it needs to: fields, their first, last
// and ids arguments, and fragments. It never fails; what is no GraphQL weighs
// something, and is refused elsewhere.
func weigh(query string, variables map[string]any) weight {
	s := &scanner{tokens: tokens(query), variables: variables, fragments: map[string]int{}}
	s.closing = pair(s.tokens)
	for i, t := range s.tokens {
		if t == "fragment" && i+1 < len(s.tokens) && (i == 0 || s.tokens[i-1] == "}") {
			for j := i + 1; j < len(s.tokens); j++ {
				if s.tokens[j] == "{" {
					s.fragments[s.tokens[i+1]] = j
					break
				}
			}
		}
	}
	var w weight
	for i := 0; i < len(s.tokens); i++ {
		switch s.tokens[i] {
		case "(":
			i = s.skip(i)
		case "{":
			if !s.inFragment(i) {
				s.selection(i, 1, 0, &w)
			}
			i = s.skip(i)
		}
	}
	if s.steps >= maxSteps {
		w.nodes = most
	}
	return w
}

// maxSteps bounds the work on queries whose fragments multiply; what is
// beyond it weighs as much as can be.
const maxSteps = 200_000

type scanner struct {
	tokens    []string
	variables map[string]any
	fragments map[string]int // where a fragment's selection begins
	closing   map[int]int
	steps     int
}

func (s *scanner) inFragment(i int) bool {
	for _, at := range s.fragments {
		if at == i {
			return true
		}
	}
	return false
}

// skip gives the place of the bracket that closes the one at i, or the end.
func (s *scanner) skip(i int) int { return s.closing[i] }

// pair finds the closing bracket of each opening one; kinds are not told
// apart, since what they would tell is refused elsewhere.
func pair(tokens []string) map[int]int {
	closing := map[int]int{}
	var open []int
	for i, t := range tokens {
		switch t {
		case "(", "{", "[":
			open = append(open, i)
			closing[i] = len(tokens)
		case ")", "}", "]":
			if n := len(open); n > 0 {
				closing[open[n-1]] = i
				open = open[:n-1]
			}
		}
	}
	return closing
}

// selection weighs the fields between the brace at i and its end, read for
// each of so many parents.
func (s *scanner) selection(i, parents, depth int, w *weight) {
	end := s.skip(i)
	size := 0 // of the field before, as a connection; 0 if it is none
	for i++; i < end && depth < 50 && s.steps < maxSteps; i++ {
		s.steps++
		switch t := s.tokens[i]; t {
		case "(":
			size = s.size(i)
			if size > 0 {
				w.requests = min(most, w.requests+parents)
				w.nodes = min(most, w.nodes+min(most, parents*min(size, most/max(1, parents))))
			}
			i = s.skip(i)
		case "{":
			of := parents
			if size > 0 {
				of = min(most, parents*min(size, most/max(1, parents)))
			}
			s.selection(i, of, depth+1, w)
			i, size = s.skip(i), 0
		case "...":
			if i+1 < end && s.tokens[i+1] != "on" && s.tokens[i+1] != "{" {
				if at, ok := s.fragments[s.tokens[i+1]]; ok {
					s.selection(at, parents, depth+1, w)
				}
				i++
			}
		default:
			if t != "on" && t != ":" {
				size = 0
			}
		}
	}
}

// size is the page size among the arguments in the bracket at i.
func (s *scanner) size(i int) int {
	end := s.skip(i)
	for ; i+2 < end; i++ {
		name := s.tokens[i]
		if s.tokens[i+1] != ":" || name != "first" && name != "last" && name != "ids" {
			continue
		}
		value := s.tokens[i+2]
		if name == "ids" && value == "[" {
			return max(1, s.skip(i+2)-i-3)
		}
		if v, ok := strings.CutPrefix(value, "$"); ok {
			return sizeOf(s.variables[v])
		}
		n, _ := strconv.Atoi(value)
		return min(max(n, 0), 1000)
	}
	return 0
}

func sizeOf(v any) int {
	switch v := v.(type) {
	case float64:
		return int(min(max(v, 0), 1000))
	case []any:
		return len(v)
	}
	return 0
}

// tokens cuts a query into names, numbers, variables and punctuation; texts
// become one empty token each, comments and commas nothing.
func tokens(q string) []string {
	var out []string
	for i := 0; i < len(q); {
		c := q[i]
		switch {
		case c == '#':
			for i < len(q) && q[i] != '\n' {
				i++
			}
		case c == '"':
			i = afterText(q, i)
			out = append(out, "")
		case strings.HasPrefix(q[i:], "..."):
			out = append(out, "...")
			i += 3
		case isWord(c) || c == '$' || c == '-':
			j := i + 1
			for j < len(q) && isWord(q[j]) {
				j++
			}
			out = append(out, q[i:j])
			i = j
		case strings.IndexByte("(){}[]:", c) >= 0:
			out = append(out, q[i:i+1])
			i++
		default:
			i++
		}
	}
	return out
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// afterText is the place behind the text that begins at i.
func afterText(q string, i int) int {
	if strings.HasPrefix(q[i:], `"""`) {
		if end := strings.Index(q[i+3:], `"""`); end >= 0 {
			return i + 3 + end + 3
		}
		return len(q)
	}
	for i++; i < len(q); i++ {
		switch q[i] {
		case '\\':
			i++
		case '"', '\n':
			return i + 1
		}
	}
	return len(q)
}
