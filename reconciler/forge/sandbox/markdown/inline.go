package markdown

import (
	"html"
	"net/url"
	"strings"
)

// inline renders what stands within a line.
func inline(text string) string { return inlineAt(text, 0) }

func inlineAt(text string, depth int) string {
	var out strings.Builder
	for i := 0; i < len(text); {
		rest := text[i:]
		if shown, n := span(rest, depth); n > 0 {
			out.WriteString(shown)
			i += n
			continue
		}
		n := 1
		for i+n < len(text) && strings.IndexByte("`*_[~\\h", text[i+n]) < 0 {
			n++
		}
		out.WriteString(html.EscapeString(rest[:n]))
		i += n
	}
	return out.String()
}

// span renders the code, emphasis, link or escaped mark that a text begins
// with, and says how much of the text that was; 0 is none of them.
func span(text string, depth int) (string, int) {
	switch {
	case text[0] == '\\' && len(text) > 1 && strings.IndexByte("\\`*_{}[]()#+-.!|<>~@", text[1]) >= 0:
		return html.EscapeString(text[1:2]), 2
	case text[0] == '`':
		return code(text)
	case depth > maxDepth:
		return "", 0
	case strings.HasPrefix(text, "**"):
		return wrapped(text, "**", "strong", depth)
	case strings.HasPrefix(text, "~~"):
		return wrapped(text, "~~", "del", depth)
	case text[0] == '*':
		return wrapped(text, "*", "em", depth)
	case text[0] == '[':
		return link(text)
	case strings.HasPrefix(text, "https://") || strings.HasPrefix(text, "http://"):
		end := strings.IndexAny(text+" ", " \t<>\"'`)]|*")
		target := strings.TrimRight(text[:end], ".,;:!?")
		return anchor(target, html.EscapeString(target)), len(target)
	}
	return "", 0
}

func code(text string) (string, int) {
	ticks := len(text) - len(strings.TrimLeft(text, "`"))
	mark := text[:ticks]
	end := strings.Index(text[ticks:], mark)
	if end < 0 {
		return html.EscapeString(mark), ticks
	}
	content := text[ticks : ticks+end]
	if len(content) > 2 && content[0] == ' ' && content[len(content)-1] == ' ' {
		content = content[1 : len(content)-1]
	}
	return "<code>" + html.EscapeString(content) + "</code>", ticks + end + ticks
}

func wrapped(text, mark, tag string, depth int) (string, int) {
	n := len(mark)
	if len(text) == n || text[n] == ' ' {
		return html.EscapeString(mark), n
	}
	end := strings.Index(text[n:], mark)
	if end <= 0 {
		return html.EscapeString(mark), n
	}
	return "<" + tag + ">" + inlineAt(text[n:n+end], depth+1) + "</" + tag + ">", n + end + n
}

func link(text string) (string, int) {
	middle := strings.Index(text, "](")
	if middle < 0 {
		return "[", 1
	}
	end := strings.IndexByte(text[middle:], ')')
	if end < 0 || strings.ContainsRune(text[1:middle], '[') {
		return "[", 1
	}
	label := inlineAt(text[1:middle], maxDepth+1)
	return anchor(text[middle+2:middle+end], label), middle + end + 1
}

// anchor links to http and https; anything else stays what it says.
func anchor(target, label string) string {
	u, err := url.Parse(strings.TrimSpace(target))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return label
	}
	return `<a rel="nofollow noreferrer noopener" href="` + html.EscapeString(u.String()) + `">` + label + "</a>"
}
