package migration_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
)

const spec = `{"title": "t", "why": "w", "owner": "o", "select": {"file": "go.mod"}, "steps": [{"do": "delete", "paths": ["x"]}]}`

func effect(t *testing.T, text string) string {
	decoded, problems := member().Decode(kind.Source{ID: fleet.ID{Kind: "migration", Name: "it"}, JSON: []byte(text)})
	if problems != nil {
		t.Fatal(problems)
	}
	b, err := json.Marshal(decoded.Effect)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestEffect(t *testing.T) {
	for _, c := range []struct {
		old, new string
		same     bool
	}{
		{`"t"`, `"other"`, true},
		{`"w"`, `"other"`, true},
		{`"owner": "o"`, `"owner": "p"`, true},
		{`"why": "w"`, `"why": "w", "labels": ["l"], "merge": "checks-pass", "state": "paused", "body": "b", "askAgain": "2026-12-01"`, true},
		{`"do": "delete", "paths": ["x"]`, `"paths":["x"],  "do":"delete"`, true},
		{`go.mod`, `go.sum`, false},
		{`"x"`, `"y"`, false},
	} {
		changed := strings.Replace(spec, c.old, c.new, 1)
		if same := effect(t, spec) == effect(t, changed); same != c.same {
			t.Errorf("%s → %s: same effect: %v", c.old, c.new, same)
		}
	}
}

// TestTargetsUndecided: what only a tree can tell is left to Want.
func TestTargetsUndecided(t *testing.T) {
	decoded, _ := member().Decode(kind.Source{JSON: []byte(spec)})
	d := &fleet.Declaration{Spec: decoded.Spec}
	for _, c := range member().Targets(d, nil, []fleet.Repo{{Name: "a/b"}, {Name: "a/c", Fork: true}}) {
		if c.Out != "" {
			t.Errorf("%s is out by its listing alone: %s", c.Repo, c.Out)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(spec)
	f.Add(`{"title": "{{range .What}}{{.}}{{end}}", "body": "{{with .Why}}{{.}}{{end}}", "select": {"not": {"all": [{"contains": {"file": "a", "pattern": "b"}}]}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		member().Decode(kind.Source{JSON: []byte(text)})
	})
}
