package ownership

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// maxPattern bounds a pattern in bytes; longer ones are no path that people
// wrote.
const maxPattern = 1024

// checkPattern says why GitHub would skip a line with this pattern, which
// silently revives an earlier, broader owner.
func checkPattern(p string) error {
	switch {
	case p == "":
		return errors.New("the pattern is empty")
	case len(p) > maxPattern:
		return fmt.Errorf("the pattern is longer than %d bytes", maxPattern)
	case p == "/":
		return errors.New(`pattern "/" matches nothing, ever; what owner says holds for everything`)
	case strings.HasPrefix(p, "!"):
		return errors.New("CODEOWNERS knows no negation; give the paths to be left out an entry of their own")
	case strings.ContainsAny(p, "[]"):
		return errors.New("CODEOWNERS knows no [ ] ranges; write an entry for each")
	case strings.Contains(p, "#"):
		return errors.New(`"#" begins a comment in CODEOWNERS and can't be escaped; use "?" in its place`)
	case strings.Contains(p, "***"):
		return errors.New("three asterisks in a row mean nothing")
	case strings.Contains(p, "**/**") || strings.Trim(p, "/") == "**" && strings.HasSuffix(p, "/"):
		return errors.New(`"**" with nothing beside it says no more than "*"; leave it out`)
	case strings.Contains(p, "//"):
		return errors.New("an empty path element matches nothing")
	case strings.ContainsFunc(p, func(r rune) bool { return r != ' ' && (unicode.IsControl(r) || unicode.IsSpace(r)) }):
		return errors.New("the pattern holds a control character or a blank other than a space")
	case strings.HasPrefix(p, " ") || strings.HasSuffix(p, " "):
		return errors.New("the pattern begins or ends with a space")
	case strings.HasSuffix(unescaped(p), `\`):
		return errors.New("a backslash at the end escapes nothing")
	}
	return nil
}

// unescaped drops each backslash together with what it escapes; one that is
// left over stays.
func unescaped(p string) string {
	var b strings.Builder
	for i := 0; i < len(p); i++ {
		if p[i] == '\\' && i+1 < len(p) {
			i++
			continue
		}
		b.WriteByte(p[i])
	}
	return b.String()
}

// escapeSpaces writes a pattern as a line of CODEOWNERS needs it.
func escapeSpaces(p string) string {
	var b strings.Builder
	for i := 0; i < len(p); i++ {
		switch {
		case p[i] == '\\' && i+1 < len(p):
			b.WriteByte('\\')
			i++
		case p[i] == ' ':
			b.WriteByte('\\')
		}
		b.WriteByte(p[i])
	}
	return b.String()
}

// normal gives patterns that match the same paths the same spelling, as far
// as their form tells: for telling two of them apart and for comparing lines.
func normal(p string) string {
	p = escapeSpaces(p)
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
