package ownership

import (
	"slices"
	"strings"
)

// Match reports whether a CODEOWNERS pattern matches the file at a path, as
// GitHub decides it. Patterns are Git's ignore patterns without negation and
// ranges, and with one difference: a last element that is "*" alone, below a
// directory or the root, takes in the files there and nothing deeper. The
// pattern is one that GitHub does not skip.
func Match(pattern, path string) bool {
	if pattern == "" || pattern == "/" {
		return false
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
	return matchSegments(segments, strings.Split(path, "/"))
}

// matchSegments matches elements one by one. It keeps the set of places in
// path up to which the segments so far match, so that many "**" cost no more
// than a few.
func matchSegments(segments, elements []string) bool {
	last := segments[len(segments)-1]
	reached := make([]bool, len(elements)+1)
	reached[0] = true
	for i, s := range segments {
		end := i == len(segments)-1
		next := make([]bool, len(elements)+1)
		for j, ok := range reached {
			switch {
			case !ok:
			case s == "**" && end:
				return j < len(elements) // the first place leaves the most
			case s == "**":
				for k := j; k <= len(elements); k++ {
					next[k] = true
				}
			case j < len(elements) && matchElement(s, elements[j]):
				next[j+1] = true
			}
		}
		reached = next
	}
	if last == "*" {
		return reached[len(elements)]
	}
	return slices.Contains(reached, true) // and all that is below
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
