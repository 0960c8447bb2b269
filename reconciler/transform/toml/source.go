package toml

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	gotoml "github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"

	"github.com/portreeve/portreeve/reconciler/transform/internal/values"
)

// source is a TOML file: its bytes without the byte order mark, what they
// say, and where it stands.
type source struct {
	text     []byte
	eol      string
	data     map[string]any
	root     *node
	sections []*section // in their order; the first is the root's
}

type sort int

const (
	single sort = iota
	array       // [1, 2]
	inline      // {a = 1}
	table       // by headers, by dotted keys, or the root
	tables      // by [[headers]]
)

// node is a value, a table or a list of a file, with its place.
type node struct {
	sort       sort
	start, end int // of what stands in one place: single, array and inline
	keys       []string
	items      []*node
	byKey      map[string]*node // of a table: items by keys
	begins     []int            // of an array's or inline's items; a key's, if it has one
	name       []string
	section    *section // of a table with a header
	entry      *entry   // of what a line of its own gives
	dotted     bool     // of a table that dotted keys make
	above      *node    // the table or the tables in which it stands
}

// section is a header with the lines below it.
type section struct {
	of      *node
	start   int // of its header's line, 0 for the root's
	head    int // behind its header's line
	entries []*entry
}

// entry is a line "key = value", which may go over several.
type entry struct {
	keyEnds    []int // behind each part of its key
	start, end int   // without its line's comment and break
	sec        *section
}

// errRefused is the reason where the result does not read back as it should.
var errRefused = errors.New("it is laid out so that it can't be edited safely")

// maxKeys bounds the keys and the lists of a file: the time in which go-toml
// reads it grows with their square.
const maxKeys = 20_000

func parse(text []byte) (*source, error) {
	if bytes.Count(text, []byte("=")) > maxKeys || bytes.Count(text, []byte("[")) > maxKeys {
		return nil, fmt.Errorf("it has more than %d keys or lists", maxKeys)
	}
	s := &source{text: text, eol: values.EOL(text), data: map[string]any{}, root: &node{sort: table}}
	if err := gotoml.Unmarshal(text, &s.data); err != nil {
		at := ""
		if e := (*gotoml.DecodeError)(nil); errors.As(err, &e) {
			row, column := e.Position()
			at = fmt.Sprintf("line %d, column %d: ", row, column)
		}
		return nil, fmt.Errorf("it is not valid TOML: %s%s", at, strings.TrimPrefix(err.Error(), "toml: "))
	}
	s.root.section = &section{of: s.root}
	s.sections = []*section{s.root.section}
	var p unstable.Parser
	p.Reset(text)
	for p.NextExpression() {
		if err := s.add(p.Expression()); err != nil {
			return nil, err
		}
	}
	if err := p.Error(); err != nil {
		return nil, fmt.Errorf("it is not valid TOML: %w", err)
	}
	return s, nil
}

func (s *source) add(x *unstable.Node) error {
	keys, ends, start := keysOf(x)
	if x.Kind == unstable.KeyValue {
		sec := s.sections[len(s.sections)-1]
		e := &entry{keyEnds: ends, start: start, end: int(x.Raw.Offset + x.Raw.Length), sec: sec}
		value, err := s.valueOf(x.Value(), s.valueStart(ends[len(ends)-1]))
		if err != nil {
			return err
		}
		value.entry = e
		sec.entries = append(sec.entries, e)
		return sec.of.put(keys, value)
	}
	line := ends[len(ends)-1]
	sec := &section{start: values.LineStart(s.text, start), head: values.LineEnd(s.text, line)}
	s.sections = append(s.sections, sec)
	above := s.root
	for _, k := range keys[:len(keys)-1] {
		above = above.below(k)
		if above.sort == tables {
			above = above.items[len(above.items)-1]
		}
		if above.sort != table {
			return errRefused
		}
	}
	last := above.below(keys[len(keys)-1])
	if x.Kind == unstable.ArrayTable {
		if last.sort == table && len(last.items) > 0 || last.sort != table && last.sort != tables {
			return errRefused
		}
		last.sort = tables
		element := &node{sort: table, name: last.name, above: last}
		last.items = append(last.items, element)
		last = element
	}
	if last.sort != table {
		return errRefused
	}
	last.section, sec.of = sec, last
	return nil
}

// keysOf are the parts of an expression's key, with the offsets behind them
// and the offset of the first.
func keysOf(x *unstable.Node) (keys []string, ends []int, start int) {
	for it := x.Key(); it.Next(); {
		k := it.Node()
		if keys == nil {
			start = int(k.Raw.Offset)
		}
		keys = append(keys, string(k.Data))
		ends = append(ends, int(k.Raw.Offset+k.Raw.Length))
	}
	return keys, ends, start
}

// below is the child of a table, made where it is missing.
func (n *node) below(key string) *node {
	if c := n.child(key); c != nil {
		return c
	}
	c := &node{sort: table, name: append(n.name[:len(n.name):len(n.name)], key), above: n}
	n.hang(key, c)
	return c
}

// child is what a key of a table, or of an inline one, leads to, or nil.
func (n *node) child(key string) *node { return n.byKey[key] }

func (n *node) hang(key string, item *node) {
	if n.byKey == nil {
		n.byKey = map[string]*node{}
	}
	n.keys, n.items, n.byKey[key] = append(n.keys, key), append(n.items, item), item
}

// put hangs a value into a table by a key of one part or more.
func (n *node) put(keys []string, value *node) error {
	for _, k := range keys[:len(keys)-1] {
		n = n.below(k)
		if n.sort != table {
			return errRefused
		}
		n.dotted = n.section == nil
	}
	last := keys[len(keys)-1]
	if n.child(last) != nil {
		return errRefused
	}
	value.above = n
	n.hang(last, value)
	return nil
}

// valueStart moves from behind a key to the value.
func (s *source) valueStart(at int) int {
	for at < len(s.text) && strings.IndexByte(" \t=", s.text[at]) >= 0 {
		at++
	}
	return at
}

// valueOf finds the places of a value that begins at an offset.
func (s *source) valueOf(x *unstable.Node, start int) (*node, error) {
	n := &node{start: start}
	switch x.Kind {
	case unstable.Array:
		n.sort = array
	case unstable.InlineTable:
		n.sort = inline
	default:
		if int(x.Raw.Offset) != start {
			return nil, errRefused
		}
		n.end = start + int(x.Raw.Length)
		return n, nil
	}
	at := start + 1
	for it := x.Children(); it.Next(); {
		begin := s.skip(at)
		from, keys := begin, []string(nil)
		if n.sort == inline {
			var ends []int
			keys, ends, from = keysOf(it.Node())
			if from != begin {
				return nil, errRefused
			}
			from = s.valueStart(ends[len(ends)-1])
		}
		item, err := s.valueOf(valueIn(it.Node()), from)
		if err != nil {
			return nil, err
		}
		item.above = n
		at = item.end
		n.begins = append(n.begins, begin)
		switch len(keys) {
		case 0:
			n.items = append(n.items, item)
		case 1:
			n.hang(keys[0], item)
		default: // it can be kept, and not be edited
			n.keys, n.items = append(n.keys, ""), append(n.items, item)
		}
	}
	at = s.skip(at)
	if at >= len(s.text) || s.text[at] != ']' && s.text[at] != '}' {
		return nil, errRefused
	}
	n.end = at + 1
	return n, nil
}

func valueIn(x *unstable.Node) *unstable.Node {
	if x.Kind == unstable.KeyValue {
		return x.Value()
	}
	return x
}

// skip moves over what stands between the items of a list or inline table.
func (s *source) skip(at int) int {
	for at < len(s.text) {
		switch s.text[at] {
		case ' ', '\t', '\r', '\n', ',':
			at++
		case '#':
			at = s.commentEnd(at)
		default:
			return at
		}
	}
	return at
}

// commentEnd is the end of an offset's line without its break.
func (s *source) commentEnd(at int) int {
	if i := bytes.IndexByte(s.text[at:], '\n'); i >= 0 {
		return at + len(bytes.TrimSuffix(s.text[at:at+i], []byte("\r")))
	}
	return len(s.text)
}

// comma is the offset of the comma behind an item that ends at an offset, or
// -1.
func (s *source) comma(at int) int {
	for at < len(s.text) {
		switch s.text[at] {
		case ' ', '\t', '\r', '\n':
			at++
		case '#':
			at = s.commentEnd(at)
		case ',':
			return at
		default:
			return -1
		}
	}
	return -1
}
