package toml

import (
	"fmt"
	"slices"
	"strings"

	"github.com/portreeve/portreeve/reconciler/transform/internal/values"
)

// editor makes the cuts of one operation on one source.
type editor struct {
	*source
	cuts []values.Cut
}

func (e *editor) cut(start, end int, text string) {
	e.cuts = append(e.cuts, values.Cut{Start: start, End: end, Text: text})
}

// operate makes the cuts of one operation and holds what the result says
// against what it should say; along a path empty tables don't count.
func operate(s *source, want any, at []values.Part, do func(e *editor) error) (*source, error) {
	e := &editor{source: s}
	if err := do(e); err != nil {
		return nil, err
	}
	text, ok := values.Splice(s.text, e.cuts)
	if !ok {
		return nil, errRefused
	}
	after, err := parse(text)
	if err != nil {
		return nil, errRefused
	}
	if !equal(after.data, want) && !equal(pruned(after.data, at), pruned(want, at)) {
		return nil, errRefused
	}
	return after, nil
}

// node is the place of what a path leads to.
func (s *source) node(at []values.Part) (*node, error) {
	n, data := s.root, any(s.data)
	for _, p := range at {
		if p.Kind == values.ByKey {
			n, data = n.child(p.Key), data.(map[string]any)[p.Key]
		} else {
			list := data.([]any)
			i := indexOf(list, p)
			if i >= len(n.items) {
				return nil, errRefused
			}
			n, data = n.items[i], list[i]
		}
		if n == nil {
			return nil, errRefused
		}
	}
	return n, nil
}

// set makes the value at a path, and what is missing above it.
func set(s *source, at []values.Part, v *values.Value) (*source, error) {
	found, rest, err := find(s.data, at)
	if err != nil {
		return nil, err
	}
	if len(rest) == 0 {
		if equal(found, dataOf(v)) {
			return s, nil
		}
		return reset(s, at, v)
	}
	p := rest[0]
	if list, ok := found.([]any); ok && p.Kind == values.ByIndex && p.Index != len(list) {
		return nil, fmt.Errorf("%s: the list has %d elements", values.PathString(at), len(list))
	}
	item, err := values.WrapBelow(rest, v)
	if err != nil {
		return nil, err
	}
	above := at[:len(at)-len(rest)]
	n, err := s.node(above)
	if err != nil {
		return nil, err
	}
	want := with(s.data, at[:len(above)+1], dataOf(item))
	return operate(s, want, nil, func(e *editor) error { return e.insert(n, p.Key, item) })
}

// reset changes what a path leads to. A table is not replaced but made what
// it should be key by key, so that its comments and its order stay.
func reset(s *source, at []values.Part, v *values.Value) (*source, error) {
	n, err := s.node(at)
	switch {
	case err != nil:
		return nil, err
	case n.sort == table && v.Kind != values.Object:
		return nil, fmt.Errorf("%s is a table, and %s can't take its place", spot(at), v.Kind)
	case n.sort == table:
		return resetTable(s, at, n.keys, v)
	case n.sort == tables:
		if v.Kind != values.List || len(v.Items) != len(n.items) {
			return nil, fmt.Errorf("%s is a list of tables; set its elements one by one, as %s[name=value]", spot(at), spot(at))
		}
		for i, item := range v.Items {
			if s, err = set(s, slices.Concat(at, []values.Part{{Kind: values.ByIndex, Index: i}}), item); err != nil {
				return nil, err
			}
		}
		return s, nil
	}
	return operate(s, with(s.data, at, dataOf(v)), nil, func(e *editor) error {
		e.cut(n.start, n.end, e.like(n, v))
		return nil
	})
}

func resetTable(s *source, at []values.Part, keys []string, v *values.Value) (*source, error) {
	var err error
	for i, name := range v.Keys {
		if s, err = set(s, slices.Concat(at, []values.Part{{Key: name}}), v.Items[i]); err != nil {
			return nil, err
		}
	}
	for _, name := range keys {
		if v.Field(name) != nil {
			continue
		}
		if s, err = remove(s, slices.Concat(at, []values.Part{{Key: name}})); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// insert adds a key to a table, or an element to a list.
func (e *editor) insert(n *node, key string, v *values.Value) error {
	switch n.sort {
	case array, inline:
		e.insertInline(n, key, v)
		return nil
	case tables:
		if v.Kind != values.Object {
			return fmt.Errorf("%s is a list of tables, and %s is none", strings.Join(n.name, "."), v.Kind)
		}
		e.insertSections(e.endOf(n), e.sectionLines(n.name, v, true))
		return nil
	}
	name := append(n.name[:len(n.name):len(n.name)], key)
	isTables := v.Kind == values.List && !v.Flat() && !slices.ContainsFunc(v.Items, func(item *values.Value) bool {
		return item.Kind != values.Object || item.Flat()
	})
	switch {
	case n.dotted:
		return e.insertDotted(n, key, v)
	case isTables || v.Kind == values.Object && !v.Flat():
		e.insertSections(e.room(n), e.valueSections(name, v))
	case n.section == nil:
		e.insertSections(e.room(n), e.sectionLines(n.name, &values.Value{Kind: values.Object, Keys: []string{key}, Items: []*values.Value{v}}, false))
	default:
		e.insertKey(n.section, quoteKey(key)+" = "+e.text1(v))
	}
	return nil
}

// insertKey adds a line at the end of a section.
func (e *editor) insertKey(sec *section, line string) {
	switch {
	case len(sec.entries) > 0:
		last := sec.entries[len(sec.entries)-1]
		e.insertLine(values.LineEnd(e.text, last.end), values.Indent(e.text, last.start)+line)
	case sec.of != e.root:
		e.insertLine(sec.head, values.Indent(e.text, sec.head-1)+line)
	case len(e.sections) > 1: // the comment right above the first header is that header's
		at := e.sections[1].start
		for at > 0 {
			line := values.LineStart(e.text, at-1)
			if !strings.HasPrefix(strings.TrimLeft(string(e.text[line:at]), " \t"), "#") {
				break
			}
			at = line
		}
		e.cut(at, at, line+e.eol+e.eol)
	default:
		e.insertLine(len(e.text), line)
	}
}

// insertLine adds a line at an offset where one begins; a file without a
// final break stays without one.
func (e *editor) insertLine(at int, line string) {
	if at > 0 && e.text[at-1] != '\n' {
		e.cut(at, at, e.eol+line)
		return
	}
	e.cut(at, at, line+e.eol)
}

// insertDotted adds a key beside the last one of a table made by dotted keys.
func (e *editor) insertDotted(n *node, key string, v *values.Value) error {
	var last *entry
	for _, en := range entriesOf(n) {
		if last == nil || en.start > last.start {
			last = en
		}
	}
	if last == nil {
		return errRefused
	}
	depth := len(n.name) - len(last.sec.of.name)
	if depth < 1 || depth >= len(last.keyEnds) {
		return errRefused
	}
	prefix := string(e.text[last.start:last.keyEnds[depth-1]])
	line := values.Indent(e.text, last.start) + prefix + "." + quoteKey(key) + " = " + e.text1(v)
	e.insertLine(values.LineEnd(e.text, last.end), line)
	return nil
}

// room is where new sections below a table go: to the end of the file, but
// of an element of a list of tables to the end of that element.
func (e *editor) room(n *node) int {
	for ; n != nil; n = n.above {
		if n.above != nil && n.above.sort == tables {
			return e.endOf(n)
		}
	}
	return len(e.text)
}

// endOf is the end of a node's last line; of the file, if nothing follows.
func (e *editor) endOf(n *node) int {
	at := 0
	for _, sec := range sectionsOf(n) {
		at = max(at, sec.head)
		for _, en := range sec.entries {
			at = max(at, values.LineEnd(e.text, en.end))
		}
	}
	if at == 0 || !slices.ContainsFunc(e.sections, func(sec *section) bool { return sec.start >= at && sec.of != e.root }) {
		return len(e.text)
	}
	return at
}

// insertSections adds sections, a blank line between.
func (e *editor) insertSections(at int, lines []string) {
	text := strings.Join(lines, e.eol)
	switch before := e.text[:at]; {
	case len(before) == 0:
		e.cut(at, at, text+e.eol)
	case before[at-1] != '\n':
		e.cut(at, at, e.eol+e.eol+text)
	case at == len(e.text) && values.OnlyBlank(before[values.LineStart(before, at-1):]):
		e.cut(at, at, text+e.eol)
	default:
		e.cut(at, at, e.eol+text+e.eol)
	}
}

// entriesOf and sectionsOf are all that stands below a node.
func entriesOf(n *node) []*entry {
	if n.entry != nil {
		return []*entry{n.entry}
	}
	var all []*entry
	for _, item := range n.items {
		all = append(all, entriesOf(item)...)
	}
	return all
}

func sectionsOf(n *node) []*section {
	var all []*section
	if n.section != nil {
		all = append(all, n.section)
	}
	for _, item := range n.items {
		all = append(all, sectionsOf(item)...)
	}
	return all
}
