package yaml

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	y "go.yaml.in/yaml/v4"

	"github.com/portreeve/portreeve/reconciler/transform/internal/values"
)

var seeds = []string{
	"", "# c\n", "a: 1\n", "a:\n  b: 1 # c\n  c: |\n    x\n\n  d: 2\n", "a: {b: 1, c: [1, 'x'], d: }\n", "l:\n- name: x\n  v: 1\n- name: y\n",
	"l:\n  - - a\n    - b\n  -\n    c: d\n", "a: &x 1\nb: *x\nc: !t d\n", "---\na: 1\n...\n---\nb: 2\n", "a: \"x\\\"y\" # c\nb: 'it''s'\n", "? a\n: b\n",
	"a: >-\n  folded\n  text\nb: long\n  plain\n  text\n", "a:\r\n  b: 1\r\n", "a: |+\n  x\n\n\n", "\"a\": 1\n'b': 2\n", "- a\n- b: c\n", "a: 1", "{a: 1}\n", "a:\n-   b: 1\n    c: 2\n",
}

// FuzzSet: a value that was set is there, setting it again changes nothing,
// and a new key leaves every line as it was.
func FuzzSet(f *testing.F) {
	for _, text := range seeds {
		f.Add([]byte(text), "a.b", `"v"`)
		f.Add([]byte(text), "l[name=x].v", `{"k": [1, "two", null]}`)
		f.Add([]byte(text), "new.key", `"several\nlines\n"`)
		f.Add([]byte(text), "a[0]", "1.5")
	}
	f.Fuzz(func(t *testing.T, text []byte, at, value string) {
		parts, err := values.ParseAt(at)
		if err != nil || len(parts) > 6 || !json.Valid([]byte(value)) {
			return
		}
		want, err := node([]byte(value))
		if err == nil {
			want, err = named(parts, want)
		}
		if err != nil {
			return
		}
		for doc := range docs(text) {
			result, err := setText(text, doc, parts, want)
			if err != nil {
				continue
			}
			again, err := setText(result, doc, parts, want)
			if err != nil || !bytes.Equal(again, result) {
				t.Errorf("set %s in %q: %q, and again: %q, %v", at, text, result, again, err)
			}
			if parts[0].Key == "new" && !bytes.Contains(text, []byte("new")) && !bytes.ContainsAny(text, "{[") {
				keepsLines(t, text, result)
			}
		}
	})
}

// FuzzRemove: what was removed is gone, and no line is there that was not
// there before, but for those that lose a part.
func FuzzRemove(f *testing.F) {
	for _, text := range seeds {
		f.Add([]byte(text), "a.b")
		f.Add([]byte(text), "l[name=x]")
		f.Add([]byte(text), "a")
	}
	f.Fuzz(func(t *testing.T, text []byte, at string) {
		parts, err := values.ParseAt(at)
		if err != nil || len(parts) > 6 || slices.ContainsFunc(parts, func(p values.Part) bool { return p.Kind != values.ByKey }) {
			return
		}
		for doc := range docs(text) {
			result, err := removeText(text, doc, parts)
			if err != nil {
				continue
			}
			again, err := removeText(result, doc, parts)
			if err != nil || !bytes.Equal(again, result) {
				t.Errorf("remove %s in %q: %q, and again: %q, %v", at, text, result, again, err)
			}
			if len(result) > len(text)+4 {
				t.Errorf("remove %s in %q: it grew: %q", at, text, result)
			}
		}
	})
}

func setText(text []byte, doc int, at []values.Part, value *y.Node) ([]byte, error) {
	return onText(text, func(s *source) (*source, error) { return set(s, doc, at, value) })
}

func removeText(text []byte, doc int, at []values.Part) ([]byte, error) {
	return onText(text, func(s *source) (*source, error) { return remove(s, doc, at) })
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

func docs(text []byte) int {
	s, err := parse(text)
	if err != nil {
		return 0
	}
	return len(s.docs)
}

// keepsLines: all lines of text are in result, in order.
func keepsLines(t *testing.T, text, result []byte) {
	left := strings.Split(string(result), "\n")
	for line := range strings.SplitSeq(strings.TrimSuffix(string(text), "\n"), "\n") {
		i := slices.IndexFunc(left, func(l string) bool { return strings.TrimSuffix(l, "\r") == strings.TrimSuffix(line, "\r") })
		if i < 0 {
			t.Fatalf("line %q of %q is not in %q", line, text, result)
		}
		left = left[i+1:]
	}
}

func BenchmarkSet(b *testing.B) {
	var text bytes.Buffer
	for i := range 200 {
		fmt.Fprintf(&text, "key%d:\n  name: n%d # comment\n  list:\n  - a\n  - b: [1, 2]\n", i, i)
	}
	parts, _ := values.ParseAt("key150.name")
	value, _ := node([]byte(`"other"`))
	b.SetBytes(int64(text.Len()))
	for b.Loop() {
		if _, err := setText(text.Bytes(), 0, parts, value); err != nil {
			b.Fatal(err)
		}
	}
}
