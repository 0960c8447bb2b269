package json

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tailscale/hujson"

	"github.com/portreeve/portreeve/reconciler/transform/internal/values"
)

// source is a JSON file: its bytes without the byte order mark, and what
// they parse to.
type source struct {
	text []byte
	eol  string
	root *node
}

// node is a value of a file with its place.
type node struct {
	kind       values.Kind
	text       string // of a text decoded, of the other single values as written
	start, end int
	keys       []key // of an object, beside items
	items      []*node
	commas     []int // the offset of the comma behind each item, -1 for none
}

type key struct {
	name       string
	start, end int
}

// maxDepth bounds how deep a file nests: the parser calls itself.
const maxDepth = 1000

func parse(text []byte) (*source, error) {
	if !utf8.Valid(text) {
		return nil, errors.New("it is not UTF-8")
	}
	if deeper(text, maxDepth) {
		return nil, fmt.Errorf("it nests deeper than %d levels", maxDepth)
	}
	v, err := hujson.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("it is not valid JSON: %s", strings.TrimPrefix(err.Error(), "hujson: "))
	}
	return &source{text: text, eol: values.EOL(text), root: nodeOf(&v)}, nil
}

// deeper reports whether brackets nest deeper than max, strings and comments
// left out.
func deeper(text []byte, max int) bool {
	depth := 0
	for at := 0; at < len(text); at++ {
		switch text[at] {
		case '[', '{':
			if depth++; depth > max {
				return true
			}
		case ']', '}':
			depth--
		case '"':
			for at++; at < len(text) && text[at] != '"'; at++ {
				if text[at] == '\\' {
					at++
				}
			}
		case '/':
			at = skipComment(text, at) - 1
		}
	}
	return false
}

// skipComment is the offset behind the comment at an offset, its line break
// excluded; behind the slash if there is none.
func skipComment(text []byte, at int) int {
	rest := text[at:]
	switch {
	case bytes.HasPrefix(rest, []byte("//")):
		if i := bytes.IndexByte(rest, '\n'); i >= 0 {
			return at + len(bytes.TrimSuffix(rest[:i], []byte("\r")))
		}
		return len(text)
	case bytes.HasPrefix(rest, []byte("/*")):
		if i := bytes.Index(rest[2:], []byte("*/")); i >= 0 {
			return at + i + 4
		}
		return len(text)
	}
	return at + 1
}

func nodeOf(v *hujson.Value) *node {
	n := &node{start: v.StartOffset, end: v.EndOffset}
	add := func(item *hujson.Value, last bool) {
		comma := -1
		if !last || item.AfterExtra != nil {
			comma = item.EndOffset + len(item.AfterExtra)
		}
		n.items, n.commas = append(n.items, nodeOf(item)), append(n.commas, comma)
	}
	switch t := v.Value.(type) {
	case *hujson.Object:
		n.kind = values.Object
		for i := range t.Members {
			m := &t.Members[i]
			name := m.Name.Value.(hujson.Literal).String()
			n.keys = append(n.keys, key{name, m.Name.StartOffset, m.Name.EndOffset})
			add(&m.Value, i == len(t.Members)-1)
		}
	case *hujson.Array:
		n.kind = values.List
		for i := range t.Elements {
			add(&t.Elements[i], i == len(t.Elements)-1)
		}
	case hujson.Literal:
		n.kind = map[hujson.Kind]values.Kind{'n': values.Null, 't': values.Bool, 'f': values.Bool, '0': values.Number, '"': values.String}[t.Kind()]
		n.text = t.String()
	}
	return n
}

// newNode is a declaration's value as a file would hold it.
func newNode(v *values.Value) *node {
	n := &node{kind: v.Kind, text: v.Text}
	for i, item := range v.Items {
		if v.Kind == values.Object {
			n.keys = append(n.keys, key{name: v.Keys[i]})
		}
		n.items = append(n.items, newNode(item))
	}
	return n
}

// same reports whether a node already has a value; the order of an object's
// fields does not count.
func same(n *node, v *values.Value) bool {
	if n.kind != v.Kind || len(n.items) != len(v.Items) {
		return false
	}
	switch n.kind {
	case values.Object:
		for i, name := range v.Keys {
			j := n.field(name)
			if j < 0 || !same(n.items[j], v.Items[i]) {
				return false
			}
		}
		return true
	case values.List:
		return slices.EqualFunc(n.items, v.Items, same)
	case values.Number:
		return values.SameNumber(n.text, v.Text)
	}
	return n.text == v.Text
}

// equal compares two parsed trees, order included.
func equal(a, b *node) bool {
	return a.kind == b.kind && a.text == b.text &&
		slices.EqualFunc(a.keys, b.keys, func(x, y key) bool { return x.name == y.name }) &&
		slices.EqualFunc(a.items, b.items, equal)
}

func (n *node) field(name string) int {
	return slices.IndexFunc(n.keys, func(k key) bool { return k.name == name })
}

// begin is where an item begins: at its key, in an object.
func (n *node) begin(i int) int {
	if n.kind == values.Object {
		return n.keys[i].start
	}
	return n.items[i].start
}

// behind is where an item ends: behind its comma, if it has one.
func (n *node) behind(i int) int {
	if n.commas[i] >= 0 {
		return n.commas[i] + 1
	}
	return n.items[i].end
}
