package main

import (
	"strings"
	"testing"

	"github.com/portreeve/portreeve/reconciler/disk"
	"github.com/portreeve/portreeve/reconciler/fleet"
)

// lentLife is a life in which an engineer is lent, and killed in it is only what
// writes to the forge: what is on the disk does not know of loans.
type lentLife struct {
	*life
	*lending
	before fleet.Role // what she may do herself
}

func newLentLife(t *testing.T, lost bool) *lentLife {
	l := &lentLife{lending: newGranting(t)}
	if lost {
		l.before = fleet.RoleRead
	}
	must(t, l.lending.SetAccess("acme/deploy", "maria-s", l.before))
	l.life = lifeOn(l.lending.stage, lost, "acme/deploy", "acme/config")
	l.life.clock = l.lending.clock
	l.spares = func(disk.Change) moment { return spared }
	return l
}

// play plays it: she is not lent yet, lent, and lent no more, and both teams are
// asked, once, how it went.
func (l *lentLife) play(t *testing.T) {
	t.Helper()
	for _, chapter := range []struct {
		day, owners string
		role        fleet.Role
		waits       int
		asked       int
	}{
		{"2026-11-01", "* @acme/platform", l.before, 1, 0},
		{"2026-11-02", "* @acme/platform @maria-s", fleet.RoleWrite, 0, 0},
		{"2026-12-18", "* @acme/platform @maria-s", fleet.RoleWrite, 0, 0},
		{"2026-12-21", "* @acme/platform", l.before, 0, 1},
		{"2027-02-01", "* @acme/platform", l.before, 0, 1},
	} {
		l.noon(t, chapter.day)
		l.waits = chapter.waits
		l.life.settle(t)
		l.mayOnly(t, chapter.role)
		file, err := l.life.ReadFile("acme/deploy", "", ".github/CODEOWNERS")
		must(t, err)
		if !strings.HasSuffix(file, "\n"+chapter.owners+"\n") {
			t.Errorf("%s, %s: CODEOWNERS says %q", chapter.day, l.what, file)
		}
		issues, err := l.life.Issues("acme/config")
		must(t, err)
		asked, writtenDown := 0, 0
		for _, issue := range issues {
			if strings.Contains(issue.Body, "lent `maria-s` to platform") {
				asked++
			} else {
				writtenDown++
			}
		}
		if asked != chapter.asked || writtenDown > 1 {
			t.Errorf("%s, %s: both teams are asked %d times, expected %d; %d issues tell what was given", chapter.day, l.what, asked, chapter.asked, writtenDown)
		}
	}
	l.once(t)
}
