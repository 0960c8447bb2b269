package json

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/portreeve/portreeve/reconciler/transform/internal/values"
)

var seeds = []string{
	"{}", "{}\n", "[]", "null", `{"a": 1}`, "{\n  \"a\": {\n    \"b\": 1 // c\n  },\n  \"l\": [\n    {\"name\": \"x\"},\n  ]\n}\n",
	`{"a":{"b":[1,2,{"c":null}]},"l":[{"name":"x","v":1.50}]}`, "{\r\n\t\"a\": { /* c */ },\r\n}\r\n", "// c\n{\"a\": /* x */ {\"b\" : 1 /* y */ , \"c\": 2}} // z",
	`{"a": {"b": 1}, "a": {"b": 2}}`, `{"a": {"b": 1, "\u0062": 2}}`, "{\n\"a\": [\n1, 2,\n3], \"b\": {}}", "{\n  \"a\": {\"b\": 1,\n    \"c\": 2},\n}",
}

// FuzzSet: a value that was set is there, setting it again changes nothing,
// the result parses, and where something is added all else stands as it did.
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
		missing := isMissing(text, parts)
		result, err := onText(text, func(s *source) (*source, error) { return set(s, parts, v) })
		if err != nil {
			return
		}
		again, err := onText(result, func(s *source) (*source, error) { return set(s, parts, v) })
		if err != nil || !bytes.Equal(again, result) {
			t.Errorf("set %s in %q: %q, and again: %q, %v", at, text, result, again, err)
		}
		if missing && !within(text, result) {
			t.Errorf("set %s in %q: something else changed: %q", at, text, result)
		}
	})
}

// FuzzRemove: what was removed is gone, removing it again changes nothing,
// and nothing is there that was not there before.
func FuzzRemove(f *testing.F) {
	for _, text := range seeds {
		f.Add([]byte(text), "a.b")
		f.Add([]byte(text), "l[name=x]")
		f.Add([]byte(text), "a")
	}
	f.Fuzz(func(t *testing.T, text []byte, at string) {
		parts, err := values.ParseAt(at)
		if err != nil || len(parts) > 6 || parts[len(parts)-1].Kind != values.ByKey {
			return
		}
		result, err := onText(text, func(s *source) (*source, error) { return remove(s, parts) })
		if err != nil {
			return
		}
		if !within(result, text) {
			t.Errorf("remove %s in %q: something else changed: %q", at, text, result)
		}
		again, err := onText(result, func(s *source) (*source, error) { return remove(s, parts) })
		if err == nil && !bytes.Equal(again, result) && parts[0].Kind == values.ByKey && len(parts) == 1 {
			t.Errorf("remove %s in %q: %q, and again: %q", at, text, result, again)
		}
	})
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

// isMissing reports whether a path leads to nothing, below an object or a list.
func isMissing(text []byte, at []values.Part) bool {
	s, err := parse(text)
	if err != nil {
		return false
	}
	trail, rest, err := walk(s.root, at)
	return err == nil && len(rest) > 0 && trail[len(trail)-1].node.kind >= values.List
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
