package lines

import (
	"strings"
	"testing"
)

func TestMerge(t *testing.T) {
	for name, c := range map[string]struct {
		base, ours, theirs, want string
		ok                       bool
	}{
		"one side":             {"a\nb\n", "a\nb\n", "a\nc\n", "a\nc\n", true},
		"same on both sides":   {"a\nb\n", "a\nc\n", "a\nc\n", "a\nc\n", true},
		"far apart":            {"1\n2\n3\n4\n5\n", "x\n2\n3\n4\n5\n", "1\n2\n3\n4\ny\n", "x\n2\n3\n4\ny\n", true},
		"same line":            {"1\n2\n3\n", "1\nx\n3\n", "1\ny\n3\n", "", false},
		"touching lines":       {"1\n2\n3\n", "x\n2\n3\n", "1\ny\n3\n", "", false},
		"insert at one place":  {"1\n", "1\nx\n", "1\ny\n", "", false},
		"common and own":       {"1\n2\n3\n4\n", "x\n2\n3\n4\n", "x\n2\n3\ny\n", "x\n2\n3\ny\n", true},
		"delete and edit else": {"1\n2\n3\n4\n5\n", "1\n3\n4\n5\n", "1\n2\n3\n4\nz\n", "1\n3\n4\nz\n", true},
		"no final newline":     {"1\n2\n3", "x\n2\n3", "1\n2\n3\n", "x\n2\n3\n", true},
	} {
		got, ok := Merge(c.base, c.ours, c.theirs)
		if got != c.want || ok != c.ok {
			t.Errorf("%s: got %q %v, want %q %v", name, got, ok, c.want, c.ok)
		}
	}
}

func TestUnified(t *testing.T) {
	hunks := Unified("1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n", "1\n2\n3\n4\nx\n6\n7\n8\n9\n10\n11")
	if len(hunks) != 1 || hunks[0].Header() != "@@ -2,9 +2,10 @@" {
		t.Fatalf("%+v", hunks)
	}
	want := " 2\n 3\n 4\n-5\n+x\n 6\n 7\n 8\n 9\n 10\n+11\n\\ No newline at end of file"
	if got := strings.Join(hunks[0].Lines, "\n"); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if h := Unified("", "a\n"); h[0].Header() != "@@ -0,0 +1 @@" {
		t.Error(h[0].Header())
	}
}

func FuzzDiff(f *testing.F) {
	f.Add("a\nb\nc\n", "a\nc\nd")
	f.Add("", "x")
	f.Fuzz(func(t *testing.T, a, b string) {
		old, now := Split(a), Split(b)
		var out strings.Builder
		at := 0
		for _, e := range Diff(old, now) {
			at = splice(&out, old, now, at, e)
		}
		out.WriteString(strings.Join(old[at:], ""))
		if out.String() != b {
			t.Fatalf("edits of %q give %q, not %q", a, out.String(), b)
		}
		if got, ok := Merge(a, a, b); !ok || got != b {
			t.Fatal("a merge with no change on one side must give the other")
		}
		Unified(a, b)
	})
}
