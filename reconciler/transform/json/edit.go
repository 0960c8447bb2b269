package json

import (
	"errors"
	"fmt"
	"slices"

	"github.com/portreeve/portreeve/reconciler/transform/internal/values"
)

// editor makes the cuts of one operation on one source, and changes the
// parsed tree alongside, so that the result can be held against it.
type editor struct {
	*source
	layout
	cuts []values.Cut
}

// errRefused is the reason where the result does not read back as it should.
var errRefused = errors.New("it is laid out so that it can't be edited safely")

// set makes the value at a path, and what is missing above it. The source
// that it is given is spent; the one that it returns is the result.
func set(s *source, at []values.Part, v *values.Value) (*source, error) {
	return operate(s, func(e *editor) error { return e.set(at, v) })
}

// remove takes a path out, in the manner of set.
func remove(s *source, at []values.Part) (*source, error) {
	return operate(s, func(e *editor) error { return e.remove(at) })
}

func operate(s *source, do func(e *editor) error) (*source, error) {
	e := &editor{source: s, layout: s.layoutOf()}
	if err := do(e); err != nil {
		return nil, err
	}
	if len(e.cuts) == 0 {
		return s, nil
	}
	text, ok := values.Splice(s.text, e.cuts)
	if !ok {
		return nil, errRefused
	}
	after, err := parse(text)
	if err != nil || !equal(after.root, s.root) {
		return nil, errRefused
	}
	return after, nil
}

func (e *editor) cut(start, end int, text string) {
	e.cuts = append(e.cuts, values.Cut{Start: start, End: end, Text: text})
}

func (e *editor) set(at []values.Part, v *values.Value) error {
	trail, rest, err := walk(e.root, at)
	if err != nil {
		return err
	}
	last := trail[len(trail)-1]
	n := last.node
	if len(rest) == 0 && same(n, v) {
		return nil
	}
	if len(rest) == 0 || n.kind == values.Null {
		whole, err := values.Wrap(rest, v)
		if err != nil {
			return err
		}
		e.replace(last, whole)
		return nil
	}
	item, err := values.WrapBelow(rest, v)
	if err != nil {
		return err
	}
	p := rest[0]
	if p.Kind == values.ByIndex && p.Index != len(n.items) {
		return fmt.Errorf("%s: the list has %d elements", values.PathString(at), len(n.items))
	}
	e.insert(n, p.Key, item)
	if n.kind == values.Object {
		n.keys = append(n.keys, key{name: p.Key})
	}
	n.items = append(n.items, newNode(item))
	return nil
}

// replace puts a value in the place of another.
func (e *editor) replace(p place, v *values.Value) {
	n := p.node
	begin := n.start
	if p.parent != nil {
		begin = p.parent.begin(p.index)
	}
	text := e.inline(v)
	if e.multi && (p.parent == nil || e.first(begin)) {
		text = e.block(v, values.Indent(e.text, begin), e.eol)
	}
	e.cut(n.start, n.end, text)
	*n = *newNode(v)
}

// insert adds an item behind an object's or a list's last.
func (e *editor) insert(n *node, name string, v *values.Value) {
	lead := ""
	if n.kind == values.Object {
		lead = quote(name) + e.colon
	}
	if len(n.items) == 0 {
		e.insertFirst(n, lead, v)
		return
	}
	last := len(n.items) - 1
	trailing := n.commas[last] >= 0
	begin := n.begin(last)
	if !e.first(begin) {
		comma := e.comma
		if e.multi && n.kind == values.Object && comma == "," && e.colon == ": " {
			comma = ", "
		}
		end := n.items[last].end
		e.cut(end, end, comma+lead+e.inline(v))
		return
	}
	indent := values.Indent(e.text, begin)
	text := e.eol + indent + lead + e.block(v, indent, e.eol)
	behind := n.behind(last)
	if trailing {
		text += ","
	} else {
		e.cut(behind, behind, ",")
	}
	at := e.restOfLine(behind)
	e.cut(at, at, text)
}

// insertFirst fills an empty object or list; comments in it stay before.
func (e *editor) insertFirst(n *node, lead string, v *values.Value) {
	inner := e.text[n.start+1 : n.end-1]
	if values.OnlyBlank(inner) && !e.multi {
		e.cut(n.start+1, n.end-1, lead+e.inline(v))
		return
	}
	outer := values.Indent(e.text, n.start)
	at := n.end - 1
	for at > n.start+1 && values.OnlyBlank(e.text[at-1:at]) {
		at--
	}
	e.cut(at, n.end-1, e.eol+outer+e.unit+lead+e.block(v, outer+e.unit, e.eol)+e.eol+outer)
}

// restOfLine moves behind the comments that follow on an offset's line.
func (e *editor) restOfLine(at int) int {
	end := at
	for at < len(e.text) {
		switch e.text[at] {
		case ' ', '\t':
			at++
		case '/':
			at = skipComment(e.text, at)
			end = at
		default:
			return end
		}
	}
	return end
}

func (e *editor) remove(at []values.Part) error {
	trail, rest, err := walk(e.root, at)
	if err != nil || len(rest) > 0 {
		return err
	}
	p := trail[len(trail)-1]
	if err := e.removeItem(p.parent, p.index); err != nil {
		return err
	}
	n := p.parent
	if n.kind == values.Object {
		n.keys = slices.Delete(n.keys, p.index, p.index+1)
	}
	n.items = slices.Delete(n.items, p.index, p.index+1)
	return nil
}

func (e *editor) removeItem(n *node, i int) error {
	begin, end := n.begin(i), n.behind(i)
	last := i == len(n.items)-1
	lineEnd := values.LineEnd(e.text, e.restOfLine(end))
	whole := e.first(begin) && values.OnlyBlank(e.text[e.restOfLine(end):lineEnd])
	switch {
	case len(n.items) == 1 && whole && values.OnlyBlank(e.text[n.start+1:begin]) && values.OnlyBlank(e.text[e.restOfLine(end):n.end-1]),
		len(n.items) == 1 && values.OnlyBlank(e.text[n.start+1:begin]) && values.OnlyBlank(e.text[end:n.end-1]):
		e.cut(n.start+1, n.end-1, "")
	case whole:
		e.cut(values.LineStart(e.text, begin), lineEnd, "")
		if last && i > 0 && n.commas[i] < 0 {
			e.cut(n.commas[i-1], n.commas[i-1]+1, "")
		}
	case i > 0 && values.LineStart(e.text, begin) == values.LineStart(e.text, n.items[i-1].end):
		return e.cutBare(n.items[i-1].end, n.items[i].end, begin, n.items[i].end)
	case !last:
		return e.cutBare(begin, n.begin(i+1), begin, end)
	case i > 0:
		return e.cutBare(n.commas[i-1], end, begin, end)
	default:
		e.cut(begin, end, "")
	}
	return nil
}

// cutBare cuts from start to end, which reaches beyond the item that is
// removed; no comment of another may be lost.
func (e *editor) cutBare(start, end, itemStart, itemEnd int) error {
	for _, gap := range [][]byte{e.text[start:itemStart], e.text[itemEnd:end]} {
		for _, c := range gap {
			if c == '/' {
				return errors.New("a comment stands beside it that would be lost")
			}
		}
	}
	e.cut(start, end, "")
	return nil
}
