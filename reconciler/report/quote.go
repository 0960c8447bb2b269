package report

import (
	"regexp"
	"strings"
	"unicode"
)

// Quote shows a declaration's own Markdown as a block quote of at most limit
// bytes, in whole lines.
//
// The quote is what keeps it apart: a fence, a list or a comment that is left
// open ends with it. Within, Markdown stays Markdown, but HTML, mentions and
// references are broken. Code is left as it is, so that it can be copied, as
// far as it is certainly code: in fences that begin a line, and in spans that
// begin and end on one line.
func Quote(s string, limit int) string {
	const cut = "\n(cut: too long)\n"
	var b strings.Builder
	fence := ""
	for line := range strings.Lines(strings.Trim(strings.ReplaceAll(s, "\r\n", "\n"), "\n") + "\n") {
		line = strings.Map(visible, strings.ToValidUTF8(line[:len(line)-1], "\uFFFD"))
		before := fence
		if fence = nextFence(fence, line); before == "" && fence == "" {
			line = inline(line)
		}
		if line = strings.TrimRight("> "+line, " ") + "\n"; b.Len()+len(line) > limit-len(cut) {
			return b.String() + cut
		}
		b.WriteString(line)
	}
	return b.String()
}

// visible drops what moves text about or does not show.
func visible(r rune) rune {
	if r != '\t' && (unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Bidi_Control)) {
		return -1
	}
	return r
}

// nextFence is the code fence that is open after line, empty for none. One
// that is indented is not known to be a fence: it may be in a list.
func nextFence(open, line string) string {
	text := line
	if open != "" {
		if text = strings.TrimLeft(line, " "); len(line)-len(text) > 3 {
			return open
		}
	}
	for _, c := range []string{"`", "~"} {
		run := text[:len(text)-len(strings.TrimLeft(text, c))]
		rest := text[len(run):]
		switch {
		case len(run) < 3:
		case open == "" && (c == "~" || !strings.Contains(rest, "`")):
			return run
		case open != "" && open[:1] == c && len(run) >= len(open) && strings.Trim(rest, " \t") == "":
			return ""
		}
	}
	return open
}

var (
	// nested is a fence in a list or a quote: what may stand before it.
	nested = regexp.MustCompile("^[ \t>*+0-9.)-]*```+")
	// broken is what is broken outside of code, after its first character.
	broken = regexp.MustCompile(`(?i)^(?:@|#[0-9]|<[a-z/!?]|&#?[a-z0-9]{1,40};)`)
	// reference is what else quiet breaks, where a line goes on with it.
	reference = regexp.MustCompile(`^(?i)(?:GH\\?-[0-9]|/(?:issues|discussions|pull)/[0-9])`)
)

// inline breaks what is not to work in a line outside of fences.
func inline(line string) string {
	var b strings.Builder
	start := nested.FindString(line)
	b.WriteString(start)
	for rest := line[len(start):]; rest != ""; {
		n := strings.IndexAny(rest, "`\\@#<&/gG")
		if n != 0 {
			if n < 0 {
				n = len(rest)
			}
			b.WriteString(rest[:n])
			rest = rest[n:]
			continue
		}
		n = 1
		switch run := rest[:len(rest)-len(strings.TrimLeft(rest, "`"))]; {
		case run != "":
			if n = span(rest, len(run)); n > 0 {
				b.WriteString(rest[:n])
				rest = rest[n:]
				continue
			}
			n = len(run)
			b.WriteString(strings.Repeat("\\`", n))
		case strings.HasPrefix(rest, "\\`"), strings.HasPrefix(rest, `\\`):
			n = 2
			b.WriteString(rest[:n])
		case broken.MatchString(rest):
			b.WriteString(rest[:n] + zeroWidth)
		case reference.MatchString(rest):
			n = len(reference.FindString(rest))
			b.WriteString(quiet(rest[:n]))
		default:
			b.WriteString(rest[:n])
		}
		rest = rest[n:]
	}
	return b.String()
}

// span is the length of the code span that s begins with, whose delimiter is
// of n backticks, or 0. Longer delimiters may be a fence's, and a "|" may be
// a table's, which ends the span.
func span(s string, n int) int {
	if n > 2 {
		return 0
	}
	for i := n; i < len(s); {
		run := len(s[i:]) - len(strings.TrimLeft(s[i:], "`"))
		switch {
		case run == n && !strings.Contains(s[:i], "|"):
			return i + n
		case run == n:
			return 0
		}
		i += max(run, 1)
	}
	return 0
}
