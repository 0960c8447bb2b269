package reconciler_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// TestRulesCanFail proves each rule on imports: what it forbids is found, and
// what stands beside it is not.
func TestRulesCanFail(t *testing.T) {
	type example struct {
		from, imp string
		want      string // part of the only message; empty means allowed
	}
	examples := []example{
		{"reconciler/util", "strings", "no row in the table"},
		{"reconciler/plan", module + "/reconciler/rollout", ""},
		{"reconciler/rollout", module + "/reconciler/plan", "imports go down"},
		{"reconciler/catalog", module + "/reconciler/metrics", "imports go down"},
		{"cmd/portreeve", module + "/cmd/portreeve-validate", "imports go down"},

		{"reconciler/kind/ownership", module + "/reconciler/kind", ""},
		{"reconciler/kind/ownership", module + "/reconciler/kind/internal/select", ""},
		{"reconciler/kind/ownership", module + "/reconciler/kind/ownership/match", ""},
		{"reconciler/kind/ownership", module + "/reconciler/kind/migration", "never import one another"},
		{"reconciler/kind", module + "/reconciler/kind/migration", "never import one another"},
		{"reconciler/kind/kindtest", module + "/reconciler/kind/migration", "never import one another"},
		{"reconciler/kind/migration", module + "/reconciler/transform/replace", "listed once"},
		{"cmd/internal/members", module + "/reconciler/transform/replace", ""},
		{"cmd/portreeve", module + "/reconciler/transform/replace", "listed once"},
		{"cmd/portreeve-validate", module + "/reconciler/kind/migration", "listed once"},
		{"cmd/internal/check", module + "/reconciler/gitrepo", "imports go down"},
		{"cmd/portreeve-validate", module + "/reconciler/forge/github", "listed once"},
		{"reconciler/forge/github", module + "/reconciler/forge/forgetest", "only tests import"},

		{"reconciler/fleet", "io/fs", ""},
		{"reconciler/fleet", "golang.org/x/mod/semver", "standard library alone"},
		{"reconciler/transform/gomod", "golang.org/x/mod/modfile", ""},
		{"reconciler/transform/transformtest", "os", ""},
		{"cmd/portreeve-validate", "github.com/spf13/cobra", "github.com/spf13/cobra is for"},
		{"reconciler/cluster/kube", "github.com/fluxcd/pkg/ssa", ""},
		{"reconciler/gitrepo", "github.com/fluxcd/pkg/ssa", "github.com/fluxcd/pkg/ssa is for"},
	}
	// The tables prove themselves, row by row.
	for i, row := range layers[1:] {
		for _, room := range row.rooms {
			examples = append(examples, example{layers[i].rooms[0], module + "/" + room, "imports go down"})
		}
	}
	for _, b := range borders {
		for _, room := range b.within {
			examples = append(examples, example{room, b.library + "/v2", ""})
		}
		examples = append(examples, example{"reconciler/observe", b.library, b.library + " is for"})
	}
	for name, reason := range impure {
		for _, row := range layers {
			want := ""
			if row.pure {
				want = reason
			}
			if !strings.HasPrefix(name, "time.") {
				examples = append(examples, example{row.rooms[0], name, want})
			}
		}
	}
	for _, e := range examples {
		p := pkg{path: e.from, imports: map[string]string{e.imp: "file.go"}}
		expect(t, e.from+" imports "+e.imp, violations([]pkg{p}), e.want)
	}
}

// TestClockIsFound proves that the use of the clock is seen through a file's
// own name for it.
func TestClockIsFound(t *testing.T) {
	for name, reason := range impure {
		call, ok := strings.CutPrefix(name, "time.")
		if !ok {
			continue
		}
		p := pkg{path: "reconciler/plan", imports: map[string]string{}, calls: map[string]string{}}
		read(&p, "file.go", []byte("package plan\nimport clock \"time\"\nvar f = clock."+call+"\n"))
		expect(t, name, violations([]pkg{p}), reason)
		p.path = "reconciler/observe"
		expect(t, name, violations([]pkg{p}), "")
	}
}

// TestChangesOfTheDiskAreFound proves that a room which changes the data
// directory by itself is found.
func TestChangesOfTheDiskAreFound(t *testing.T) {
	for _, call := range changes {
		p := pkg{path: "reconciler/store", imports: map[string]string{}, calls: map[string]string{}}
		read(&p, "file.go", []byte("package store\nimport \"os\"\nvar f = "+call+"\n"))
		expect(t, call, violations([]pkg{p}), changesReason)
		p.path = "reconciler/disk"
		expect(t, call, violations([]pkg{p}), "")
	}
}

// TestClosure proves that what a command links is followed through our own
// packages, and no further than they reach.
func TestClosure(t *testing.T) {
	pkgs := []pkg{
		{path: "cmd/a", imports: map[string]string{module + "/b": "", "fmt": ""}},
		{path: "b", imports: map[string]string{module + "/c": "", "example.com/x": ""}},
		{path: "c", imports: map[string]string{"example.com/y": ""}},
		{path: "d", imports: map[string]string{"example.com/z": ""}},
	}
	reached, foreign := closure(pkgs, "cmd/a")
	if want := []string{"cmd/a", "b", "c"}; !slices.Equal(reached, want) {
		t.Errorf("reached %v, want %v", reached, want)
	}
	if want := []string{"example.com/x", "example.com/y", "fmt"}; !slices.Equal(foreign, want) {
		t.Errorf("foreign %v, want %v", foreign, want)
	}
}

// TestTableStandsTogether proves that the tables speak of the same rooms.
func TestTableStandsTogether(t *testing.T) {
	for _, row := range layers {
		for _, room := range row.rooms {
			if _, listed := importers[room]; listed != row.member {
				t.Errorf("%s: has members %v, has importers of members %v", room, row.member, listed)
			}
		}
	}
	named := slices.Concat(slices.Collect(maps.Values(importers))...)
	for _, b := range borders {
		named = append(named, b.within...)
	}
	for _, p := range append(named, validateLinks) {
		if level, _ := place(p); level < 0 {
			t.Errorf("%s is named in a rule and has no row", p)
		}
	}
}

func expect(t *testing.T, what string, found []string, want string) {
	t.Helper()
	switch {
	case want == "" && len(found) > 0:
		t.Errorf("%s: is allowed, but found %q", what, found)
	case want != "" && (len(found) != 1 || !strings.Contains(found[0], want)):
		t.Errorf("%s: found %q, want one with %q", what, found, want)
	}
}
