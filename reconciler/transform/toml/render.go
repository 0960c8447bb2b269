package toml

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"github.com/portreeve/portreeve/reconciler/transform/internal/values"
)

// inlineText writes a value in one place and on one line.
func inlineText(v *values.Value) string {
	var items []string
	for i, item := range v.Items {
		text := inlineText(item)
		if v.Kind == values.Object {
			text = quoteKey(v.Keys[i]) + " = " + text
		}
		items = append(items, text)
	}
	switch {
	case v.Kind == values.Object && len(items) == 0:
		return "{}"
	case v.Kind == values.Object:
		return "{ " + strings.Join(items, ", ") + " }"
	case v.Kind == values.List:
		return "[" + strings.Join(items, ", ") + "]"
	case v.Kind == values.String:
		return quote(v.Text)
	}
	return v.Text
}

// text1 writes the value of a line of its own: a text of several lines over
// several lines, where these break as the text does.
func (s *source) text1(v *values.Value) string {
	body := strings.TrimSuffix(v.Text, "\n")
	printable := !strings.ContainsFunc(body, func(r rune) bool { return r != '\n' && r != '\t' && !unicode.IsPrint(r) })
	if v.Kind != values.String || !strings.Contains(body, "\n") || s.eol != "\n" || !printable {
		return inlineText(v)
	}
	return `"""` + "\n" + strings.NewReplacer(`\`, `\\`, `"""`, `""\"`).Replace(strings.TrimSuffix(v.Text, `"`)) + strings.Repeat(`\"`, len(v.Text)-len(strings.TrimSuffix(v.Text, `"`))) + `"""`
}

// like writes a value as the one before it was written: a text in its
// quotes, a list over as many lines.
func (e *editor) like(n *node, v *values.Value) string {
	old := e.text[n.start:n.end]
	switch {
	case v.Kind == values.String && old[0] == '\'' && !bytes.HasPrefix(old, []byte("'''")) && isLiteral(v.Text):
		return "'" + v.Text + "'"
	case v.Kind == values.String && n.entry != nil:
		return e.text1(v)
	case v.Kind == values.List && !v.Flat() && n.sort == array && len(n.items) > 0 && e.first(n.begins[0]):
		indent := values.Indent(e.text, n.begins[0])
		var b strings.Builder
		b.WriteString("[" + e.eol)
		for i, item := range v.Items {
			b.WriteString(indent + inlineText(item))
			if i < len(v.Items)-1 || e.comma(n.items[len(n.items)-1].end) >= 0 {
				b.WriteString(",")
			}
			b.WriteString(e.eol)
		}
		return b.String() + values.Indent(e.text, n.end-1) + "]"
	}
	return inlineText(v)
}

// isLiteral reports whether a text can stand between single quotes.
func isLiteral(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r == '\'' || !unicode.IsPrint(r) })
}

// insertInline adds an item behind the last of a list or inline table.
func (e *editor) insertInline(n *node, key string, v *values.Value) {
	text := inlineText(v)
	if n.sort == inline {
		text = quoteKey(key) + " = " + text
	}
	if len(n.items) == 0 {
		if n.sort == inline {
			text = " " + text + " "
		}
		if values.OnlyBlank(e.text[n.start+1 : n.end-1]) {
			e.cut(n.start+1, n.end-1, text)
			return
		}
		e.cut(n.end-1, n.end-1, text)
		return
	}
	last := len(n.items) - 1
	end, begin := n.items[last].end, n.begins[last]
	if !e.first(begin) {
		e.cut(end, end, ", "+text)
		return
	}
	behind, comma := end, e.comma(end)
	text = e.eol + values.Indent(e.text, begin) + text
	if comma >= 0 {
		behind, text = comma+1, text+","
	} else {
		e.cut(end, end, ",")
	}
	if rest := bytes.TrimLeft(e.text[behind:], " \t"); len(rest) > 0 && rest[0] == '#' {
		behind = e.commentEnd(behind)
	}
	e.cut(behind, behind, text)
}

// valueSections writes an object, or a list of objects, as sections.
func (s *source) valueSections(name []string, v *values.Value) []string {
	if v.Kind == values.Object {
		return s.sectionLines(name, v, false)
	}
	var lines []string
	for i, item := range v.Items {
		if i > 0 {
			lines = append(lines, "")
		}
		lines = append(lines, s.sectionLines(name, item, true)...)
	}
	return lines
}

// sectionLines writes an object as a section, with those below it.
func (s *source) sectionLines(name []string, v *values.Value, element bool) []string {
	var lines, below []string
	for i, item := range v.Items {
		deeper := append(name[:len(name):len(name)], v.Keys[i])
		if item.Kind == values.Object && !item.Flat() {
			if below = append(below, s.sectionLines(deeper, item, false)...); i < len(v.Items)-1 {
				below = append(below, "")
			}
			continue
		}
		lines = append(lines, quoteKey(v.Keys[i])+" = "+s.text1(item))
	}
	if n := len(below); n > 0 && below[n-1] == "" {
		below = below[:n-1]
	}
	if len(lines) == 0 && !element {
		return below
	}
	quoted := make([]string, len(name))
	for i, k := range name {
		quoted[i] = quoteKey(k)
	}
	head := "[" + strings.Join(quoted, ".") + "]"
	if element {
		head = "[" + head + "]"
	}
	lines = append([]string{head}, lines...)
	if len(below) > 0 {
		lines = append(append(lines, ""), below...)
	}
	return lines
}

var bareKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

func quoteKey(key string) string {
	if bareKey.MatchString(key) {
		return key
	}
	return quote(key)
}

// quote writes a text as a basic string.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case !unicode.IsPrint(r) && r > 0xffff:
			fmt.Fprintf(&b, `\U%08X`, r)
		case !unicode.IsPrint(r):
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
