package gitrepo

import (
	"fmt"
	"strings"
	"testing"
)

func TestMergeLines(t *testing.T) {
	const base = "1\n2\n3\n4\n5\n"
	for name, c := range map[string]struct {
		base, a, b, want string // want "!" is a conflict
	}{
		"apart":                  {base, "one\n2\n3\n4\n5\n", "1\n2\n3\n4\nfive\n", "one\n2\n3\n4\nfive\n"},
		"one line between":       {base, "1\ntwo\n3\n4\n5\n", "1\n2\n3\nfour\n5\n", "1\ntwo\n3\nfour\n5\n"},
		"touching":               {base, "1\ntwo\n3\n4\n5\n", "1\n2\nthree\n4\n5\n", "!"},
		"the same line":          {base, "1\ntwo\n3\n4\n5\n", "1\nzwei\n3\n4\n5\n", "!"},
		"the same":               {base, "1\ntwo\n3\n4\n5\n", "1\ntwo\n3\n4\n5\n", "1\ntwo\n3\n4\n5\n"},
		"the same and more":      {base, "1\ntwo\n3\n4\n5\n", "1\ntwo\n3\n4\nfive\n", "1\ntwo\n3\n4\nfive\n"},
		"two added at one place": {base, base + "a\n", base + "b\n", "!"},
		"added and deleted":      {base, "0\n" + base, "1\n2\n3\n4\n", "0\n1\n2\n3\n4\n"},
		"changed and deleted":    {base, "1\n2\n3\n4\nfive\n", "1\n2\n3\n4\n", "!"},
		"all deleted":            {base, "", base, ""},
		"no end of line":         {"1\n2\n3", "one\n2\n3", "1\n2\n3\n", "one\n2\n3\n"},
		"no end of line, twice":  {"1\n2\n3", "1\n2\n3\n", "1\n2\n3\n4", "!"},
		"carriage returns":       {"1\r\n2\r\n3\r\n", "one\r\n2\r\n3\r\n", "1\r\n2\r\nthree\r\n", "one\r\n2\r\nthree\r\n"},
		"not UTF-8":              {"\xff\n2\n3\n", "\xff\n2\n\xfe\n", "\xfd\n2\n3\n", "\xfd\n2\n\xfe\n"},
		"from nothing":           {"", "a\n", "b\n", "!"},
	} {
		for _, sides := range [][2]string{{c.a, c.b}, {c.b, c.a}} {
			got, ok := mergeLines(c.base, sides[0], sides[1])
			if !ok {
				got = "!"
			}
			if got != c.want {
				t.Errorf("%s: %q, want %q", name, got, c.want)
			}
		}
	}
}

// FuzzMergeLines proves that no line of anybody is lost, whatever repeats: it
// edits a text of which each line is known by its number in two ways.
func FuzzMergeLines(f *testing.F) {
	f.Add("a\nb\na\nb\n", "a\nx\nb\n", "a\nb\na\nb\ny\n")
	f.Add("\n\n\n", "\n", "\n\n\n\n\n")
	f.Add("1\n2\n3", "2\n3", "1\n2")
	f.Fuzz(func(t *testing.T, base, a, b string) {
		if got, ok := mergeLines(base, base, b); !ok || got != b {
			t.Errorf("one side alone: %q", got)
		}
		if got, ok := mergeLines(base, a, a); !ok || got != a {
			t.Errorf("both the same: %q", got)
		}
		merged, ok := mergeLines(base, a, b)
		if back, again := mergeLines(base, b, a); ok != again || back != merged {
			t.Errorf("the order counts: %q and %q", merged, back)
		}
		if !ok {
			return
		}
		// A line that is in one side alone stands in the result as often.
		has := count(merged)
		for _, sides := range [][2]string{{a, b}, {b, a}} {
			other, at := count(sides[1]), count(base)
			for line, n := range count(sides[0]) {
				if at[line] == 0 && other[line] == 0 && has[line] != n {
					t.Errorf("%q stands %d times in %q, %d in %q", line, n, sides[0], has[line], merged)
				}
			}
		}
	})
}

func count(text string) map[string]int {
	n := map[string]int{}
	for line := range strings.Lines(text) {
		n[line]++
	}
	return n
}

func BenchmarkMergeLines(b *testing.B) {
	lines := func(every int, what string) string {
		var out strings.Builder
		for n := range 20_000 {
			if every > 0 && n%every == 0 {
				out.WriteString(what)
			}
			fmt.Fprintf(&out, "line %d\n", n)
		}
		return out.String()
	}
	base, x, y := lines(0, ""), lines(997, "x\n"), lines(1009, "y\n")
	b.SetBytes(int64(len(base)))
	for b.Loop() {
		if _, ok := mergeLines(base, x, y); !ok {
			b.Fatal("conflict")
		}
	}
}
