package ownership

import (
	"strings"
	"unicode/utf8"

	"github.com/portreeve/portreeve/reconciler/transform"
)

// written is a line of a CODEOWNERS file that people wrote.
type written struct {
	rule
	number int // from 1
	state  reading
	why    string // of a line that does not count as it stands
}

// reading is what GitHub makes of a line.
type reading byte

const (
	counts  reading = iota
	skipped         // it says nothing
	unclear         // it is not known
)

// readLines reads the lines of a CODEOWNERS file but blank ones and comments.
func readLines(content []byte) []written {
	var all []written
	number := 0
	for line := range strings.Lines(string(content)) {
		number++
		line = strings.TrimSpace(line)
		pattern, rest := splitPattern(line)
		if pattern == "" {
			continue
		}
		owners, _, _ := strings.Cut(rest, "#")
		w := written{rule: rule{pattern: pattern, owners: strings.Fields(owners)}, number: number}
		w.state, w.why = w.judge(rest)
		all = append(all, w)
	}
	return all
}

// judge says what GitHub makes of a line, of which rest stands behind the pattern.
func (w *written) judge(rest string) (reading, string) {
	p := w.plain()
	err := transform.CheckOwnersPattern(p)
	switch {
	case !utf8.ValidString(p):
		return unclear, "the pattern is not UTF-8"
	case err != nil && (strings.HasPrefix(p, "!") || strings.ContainsAny(p, "[]") || p == "/" || strings.Contains(p, "//")):
		return skipped, err.Error()
	case err != nil:
		return unclear, err.Error()
	case glued(rest):
		return unclear, `"#" stands in the middle of a word`
	}
	for _, o := range w.owners {
		if !transform.IsOwner(o) {
			return skipped, "an owner is neither @user nor @org/team nor an email address"
		}
	}
	return counts, ""
}

// glued reports whether the first "#" behind a pattern follows no blank, so that
// it may be part of a word.
func glued(rest string) bool {
	i := strings.IndexByte(rest, '#')
	return i == 0 || i > 0 && rest[i-1] != ' ' && rest[i-1] != '\t'
}

// plain is the pattern as it is declared, without escapes of spaces.
func (r *rule) plain() string { return strings.ReplaceAll(r.pattern, `\ `, " ") }

// parse reads a CODEOWNERS file leniently: what stands in it, but lines whose
// pattern GitHub would skip, and comments.
func parse(content []byte) []rule {
	var all []rule
	for _, w := range readLines(content) {
		if transform.CheckOwnersPattern(w.plain()) == nil {
			all = append(all, w.rule)
		}
	}
	return all
}

// splitPattern cuts a line behind its pattern, at the first blank that is not
// escaped, or where a comment begins.
func splitPattern(line string) (pattern, rest string) {
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case ' ', '\t', '#':
			return line[:i], line[i:]
		}
	}
	return line, ""
}
