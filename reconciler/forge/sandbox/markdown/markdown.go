// Package markdown shows the part of GitHub's Markdown that pull requests
// are written in: headings, paragraphs, lists, quotes, tables, fenced code,
// details, emphasis, code and links. The text is hostile: every character of
// it is escaped, no HTML but <details> and <summary> is let through, and a
// link leads to http or https only.
package markdown

import (
	"html"
	"html/template"
	"regexp"
	"strings"
)

// HTML renders a text.
func HTML(text string) template.HTML {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	r := &renderer{lines: strings.Split(hidden.ReplaceAllString(text, ""), "\n")}
	r.blocks(0)
	for range r.details {
		r.out.WriteString("</details>")
	}
	return template.HTML(r.out.String()) //nolint:gosec // built from escaped parts only
}

var (
	hidden  = regexp.MustCompile(`(?s)<!--.*?-->`)
	heading = regexp.MustCompile(`^(#{1,6})\s+(.*?)\s*#*$`)
	item    = regexp.MustCompile(`^\s{0,6}([-*+]|\d{1,9}[.)])\s+(.*)$`)
	rule    = regexp.MustCompile(`^\s*([-*_])(\s*([-*_])){2,}\s*$`)
	divider = regexp.MustCompile(`^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$`)
	summary = regexp.MustCompile(`^\s*(?:<details>)?\s*<summary>(.*)</summary>\s*$`)
)

type renderer struct {
	lines   []string
	out     strings.Builder
	details int
}

// maxDepth bounds quotes within quotes.
const maxDepth = 5

func (r *renderer) blocks(depth int) {
	for len(r.lines) > 0 {
		line := r.lines[0]
		trimmed := strings.TrimSpace(line)
		switch {
		case trimmed == "":
			r.lines = r.lines[1:]
		case fence(trimmed) != "":
			r.code()
		case r.fold(line, trimmed):
		case heading.MatchString(trimmed):
			m := heading.FindStringSubmatch(trimmed)
			level := string(rune('0' + min(len(m[1])+2, 6)))
			r.out.WriteString("<h" + level + ">" + inline(m[2]) + "</h" + level + ">\n")
			r.lines = r.lines[1:]
		case rule.MatchString(line):
			r.out.WriteString("<hr>\n")
			r.lines = r.lines[1:]
		case strings.HasPrefix(trimmed, ">") && depth < maxDepth:
			r.quote(depth)
		case item.MatchString(line):
			r.list()
		case strings.Contains(line, "|") && len(r.lines) > 1 && strings.Contains(r.lines[1], "-") && divider.MatchString(r.lines[1]):
			r.table()
		default:
			r.paragraph()
		}
	}
}

// fold lets <details> through, closed at the text's end at the latest.
func (r *renderer) fold(line, trimmed string) bool {
	m := summary.FindStringSubmatch(line)
	switch {
	case m != nil:
		if strings.HasPrefix(trimmed, "<details>") {
			r.out.WriteString("<details>")
			r.details++
		}
		if r.details > 0 {
			r.out.WriteString("<summary>" + inline(m[1]) + "</summary>\n")
		}
	case trimmed == "<details>":
		r.out.WriteString("<details>")
		r.details++
	case trimmed == "</details>" && r.details > 0:
		r.out.WriteString("</details>\n")
		r.details--
	default:
		return false
	}
	r.lines = r.lines[1:]
	return true
}

// fence is the run of marks that opens a block of code.
func fence(line string) string {
	for _, mark := range []string{"`", "~"} {
		n := len(line) - len(strings.TrimLeft(line, mark))
		if n >= 3 && !strings.Contains(line[n:], "`") {
			return line[:n]
		}
	}
	return ""
}

func (r *renderer) code() {
	open := strings.TrimSpace(r.lines[0])
	end := fence(open)
	language := html.EscapeString(strings.TrimSpace(open[len(end):]))
	r.lines = r.lines[1:]
	r.out.WriteString(`<pre class="code"><code`)
	if language == "diff" {
		r.out.WriteString(` class="diff"`)
	}
	r.out.WriteString(">")
	for len(r.lines) > 0 {
		line := r.lines[0]
		r.lines = r.lines[1:]
		if t := strings.TrimSpace(line); strings.HasPrefix(t, end) && strings.Trim(t, end[:1]) == "" {
			break
		}
		r.out.WriteString(codeLine(line, language == "diff") + "\n")
	}
	r.out.WriteString("</code></pre>\n")
}

func codeLine(line string, diff bool) string {
	text := html.EscapeString(line)
	if diff && strings.HasPrefix(line, "+") {
		return `<span class="add">` + text + `</span>`
	}
	if diff && strings.HasPrefix(line, "-") {
		return `<span class="del">` + text + `</span>`
	}
	return text
}

func (r *renderer) quote(depth int) {
	inner := &renderer{}
	for len(r.lines) > 0 && strings.HasPrefix(strings.TrimSpace(r.lines[0]), ">") {
		line := strings.TrimPrefix(strings.TrimSpace(r.lines[0]), ">")
		inner.lines = append(inner.lines, strings.TrimPrefix(line, " "))
		r.lines = r.lines[1:]
	}
	inner.blocks(depth + 1)
	for range inner.details {
		inner.out.WriteString("</details>")
	}
	r.out.WriteString("<blockquote>" + inner.out.String() + "</blockquote>\n")
}

// list renders items flat: an item's own items stand beside it.
func (r *renderer) list() {
	tag := "ul"
	if m := item.FindStringSubmatch(r.lines[0]); strings.IndexByte("-*+", m[1][0]) < 0 {
		tag = "ol"
	}
	r.out.WriteString("<" + tag + ">")
	for len(r.lines) > 0 {
		m := item.FindStringSubmatch(r.lines[0])
		if m == nil {
			break
		}
		text := m[2]
		r.lines = r.lines[1:]
		for len(r.lines) > 0 && strings.HasPrefix(r.lines[0], "  ") && strings.TrimSpace(r.lines[0]) != "" &&
			!item.MatchString(r.lines[0]) && fence(strings.TrimSpace(r.lines[0])) == "" {
			text += " " + strings.TrimSpace(r.lines[0])
			r.lines = r.lines[1:]
		}
		r.out.WriteString("<li>" + task(text) + "</li>")
	}
	r.out.WriteString("</" + tag + ">\n")
}

func task(text string) string {
	for mark, box := range map[string]string{"[ ] ": "☐ ", "[x] ": "☑ ", "[X] ": "☑ "} {
		if rest, ok := strings.CutPrefix(text, mark); ok {
			return box + inline(rest)
		}
	}
	return inline(text)
}

func (r *renderer) table() {
	head := cells(r.lines[0])
	r.lines = r.lines[2:]
	r.out.WriteString("<table><thead><tr>")
	for _, c := range head {
		r.out.WriteString("<th>" + inline(c) + "</th>")
	}
	r.out.WriteString("</tr></thead><tbody>")
	for len(r.lines) > 0 && strings.Contains(r.lines[0], "|") {
		r.out.WriteString("<tr>")
		for i, c := range cells(r.lines[0]) {
			if i < len(head) {
				r.out.WriteString("<td>" + inline(c) + "</td>")
			}
		}
		r.out.WriteString("</tr>")
		r.lines = r.lines[1:]
	}
	r.out.WriteString("</tbody></table>\n")
}

func cells(line string) []string {
	line = strings.TrimSpace(line)
	line = strings.TrimSuffix(strings.TrimPrefix(line, "|"), "|")
	parts := strings.Split(strings.ReplaceAll(line, `\|`, "\x00"), "|")
	for i := range parts {
		parts[i] = strings.ReplaceAll(strings.TrimSpace(parts[i]), "\x00", "|")
	}
	return parts
}

func (r *renderer) paragraph() {
	var text []string
	for len(r.lines) > 0 {
		line := r.lines[0]
		trimmed := strings.TrimSpace(line)
		if len(text) > 0 && (trimmed == "" || fence(trimmed) != "" || heading.MatchString(trimmed) ||
			strings.HasPrefix(trimmed, ">") || item.MatchString(line) || trimmed == "</details>" || strings.HasPrefix(trimmed, "<details>")) {
			break
		}
		text = append(text, trimmed)
		r.lines = r.lines[1:]
	}
	r.out.WriteString("<p>" + strings.Join(each(text, inline), "<br>\n") + "</p>\n")
}

func each(in []string, f func(string) string) []string {
	out := make([]string, len(in))
	for i, s := range in {
		out[i] = f(s)
	}
	return out
}
