package held

import (
	"context"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/source"
)

// fileKind is the kind of a file's ID, beside fleet.TeamKind and
// fleet.SettingsKind.
const fileKind = "file"

var settingsID = fleet.ID{Kind: fleet.SettingsKind}

func teamID(name fleet.TeamName) fleet.ID {
	return fleet.ID{Kind: fleet.TeamKind, Name: string(name)}
}

// place is a thing at a revision, and verdict what is known of it there.
type place struct {
	rev fleet.Revision
	id  fleet.ID
}

type verdict struct {
	stands bool // if invalidly
	when   time.Time
	// One of these is set if it is valid.
	declaration *fleet.Declaration
	team        *fleet.Team
	settings    *fleet.Settings
	declares    []fleet.ID // of a file; not nil
}

func (v verdict) valid() bool {
	return v.declaration != nil || v.team != nil || v.settings != nil || v.declares != nil
}

// maxKnown bounds what is remembered; beyond it everything is found out again.
const maxKnown = 200_000

// judge finds out what things are at a revision, loading it only where that is
// not known yet.
func (w *walk) judge(ctx context.Context, rev fleet.Revision, things []fleet.ID) (map[fleet.ID]verdict, error) {
	all := map[fleet.ID]verdict{}
	var unknown []fleet.ID
	for _, id := range things {
		if v, known := w.known[place{rev, id}]; known {
			all[id] = v
		} else {
			unknown = append(unknown, id)
		}
	}
	if len(unknown) == 0 {
		return all, nil
	}
	tree, err := w.Source.At(ctx, w.tree, rev)
	if err != nil {
		return nil, err
	}
	old := load(w.Reader, tree)
	for _, id := range unknown {
		all[id] = old.verdict(id)
	}
	if err := w.mend(ctx, old, unknown); err != nil {
		return nil, err
	}
	for _, id := range unknown {
		v := all[id]
		if d := old.byID[id]; d != nil && d.Frozen == nil {
			held := *d
			held.Teams = old.config.Teams
			if err := w.since(ctx, tree, &held); err != nil {
				return nil, err
			}
			v.declaration = &held
		}
		all[id] = v
		w.remember(rev, id, v)
	}
	return all, nil
}

func (r *Reader) remember(rev fleet.Revision, id fleet.ID, v verdict) {
	if r.known == nil || len(r.known) > maxKnown {
		r.known = map[place]verdict{}
	}
	r.known[place{rev, id}] = v
}

// revision is an older revision, loaded.
type revision struct {
	tree   *source.Tree
	config *fleet.Config
	byID   map[fleet.ID]*fleet.Declaration
}

func load(r *Reader, tree *source.Tree) *revision {
	old := &revision{tree, r.Load(tree.Files), map[fleet.ID]*fleet.Declaration{}}
	old.config.Revision, old.config.Time = tree.Revision, tree.Time
	for _, d := range old.config.Declarations {
		old.byID[d.ID] = d
	}
	return old
}

// mend puts the teams that were held at an older revision into its config,
// where things may have been valid with them: they were enforced so then.
func (w *walk) mend(ctx context.Context, old *revision, things []fleet.ID) error {
	config := old.config
	sought := append(brokenTeams(config), brokenFiles(config)...)
	drafts := slices.ContainsFunc(things, func(id fleet.ID) bool {
		d := old.byID[id]
		return d != nil && d.Draft != nil
	})
	if !drafts || len(sought) == 0 {
		return nil
	}
	s := (&walk{Reader: w.Reader, tree: old.tree, teamsOnly: true}).search(config, sought)
	if err := s.run(ctx); err != nil {
		return err
	}
	for _, f := range s.found {
		if f.team != nil {
			config.Teams[f.team.Name] = *f.team
		}
	}
	recheck(config, w.Kinds)
	return nil
}

// verdict is what the revision alone says of a thing; whether a declaration is
// valid is told once its teams are known.
func (r *revision) verdict(id fleet.ID) verdict {
	v, config := verdict{when: r.tree.Time}, r.config
	switch id.Kind {
	case fleet.SettingsKind:
		s := config.Settings
		if v.stands = s.Invalid != nil || s.Pos.File != ""; v.stands && s.Invalid == nil {
			v.settings = &s
		}
	case fleet.TeamKind:
		team, valid := config.Teams[fleet.TeamName(id.Name)]
		_, broken := config.BrokenTeams[fleet.TeamName(id.Name)]
		if v.stands = valid || broken; valid {
			v.team = &team
		}
	case fileKind:
		_, err := fs.Stat(r.tree.Files, id.Name)
		if v.stands = err == nil; v.stands && !broken(config, id.Name) {
			v.declares = declares(config, id.Name)
		}
	default:
		v.stands = r.byID[id] != nil
	}
	return v
}

// brokenTeams are the teams that stand in a config and are invalid.
func brokenTeams(config *fleet.Config) (all []fleet.ID) {
	for _, name := range slices.Sorted(maps.Keys(config.BrokenTeams)) {
		all = append(all, teamID(name))
	}
	return all
}

// brokenFiles are the files, and folders, that could not be read whole.
func brokenFiles(config *fleet.Config) (all []fleet.ID) {
	for _, name := range slices.Concat(config.Broken, config.Unreadable) {
		if id := (fleet.ID{Kind: fileKind, Name: name}); !slices.Contains(all, id) {
			all = append(all, id)
		}
	}
	return all
}

// broken reports whether a file, or a folder or something in it, could not be
// read whole.
func broken(config *fleet.Config, name string) bool {
	return slices.ContainsFunc(brokenFiles(config), func(id fleet.ID) bool {
		return within(id.Name, name) || within(name, id.Name)
	})
}

// within reports whether a path is another, or below it.
func within(path, other string) bool {
	return other == "." || path == other || strings.HasPrefix(path, other+"/")
}

// declares are the things that a file, or the files of a folder, declare.
func declares(config *fleet.Config, name string) []fleet.ID {
	all := []fleet.ID{}
	if config.Settings.Pos.File != "" && within(config.Settings.Pos.File, name) {
		all = append(all, settingsID)
	}
	for _, team := range slices.Sorted(maps.Keys(config.Teams)) {
		if within(config.Teams[team].Pos.File, name) {
			all = append(all, teamID(team))
		}
	}
	for _, d := range config.Declarations {
		if within(d.Pos.File, name) {
			all = append(all, d.ID)
		}
	}
	return all
}

// shown tells whether a config shows a thing, if invalidly.
func shown(config *fleet.Config) func(fleet.ID) bool {
	all := map[fleet.ID]bool{settingsID: config.Settings.Pos.File != "" || config.Settings.Invalid != nil}
	for name := range config.Teams {
		all[teamID(name)] = true
	}
	for name := range config.BrokenTeams {
		all[teamID(name)] = true
	}
	for _, d := range config.Declarations {
		all[d.ID] = true
	}
	return func(id fleet.ID) bool { return all[id] }
}
