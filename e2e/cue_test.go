package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestCue holds the cue command of the version that is linked to a config repo
// that init has made, as an editor and a hook of its own would: it takes what
// validate takes, and refuses the mistakes of form that validate refuses.
func TestCue(t *testing.T) {
	begin := time.Now()
	out, err := exec.Command("go", "build", "-o", filepath.Join(programs, "cue"), "cuelang.org/go/cmd/cue").CombinedOutput()
	if err != nil {
		t.Fatalf("build cue: %v\n%s", err, out)
	}
	t.Logf("built cue in %s", time.Since(begin).Round(time.Second))
	c := newConfigRepo(t, "https://github.com/portreeve/portreeve", "v0.0.1")
	const migration = `migrations: trial: {title: "Try", why: "So.", owner: "platform", `
	for _, m := range []struct {
		name, file, text string
		cue, validate    string // what it says of a mistake; empty if it finds none
	}{
		{"nothing", "more.cue", "", "", ""},
		{"a declaration", "migrations/more.cue", migration + `steps: [{do: "delete", paths: ["x"]}]}`, "", ""},
		{"more of the language", "more.cue", `_names: ["a", "b"], teams: {for n in _names {(n): {github: "acme/\(n)"}}}`, "", ""},
		{"a group at the root", "more.cue", `migratons: trial: {}`, "unknown field", `unknown field "migratons"; did you mean "migrations"?`},
		{"a group in a folder", "migrations/more.cue", `migratons: trial: {}`, "unknown field", `unknown field "migratons"`},
		{"a group in a new folder", "new/more.cue", `teems: a: github: "acme/a"`, "unknown field", `unknown field "teems"`},
		{"a field", "more.cue", `teams: a: {github: "acme/a", titel: "A"}`, "teams.a.titel: field not allowed", `unknown field "titel"`},
		{"a field in a folder", "ownership/more.cue", `ownership: ledger: {repo: "acme/ledger", owner: "platform", ownr: "x"}`, "ownership.ledger.ownr: field not allowed", `unknown field "ownr"`},
		{"a field of the settings", "more.cue", `fleet: limit: newPerDay: 1`, "fleet.limit: field not allowed", `unknown field "limit"`},
		{"a field of a step", "migrations/more.cue", migration + `steps: [{do: "delete", paths: ["x"], pth: 1}]}`, "pth: field not allowed", `unknown field "pth"`},
		{"a field of another step", "migrations/more.cue", migration + `steps: [{do: "delete", paths: ["x"], content: "x"}]}`, "content: field not allowed", `unknown field "content"`},
		{"a type", "more.cue", `teams: a: github: 3`, "teams.a.github", `found number 3`},
		{"a value", "migrations/more.cue", migration + `state: "pausd", steps: [{do: "delete", paths: ["x"]}]}`, "migrations.trial.state", `did you mean "paused"?`},
		{"a field that is missing", "migrations/more.cue", migration + `}`, "steps: field is required but not present", `missing required field "steps"`},
		{"a value that is missing", "more.cue", `teams: a: github: string`, "teams.a.github: incomplete value", "found the type string, expected a value"},
		// What only validate can know, or takes more strictly by design.
		{"a reference", "ownership/more.cue", `ownership: ledger: {repo: "acme/ledger", owner: "platfrom"}`, "", `unknown team "platfrom"; did you mean "platform"?`},
		{"a glob", "migrations/more.cue", migration + `steps: [{do: "delete", paths: ["/x"]}]}`, "", "begins with a slash"},
	} {
		t.Run(m.name, func(t *testing.T) {
			file := filepath.Join(c.dir, m.file)
			must(t, os.MkdirAll(filepath.Dir(file), 0o755))
			must(t, os.WriteFile(file, []byte("package fleet\n\n"+m.text+"\n"), 0o600))
			defer os.Remove(file)
			for _, judge := range []struct {
				says    string
				command []string
			}{{m.cue, []string{"cue", "vet", "-c", "./..."}}, {m.validate, []string{"portreeve", "validate", "--no-cache", "."}}} {
				out, err := c.try(judge.command[0], judge.command[1:]...)
				if (err != nil) != (judge.says != "") || !strings.Contains(out, judge.says) {
					t.Errorf("%s: %v, expected %q:\n%s", strings.Join(judge.command, " "), err, judge.says, out)
				}
			}
		})
	}
}
