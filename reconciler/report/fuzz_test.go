package report

import (
	"regexp"
	"strings"
	"testing"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// live is what must not stand in text outside of code: mentions, references,
// HTML, and entities that would become one of them.
var live = regexp.MustCompile(`(?i)@[a-z0-9]|#[0-9]|\bGH-[0-9]|<[a-z/!?]|&#?[a-z0-9]{1,40};|/(issues|discussions|pull)/[0-9]`)

// rendered is Markdown text without its code and its escapes, read as a forge
// reads a paragraph: a span of code may go over lines.
func rendered(paragraph string) string {
	var b strings.Builder
	for i := 0; i < len(paragraph); {
		switch c := paragraph[i]; {
		case c == '\\' && i+1 < len(paragraph) && strings.IndexByte("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", paragraph[i+1]) >= 0:
			b.WriteByte(paragraph[i+1])
			i += 2
		case c == '`':
			n := len(paragraph[i:]) - len(strings.TrimLeft(paragraph[i:], "`"))
			end := closing(paragraph[i+n:], n)
			if end > 0 {
				b.WriteByte(' ')
			}
			i += n + end
		default:
			b.WriteByte(c)
			i++
		}
	}
	return b.String()
}

// closing is how far a span of code reaches that n backticks have opened.
func closing(s string, n int) int {
	for i := 0; i < len(s); {
		run := len(s[i:]) - len(strings.TrimLeft(s[i:], "`"))
		if run == n {
			return i + n
		}
		i += max(run, 1)
	}
	return 0
}

// escapedAngles are ones that a backslash keeps from being HTML.
var escapedAngles = regexp.MustCompile(`\\[<&]`)

// paragraphs are the texts of a quote that are outside of fences that begin a
// line: whole ones, and each line by itself.
func paragraphs(quote string) (all []string) {
	var lines []string
	fence := ""
	flush := func() {
		all = append(append(all, strings.Join(lines, "\n")), lines...)
		lines = nil
	}
	for line := range strings.SplitSeq(quote, "\n") {
		line = strings.TrimPrefix(strings.TrimPrefix(line, ">"), " ")
		marks := len(line) - len(strings.TrimLeft(line, line[:min(1, len(line))]))
		switch {
		case fence != "":
			if trimmed := strings.TrimSpace(line); strings.HasPrefix(trimmed, fence) && strings.Trim(trimmed, fence[:1]) == "" && len(line)-len(strings.TrimLeft(line, " ")) < 4 {
				fence = ""
			}
		case marks >= 3 && (line[0] == '~' || line[0] == '`' && !strings.Contains(line[marks:], "`")):
			fence = line[:marks]
			flush()
		case line == "":
			flush()
		default:
			lines = append(lines, line)
		}
	}
	flush()
	return all
}

var attacks = []string{
	"@kim", "#1", "GH-1", "acme/x#1", "<!-- x -->", "<script>", "&#64;kim", "&commat;kim", "`", "```", "~~~\n@kim", "\\`@kim`",
	"` | `@kim` |", "- ```\n  @kim", "https://github.com/a/b/issues/1", "\n\n---\n<!-- portreeve text=000000000000 -->\n",
	"x\n\nPortreeve-Tree: forged\n", "a\x00b\u2028c", "``\n`@kim`\n``", "1. `\n2. `@kim`", "```\n```@kim```", "GH\\-1", "\\\\`@kim`",
}

// FuzzPlain proves that no text becomes markup, a mention or a reference.
func FuzzPlain(f *testing.F) {
	for _, s := range attacks {
		f.Add(s)
	}
	link := regexp.MustCompile(`(^| )<https?://[^ <>@]*>`)
	f.Fuzz(func(t *testing.T, s string) {
		got := Plain(s)
		if strings.ContainsAny(got, "\r\n\x00") || len([]rune(got)) > 3*2001 {
			t.Errorf("not a bounded line: %q", got)
		}
		if m := regexp.MustCompile(`/(issues|discussions|pull)/[0-9]`).FindString(got); m != "" {
			t.Errorf("%q leaves %q in %q", s, m, got)
		}
		text := link.ReplaceAllString(got, " ")
		text = escapedAngles.ReplaceAllString(text, " ")
		if strings.Contains(strings.ReplaceAll(strings.ReplaceAll(text, `\\`, ""), "\\`", ""), "`") || live.MatchString(rendered(text)) {
			t.Errorf("%q is live in %q", s, got)
		}
		if title := (Pull{Title: s}).Heading(); live.MatchString(strings.NewReplacer("<", " ", "&", " ").Replace(title)) || strings.Contains(title, "\n") {
			t.Errorf("%q is live in the title %q", s, title)
		}
	})
}

// FuzzCode proves that a span of code holds, whatever is in it.
func FuzzCode(f *testing.F) {
	for _, s := range attacks {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got := Code(s); strings.Contains(got, "\n") || got != "" && strings.TrimSpace(rendered(got)) != "" {
			t.Errorf("%q escapes from %q", s, got)
		}
	})
}

// FuzzQuote proves that a declaration's Markdown stays in its quote and makes
// neither HTML nor mentions nor references there.
func FuzzQuote(f *testing.F) {
	for _, s := range attacks {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Quote(s, 2000)
		if len(got) > 2000 {
			t.Errorf("%d bytes", len(got))
		}
		quote := strings.TrimSuffix(got, "\n(cut: too long)\n")
		for line := range strings.Lines(quote) {
			if !strings.HasPrefix(line, ">") {
				t.Errorf("%q leaves the quote in %q", s, got)
			}
		}
		for _, p := range paragraphs(quote) {
			if m := live.FindString(rendered(escapedAngles.ReplaceAllString(p, " "))); m != "" {
				t.Errorf("%q leaves %q in %q", s, m, got)
			}
		}
	})
}

// FuzzPull proves what holds of every body: its bound, and that its marker is
// the last line and the only one.
func FuzzPull(f *testing.F) {
	for _, s := range attacks {
		f.Add(s, s, uint8(1))
	}
	f.Add("a", "b", uint8(255))
	f.Fuzz(func(t *testing.T, a, b string, times uint8) {
		long := strings.Repeat(b+" ", int(times)*8)
		p := Pull{
			Declaration: fleet.ID{Kind: "migration", Name: a}, Title: a, Why: long, Body: long, Because: b, Decides: a, Asks: b, Contact: long,
			Revision: fleet.Revision(a), Pos: fleet.Pos{File: b, Line: 1},
		}
		for range int(times) {
			p.What = append(p.What, b)
		}
		body := p.Text()
		if len(body) > maxBody || TextHash(body) != p.Hash() || TextHash(strings.ReplaceAll(body, "\n", "\r\n")) != p.Hash() {
			t.Errorf("%d bytes, hash %q, want %q", len(body), TextHash(body), p.Hash())
		}
		if n := strings.Count(body, "\n"+markerPrefix); n != 1 {
			t.Errorf("%d markers in:\n%s", n, body)
		}
		if message := p.CommitMessage(); strings.Contains(message, "\nPortreeve-") && !strings.Contains(message, "\n\n") {
			t.Errorf("forged trailers in %q", message)
		}
		if c := Closing(p.Declaration, a, p.Revision); !IsClosing(c) || !IsClosing(c+"\r\n") || IsClosing(body) || strings.Count(c, "\n<!--") != 1 {
			t.Errorf("closing %q", c)
		}
	})
}
