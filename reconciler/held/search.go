package held

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/source"
)

// walk goes back from a tree.
type walk struct {
	*Reader
	tree *source.Tree
	// teamsOnly says that nothing but teams is looked for, also in files.
	teamsOnly bool
}

// search looks for the last revision in which things were valid.
type search struct {
	*walk
	shown func(fleet.ID) bool // whether the newest revision shows a thing
	// pending are still looked for; stood are those of them that stand in an
	// older revision, if never valid.
	pending []fleet.ID
	stood   map[fleet.ID]bool
	// also are judged on the way, since they may be looked for later.
	also  []fleet.ID
	found map[fleet.ID]found
	in    map[fleet.ID]string // the file that hides a thing from the newest revision
}

// found is a thing where it was last valid, or why that can't be told.
type found struct {
	verdict
	rev   fleet.Revision
	back  int // revisions
	never string
}

func (w *walk) search(config *fleet.Config, things []fleet.ID) *search {
	return &search{
		walk: w, shown: shown(config), pending: things,
		stood: map[fleet.ID]bool{}, found: map[fleet.ID]found{}, in: map[fleet.ID]string{},
	}
}

// run looks for all that is pending. Afterwards each is found, if only as
// never. An error is of history that can't be read.
func (s *search) run(ctx context.Context) error {
	rev, commits := s.tree.Revision, 0
	for back := 1; len(s.pending) > 0; back++ {
		before, looked, err := s.Source.Before(ctx, s.tree, rev)
		commits += looked
		bound := back > maxRevisions || commits >= maxCommits
		if err == nil && before != "" && !bound {
			err = s.at(ctx, before, back)
		}
		switch {
		case err != nil:
			s.giveUp(func(fleet.ID) string { return "its history can't be read" })
			return err
		case bound:
			s.giveUp(func(fleet.ID) string { return fmt.Sprintf("valid in none of the last %d revisions", back-1) })
		case before == "":
			s.giveUp(s.without)
		}
		rev = before
	}
	return nil
}

// giveUp ends the search for what is still pending.
func (s *search) giveUp(never func(fleet.ID) string) {
	for _, id := range s.pending {
		s.found[id] = found{never: never(id)}
	}
	s.pending = nil
}

// without says of a thing that all of history does not show it valid.
func (s *search) without(id fleet.ID) string {
	if s.stood[id] {
		return "valid in no revision for this version of portreeve"
	}
	return "never valid so far"
}

// at tries one revision. What a file declared when it could last be read, and
// the newest revision does not show, is looked for from there on.
func (s *search) at(ctx context.Context, rev fleet.Revision, back int) error {
	verdicts, err := s.judge(ctx, rev, append(slices.Clone(s.pending), s.also...))
	if err != nil {
		return err
	}
	var hidden []fleet.ID
	try := func(things []fleet.ID) (still []fleet.ID) {
		for _, id := range things {
			v := verdicts[id]
			s.stood[id] = s.stood[id] || v.stands
			if !v.valid() {
				still = append(still, id)
				continue
			}
			s.found[id] = found{verdict: v, rev: rev, back: back}
			for _, inside := range v.declares {
				if !s.shown(inside) && s.in[inside] == "" && (!s.teamsOnly || inside.Kind == fleet.TeamKind) {
					s.in[inside] = id.Name
					hidden = append(hidden, inside)
				}
			}
		}
		return still
	}
	pending := try(s.pending)
	if len(hidden) > 0 {
		if verdicts, err = s.judge(ctx, rev, hidden); err != nil {
			return err
		}
		pending = append(pending, try(hidden)...)
	}
	s.pending = pending
	return nil
}

// hidden are the things that files hide from the newest revision, where they
// were last valid.
func (s *search) hidden() map[fleet.ID]hidden {
	all := map[fleet.ID]hidden{}
	for _, id := range slices.SortedFunc(maps.Keys(s.in), fleet.ID.Compare) {
		all[id] = hidden{s.found[id], s.in[id]}
	}
	return all
}

type hidden struct {
	found
	file string
}
