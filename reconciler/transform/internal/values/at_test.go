package values

import (
	"slices"
	"testing"
)

// FuzzParseAt: what a path reads as is written as a path that reads the same.
func FuzzParseAt(f *testing.F) {
	for _, at := range []string{"a.b", `a["x.y"][0].c`, "[name=x]", `[name="]"].y`, "a..b", "["} {
		f.Add(at)
	}
	f.Fuzz(func(t *testing.T, at string) {
		parts, err := ParseAt(at)
		if err != nil {
			return
		}
		for _, p := range parts {
			if p.Kind == BySelector {
				return // its value may be written in more than one way
			}
		}
		again, err := ParseAt(PathString(parts))
		if err != nil || !slices.Equal(again, parts) {
			t.Errorf("%q reads as %q, which reads as %q: %v", at, PathString(parts), again, err)
		}
	})
}
