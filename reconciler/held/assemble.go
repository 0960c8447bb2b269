package held

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
)

// assembly puts what was found into a config.
type assembly struct {
	kinds  kind.Set
	config *fleet.Config
	hidden map[fleet.ID]hidden
}

// invalid are the settings and declarations that are shown and invalid.
func (a *assembly) invalid() (all []fleet.ID) {
	if a.config.Settings.Invalid != nil {
		all = append(all, settingsID)
	}
	for _, d := range a.config.Declarations {
		if d.Frozen != nil {
			all = append(all, d.ID)
		}
	}
	return all
}

// mark marks a thing as invalid, and held if it is.
func (a *assembly) mark(id fleet.ID, f found, held bool, p fleet.Problem) *fleet.Stale {
	s := fleet.Stale{Kind: id.Kind, Name: id.Name, Held: held, Revision: f.rev, Time: f.when, Never: f.never, Problem: p}
	a.config.Stale = append(a.config.Stale, s)
	return &s
}

// teams holds teams, hidden ones too.
func (a *assembly) teams(s *search) {
	for _, id := range slices.SortedFunc(maps.Keys(s.found), fleet.ID.Compare) {
		if id.Kind != fleet.TeamKind {
			continue
		}
		f, problem := s.found[id], a.config.BrokenTeams[fleet.TeamName(id.Name)]
		if file := s.in[id]; file != "" {
			problem = a.fileProblem(file)
		}
		if f.team != nil {
			a.config.Teams[f.team.Name] = *f.team
		}
		a.mark(id, f, f.team != nil, problem)
	}
}

// settings holds the settings, as far as their text lets them go today.
func (a *assembly) settings(s *search) {
	f, sought := s.found[settingsID]
	asked := a.config.Settings.Invalid
	if h, ok := a.hidden[settingsID]; ok {
		f, sought = h.found, true
		asked = &fleet.InvalidSettings{Problem: a.fileProblem(h.file), Mode: fleet.Observe}
		a.config.Problems = slices.DeleteFunc(a.config.Problems, func(p fleet.Problem) bool { return p.Code == "no-settings" })
	}
	if !sought {
		return
	}
	stale := a.mark(settingsID, f, f.settings != nil, asked.Problem)
	if f.settings == nil {
		a.config.Settings.Stale = stale
		return
	}
	old := *f.settings
	old.Mode = fleet.Lower(old.Mode, asked.Mode)
	old.Exclude = slices.Concat(old.Exclude, asked.Exclude)
	old.Limits.OpenPerTeam = lower(old.Limits.OpenPerTeam, asked.Limits.OpenPerTeam)
	old.Limits.NewPerDay = lower(old.Limits.NewPerDay, asked.Limits.NewPerDay)
	old.Limits.UpdatesPerHour = lower(old.Limits.UpdatesPerHour, asked.Limits.UpdatesPerHour)
	old.Stale = stale
	a.config.Settings = old
}

// lower is the lower of two limits, of which 0 is none.
func lower(a, b int) int {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// declarations holds what is invalid or hidden, or freezes it. Of two that say
// whom a repo belongs to, a valid one counts before a held one, and of two
// held ones the one that was valid last.
func (a *assembly) declarations(s *search) {
	type candidate struct {
		fleet.ID
		found
		problem fleet.Problem
		frozen  *fleet.Declaration
	}
	var all []candidate
	for _, d := range a.config.Declarations {
		if f, ok := s.found[d.ID]; ok {
			all = append(all, candidate{d.ID, f, fleet.FirstError(d.Frozen), d})
		}
	}
	for id, h := range a.hidden {
		if _, ok := a.kinds.Find(id.Kind); ok {
			problem := a.fileProblem(h.file)
			d := &fleet.Declaration{ID: id, Pos: fleet.Pos{File: h.file}, Frozen: []fleet.Problem{problem}}
			if old := h.declaration; old != nil {
				d.Pos, d.End, d.Owner, d.Revision, d.Changed = old.Pos, old.End, old.Owner, old.Revision, old.Changed
			}
			a.config.Declarations = append(a.config.Declarations, d)
			all = append(all, candidate{id, h.found, problem, d})
		}
	}
	slices.SortFunc(all, func(a, b candidate) int { return cmp.Or(cmp.Compare(a.back, b.back), a.ID.Compare(b.ID)) })
	taken := map[string]bool{}
	for _, c := range all {
		k, _ := a.kinds.Find(c.ID.Kind)
		held := k.Holds && c.declaration != nil && a.take(c.declaration, taken)
		if held {
			*c.frozen = *c.declaration
		}
		c.frozen.Stale = a.mark(c.ID, c.found, held, c.problem)
	}
	slices.SortFunc(a.config.Declarations, func(a, b *fleet.Declaration) int { return a.ID.Compare(b.ID) })
	kind.Index(a.config)
}

// take takes the repo that a declaration gives an owner, and reports whether
// it had none yet.
func (a *assembly) take(d *fleet.Declaration, taken map[string]bool) bool {
	if d.Owns == "" {
		return true
	}
	key := strings.ToLower(string(d.Owns))
	if taken[key] || len(kind.Owners(a.config, d.Owns)) > 0 {
		return false
	}
	taken[key] = true
	return true
}

// fileProblem is why a file, or a folder, can't be read whole.
func (a *assembly) fileProblem(name string) fleet.Problem {
	for _, p := range a.config.Problems {
		if p.Severity != fleet.Warning && within(p.Pos.File, name) {
			return p
		}
	}
	return fleet.Problem{
		Severity: fleet.Error, Code: "unreadable", Pos: fleet.Pos{File: name},
		Message: "what the file declares depends on another that can't be read",
	}
}

// recheck lets go on what had failed a check and, with the teams that the
// config has by now, does not fail it any more.
func recheck(config *fleet.Config, kinds kind.Set) {
	var drafts []*fleet.Declaration
	for _, d := range config.Declarations {
		if d.Draft != nil {
			d.Spec, d.SpecHash = d.Draft.Spec, d.Draft.SpecHash
			drafts = append(drafts, d)
		}
	}
	kind.Index(config)
	found := make([][]fleet.Problem, len(drafts))
	for i, d := range drafts {
		k, _ := kinds.Find(d.ID.Kind)
		found[i] = k.Check(d, config)
	}
	gone := map[fleet.Problem]bool{}
	for i, d := range drafts {
		if fleet.HasErrors(found[i]) {
			d.Spec, d.SpecHash = nil, ""
			continue
		}
		for _, p := range d.Frozen {
			gone[p] = true
		}
		d.Frozen, d.Draft = nil, nil
	}
	config.Problems = slices.DeleteFunc(config.Problems, func(p fleet.Problem) bool { return gone[p] })
	kind.Index(config)
}
