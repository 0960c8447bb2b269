package ownership

import (
	"slices"
	"strings"
)

// matcher finds which of many lines decides on a path. Most lines are about
// one folder or one name, so that they are only looked at for paths that have it.
type matcher struct {
	lines []line
	// Places in lines, in order: of those that begin at the root with a name, or
	// with two; of those that are one name at whatever depth; and of all others.
	first, name map[string][]int
	rest        []int
}

func newMatcher(rules []rule) *matcher {
	m := &matcher{first: map[string][]int{}, name: map[string][]int{}}
	for i, r := range rules {
		l := compile(r.pattern)
		m.lines = append(m.lines, l)
		switch {
		case len(l) == 0:
		case len(l) > 1 && l[0].form == plain && l[1].form == plain:
			key := l[0].text + "/" + l[1].text
			m.first[key] = append(m.first[key], i)
		case l[0].form == plain:
			m.first[l[0].text] = append(m.first[l[0].text], i)
		case len(l) > 1 && l[0].form == gap && l[1].form == plain:
			m.name[l[1].text] = append(m.name[l[1].text], i)
		default:
			m.rest = append(m.rest, i)
		}
	}
	return m
}

// last is the place of the line that decides on a path, -1 if none matches. each,
// if not nil, is called for every line that matches.
func (m *matcher) last(path string, each func(i int)) int {
	elements := strings.Split(path, "/")
	best := -1
	look := func(places []int) {
		for n := len(places) - 1; n >= 0; n-- {
			i := places[n]
			if each == nil && i < best {
				return
			}
			if !m.lines[i].match(elements) {
				continue
			}
			if each != nil {
				each(i)
			}
			best = max(best, i)
		}
	}
	look(m.first[elements[0]])
	if len(elements) > 1 {
		look(m.first[path[:len(elements[0])+1+len(elements[1])]])
	}
	for n, e := range elements {
		if places := m.name[e]; len(places) > 0 && !slices.Contains(elements[:n], e) {
			look(places)
		}
	}
	look(m.rest)
	return best
}
