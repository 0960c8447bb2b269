package ownership

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/hmarr/codeowners"

	"github.com/portreeve/portreeve/reconciler/transform"
)

func TestMatchVerdicts(t *testing.T) {
	for _, c := range []struct {
		pattern    string
		yes, never []string
	}{
		{"*", []string{"a", "a/b", "a/b/c.txt", ".x"}, nil},
		{"/*", []string{"foo"}, []string{"foo/bar"}},
		{"foo", []string{"foo", "foo/bar", "bar/foo/baz"}, []string{"foo.txt"}},
		{"/foo", []string{"foo/bar"}, []string{"bar/foo"}},
		{"foo/", []string{"bar/foo/baz"}, []string{"foo"}},
		{"foo/bar", []string{"foo/bar/baz"}, []string{"baz/foo/bar"}},
		{"f*", []string{"bar/foo/baz"}, []string{"xfoo"}},
		{"f?o", []string{"foo"}, []string{"fooo"}},
		{`f\*o`, []string{"f*o"}, []string{"foo"}},
		{"/*/", []string{"foo/bar"}, []string{"foo"}},
		{"foo/*", []string{"foo/bar"}, []string{"foo/bar/baz"}},
		{"foo/*/baz", []string{"foo/bar/baz/qux"}, nil},
		{"**/foo/bar", []string{"qux/foo/bar/baz"}, nil},
		{"foo/bar/**", []string{"foo/bar/x"}, []string{"foo/bar"}},
		{"foo/**/bar", []string{"foo/bar", "foo/x/bar"}, []string{"qux/foo/bar"}},
		{"docs/*", []string{"docs/a.md"}, []string{"docs/x/a.md"}},
		{"/", nil, []string{"a", "a/b"}},
		{`a\ b`, []string{"a b"}, []string{"a"}},
		{"Foo", []string{"Foo"}, []string{"foo"}},
	} {
		for _, p := range c.yes {
			if !Match(c.pattern, p) {
				t.Errorf("%q does not match %q", c.pattern, p)
			}
		}
		for _, p := range c.never {
			if Match(c.pattern, p) {
				t.Errorf("%q matches %q", c.pattern, p)
			}
		}
	}
}

var elements = []string{"a", "b", "ab", "aab", "b.a", "a-b"}

func randomPath(r *rand.Rand) string {
	var p []string
	for range 1 + r.IntN(4) {
		p = append(p, elements[r.IntN(len(elements))])
	}
	return strings.Join(p, "/")
}

func randomPattern(r *rand.Rand) string {
	wild := []string{"*", "**", "a*", "*b", "?", "a?", "*a*", `a\b`, "?*"}
	var p []string
	for range 1 + r.IntN(4) {
		if r.IntN(2) == 0 {
			p = append(p, wild[r.IntN(len(wild))])
		} else {
			p = append(p, elements[r.IntN(len(elements))])
		}
	}
	s := strings.Join(p, "/")
	if r.IntN(3) == 0 {
		s = "/" + s
	}
	if r.IntN(4) == 0 {
		s += "/"
	}
	return s
}

// TestMatchAgainstOracle holds the matcher against another implementation of
// the same table.
func TestMatchAgainstOracle(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		pattern, path := randomPattern(r), randomPath(r)
		if transform.CheckOwnersPattern(pattern) != nil {
			continue // never written; the oracle reads "**/**" its own way
		}
		rules, err := codeowners.ParseFile(strings.NewReader(pattern + " @x\n"))
		if err != nil {
			t.Fatalf("%q: %v", pattern, err)
		}
		rule, err := rules.Match(path)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := Match(pattern, path), rule != nil; got != want {
			t.Fatalf("Match(%q, %q) = %v, want %v", pattern, path, got, want)
		}
	}
}

// TestNormalMatchesTheSame: patterns of one normal spelling match the same
// paths, so that refusing the second loses nothing.
func TestNormalMatchesTheSame(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 20_000 {
		pattern, path := randomPattern(r), randomPath(r)
		if transform.CheckOwnersPattern(pattern) != nil {
			continue
		}
		if n := normal(pattern); Match(pattern, path) != Match(n, path) {
			t.Fatalf("Match(%q, %q) = %v, but its normal spelling %q disagrees", pattern, path, Match(pattern, path), n)
		}
	}
}

// TestOrderNarrowLast narrows patterns by hand: the narrower one has to stand
// later, and so win.
func TestOrderNarrowLast(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 5_000 {
		wide := randomPattern(r)
		narrow := narrowed(r, wide)
		if normal(wide) == normal(narrow) || Match(narrow, "zz/zz/zz/zz") && !Match(wide, "zz/zz/zz/zz") {
			continue
		}
		others := []string{randomPattern(r), randomPattern(r), narrow, wide, randomPattern(r)}
		order := ordered(others)
		if slices.Index(order, narrow) < slices.Index(order, wide) {
			t.Fatalf("%q is a part of %q, but stands before it: %q", narrow, wide, order)
		}
		slices.Reverse(others)
		if again := ordered(others); !slices.Equal(order, again) {
			t.Fatalf("the order depends on how they are given: %q, %q", order, again)
		}
	}
}

// narrowed is a pattern that matches a part of what wide matches.
func narrowed(r *rand.Rand, wide string) string {
	segments := strings.Split(wide, "/")
	switch i := r.IntN(len(segments)); {
	case strings.ContainsAny(segments[i], "*?") && segments[i] != "**":
		segments[i] = strings.NewReplacer(`\`, `\`, "*", "xy", "?", "x").Replace(segments[i])
		return strings.Join(segments, "/")
	case !strings.Contains(strings.TrimSuffix(wide, "/"), "/") && wide != "**" && wide != "**/":
		return "/" + wide
	case strings.HasSuffix(wide, "/"):
		return wide + "deep/"
	case segments[len(segments)-1] != "*":
		return wide + "/deep/*"
	}
	return wide
}

func TestOrderOfRealPatterns(t *testing.T) {
	got := ordered([]string{"/deploy/prod/*.yaml", "docs/", "/deploy/", "*.go", "/deploy/prod/", "/*/", "go.mod", "/api/**/v1", "/api/x/v1", "README.md"})
	want := []string{"*.go", "/*/", "docs/", "go.mod", "README.md", "/deploy/", "/api/**/v1", "/deploy/prod/", "/deploy/prod/*.yaml", "/api/x/v1"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestMatchManyGaps: a pattern that tries every split of a path must not take
// the time to do so.
func TestMatchManyGaps(t *testing.T) {
	pattern := strings.Repeat("**/a/", 200) + "b"
	if path := strings.Repeat("a/", 200) + "c"; Match(pattern, path) || !within(pattern, "*") {
		t.Error("wrong verdict")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("* @a\n/x\\ y/ @b # c\n!z @d\n\n#\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		for _, r := range parse(content) {
			if r.pattern == "" || normal(r.pattern) == "" {
				t.Errorf("%q has no normal spelling", r.pattern)
			}
			Match(r.pattern, "a/b")
		}
	})
}

func FuzzMatch(f *testing.F) {
	f.Add("/a/**/b?*", "a/x/bc")
	f.Fuzz(func(t *testing.T, pattern, path string) {
		if transform.CheckOwnersPattern(pattern) == nil {
			Match(pattern, path)
		}
	})
}
