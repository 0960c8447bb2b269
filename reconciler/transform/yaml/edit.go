package yaml

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	y "go.yaml.in/yaml/v4"

	"github.com/portreeve/portreeve/reconciler/transform/internal/values"
)

// cut replaces the bytes from start to end.
type cut struct {
	start, end int
	text       string
}

// editor makes the cuts of one operation on one source, and changes the
// parsed tree alongside, so that the result can be held against it.
type editor struct {
	*source
	layout
	cuts []cut
}

// errRefused is the reason where the result does not read back as it should:
// the file is laid out in a way this package does not know.
var errRefused = errors.New("it is laid out so that it can't be edited safely")

// set makes the value at a path of a document, and what is missing above it.
// The source that it is given is spent; the one that it returns is the result.
func set(s *source, doc int, at []values.Part, value *y.Node) (*source, error) {
	return operate(s, doc, func(e *editor, root *y.Node) error { return e.set(root, at, value) })
}

// remove takes a path out of a document, in the manner of set.
func remove(s *source, doc int, at []values.Part) (*source, error) {
	return operate(s, doc, func(e *editor, root *y.Node) error { return e.remove(root, at) })
}

func operate(s *source, doc int, do func(e *editor, root *y.Node) error) (*source, error) {
	e := &editor{source: s, layout: layoutOf(s.docs)}
	if err := do(e, s.docs[doc]); err != nil {
		return nil, err
	}
	if len(e.cuts) == 0 {
		return s, nil
	}
	after, err := parse(e.splice())
	if err != nil || !slices.EqualFunc(after.docs, s.docs, equal) {
		return nil, errRefused
	}
	return after, nil
}

func (e *editor) splice() []byte {
	slices.SortStableFunc(e.cuts, func(a, b cut) int { return a.start - b.start })
	var out []byte
	last := 0
	for _, c := range e.cuts {
		if c.start < last {
			return nil
		}
		out = append(append(out, e.text[last:c.start]...), c.text...)
		last = c.end
	}
	return append(out, e.text[last:]...)
}

func (e *editor) cut(start, end int, text string) { e.cuts = append(e.cuts, cut{start, end, text}) }

// insertLines puts whole lines at an offset that lineEnd gave, and leaves a
// file without a final break without one.
func (e *editor) insertLines(at int, lines []string) {
	text := strings.Join(lines, e.eol)
	if at > 0 && e.text[at-1] != '\n' {
		text = e.eol + text
	} else {
		text += e.eol
	}
	e.cut(at, at, text)
}

// cutLines removes whole lines, and leaves a file without a final break
// without one.
func (e *editor) cutLines(start, end int) {
	if end == len(e.text) && start > 0 && !bytes.HasSuffix(e.text, []byte("\n")) {
		start -= len(e.eol)
	}
	e.cut(start, end, "")
}

func (e *editor) set(root *y.Node, at []values.Part, value *y.Node) error {
	trail, rest, err := walk(root, at)
	if err != nil {
		return err
	}
	last := trail[len(trail)-1]
	if len(rest) == 0 {
		if same(last.node, value) {
			return nil
		}
		if err := free(last.node, at); err != nil {
			return err
		}
		return e.replace(trail, value)
	}
	block := !inFlow(trail[:len(trail)-1])
	if isNull(last.node) || block && len(trail) > 2 && len(last.node.Content) == 0 {
		whole, err := wrap(rest, value)
		if err != nil {
			return err
		}
		return e.replace(trail, whole)
	}
	item, err := wrapBelow(rest, value)
	if err != nil {
		return err
	}
	if rest[0].Kind == values.ByKey {
		key := scalar(rest[0].Key)
		if err := e.insert(last.node, []*y.Node{key, item}); err != nil {
			return err
		}
		last.node.Content = append(last.node.Content, key, item)
		return nil
	}
	if rest[0].Kind == values.ByIndex && rest[0].Index != len(last.node.Content) {
		return fmt.Errorf("%s: the list has %d elements", values.PathString(at), len(last.node.Content))
	}
	if err := e.insert(last.node, []*y.Node{item}); err != nil {
		return err
	}
	last.node.Content = append(last.node.Content, item)
	return nil
}

// insert adds an entry or an element behind a collection's last.
func (e *editor) insert(n *y.Node, added []*y.Node) error {
	if n.Style&y.FlowStyle != 0 {
		return e.insertFlow(n, added)
	}
	end, err := e.end(n)
	if err != nil {
		return err
	}
	var lines []string
	if n.Kind == y.MappingNode {
		lines = e.entry(added[0], added[1], n.Content[0].Column-1)
	} else {
		lines = e.block(&y.Node{Kind: y.SequenceNode, Content: added}, n.Column-1)
	}
	e.insertLines(e.lineEnd(end), lines)
	return nil
}

func (e *editor) insertFlow(n *y.Node, added []*y.Node) error {
	text := inline(added[len(added)-1])
	if n.Kind == y.MappingNode {
		text = inline(added[0]) + ": " + text
	}
	if len(n.Content) > 0 {
		end, err := e.end(n.Content[len(n.Content)-1])
		if err != nil {
			return err
		}
		e.cut(end, end, ", "+text)
		return nil
	}
	start, err := e.offset(n)
	if err != nil {
		return err
	}
	e.cut(start+1, start+1, text)
	return nil
}

// replace puts a value in the place of the trail's last node.
func (e *editor) replace(trail []place, value *y.Node) error {
	p := trail[len(trail)-1]
	start, err := e.offset(p.node)
	if err != nil {
		return err
	}
	end, err := e.end(p.node)
	if err != nil {
		return err
	}
	switch {
	case len(trail) == 1:
		return errRefused
	case inFlow(trail[:len(trail)-1]) || p.parent.Kind == y.DocumentNode:
		if !isFlat(value) && !inFlow(trail) {
			return errRefused
		}
		e.cut(start, end, like(p.node, value))
	case p.parent.Kind == y.MappingNode:
		err = e.replaceValue(p, start, end, value)
	default:
		err = e.replaceItem(p, start, end, value)
	}
	p.parent.Content[p.index] = value
	return err
}

// replaceValue replaces the value of a key in a block mapping.
func (e *editor) replaceValue(p place, start, end int, value *y.Node) error {
	key := p.parent.Content[p.index-1]
	colon, err := e.end(key)
	if err != nil {
		return err
	}
	colon += len(e.text[colon:]) - len(bytes.TrimLeft(e.text[colon:], " \t"))
	if colon >= len(e.text) || e.text[colon] != ':' {
		return errPlace
	}
	onLine, lines := e.value(value, key.Column-1)
	after := colon + 1
	switch {
	case start == end: // nothing stands there yet
		e.cut(after, after, onLine)
		start, end = after, after
	case e.lineStart(start) != e.lineStart(after):
		e.cut(after, after, onLine)
		e.cutLines(e.lineStart(start), e.lineEnd(end))
		if lines != nil {
			last := len(e.cuts) - 1
			e.cuts[last] = cut{e.lineStart(start), e.contentEnd(end), strings.Join(lines, e.eol)}
		}
		return nil
	case onLine != "" && lines == nil:
		e.cut(start, end, like(p.node, value))
	default:
		e.cut(after, end, onLine)
	}
	if lines != nil {
		e.insertLines(e.lineEnd(end), lines)
	}
	return nil
}

// replaceItem replaces an element of a block sequence.
func (e *editor) replaceItem(p place, start, end int, value *y.Node) error {
	dash, err := e.dash(p.parent, p.node)
	if err != nil {
		return err
	}
	indent := p.parent.Column + 1
	lead := " "
	switch {
	case start == end:
		start, end = dash+1, dash+1
	case e.lineStart(start) == e.lineStart(dash):
		indent, lead = p.node.Column-1, ""
	default:
		e.cutLines(e.lineStart(start), e.lineEnd(end))
		start, end = dash+1, dash+1
	}
	text := like(p.node, value)
	if !isFlat(value) {
		lines := e.block(value, indent)
		text = strings.TrimLeft(strings.Join(lines, e.eol), " ")
	}
	e.cut(start, end, lead+text)
	return nil
}

// dash is the offset of the dash of a block sequence's element.
func (e *editor) dash(seq, item *y.Node) (int, error) {
	for line := item.Line; line >= seq.Line && line >= 1; line-- {
		at := e.lines[line-1] + seq.Column - 1
		if at < len(e.text) && e.text[at] == '-' && (line < item.Line || seq.Column < item.Column) {
			return at, nil
		}
	}
	return 0, errPlace
}

func (e *editor) remove(root *y.Node, at []values.Part) error {
	trail, rest, err := walk(root, at)
	if err != nil || len(rest) > 0 {
		return err
	}
	p := trail[len(trail)-1]
	if err := free(p.node, at); err != nil {
		return err
	}
	width := 1
	first := p.index
	if p.parent.Kind == y.MappingNode {
		width, first = 2, p.index-1
	}
	content := p.parent.Content
	above := trail[:len(trail)-1]
	if len(content) == width && p.parent.Style&y.FlowStyle == 0 {
		return e.replace(above, &y.Node{Kind: p.parent.Kind, Tag: p.parent.Tag, Style: y.FlowStyle})
	}
	if p.parent.Style&y.FlowStyle != 0 {
		err = e.removeFlow(content, first, width)
	} else {
		err = e.removeBlock(p.parent, first, width)
	}
	p.parent.Content = slices.Delete(content, first, first+width)
	return err
}

func (e *editor) removeFlow(content []*y.Node, first, width int) error {
	start, err := e.offset(content[first])
	if err != nil {
		return err
	}
	end, err := e.end(content[first+width-1])
	if err != nil {
		return err
	}
	switch {
	case first+width < len(content):
		end, err = e.offset(content[first+width])
	case first > 0:
		start, err = e.end(content[first-1])
	}
	if err != nil {
		return err
	}
	e.cut(start, end, "")
	return nil
}

func (e *editor) removeBlock(parent *y.Node, first, width int) error {
	start, err := e.start(parent, first)
	if err != nil {
		return err
	}
	end, err := e.end(parent.Content[first+width-1])
	if err != nil {
		return err
	}
	line := e.lineStart(start)
	if len(bytes.TrimLeft(e.text[line:start], " ")) == 0 {
		e.cutLines(line, e.lineEnd(end))
		return nil
	}
	// It shares its line with a dash above: the next one takes its place.
	if first+width >= len(parent.Content) {
		return errPlace
	}
	next, err := e.start(parent, first+width)
	if err != nil {
		return err
	}
	if next < end || bytes.IndexByte(e.text[end:next], '#') >= 0 {
		return errors.New("a comment stands where its first entry would be cut out")
	}
	e.cut(start, next, "")
	return nil
}

// start is the offset of an entry's key or an element's dash.
func (e *editor) start(parent *y.Node, i int) (int, error) {
	if parent.Kind == y.SequenceNode {
		return e.dash(parent, parent.Content[i])
	}
	return e.offset(parent.Content[i])
}
