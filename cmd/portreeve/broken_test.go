package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/portreeve/portreeve/reconciler/forge/sandbox"
)

const brokenRest = `package fleet

fleet: {org: "acme", mode: "merge", exclude: ["config"]}
teams: platform: github: "acme/platform"
migrations: good: {
	title: "Greet politely"
	why:   "Guests ask for it."
	owner: "platform"
	steps: [{do: "file", path: "hello.txt", content: "good day\n"}]
}
`

// broken are ten mistakes, each in a file of its own beside brokenRest, and
// the one line that tells of it.
var broken = map[string]struct{ file, message string }{
	"syntax": {
		"package fleet\n\nmigrations: bad: {\n\ttitle: \"x\"\n",
		`bad.cue:4:13: a "{" is not closed; add the missing "}"`,
	},
	"unknown field": {
		"package fleet\n\nmigrations: bad: {titel: \"x\", title: \"x\", why: \"y\", owner: \"platform\", steps: [{do: \"delete\", paths: [\"x\"]}]}\n",
		`bad.cue:3:19: unknown field "titel"; did you mean "title"?`,
	},
	"wrong type": {
		"package fleet\n\nmigrations: bad: {title: 5, why: \"y\", owner: \"platform\", steps: [{do: \"delete\", paths: [\"x\"]}]}\n",
		`bad.cue:3:26: found number 5, expected string`,
	},
	"unknown team": {
		"package fleet\n\nownership: bad: {repo: \"acme/ledger\", owner: \"platfrom\"}\n",
		`bad.cue:3:46: unknown team "platfrom"; did you mean "platform"?`,
	},
	"duplicate": {
		"package fleet\n\nmigrations: good: {title: \"x\", why: \"y\", owner: \"platform\", steps: [{do: \"delete\", paths: [\"x\"]}]}\n",
		`bad.cue:3:13: "good" of migrations is declared twice, also at good.cue:5:13; keep one of them`,
	},
	"two owners": {
		"package fleet\n\nownership: {\n\ta1: {repo: \"acme/ledger\", owner: \"platform\"}\n\ta2: {repo: \"acme/ledger\", owner: \"platform\"}\n}\n",
		`bad.cue:4:13: acme/ledger is declared twice: here (bad.cue:4:13) and by ownership/a2 (bad.cue:5:13); keep one of the two`,
	},
	"impossible pattern": {
		"package fleet\n\nownership: bad: {repo: \"acme/ledger\", owner: \"platform\", paths: \"[a-z].go\": unowned: true}\n",
		`bad.cue:3:65: pattern "[a-z].go": CODEOWNERS knows no [ ] ranges; write an entry for each`,
	},
	"template error": {
		"package fleet\n\nmigrations: bad: {title: \"In {{.Nam}}\", why: \"y\", owner: \"platform\", steps: [{do: \"delete\", paths: [\"x\"]}]}\n",
		`bad.cue:3:26: line 1 of the template: there is no field .Nam; did you mean "Name"?`,
	},
	"missing field": {
		"package fleet\n\nmigrations: bad: {title: \"x\", owner: \"platform\", steps: [{do: \"delete\", paths: [\"x\"]}]}\n",
		`bad.cue:3:13: missing required field "why"`,
	},
	"wrong step": {
		"package fleet\n\nmigrations: bad: {title: \"x\", why: \"y\", owner: \"platform\", steps: [{do: \"replce\", paths: [\"x\"]}]}\n",
		`bad.cue:3:73: found "replce", expected one of "replace", `,
	},
}

// TestBroken holds that each mistake is told exactly, with exit status 1; that
// nothing is written for what it broke; and that everything else proceeds.
func TestBroken(t *testing.T) {
	for name, c := range broken {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newStage(t, map[string]string{"good.cue": brokenRest, "bad.cue": c.file},
				sandbox.Spec{Name: "acme/ledger", Files: map[string]sandbox.File{"x": {Content: "x\n"}}})
			e := f.engine(t)
			pass := e.Once(t.Context())

			told := 0
			for _, p := range pass.Problems {
				if strings.HasPrefix(p.String(), c.message) {
					told++
				}
			}
			if told != 1 {
				t.Errorf("told %d times: %q\nof %v", told, c.message, pass.Problems)
			}
			if exit, ok := errors.AsType[*exitError](passStatus(pass)); !ok || exit.status != exitProblems {
				t.Errorf("exit status of %v, expected %d", passStatus(pass), exitProblems)
			}
			pulls, err := f.Pulls("acme/ledger")
			must(t, err)
			want := []string{"portreeve/migration/good"}
			if name == "duplicate" {
				want = nil // which of the two is meant can't be told
			}
			var got []string
			for _, p := range pulls {
				got = append(got, p.Head)
			}
			if strings.Join(got, " ") != strings.Join(want, " ") {
				t.Errorf("opened %v, expected %v", got, want)
			}
		})
	}
}
