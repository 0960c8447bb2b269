package yaml

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	y "go.yaml.in/yaml/v4"
)

// node makes a parsed tree of a JSON value, keeping the order of its fields.
func node(raw json.RawMessage) (*y.Node, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	return readValue(dec)
}

func readValue(dec *json.Decoder) (*y.Node, error) {
	token, err := dec.Token()
	if err != nil {
		return nil, err
	}
	delim, ok := token.(json.Delim)
	if !ok {
		return scalar(token), nil
	}
	n := &y.Node{Kind: y.SequenceNode, Tag: "!!seq"}
	if delim == '{' {
		n.Kind, n.Tag = y.MappingNode, "!!map"
	}
	for dec.More() {
		child, err := readValue(dec)
		if err != nil {
			return nil, err
		}
		n.Content = append(n.Content, child)
	}
	_, err = dec.Token()
	return n, err
}

func scalar(token json.Token) *y.Node {
	n := &y.Node{Kind: y.ScalarNode, Tag: "!!null", Value: "null"}
	switch v := token.(type) {
	case string:
		n.Tag, n.Value = "!!str", v
	case bool:
		n.Tag, n.Value = "!!bool", strconv.FormatBool(v)
	case json.Number:
		n.Tag, n.Value = "!!int", v.String()
		if strings.ContainsAny(n.Value, ".eE") {
			n.Tag = "!!float"
		}
	}
	return n
}

// layout is how a file is indented.
type layout struct {
	step    int // of a mapping in a mapping
	seqStep int // of a sequence's dash below its key
}

// layoutOf looks at the first nested mapping and the first sequence below a
// key; two spaces, where the file has none.
func layoutOf(docs []*y.Node) layout {
	l := layout{}
	var visit func(n *y.Node)
	visit = func(n *y.Node) {
		if n.Style&y.FlowStyle != 0 {
			return
		}
		for i, child := range n.Content {
			if n.Kind == y.MappingNode && i%2 == 1 && child.Style&y.FlowStyle == 0 && child.Line > n.Content[i-1].Line {
				deeper := child.Column - n.Content[i-1].Column
				if child.Kind == y.MappingNode && l.step == 0 && deeper > 0 {
					l.step = deeper
				}
				if child.Kind == y.SequenceNode && l.seqStep == 0 && deeper >= 0 {
					l.seqStep = deeper + 1
				}
			}
			visit(child)
		}
	}
	for _, doc := range docs {
		visit(doc)
	}
	if l.step == 0 {
		l.step = 2
	}
	if l.seqStep--; l.seqStep < 0 {
		l.seqStep = l.step
	}
	return l
}

// isFlat reports whether a value is written on its key's line, or its dash's.
func isFlat(n *y.Node) bool {
	return n.Kind == y.ScalarNode || len(n.Content) == 0
}

// literal reports whether a text is best written as a literal block scalar,
// and the indicator to do so: it has several lines, and nothing that such a
// scalar can't hold or that people would not see.
func literal(n *y.Node) (indicator string, ok bool) {
	if n.Kind != y.ScalarNode || n.Tag != "!!str" {
		return "", false
	}
	body, closed := strings.CutSuffix(n.Value, "\n")
	if !strings.Contains(body, "\n") || strings.TrimSpace(body) != body {
		return "", false
	}
	for line := range strings.SplitSeq(body, "\n") {
		if strings.TrimRight(line, " ") != line || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
			return "", false
		}
	}
	if closed {
		return "|", true
	}
	return "|-", true
}

// block writes a collection as lines, the first one not indented.
func (l layout) block(n *y.Node, indent int) []string {
	var lines []string
	pad := strings.Repeat(" ", indent)
	if n.Kind == y.SequenceNode {
		for _, item := range n.Content {
			if isFlat(item) {
				lines = append(lines, pad+"- "+inline(item))
				continue
			}
			inner := l.block(item, indent+2)
			inner[0] = pad + "- " + strings.TrimLeft(inner[0], " ")
			lines = append(lines, inner...)
		}
		return lines
	}
	for i := 0; i < len(n.Content); i += 2 {
		lines = append(lines, l.entry(n.Content[i], n.Content[i+1], indent)...)
	}
	return lines
}

// entry writes a key and its value as lines.
func (l layout) entry(key, value *y.Node, indent int) []string {
	head := strings.Repeat(" ", indent) + inline(key) + ":"
	below, lines := l.value(value, indent)
	return append([]string{head + below}, lines...)
}

// value writes a key's value: what stands on the key's line, and the lines
// below it, for a key that is indented by indent.
func (l layout) value(n *y.Node, indent int) (onLine string, lines []string) {
	if indicator, ok := literal(n); ok {
		pad := strings.Repeat(" ", indent+l.step)
		for line := range strings.SplitSeq(strings.TrimSuffix(n.Value, "\n"), "\n") {
			if line != "" {
				line = pad + line
			}
			lines = append(lines, line)
		}
		return " " + indicator, lines
	}
	if isFlat(n) {
		return " " + inline(n), nil
	}
	return "", l.block(n, indent+l.below(n))
}

// below is how much deeper than its key a collection stands.
func (l layout) below(value *y.Node) int {
	if value.Kind == y.SequenceNode {
		return l.seqStep
	}
	return l.step
}

// inline writes a value in flow style.
func inline(n *y.Node) string {
	var items []string
	switch n.Kind {
	case y.MappingNode:
		for i := 0; i < len(n.Content); i += 2 {
			items = append(items, inline(n.Content[i])+": "+inline(n.Content[i+1]))
		}
		return "{" + strings.Join(items, ", ") + "}"
	case y.SequenceNode:
		for _, item := range n.Content {
			items = append(items, inline(item))
		}
		return "[" + strings.Join(items, ", ") + "]"
	}
	if n.Tag != "!!str" || isPlain(n.Value) {
		return n.Value
	}
	return quote(n.Value)
}

// like is inline, with a text in the quotes that the text before it had.
func like(old, n *y.Node) string {
	switch s := inline(n); {
	case n.Kind != y.ScalarNode || n.Tag != "!!str" || old.Kind != y.ScalarNode:
		return s
	case old.Style&y.DoubleQuotedStyle != 0:
		return quote(n.Value)
	case old.Style&y.SingleQuotedStyle != 0 && s == n.Value:
		return "'" + s + "'"
	default:
		return s
	}
}

// plain are texts that mean themselves without quotes, in block and in flow
// style, in YAML 1.1 and 1.2; there are more, which are quoted to be safe.
var plain = regexp.MustCompile(`^[A-Za-z/][A-Za-z0-9_./@+-]*(:[A-Za-z0-9_./@+-]+)*( [A-Za-z0-9_./@+(][A-Za-z0-9_./@+()-]*)*$`)

func isPlain(s string) bool {
	if !plain.MatchString(s) || len(s) > 200 {
		return false
	}
	switch strings.ToLower(s) {
	case "y", "n", "yes", "no", "on", "off", "true", "false", "null":
		return false
	}
	return true
}

// quote writes a text in double quotes with the escapes that JSON and YAML
// have in common.
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
		case r > 0xffff && !unicode.IsPrint(r):
			fmt.Fprintf(&b, `\U%08x`, r)
		case !unicode.IsPrint(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
