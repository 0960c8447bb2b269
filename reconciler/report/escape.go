// Package report writes the texts that people read on a forge: titles and
// bodies of pull requests, comments, commit messages. It is pure. A text is
// desired state, so planning compares it.
//
// All of it treats what it is given as hostile: nothing that comes from a
// repo or a declaration becomes a mention, a reference, or markup that the
// author of this package did not intend.
package report

import (
	"regexp"
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

// What a forge takes for a reference: "#12" and "GH-12", and the address of an
// issue or a pull request.
var (
	issueNumber = regexp.MustCompile(`(?i)(#|\bGH\\?-)([0-9])`)
	issueURL    = regexp.MustCompile(`(?i)/(?:(issue|discussion)s|(pul)l)/([0-9])`)
)

// unlinked writes the addresses of issues so that they lead there and yet
// make no entry in what they lead to: with a letter by its code.
func unlinked(s string) string {
	return issueURL.ReplaceAllStringFunc(s, func(found string) string {
		m := issueURL.FindStringSubmatch(found)
		if m[1] != "" {
			return "/" + m[1] + "%73/" + m[3]
		}
		return "/" + m[2] + "%6C/" + m[3]
	})
}

// quiet breaks mentions and references in text that is not Markdown.
func quiet(s string) string {
	s = strings.ReplaceAll(unlinked(s), "@", "@"+zeroWidth)
	return issueNumber.ReplaceAllString(s, "${1}"+zeroWidth+"${2}")
}

// address is a word that is a link as a whole, and what may follow one.
var address = regexp.MustCompile(`^(https?://[A-Za-z0-9][A-Za-z0-9._~:/?#%&=+-]*[A-Za-z0-9/=+-])([.,:;!?]*)$`)

// Plain makes Markdown that shows a text of a declaration as it was written,
// without becoming markup, a mention or a reference. Addresses become links.
func Plain(s string) string {
	words := strings.Split(Line(s, 2000), " ")
	for i, word := range words {
		if m := address.FindStringSubmatch(word); m != nil {
			words[i] = "<" + unlinked(m[1]) + ">" + plain(m[2])
			continue
		}
		words[i] = plain(word)
	}
	return strings.Join(words, " ")
}

func plain(word string) string {
	var b strings.Builder
	for _, r := range quiet(word) {
		if strings.ContainsRune("\\`*_[]<>|~&!$", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
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
