package declare

import (
	"encoding/binary"
	"maps"
	"slices"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Sheets and outcomes are written as bytes for the cache, for the index and
// for the pipe to the process that evaluates: numbers as varints, texts with
// their length before them. There is no other reader than the same build of
// this program. Reading the index is most of what a check of one file costs:
// so all texts are parts of one, and nothing is looked up by reflection.

type encoder struct {
	b    []byte
	lean bool // leaves out what an index does not keep
}

func (e *encoder) int(n int) { e.b = binary.AppendUvarint(e.b, uint64(n)) }

func (e *encoder) text(s string) {
	e.int(len(s))
	e.b = append(e.b, s...)
}

func (e *encoder) bool(is bool) {
	n := 0
	if is {
		n = 1
	}
	e.int(n)
}

// pos writes a position; most are of the file that the sheet is of.
func (e *encoder) pos(p fleet.Pos, file string) {
	e.bool(p.File == file)
	if p.File != file {
		e.text(p.File)
	}
	e.int(p.Line)
	e.int(p.Column)
}

func (e *encoder) texts(all []string) {
	e.int(len(all))
	for _, s := range all {
		e.text(s)
	}
}

func (e *encoder) problems(all []fleet.Problem, file string) {
	e.int(len(all))
	for _, p := range all {
		e.text(string(p.Severity))
		e.text(p.Code)
		e.pos(p.Pos, file)
		e.text(p.Declaration)
		e.text(p.Field)
		e.text(p.Message)
		e.text(p.Hint)
	}
}

func (e *encoder) fields(all map[string]fleet.Pos, file string) {
	e.int(len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		e.text(name)
		e.pos(all[name], file)
	}
}

// decoder reads what an encoder wrote, out of one string that all texts are
// parts of. Bytes that no encoder wrote make it bad, and give zeros.
type decoder struct {
	s   string
	at  int // how much of it was read
	bad bool
	// quiet are the newest rulings without a finding, as most are: they are
	// shared.
	quiet *rulings
}

// left is how many bytes there are still to read.
func (d *decoder) left() int { return len(d.s) - d.at }

// fail makes it bad, and leaves nothing to read.
func (d *decoder) fail() { d.bad, d.at = true, len(d.s) }

func (d *decoder) int() int {
	n, at := 0, d.at
	for shift := 0; at < len(d.s) && shift < 63; shift += 7 {
		c := d.s[at]
		at++
		n |= int(c&0x7f) << shift
		if c < 0x80 {
			d.at = at
			return n
		}
	}
	d.fail()
	return 0
}

func (d *decoder) text() string {
	n := d.int()
	if n < 0 || n > d.left() {
		d.fail()
		return ""
	}
	d.at += n
	return d.s[d.at-n : d.at]
}

func (d *decoder) bool() bool { return d.int() == 1 }

func (d *decoder) pos(file string) fleet.Pos {
	p := fleet.Pos{File: file}
	if !d.bool() {
		p.File = d.text()
	}
	p.Line = d.int()
	p.Column = d.int()
	return p
}

// count is how many things follow, each at least a byte.
func (d *decoder) count() int {
	n := d.int()
	if n < 0 || n > d.left() {
		d.fail()
		return 0
	}
	return n
}

// list reads things, as many as a number before them says; none are nil.
func list[T any](d *decoder, one func() T) []T {
	n := d.count()
	if n == 0 {
		return nil
	}
	all := make([]T, 0, min(n, 1000))
	for range n {
		if d.bad {
			return nil
		}
		all = append(all, one())
	}
	return all
}

func (d *decoder) texts() []string { return list(d, d.text) }

func (d *decoder) problems(file string) []fleet.Problem {
	return list(d, func() fleet.Problem {
		return fleet.Problem{
			Severity: fleet.Severity(d.text()), Code: d.text(), Pos: d.pos(file), Declaration: d.text(),
			Field: d.text(), Message: d.text(), Hint: d.text(),
		}
	})
}

func (d *decoder) fields(file string) map[string]fleet.Pos {
	n := d.count()
	if n == 0 {
		return nil
	}
	all := make(map[string]fleet.Pos, min(n, 1000))
	for range n {
		if d.bad {
			return nil
		}
		name := d.text()
		all[name] = d.pos(file)
	}
	return all
}
