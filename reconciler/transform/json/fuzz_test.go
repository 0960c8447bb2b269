package json

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/portreeve/portreeve/reconciler/transform/internal/values"
	"github.com/portreeve/portreeve/reconciler/transform/transformtest"
)

var seeds = []string{
	"{}", "{}\n", "[]", "null", `{"a": 1}`, "{\n  \"a\": {\n    \"b\": 1 // c\n  },\n  \"l\": [\n    {\"name\": \"x\"},\n  ]\n}\n",
	`{"a":{"b":[1,2,{"c":null}]},"l":[{"name":"x","v":1.50}]}`, "{\r\n\t\"a\": { /* c */ },\r\n}\r\n", "// c\n{\"a\": /* x */ {\"b\" : 1 /* y */ , \"c\": 2}} // z",
	`{"a": {"b": 1}, "a": {"b": 2}}`, `{"a": {"b": 1, "\u0062": 2}}`, "{\n\"a\": [\n1, 2,\n3], \"b\": {}}", "{\n  \"a\": {\"b\": 1,\n    \"c\": 2},\n}",
}

// FuzzSet: a value that was set is there, setting it again changes nothing,
// the result parses, and all else stands as it did: byte for byte what is
// outside of the value, or outside of what it is added to.
func FuzzSet(f *testing.F) {
	for _, text := range seeds {
		f.Add([]byte(text), "a.b", `"v"`)
		f.Add([]byte(text), "l[name=x].v", `{"k": [1, "two", null]}`)
		f.Add([]byte(text), "new.key", `[[], {"x": []}]`)
		f.Add([]byte(text), "a[0]", "1.5")
	}
	f.Fuzz(func(t *testing.T, text []byte, at, value string) {
		parts, err := values.ParseAt(at)
		if err != nil || len(parts) > 6 {
			return
		}
		v, err := values.Read([]byte(value))
		if err != nil {
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
			t.Errorf("set %s in %q: %q, and again: %q, %v", at, text, result, again, err)
		}
		if missing && !within(text, result) || !transformtest.Spliced(text, result, start, end) {
			t.Errorf("set %s in %q: something else changed: %q", at, text, result)
		}
	})
}

// FuzzRemove: what was removed is gone, removing it again changes nothing,
// nothing is there that was not there before, and all that stands beside it is
// as it was, byte for byte.
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
		if left, _, _ := besides(result, parts); !slices.Equal(left, beside) {
			t.Errorf("remove %s in %q: %q, and beside it %q instead of %q", at, text, result, left, beside)
		}
		again, err := onText(result, func(s *source) (*source, error) { return remove(s, parts) })
		if chosenBy(parts) {
			return // another element may be meant now: that is refused, see transform.Apply
		}
		if err != nil || !bytes.Equal(again, result) {
			t.Errorf("remove %s in %q: %q, and again: %q, %v", at, text, result, again, err)
		}
	})
}

// chosenBy reports whether a path ends in the field by which it chooses an
// element.
func chosenBy(at []values.Part) bool {
	last := at[len(at)-1]
	return slices.ContainsFunc(at[:len(at)-1], func(p values.Part) bool { return p.Kind == values.BySelector && p.Key == last.Key })
}

// besides are the fields, as they are written, beside the one at the end of a
// path, and what they are in.
func besides(text []byte, at []values.Part) (fields []string, start, end int) {
	s, err := parse(text)
	if err != nil {
		return nil, 0, 0
	}
	trail, rest, err := walk(s.root, at[:len(at)-1])
	if err != nil || len(rest) > 0 {
		return nil, len(text), len(text)
	}
	n := trail[len(trail)-1].node
	for i, k := range n.keys {
		if k.name != at[len(at)-1].Key {
			fields = append(fields, string(text[k.start:n.items[i].end]))
		}
	}
	return fields, n.start, n.end
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

// reach is what may change when a path is set: what it leads to, or if that is
// missing what it is to be added to.
func reach(text []byte, at []values.Part) (start, end int, missing bool) {
	s, err := parse(text)
	if err != nil {
		return 0, len(text), false
	}
	trail, rest, err := walk(s.root, at)
	if err != nil {
		return 0, len(text), false
	}
	n := trail[len(trail)-1].node
	return n.start, n.end, len(rest) > 0 && n.kind >= values.List
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
	text.WriteString("{\n")
	for i := range 1000 {
		fmt.Fprintf(&text, "  \"key%d\": {\n    \"name\": \"n%d\", // comment\n    \"list\": [1, 2]\n  },\n", i, i)
	}
	text.WriteString("}\n")
	parts, _ := values.ParseAt("key750.name")
	v, _ := values.Read([]byte(`"other"`))
	b.SetBytes(int64(text.Len()))
	for b.Loop() {
		if _, err := onText(text.Bytes(), func(s *source) (*source, error) { return set(s, parts, v) }); err != nil {
			b.Fatal(err)
		}
	}
}
