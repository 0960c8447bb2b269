// Package report writes the texts that people read on a forge: titles and
// bodies of pull requests, comments, commit messages. It is pure. A text is
// desired state, so planning compares it.
//
// All of it treats what it is given as hostile: nothing that comes from a
// repo or a declaration becomes a mention, a reference, or markup that the
// author of this package did not intend.
package report

import (
	"strings"
	"unicode"
)

// zeroWidth breaks a mention or a reference without being seen.
const zeroWidth = "\u200b"

// Line makes one line of any text: control characters and line breaks become
// spaces, and what is over limit runes is cut with an ellipsis.
func Line(s string, limit int) string {
	var b strings.Builder
	n, space := 0, true
	for _, r := range s {
		if unicode.IsControl(r) || unicode.IsSpace(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Bidi_Control) {
			if !space {
				b.WriteByte(' ')
				n++
			}
			space = true
			continue
		}
		if n >= limit {
			return strings.TrimRight(b.String(), " ") + "…"
		}
		b.WriteRune(r)
		n++
		space = false
	}
	return strings.TrimRight(b.String(), " ")
}

// Plain makes Markdown that shows a text of a declaration as it was written,
// without becoming markup, a mention or a reference.
func Plain(s string) string {
	var b strings.Builder
	for _, r := range Line(s, 2000) {
		switch r {
		case '\\', '`', '*', '_', '[', ']', '<', '>', '|', '~', '&', '!':
			b.WriteByte('\\')
			b.WriteRune(r)
		case '@', '#':
			b.WriteRune(r)
			b.WriteString(zeroWidth)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Code makes a Markdown code span, whatever the text holds; it is for what
// comes out of repos.
func Code(s string) string {
	s = Line(s, 300)
	if s == "" {
		return ""
	}
	longest, run := 0, 0
	for _, r := range s {
		if r == '`' {
			run++
			longest = max(longest, run)
		} else {
			run = 0
		}
	}
	fence := strings.Repeat("`", longest+1)
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") {
		s = " " + s + " "
	}
	return fence + s + fence
}

// Markdown keeps a declaration's own Markdown, but breaks its mentions,
// references and hidden comments, and closes a code fence that it leaves
// open, so that what follows is read as intended.
func Markdown(s string) string {
	var b strings.Builder
	fence := ""
	for line := range strings.Lines(strings.ReplaceAll(s, "\r\n", "\n")) {
		fence = nextFence(fence, line)
		for i, r := range line {
			b.WriteRune(r)
			next := byte(0)
			if i+1 < len(line) {
				next = line[i+1]
			}
			if r == '@' || r == '#' && next >= '0' && next <= '9' || r == '<' && next == '!' {
				b.WriteString(zeroWidth)
			}
		}
	}
	out := strings.TrimRight(b.String(), "\n")
	if fence != "" {
		out += "\n" + fence
	}
	return out
}

// nextFence is the code fence that is open after line, empty for none.
func nextFence(open, line string) string {
	text := strings.TrimLeft(line, " ")
	if len(line)-len(text) > 3 {
		return open
	}
	for _, c := range []byte{'`', '~'} {
		run := text[:len(text)-len(strings.TrimLeft(text, string(c)))]
		if len(run) < 3 {
			continue
		}
		switch {
		case open == "":
			return run
		case open[0] == c && len(run) >= len(open) && strings.TrimSpace(text[len(run):]) == "":
			return ""
		}
	}
	return open
}
