package simulation

import (
	"fmt"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
	"github.com/portreeve/portreeve/reconciler/forge/sandbox"
	"github.com/portreeve/portreeve/reconciler/rollout"
)

// begun is a step under way, and what it could find when it began.
type begun struct {
	action rollout.Action
	branch branchKey
	number int  // of the branch's pull request, 0 for none
	open   bool // that one is
	theirs bool // a person has closed that one
	behind bool // it was told of a moment before, so what is above it can't know
}

// begins is told of each step before it is taken. In a large fleet minutes lie
// between a plan and its steps: people act meanwhile, most of all on what the
// step is about.
func (p *play) begins(s *rollout.Step) {
	p.lagging.look(s.Repo)
	if p.trouble && p.chance(often(s)) {
		p.interfere(s)
	}
	p.book.catchUp()
	at := begun{action: s.Action, branch: branchKey{s.Repo, s.Branch}}
	at.number = p.book.current(at.branch)
	if f := p.book.pulls[pullKey{s.Repo, at.number}]; f != nil {
		at.open, at.theirs = f.open, !f.open && !f.merged && f.closedBy != ours && !p.mayAsk(f, p.now)
	}
	p.book.begun = at
}

// often is in how many of a hundred steps a person comes first: the rarer the
// step, the more often, so that few seeds show what happens then.
func often(s *rollout.Step) int {
	switch {
	case s.Action == rollout.Close, s.Action == rollout.DeleteBranch:
		return 60
	case s.Action == rollout.Update, s.Action == rollout.Open && len(s.Edits) == 0: // the branch is there, so anyone can open it first
		return 50
	case s.Action == rollout.Open, s.Action == rollout.Merge, s.Action == rollout.Enqueue:
		return 30
	}
	return 12
}

// interfere has a person do something to the branch of a step, or to its pull
// request.
func (p *play) interfere(s *rollout.Step) {
	a := &actor{play: p, repo: s.Repo, login: pick(p, people)}
	a.Person = p.forge.Person(a.login)
	p.book.catchUp()
	p.result.Acts++
	number := p.book.current(branchKey{s.Repo, s.Branch})
	what, err := a.interfere(s, number)
	if err != nil {
		what += ": " + err.Error()
	}
	p.journal.add(s.Repo, "%s %s, before we %s", a.login, what, s.Action)
	p.book.catchUp()
}

func (a *actor) interfere(s *rollout.Step, number int) (string, error) {
	f := a.book.pulls[pullKey{a.repo, number}]
	n := a.rng.IntN(10)
	switch {
	case s.Action == rollout.Open && n < 8: // which fails where there is no branch yet
		mine, err := a.OpenPull(a.repo, forge.NewPull{Text: forge.Text{Title: "Mine"}, Head: s.Branch})
		if err == nil {
			err = a.Close(a.repo, mine)
		}
		return fmt.Sprintf("opens and closes #%d from %s", mine, s.Branch), err
	case (s.Action == rollout.Merge || s.Action == rollout.Enqueue) && n < 3:
		return fmt.Sprintf("asks for changes in #%d", number), a.RequestChanges(a.repo, number, "Not so.")
	case (s.Action == rollout.Merge || s.Action == rollout.Enqueue) && n < 5:
		return fmt.Sprintf("makes a draft of #%d", number), a.Draft(a.repo, number, true)
	case n < 5 && f != nil && f.open:
		return fmt.Sprintf("closes #%d", number), a.Close(a.repo, number)
	case n < 5 && f != nil:
		return fmt.Sprintf("reopens #%d", number), a.Reopen(a.repo, number)
	case n < 7 && f != nil && f.open:
		return fmt.Sprintf("merges #%d", number), a.Merge(a.repo, number, fleet.MergeSquash)
	}
	return a.push(s.Branch, note)
}

// asBegun holds a write of ours to what its step could find when it began.
func (b *book) asBegun(w sandbox.Write) {
	at := b.begun
	if w.By != ours || w.Repo != at.branch.repo || at.behind {
		return
	}
	branch, _, _ := strings.Cut(w.Detail, " ")
	about := branch == at.branch.branch
	switch {
	case w.Do == "open" && about && at.theirs:
		b.breaks(w.Repo, "#%d was opened, though a person had closed #%d of %s before that step", w.Number, at.number, branch)
	case w.Do == "push" && about && at.theirs:
		b.breaks(w.Repo, "%s was written, though a person had closed its #%d before that step", branch, at.number)
	case w.Do == "branch-deleted" && about && (at.open || at.theirs):
		b.breaks(w.Repo, "%s was deleted, though before that step #%d was open, or closed by a person", branch, at.number)
	case w.Do == "comment" && w.Number == at.number && !at.open:
		b.breaks(w.Repo, "#%d was told why we close it, though it was closed before that step", w.Number)
	}
}

const migrationBranch = fleet.BranchPrefix + "migration/"

// inTurn holds that those which edit one file of a repo go one after the
// other: none of ours is opened while another one is open, unless that one is
// about to end, or stands still because its declaration says so or is broken.
func (b *book) inTurn(w sandbox.Write) {
	name, ok := strings.CutPrefix(w.Detail, migrationBranch)
	if !ok || b.p.configs.read == nil {
		return
	}
	for _, event := range b.events {
		if event.Repo == w.Repo && event.By != ours {
			return // since the pass began: nobody can have seen it
		}
	}
	says, _ := b.p.configs.at(b.p.configs.read.Revision)
	mine := asks[name]
	for _, other := range b.p.asked() {
		m, ask := says.migrations[other], asks[other]
		number := b.current(branchKey{w.Repo, migrationBranch + other})
		f := b.pulls[pullKey{w.Repo, number}]
		if other == name || ask.path != mine.path || ask.topic != mine.topic || f == nil || !f.open || !m.moves() {
			continue
		}
		content, err := b.p.forge.ReadFile(w.Repo, "", mine.path)
		if !ask.wants(content, err == nil, m.version) {
			b.breaks(w.Repo, "#%d of %s was opened while #%d of %s was open, and both edit %s", w.Number, name, number, other, mine.path)
		}
	}
}

// moves reports whether something is done for a migration.
func (m migration) moves() bool { return m.present && !m.paused && !m.broken && !m.unreadable }
