package ownership

import (
	"strings"

	"github.com/portreeve/portreeve/reconciler/transform"
)

// normal gives patterns that match the same paths the same spelling, as far
// as their form tells: for telling two of them apart and for comparing lines.
func normal(p string) string {
	p = transform.EscapeOwnersPattern(p)
	segments, anchored, dir := segmentsOf(p)
	switch {
	case len(segments) == 0:
		return "*"
	case !anchored && len(segments) == 1 && segments[0] == "*" && !dir:
		return "*"
	}
	s := strings.Join(segments, "/")
	switch {
	case anchored:
		s = "/" + s
	case len(segments) > 1:
		s = "**/" + s
	}
	if dir {
		s += "/"
	}
	return s
}

// segmentsOf splits a pattern into what it asks of a path's elements.
// Anchored ones begin at the root. Dir ones match only what is below a
// directory. Leading and trailing "**" are told by these two alone, and
// everything is no segments at all.
func segmentsOf(p string) (segments []string, anchored, dir bool) {
	rest, slash := strings.CutPrefix(p, "/")
	rest, dir = strings.CutSuffix(rest, "/")
	segments = strings.Split(rest, "/")
	anchored = slash || len(segments) > 1
	for len(segments) > 0 && segments[0] == "**" {
		segments, anchored = segments[1:], false
	}
	for len(segments) > 0 && segments[len(segments)-1] == "**" {
		segments, dir = segments[:len(segments)-1], true
	}
	return segments, anchored, dir
}
