package toml

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/portreeve/portreeve/reconciler/transform/internal/values"
	"github.com/portreeve/portreeve/reconciler/transform/transformtest"
)

var seeds = []string{
	"", "# c", "a = 1", "a = 1\n", "[a]\nb = 1 # c\n\n[a.c]\nd = [1,\n 2, # c\n]\n\n# z\n[z]\n", "a.b.c = 1\na.b.d = 'x'\n[t]\n\"q.r\".s = {x = 1, y.z = 2}\n",
	"[[l]]\nname = \"x\"\n[l.s]\nk = 1\n[[l]]\nname = \"y\"\n\n[o]\nx = \"\"\"\n[a]\n\"\"\"\n", "l = [{name = \"x\", v = 1}, {name = \"y\"}]\na = {}\n",
	"[a]\r\nb = 1\r\n[a.b2]\r\n", "[x.y.z]\na = 1979-05-27\nb = 07:32:00\nc = nan\n[x]\nq = 0x1F\n", "a = [\n  # c\n]\n", "a = { # c\n  b = 1,\n}\n",
}

// FuzzSet: a value that was set is there, setting it again changes nothing,
// the result reads, and all else stands as it did, byte for byte: outside of
// the value, or around the place where one is added.
func FuzzSet(f *testing.F) {
	for _, text := range seeds {
		f.Add([]byte(text), "a.b", `"v"`)
		f.Add([]byte(text), "l[name=x].v", `{"k": [1, "two"], "o": {"p": {}}}`)
		f.Add([]byte(text), "new.key", `[{"x": [], "y": {"z": "several\nlines\n"}}]`)
		f.Add([]byte(text), "a[0]", "1.5")
	}
	f.Fuzz(func(t *testing.T, text []byte, at, value string) {
		parts, err := values.ParseAt(at)
		if err != nil || len(parts) > 6 {
			return
		}
		v, err := values.Read([]byte(value))
		if err != nil || check(v) != nil {
			return
		}
		if v, err = values.Named(parts, v); err != nil {
			return
		}
		start, end, missing := reach(text, parts)
		result, err := onText(text, func(s *source) (*source, error) { return set(s, parts, v) })
		if err != nil {
			return
		}
		again, err := onText(result, func(s *source) (*source, error) { return set(s, parts, v) })
		if err != nil || !bytes.Equal(again, result) {
			// An empty table that only its children named is gone with
			// them; a second step refuses that, see transform.Apply.
			if s, e := parse(result); e == nil && isThere(s, parts, v) {
				t.Errorf("set %s in %q: %q, and again: %q, %v", at, text, result, again, err)
			}
		}
		if missing && !within(text, result) || !transformtest.Spliced(text, result, start, end) && !(missing && transformtest.Inserted(text, result)) {
			t.Errorf("set %s in %q: something else changed: %q", at, text, result)
		}
	})
}

// FuzzRemove: what was removed is gone, removing it again changes nothing,
// nothing is there that was not there before, and all other lines stand as they
// did, byte for byte.
func FuzzRemove(f *testing.F) {
	for _, text := range seeds {
		f.Add([]byte(text), "a.b")
		f.Add([]byte(text), "l[name=x]")
		f.Add([]byte(text), "l[name=x].v")
		f.Add([]byte(text), "a")
	}
	f.Fuzz(func(t *testing.T, text []byte, at string) {
		parts, err := values.ParseAt(at)
		if err != nil || len(parts) > 6 || parts[len(parts)-1].Kind != values.ByKey {
			return
		}
		beside, start, end := besides(text, parts)
		result, err := onText(text, func(s *source) (*source, error) { return remove(s, parts) })
		if err != nil {
			return
		}
		if !within(result, text) || !transformtest.Spliced(text, result, start, end) {
			t.Errorf("remove %s in %q: something else changed: %q", at, text, result)
		}
		left, err := parse(result)
		if err != nil {
			t.Fatalf("%q does not read: %v", result, err)
		}
		if lines := left.lines(nil); end-start == len(text) && !slices.Equal(lines, beside) {
			t.Errorf("remove %s in %q: %q is left, expected %q", at, text, lines, beside)
		}
		if chosenBy(parts) {
			return // another element may be meant now: that is refused, see transform.Apply
		}
		again, err := onText(result, func(s *source) (*source, error) { return remove(s, parts) })
		if err == nil && !bytes.Equal(again, result) {
			t.Errorf("remove %s in %q: %q, and again: %q", at, text, result, again)
		}
	})
}

// chosenBy reports whether a path ends in the field by which it chooses an
// element.
func chosenBy(at []values.Part) bool {
	last := at[len(at)-1]
	return slices.ContainsFunc(at[:len(at)-1], func(p values.Part) bool { return p.Kind == values.BySelector && p.Key == last.Key })
}

// lines are the source's lines "key = value", as they are written, without
// those of what is left out.
func (s *source) lines(out []*entry) (lines []string) {
	for _, sec := range s.sections {
		for _, en := range sec.entries {
			if !slices.Contains(out, en) {
				lines = append(lines, string(s.text[en.start:en.end]))
			}
		}
	}
	return lines
}

// besides are the lines beside what a path leads to, and what may change when
// that is removed: the list or the inline table that it is in, else the file.
func besides(text []byte, at []values.Part) (lines []string, start, end int) {
	s, err := parse(text)
	if err != nil {
		return nil, 0, len(text)
	}
	if _, rest, err := find(s.data, at); err != nil || len(rest) > 0 {
		return nil, 0, 0
	}
	n, err := s.node(at)
	if err != nil {
		return nil, 0, len(text)
	}
	if up := n.above; up.sort == array || up.sort == inline {
		return nil, up.start, up.end
	}
	return s.lines(entriesOf(n)), 0, len(text)
}

func onText(text []byte, do func(s *source) (*source, error)) ([]byte, error) {
	s, err := parse(text)
	if err == nil {
		s, err = do(s)
	}
	if err != nil {
		return nil, err
	}
	return s.text, nil
}

func isThere(s *source, at []values.Part, v *values.Value) bool {
	found, rest, err := find(s.data, at)
	return err == nil && len(rest) == 0 && equal(found, dataOf(v))
}

// reach is what may change when a path is set: what it leads to, or if that is
// missing the list or the inline table that it is added to. Of a table, which
// may stand in several places, it is the file.
func reach(text []byte, at []values.Part) (start, end int, missing bool) {
	s, err := parse(text)
	if err != nil {
		return 0, len(text), false
	}
	_, rest, err := find(s.data, at)
	if err != nil {
		return 0, len(text), false
	}
	n, err := s.node(at[:len(at)-len(rest)])
	switch {
	case err == nil && (n.sort != table && n.sort != tables):
		return n.start, n.end, len(rest) > 0
	case len(rest) > 0:
		return 0, 0, true // one place alone
	}
	return 0, len(text), false
}

// within reports whether all bytes of a that are no white space are in b, in
// their order.
func within(a, b []byte) bool {
	for _, c := range a {
		if values.OnlyBlank([]byte{c}) {
			continue
		}
		i := bytes.IndexByte(b, c)
		if i < 0 {
			return false
		}
		b = b[i+1:]
	}
	return true
}

func BenchmarkSet(b *testing.B) {
	var text bytes.Buffer
	for i := range 1000 {
		fmt.Fprintf(&text, "[table%d]\nname = \"n%d\" # comment\nlist = [1, 2]\n\n", i, i)
	}
	parts, _ := values.ParseAt("table750.name")
	v, _ := values.Read([]byte(`"other"`))
	b.SetBytes(int64(text.Len()))
	for b.Loop() {
		if _, err := onText(text.Bytes(), func(s *source) (*source, error) { return set(s, parts, v) }); err != nil {
			b.Fatal(err)
		}
	}
}
