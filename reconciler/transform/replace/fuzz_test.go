package replace_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/transform"
	"github.com/portreeve/portreeve/reconciler/transform/replace"
	"github.com/portreeve/portreeve/reconciler/transform/transformtest"
)

// FuzzReplace: whatever pattern and content, a step keeps the promises of
// every step.
func FuzzReplace(f *testing.F) {
	f.Add("x(\\d)", "y${1}", "x1 x2\r\n")
	f.Add("(?m)^$", "-", "\n\n")
	f.Add("", "$$", "a\x00")
	f.Fuzz(func(t *testing.T, pattern, with, content string) {
		fields, err := json.Marshal(map[string]any{"do": "replace", "paths": []string{"*"}, "pattern": pattern, "with": with})
		if err != nil {
			t.Fatal(err)
		}
		step, err := replace.New().Decode(fields)
		if err != nil {
			return
		}
		_, _ = transformtest.Prove(t, step, transformtest.Tree{"a": {Content: []byte(content)}})
	})
}

func FuzzDecode(f *testing.F) {
	f.Add(`{"do": "replace", "paths": ["**/{a,b}[c-d]?"], "pattern": "(?i)a", "with": "$0"}`)
	f.Fuzz(func(_ *testing.T, fields string) { _, _ = replace.New().Decode([]byte(fields)) })
}

func BenchmarkReplace(b *testing.B) {
	content := []byte(strings.Repeat("func name(a int) string { return other.Call(a) }\n", 200))
	edits := make([]transform.Edit, 0, 1000)
	for i := range cap(edits) {
		edits = append(edits, transform.Edit{Path: fleet.Path(fmt.Sprintf("p%d/f%d.go", i%20, i)), Content: content})
	}
	over := transform.Overlay(transformtest.Tree{}, edits)
	step := transformtest.Step(b, replace.New(), `{"do":"replace","paths":["**/*.go"],"pattern":"other\\.(\\w+)","with":"another.$1"}`)
	b.SetBytes(int64(len(edits) * len(content)))
	for b.Loop() {
		if _, err := step.Edits(over); err != nil {
			b.Fatal(err)
		}
	}
}
