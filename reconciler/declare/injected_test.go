package declare_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/portreeve/portreeve/reconciler/declare"
)

// injected are mistakes that have nothing to do with one another: a line of an
// ownership, or of a migration, that is right, and lines that are not, each
// with the code of its problem.
var injected = map[string][]struct{ right, wrong, code string }{
	"ownership": {
		{`repo: "acme/%s"`, `repo: "https://forge/acme/%s"`, "bad-value"},
		{`owner: "payments"`, `owner: "paymnts"`, "unknown-team"},
		{`coOwners: ["platform"]`, `coOwners: "platform"`, "wrong-type"},
		{`why: "ours"`, `why: 2026`, "wrong-type"},
		{`askAgain: "2026-12-01"`, `askAgain: "soon"`, "bad-date"},
		{`paths: "/docs/": owner: "platform"`, `paths: "!docs": owner: "platform"`, "bad-pattern"},
		{`merge: "manual"`, `merg: "manual"`, "unknown-field"},
	},
	"migrations": {
		{`title: "A title"`, `title: "{{.Nmae}}"`, "template"},
		{`why: "A reason"`, `why: ""`, "bad-value"},
		{`owner: "platform"`, `owner: "platfrom"`, "unknown-team"},
		{`select: file: "go.mod"`, `select: file: "/go.mod"`, "bad-glob"},
		{`steps: [{do: "delete", paths: ["x"]}]`, `steps: [{do: "delete", paths: ["/x"]}]`, "bad-step"},
		{`labels: ["x"]`, `labels: [1]`, "wrong-type"},
		{`merge: "checks-pass"`, `merge: "auto"`, "bad-value"},
		{`state: "active"`, `state: "actve"`, "bad-value"},
	},
}

// TestInjected holds that of any mistakes, however many there are in one
// declaration, each is told once at its line, and nothing else is.
func TestInjected(t *testing.T) {
	for seed := range uint64(25) {
		rng := rand.New(rand.NewPCG(seed, 0))
		fsys := fstest.MapFS{"fleet.cue": {Data: []byte("package fleet\n\nfleet: org: \"acme\"\n" +
			"teams: {payments: github: \"acme/payments\", platform: github: \"acme/platform\"}\n")}}
		var want []string
		for file := range 4 {
			name := fmt.Sprintf("f%d.cue", file)
			lines := []string{"package fleet", ""}
			for i, group := range []string{"ownership", "migrations"} {
				called := fmt.Sprintf("n%d-%d", file, i)
				lines = append(lines, fmt.Sprintf("%s: %q: {", group, called))
				for _, m := range injected[group] {
					text := m.right
					if rng.IntN(3) == 0 {
						text = m.wrong
						want = append(want, fmt.Sprintf("%s:%d (%s)", name, len(lines)+1, m.code))
					}
					if strings.Contains(text, "%s") {
						text = fmt.Sprintf(text, called)
					}
					lines = append(lines, "\t"+text)
				}
				lines = append(lines, "}")
			}
			fsys[name] = &fstest.MapFile{Data: []byte(strings.Join(lines, "\n") + "\n")}
		}
		var got []string
		config := declare.Load(fsys, kinds())
		for _, p := range config.Problems {
			got = append(got, fmt.Sprintf("%s:%d (%s)", p.Pos.File, p.Pos.Line, p.Code))
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("seed %d: told\n%s\nexpected\n%s\n%s", seed, strings.Join(got, "\n"), strings.Join(want, "\n"), problems(config))
		}
	}
}
