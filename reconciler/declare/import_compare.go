package declare

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// compare says what changes against what is committed, and refuses what takes
// too much away.
func (m *importer) compare() {
	now := map[string]*importedRepo{}
	maps.Copy(now, m.repos)
	var gone, teamsGone []string
	for _, n := range slices.Sorted(maps.Keys(m.old.Ownership)) {
		old := m.old.Ownership[n]
		key := repoKey(old.Repo)
		switch r := now[key]; {
		case r == nil && m.owners[key] != nil:
			m.says("%s: left to %s", old.Repo, m.owners[key].Pos)
		case r == nil:
			gone = append(gone, string(old.Repo))
			m.says("%s: no owner any more, was %s", old.Repo, old.Owner)
		default:
			m.changes(old, r)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(now)) {
		if m.was[key] == nil {
			m.says("%s: owner %s", now[key].Repo, now[key].Owner)
		}
	}
	for _, n := range slices.Sorted(maps.Keys(m.old.Teams)) {
		_, hand := m.byHand(n)
		if _, there := m.teams[n]; !there && !hand {
			teamsGone = append(teamsGone, string(n))
			m.says("team %s: gone", n)
		}
	}
	for _, n := range slices.Sorted(maps.Keys(m.teams)) {
		old, there := m.old.Teams[n]
		t := m.teams[n]
		old.from, t.from = "", ""
		switch {
		case !there:
			m.says("team %s: new", n)
		case old.text(string(n)) != t.text(string(n)):
			m.says("team %s: changed", n)
		}
	}
	m.shrinks("repos", gone, len(m.old.Ownership))
	m.shrinks("teams", teamsGone, len(m.old.Teams))
}

func (m *importer) says(format string, args ...any) {
	m.out.What = append(m.out.What, fmt.Sprintf(format, args...))
}

func (m *importer) changes(old, r *importedRepo) {
	if old.Owner != r.Owner {
		m.says("%s: %s → %s", r.Repo, old.Owner, r.Owner)
	}
	patterns := map[string]bool{}
	for p := range old.Paths {
		patterns[p] = true
	}
	for p := range r.Paths {
		patterns[p] = true
	}
	for _, p := range slices.Sorted(maps.Keys(patterns)) {
		before, after := cmp.Or(old.Paths[p].Owner, "-"), cmp.Or(r.Paths[p].Owner, "-")
		if before != after {
			m.says("%s %s: %s → %s", r.Repo, p, before, after)
		}
	}
}

// leastShrink is what a percentage lets go anyhow, of twice as many or more.
const leastShrink = 5

// shrinks refuses an import that takes away more than the bound.
func (m *importer) shrinks(what string, gone []string, of int) {
	allowed := m.b.MaxShrink.Of(of)
	if m.b.MaxShrink.Percent {
		allowed = max(allowed, min(leastShrink, of/2))
	}
	if len(gone) <= allowed || m.out.Refused != "" {
		return
	}
	shown := strings.Join(gone[:min(3, len(gone))], ", ")
	if len(gone) > 3 {
		shown += ", …"
	}
	m.out.Refused = fmt.Sprintf("the catalog shrank: it has no owner any more for %d of %d %s (%s), and maxShrink lets go %d", len(gone), of, what, shown, allowed)
	if what == "teams" {
		m.out.Refused = fmt.Sprintf("the catalog shrank: %d of %d teams (%s) would go, and maxShrink lets go %d", len(gone), of, shown, allowed)
	}
}
