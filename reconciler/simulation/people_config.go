package simulation

import (
	"fmt"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// editConfig lets somebody commit to the config repo. A pass under way for an
// older revision ends early, as the daemon has it.
func (p *play) editConfig() {
	p.result.Acts++
	what := p.changeConfig()
	p.book.catchUp()
	err := p.configs.commit(what)
	p.journal.add(configRepo, "%s: %v", what, err)
	if p.inPass {
		p.preempt()
	}
}

func (p *play) changeConfig() string {
	d := &p.configs.now
	switch {
	case d.stop && p.chance(60):
		d.stop = false
		return "takes STOP away"
	case d.badSettings && p.chance(60):
		d.badSettings = false
		return "mends the settings"
	case d.mode != fleet.Merge && p.chance(50):
		d.mode = fleet.Merge
		return "mode merge"
	}
	switch n := p.rng.IntN(20); n {
	case 0:
		d.stop = true
		return "puts STOP there"
	case 1:
		d.badSettings = true
		return "breaks the settings"
	case 2:
		d.mode = pick(p, []fleet.Mode{fleet.Observe, fleet.Propose})
		return "mode " + string(d.mode)
	case 3, 4:
		d.openPerTeam, d.newPerDay = p.rng.IntN(6+p.o.Repos/10), p.rng.IntN(10+2*p.o.Repos)
		return fmt.Sprintf("openPerTeam %d, newPerDay %d", d.openPerTeam, d.newPerDay)
	case 5:
		d.removals = pick(p, []string{"5%", "50%", "100%"})
		return "removals " + d.removals
	case 6, 7, 8:
		return p.changeOwner(d)
	}
	if p.chance(15) {
		return p.changeLanes(&d.lanes)
	}
	name := pick(p, p.asked())
	m := d.migrations[name]
	what := p.changeMigration(&m)
	d.migrations[name] = m
	return what + " " + name
}

func (p *play) changeOwner(d *declared) string {
	repo := pick(p, p.repos)
	o, there := d.owners[repo]
	switch n := p.rng.IntN(6); {
	case !there:
		d.owners[repo] = owner{team: pick(p, teams), merge: p.policy()}
		return "declares the owner of " + string(repo)
	case n == 0:
		delete(d.owners, repo)
		return "removes the owner of " + string(repo)
	case n == 1:
		o.broken = !o.broken
	case n == 2:
		o.merge = p.policy()
	default:
		o.team = pick(p, teams)
	}
	d.owners[repo] = o
	return "changes the owner of " + string(repo)
}

func (p *play) changeMigration(m *migration) string {
	switch n := p.rng.IntN(20); {
	case !m.present || n < 4:
		m.present = !m.present
		return "adds or removes"
	case m.broken || m.unreadable:
		m.broken, m.unreadable = false, false
		return "mends"
	case n < 10:
		m.version++
		return "bumps"
	case n < 13:
		m.wording++
		return "rewords"
	case n < 14:
		m.paused = !m.paused
		return "pauses or goes on with"
	case n < 15:
		m.askAgain = p.now.Add(time.Duration(p.rng.IntN(120)-60) * time.Minute).Truncate(time.Second)
		return "asks again from " + m.askAgain.Format(time.RFC3339) + " on for"
	case n < 17:
		m.merge = p.policy()
		return "merge " + string(m.merge) + " of"
	case n < 19:
		m.broken = true
		return "breaks"
	}
	m.unreadable = true
	return "breaks the file of"
}

// finally is what people agree on in the end: everything declared, nothing
// broken, no limit but the forge's own, and half of it asked once more.
func (p *play) finally() error {
	d := &p.configs.now
	d.stop, d.badSettings, d.mode = false, false, fleet.Merge
	d.openPerTeam, d.newPerDay, d.removals = 0, 0, "100%"
	for _, name := range p.asked() {
		m := d.migrations[name]
		m.present, m.paused, m.broken, m.unreadable = true, false, false, false
		if p.chance(50) {
			m.askAgain = p.now.Add(time.Minute).Truncate(time.Second)
		}
		d.migrations[name] = m
	}
	d.lanes.present, d.lanes.broken, d.lanes.paused = true, false, false
	for repo, o := range d.owners {
		o.broken = false
		d.owners[repo] = o
	}
	return p.configs.commit("Agree")
}
