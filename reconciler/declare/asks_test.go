package declare_test

import (
	"fmt"
	"testing"
	"testing/fstest"

	"github.com/portreeve/portreeve/reconciler/declare"
	"github.com/portreeve/portreeve/reconciler/fleet"
)

// TestInvalidSettings holds that a brake in settings that are invalid can be
// read, wherever the mistake is, and that what can't be read counts as the
// lowest mode.
func TestInvalidSettings(t *testing.T) {
	for text, want := range map[string]string{
		`fleet: {org: 5, mode: "propose"}`:                                                             `propose [] 0 0 0`,
		`fleet: {org: 5, mode: "merge", exclude: ["a-*", "b"]}`:                                        `merge ["a-*" "b"] 0 0 0`,
		`fleet: {org: "acme", mode: "murge"}`:                                                          `observe [] 0 0 0`,
		`fleet: {org: "acme", mode: 5}`:                                                                `observe [] 0 0 0`,
		`fleet: {org: "acme", exclude: ["[", "ok"]}`:                                                   `observe ["ok"] 0 0 0`,
		`fleet: {org: "acme", mode: "merge", limits: {openPerTeam: 3, newPerDay: 7, updatesPerHour: 4`: `merge [] 3 7 4`,
		`fleet: {org: "acme", mode: "merge", limits: openPerTeam: -1}`:                                 `merge [] 0 0 0`,
		"fleet: {\n\tmode: \"merge\"\n\torg: \"acme\n}":                                                `merge [] 0 0 0`,
		"fleet: {\n\torg: \"acme\n\tmode: \"propose\"\n":                                               `propose [] 0 0 0`,
		`fleet: {exclude: ["x", {mode: "merge"}], mode: "propose", org: 1}`:                            `propose ["x"] 0 0 0`,
		"fleet: mode: \"merge\"\nfleet: mode: \"observe\"\nfleet: org: 5":                              `observe [] 0 0 0`,
		"fleet: org: \"acme\"\nfleet: {mode: \"merge\"}\nteams: a: {":                                  `merge [] 0 0 0`,
		"fleet: {org: 5}\nteams: fleet: {mode: \"merge\", members: [\"x\"]}":                           `observe [] 0 0 0`,
		`fleet: {org: "acme", mode: "propose", mode: "merge"}`:                                         `propose [] 0 0 0`,
	} {
		config := declare.Load(fstest.MapFS{"fleet.cue": {Data: []byte("package fleet\n\n" + text + "\n")}}, kinds())
		invalid := config.Settings.Invalid
		if invalid == nil || invalid.Problem.Message == "" || config.Settings.Mode != fleet.Observe {
			t.Errorf("%s: settings %+v", text, config.Settings)
			continue
		}
		got := fmt.Sprintf("%s %q %d %d %d", invalid.Mode, invalid.Exclude, invalid.Limits.OpenPerTeam, invalid.Limits.NewPerDay, invalid.Limits.UpdatesPerHour)
		if got != want {
			t.Errorf("%s: asks for %s, want %s", text, got, want)
		}
	}
}

// TestInvalidSettingsTwice has settings stand in two files: the lower mode
// counts, and what either excludes.
func TestInvalidSettingsTwice(t *testing.T) {
	config := declare.Load(fstest.MapFS{
		"a.cue": {Data: []byte("package fleet\n\nfleet: {org: \"acme\", mode: \"merge\", exclude: [\"a\"]}\n")},
		"b.cue": {Data: []byte("package fleet\n\nfleet: {org: \"acme\", mode: \"propose\", exclude: [\"b\"]}\n")},
	}, kinds())
	if i := config.Settings.Invalid; i == nil || i.Mode != fleet.Propose || fmt.Sprint(i.Exclude) != "[a b]" {
		t.Errorf("%+v", i)
	}
}

// TestInvalidKeepsDraft holds that what fails a check alone keeps what it says, and that
// broken files and teams are named.
func TestInvalidKeepsDraft(t *testing.T) {
	config := declare.Load(fstest.MapFS{
		"fleet.cue":  {Data: []byte("package fleet\n\nfleet: org: \"acme\"\nteams: {good: members: [\"x\"], bad: {membrs: [\"x\"]}}\n")},
		"owners.cue": {Data: []byte("package fleet\n\nownership: {\n\tone: {repo: \"acme/one\", owner: \"bad\"}\n\ttwo: {repo: \"acme/two\", owner: \"gone\"}\n\tthree: {repo: \"acme/three\", owner: 5}\n}\n")},
		"broken.cue": {Data: []byte("package fleet\n\nteams: worse: {\n")},
	}, kinds())
	for name, want := range map[string]bool{"one": true, "two": true, "three": false} {
		d := config.Declaration(fleet.ID{Kind: "ownership", Name: name})
		if d == nil || d.Frozen == nil || d.Spec != nil || (d.Draft != nil) != want {
			t.Errorf("%s: %+v", name, d)
		}
	}
	if len(config.BrokenTeams) != 2 || config.BrokenTeams["bad"].Code != "unknown-field" || config.BrokenTeams["worse"].Code != "syntax" {
		t.Errorf("broken teams: %v", config.BrokenTeams)
	}
	if fmt.Sprint(config.Broken) != "[broken.cue]" {
		t.Errorf("broken files: %v", config.Broken)
	}
}
