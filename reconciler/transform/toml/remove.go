package toml

import (
	"bytes"
	"errors"
	"slices"

	"github.com/portreeve/portreeve/reconciler/transform/internal/values"
)

// remove takes a path out: a line, a table with all tables below it, or an
// item of a list or an inline table. Comments on lines of their own stay,
// but for those between the lines of a table that goes.
func remove(s *source, at []values.Part) (*source, error) {
	_, rest, err := find(s.data, at)
	if err != nil {
		return nil, err
	}
	if len(rest) > 0 {
		return s, nil
	}
	n, err := s.node(at)
	if err != nil {
		return nil, err
	}
	return operate(s, with(s.data, at, absent), at[:len(at)-1], func(e *editor) error {
		if n.above.sort == array || n.above.sort == inline {
			return e.removeItem(n.above, slices.Index(n.above.items, n))
		}
		e.removeLines(n)
		return nil
	})
}

func (e *editor) removeLines(n *node) {
	gone := sectionsOf(n)
	for _, sec := range gone {
		end := sec.head
		if len(sec.entries) > 0 {
			end = values.LineEnd(e.text, sec.entries[len(sec.entries)-1].end)
		}
		e.cutSection(sec.start, end)
	}
	for _, en := range entriesOf(n) {
		if !slices.Contains(gone, en.sec) {
			e.cutLines(values.LineStart(e.text, en.start), values.LineEnd(e.text, en.end))
		}
	}
}

// cutSection removes lines with the blank ones below them, or above where
// the file ends.
func (e *editor) cutSection(start, end int) {
	for end < len(e.text) && values.OnlyBlank(e.text[end:values.LineEnd(e.text, end)]) {
		end = values.LineEnd(e.text, end)
	}
	if end == len(e.text) {
		for start > 0 && values.OnlyBlank(e.text[values.LineStart(e.text, start-1):start]) {
			start = values.LineStart(e.text, start-1)
		}
	}
	e.cutLines(start, end)
}

// cutLines removes whole lines, and leaves a file without a final break
// without one.
func (e *editor) cutLines(start, end int) {
	if end == len(e.text) && start > 0 && !bytes.HasSuffix(e.text, []byte("\n")) {
		start -= len(e.eol)
		if start > 0 && e.eol == "\n" && e.text[start-1] == '\r' || start < 0 {
			start += len(e.eol)
		}
	}
	e.cut(start, end, "")
}

// removeItem removes an item of a list or an inline table.
func (e *editor) removeItem(n *node, i int) error {
	begin, end := n.begins[i], n.items[i].end
	last := i == len(n.items)-1
	comma := e.comma(end)
	behind := max(end, comma+1)
	lineEnd := e.restOfLine(behind)
	switch {
	case len(n.items) == 1 && values.OnlyBlank(e.text[n.start+1:begin]) && values.OnlyBlank(e.text[behind:n.end-1]):
		e.cut(n.start+1, n.end-1, "")
	case e.first(begin) && lineEnd > 0:
		e.cut(values.LineStart(e.text, begin), lineEnd, "")
		if last && i > 0 && comma < 0 {
			before := e.comma(n.items[i-1].end)
			e.cut(before, before+1, "")
		}
	case i > 0:
		return e.cutBare(n.items[i-1].end, end, begin, end)
	case !last:
		return e.cutBare(begin, n.begins[i+1], begin, end)
	default:
		return e.cutBare(begin, behind, begin, end)
	}
	return nil
}

// first reports whether an offset is the first on its line.
func (e *editor) first(at int) bool { return values.First(e.text, at) }

// restOfLine is the end of an offset's line, its break included, if nothing
// but a comment follows on it, else -1.
func (e *editor) restOfLine(at int) int {
	line := e.text[at:values.LineEnd(e.text, at)]
	if rest := bytes.TrimLeft(line, " \t\r\n"); len(rest) > 0 && rest[0] != '#' {
		return -1
	}
	return at + len(line)
}

// cutBare cuts from start to end, which reaches beyond the item that is
// removed; no comment of another may be lost.
func (e *editor) cutBare(start, end, itemStart, itemEnd int) error {
	if bytes.IndexByte(e.text[start:itemStart], '#') >= 0 || bytes.IndexByte(e.text[itemEnd:end], '#') >= 0 {
		return errors.New("a comment stands beside it that would be lost")
	}
	e.cut(start, end, "")
	return nil
}
