package json

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/portreeve/portreeve/reconciler/transform/internal/values"
)

// layout is how a file is written.
type layout struct {
	multi bool   // over several lines
	unit  string // of indentation
	colon string // between key and value: ": "
	comma string // between items on one line: ", "
	short bool   // lists of single values stand on one line
}

// layoutOf looks at the first places in a file that tell; where none does it
// is two spaces, and several lines.
func (s *source) layoutOf() layout {
	var l layout
	items, shortTold := 0, false
	var visit func(n *node)
	visit = func(n *node) {
		for i, item := range n.items {
			items++
			if n.kind == values.Object && l.colon == "" {
				if gap := string(s.text[n.keys[i].end:item.start]); strings.Trim(gap, " :") == "" {
					l.colon = gap
				}
			}
			if s.first(n.begin(i)) {
				own, parent := values.Indent(s.text, n.begin(i)), values.Indent(s.text, n.start)
				if unit, ok := strings.CutPrefix(own, parent); ok && unit != "" && l.unit == "" {
					l.unit = unit
				}
				l.multi = true
			} else if i > 0 && l.comma == "" {
				l.comma = ","
				if n.commas[i-1]+1 < n.begin(i) {
					l.comma = ", "
				}
			}
		}
		if n.kind == values.List && len(n.items) > 0 && !shortTold && flat(n.items) {
			shortTold, l.short = true, !s.first(n.items[0].start)
		}
		for _, item := range n.items {
			visit(item)
		}
	}
	visit(s.root)
	if items == 0 {
		l.multi = true
	}
	l.fill()
	return l
}

func (l *layout) fill() {
	if l.unit == "" {
		l.unit = "  "
	}
	if l.colon == "" {
		l.colon = ": "
	}
	if l.comma == "" {
		l.comma = ", "
		if l.colon == ":" {
			l.comma = ","
		}
	}
}

func flat(items []*node) bool {
	for _, item := range items {
		if len(item.items) > 0 {
			return false
		}
	}
	return true
}

// first reports whether an offset is the first on its line.
func (s *source) first(at int) bool { return values.First(s.text, at) }

// inline writes a value on one line.
func (l layout) inline(v *values.Value) string {
	var items []string
	for i, item := range v.Items {
		text := l.inline(item)
		if v.Kind == values.Object {
			text = quote(v.Keys[i]) + l.colon + text
		}
		items = append(items, text)
	}
	switch v.Kind {
	case values.Object:
		return "{" + strings.Join(items, l.comma) + "}"
	case values.List:
		return "[" + strings.Join(items, l.comma) + "]"
	case values.String:
		return quote(v.Text)
	}
	return v.Text
}

// block writes a value over several lines, the first one not indented and
// the others by indent at least.
func (l layout) block(v *values.Value, indent, eol string) string {
	if v.Flat() || v.Kind == values.List && l.short && flatValues(v.Items) {
		return l.inline(v)
	}
	open, closing := "{", "}"
	if v.Kind == values.List {
		open, closing = "[", "]"
	}
	var b strings.Builder
	b.WriteString(open)
	for i, item := range v.Items {
		if i > 0 {
			b.WriteString(",")
		}
		b.WriteString(eol + indent + l.unit)
		if v.Kind == values.Object {
			b.WriteString(quote(v.Keys[i]) + l.colon)
		}
		b.WriteString(l.block(item, indent+l.unit, eol))
	}
	b.WriteString(eol + indent + closing)
	return b.String()
}

func flatValues(items []*values.Value) bool {
	for _, item := range items {
		if !item.Flat() {
			return false
		}
	}
	return true
}

// quote writes a text as JSON, with no more escapes than needed.
func quote(s string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return `""` // a text always encodes
	}
	return strings.TrimSuffix(b.String(), "\n")
}
