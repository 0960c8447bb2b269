package simulation

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge/sandbox"
)

// declared is what the config repo says: what its text is made from, and what
// the simulation knows of it without reading that text.
type declared struct {
	stop, badSettings      bool
	mode                   fleet.Mode
	openPerTeam, newPerDay int
	removals               string
	migrations             map[string]migration
	owners                 map[fleet.RepoName]owner
	lanes                  lanes
}

type migration struct {
	present, paused, broken, unreadable bool
	version, wording                    int
	merge                               fleet.MergePolicy
	askAgain                            time.Time // zero for never
}

type owner struct {
	team   fleet.TeamName
	broken bool
	merge  fleet.MergePolicy
	// valid is what was committed last without a mistake, and is enforced.
	valid struct {
		team  fleet.TeamName
		merge fleet.MergePolicy
	}
}

// asker owns every migration; it decides where a repo has no owner.
const asker fleet.TeamName = "platform"

var teams = []fleet.TeamName{asker, "payments", "search", "web"}

// asks are the migrations that there can be: their selection, their steps for
// a version, the file they change, and whether that is as they want it.
var asks = map[string]struct {
	topic, path string
	steps       string // a version goes in
	wants       func(content string, there bool, version int) bool
}{
	"checkout": {
		"go", ciFile, `[{do: "replace", paths: [".github/workflows/*.yml"], pattern: "actions/checkout@v[0-9]+", with: "actions/checkout@v%d"}]`,
		func(content string, _ bool, v int) bool {
			return !strings.Contains(content, "checkout@v") || strings.Contains(content, fmt.Sprintf("checkout@v%d\n", v))
		},
	},
	"runner": {
		"go", ciFile, `[{do: "replace", paths: [".github/workflows/ci.yml"], pattern: "ubuntu-[0-9]+", with: "ubuntu-%d"}]`,
		func(content string, _ bool, v int) bool {
			return !strings.Contains(content, "ubuntu-") || strings.Contains(content, fmt.Sprintf("ubuntu-%d\n", v))
		},
	},
	"licence": {
		"", licence, `[{do: "file", path: "LICENSE", content: "Licence %d\n"}]`,
		func(content string, there bool, v int) bool {
			return there && content == fmt.Sprintf("Licence %d\n", v)
		},
	},
	"tier": {
		"svc", settings, `[{do: "yaml", paths: ["settings.yaml"], set: [{at: "spec.tier", value: "t%d"}]}]`,
		func(content string, there bool, v int) bool {
			return !there || strings.Contains(content, fmt.Sprintf("tier: t%d", v))
		},
	},
	"drop-travis": {
		"svc", travis, `[{do: "delete", paths: [".travis.yml", "%d.never"]}]`,
		func(_ string, there bool, _ int) bool { return !there },
	},
}

// asked are the names of the migrations that are played.
func (p *play) asked() []string {
	all := slices.Sorted(maps.Keys(asks))
	if p.o.Few {
		return all[:2]
	}
	return all
}

// firstDeclared is what there is at the beginning.
func (p *play) firstDeclared() declared {
	d := declared{
		mode: fleet.Merge, openPerTeam: 5 + p.o.Repos/20, newPerDay: 40 + p.o.Repos, removals: "20%",
		migrations: map[string]migration{}, owners: map[fleet.RepoName]owner{},
	}
	for _, name := range p.asked() {
		d.migrations[name] = migration{present: p.chance(80), version: 10, merge: p.policy()}
	}
	d.lanes = lanes{present: p.chance(80), version: 10, merge: p.policy(), waves: p.chance(50)}
	for _, repo := range p.repos {
		if p.chance(60) {
			d.owners[repo] = owner{team: pick(p, teams), merge: p.policy()}
		}
	}
	return d
}

func (p *play) policy() fleet.MergePolicy {
	return pick(p, []fleet.MergePolicy{fleet.MergeManual, fleet.MergeChecksPass, fleet.MergeChecksPass, fleet.MergeAlways})
}

func (d declared) clone() declared {
	d.migrations, d.owners = maps.Clone(d.migrations), maps.Clone(d.owners)
	return d
}

// files are the config repo's text.
func (d declared) files() map[string]string {
	mode := string(d.mode)
	if d.badSettings {
		mode = "mergee"
	}
	files := map[string]string{
		"fleet.cue": fmt.Sprintf("package fleet\n\nfleet: {\n\torg: \"acme\"\n\texclude: [\"config\", \"r0007\"]\n\tmode: %q\n\tlimits: {openPerTeam: %d, newPerDay: %d, removals: %q}\n%s}\n",
			mode, d.openPerTeam, d.newPerDay, d.removals, unasked),
	}
	if d.stop {
		files[fleet.StopFile] = "Wait.\n"
	}
	text := "package fleet\n\n"
	for _, team := range teams {
		text += fmt.Sprintf("teams: %q: github: \"acme/%s\"\n", team, team)
	}
	files["teams.cue"] = text
	text = "package fleet\n\n"
	for _, repo := range slices.Sorted(maps.Keys(d.owners)) {
		o := d.owners[repo]
		field := "owner"
		if o.broken {
			field = "ownr"
		}
		text += fmt.Sprintf("ownership: %q: {repo: %q, %s: %q, merge: %q}\n", repo.Short(), repo, field, o.team, o.merge)
	}
	files["ownership.cue"], files["clusters.cue"] = text, d.lanes.text()
	for name, m := range d.migrations {
		if m.present {
			files["migrations/"+name+".cue"] = m.text(name)
		}
	}
	return files
}

func (m migration) text(name string) string {
	ask := asks[name]
	text := fmt.Sprintf("package fleet\n\nmigrations: %q: {\n\ttitle: \"Change %s\"\n\twhy: \"Reason %d.\"\n\towner: %q\n\tmerge: %q\n\tsteps: %s\n",
		name, name, m.wording, asker, m.merge, fmt.Sprintf(strings.ReplaceAll(ask.steps, `\n`, `\\n`), m.version))
	text = strings.ReplaceAll(text, `\\n`, `\n`)
	if ask.topic != "" {
		text += fmt.Sprintf("\tselect: topic: %q\n", ask.topic)
	}
	if !m.askAgain.IsZero() {
		text += fmt.Sprintf("\taskAgain: %q\n", m.askAgain.Format(time.RFC3339))
	}
	if m.paused {
		text += "\tstate: \"paused\"\n"
	}
	if m.broken {
		text += "\tstats: 1\n"
	}
	if m.unreadable {
		return text // without its closing brace
	}
	return text + "}\n"
}

// unasked switches off what would hold most of what is played: it merges by
// itself, in all repos, what nothing has tested.
const unasked = "\tpolicies: {\"migration-merges-untested\": severity: \"off\", \"migration-whole-fleet\": severity: \"off\",\n" +
	"\t\t\"repos-changed\": severity: \"off\", \"owners-removed\": severity: \"off\", \"restarts-alone\": severity: \"off\", \"data-at-risk\": severity: \"off\"}\n"

// commit commits what is declared now to the config repo.
func (c *configs) commit(message string) error {
	for repo, o := range c.now.owners {
		if !o.broken {
			o.valid.team, o.valid.merge = o.team, o.merge
			c.now.owners[repo] = o
		}
	}
	files := c.now.files()
	change := map[string]*sandbox.File{}
	if len(c.revisions) > 0 {
		for path := range c.newest().files {
			change[path] = nil
		}
	}
	for path, content := range files {
		change[path] = &sandbox.File{Content: content}
	}
	id, err := c.p.forge.Person(people[0]).CommitFiles(configRepo, "", change, message)
	if err != nil {
		return err
	}
	c.revisions = append(c.revisions, newRevision(fleet.Revision(id), c.p.now, files, c.now.clone()))
	return nil
}
