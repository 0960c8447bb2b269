package simulation

import (
	"slices"
	"strings"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge/sandbox"
	"github.com/portreeve/portreeve/reconciler/store"
)

// book is what has happened, from the forge's journal of writes, and what of
// it breaks a promise.
type book struct {
	p    *play
	seen int // writes that were read
	err  error

	pulls  map[pullKey]*pullFacts
	of     map[branchKey][]int // numbers of a branch's pull requests, oldest first
	held   map[branchKey][]work
	opened []sandbox.Write   // by us
	said   map[string]int    // our comments on a pull request, by their text
	wrote  map[string]string // by us, on the branches of lanes
	others moment            // when others last wrote in the repo of lanes

	begun  begun     // the step under way
	began  time.Time // the pass
	pass   *store.Pass
	events []sandbox.Write  // of the pass under way
	start  map[pullKey]bool // what was open when it began
}

type branchKey struct {
	repo   fleet.RepoName
	branch string
}

type pullKey struct {
	repo   fleet.RepoName
	number int
}

type pullFacts struct {
	branch   string
	open     bool
	openedBy string // also who reopened it
	merged   bool
	closedBy string
	ended    time.Time // of closing or merging
	afterBot bool      // opened because a bot had closed the one before
	since    moment    // it is so
	reopened int
	refused  string // what it held when somebody closed it, of a lane

	queued  bool
	inSince moment // of being queued
	// lost is when somebody else, or the queue, took this head out of it; nil
	// for never.
	lost *moment
}

// moment is when something came to be, and the pass in or before which it did.
type moment struct {
	pass int
	at   time.Time
}

// unseen reports whether the pass under way can have missed what was done at
// a moment: because it came later, or because reads lag behind.
func (b *book) unseen(m moment) bool {
	return m.pass >= b.p.result.Passes || b.p.trouble && b.began.Sub(m.at) < lag
}

func newBook(p *play) *book {
	return &book{
		p: p, pulls: map[pullKey]*pullFacts{}, of: map[branchKey][]int{}, held: map[branchKey][]work{},
		said: map[string]int{}, wrote: map[string]string{}, start: map[pullKey]bool{},
	}
}

// breaks notes the first promise that was broken.
func (b *book) breaks(repo fleet.RepoName, format string, args ...any) {
	if b.err == nil {
		b.err = b.p.broken(repo, format, args...)
	}
}

// before begins a pass.
func (b *book) before() {
	b.catchUp()
	b.events, b.begun, b.began = nil, begun{}, b.p.now
	clear(b.start)
	for key, f := range b.pulls {
		if f.open {
			b.start[key] = true
		}
	}
}

// catchUp reads what has been written since.
func (b *book) catchUp() {
	writes := b.p.forge.Counts().Writes
	for _, w := range writes[b.seen:] {
		b.events = append(b.events, w)
		b.take(w)
	}
	b.seen = len(writes)
}

func (b *book) take(w sandbox.Write) {
	key := pullKey{w.Repo, w.Number}
	f := b.pulls[key]
	if w.By == ours || w.Do != "push" {
		b.p.journal.add(w.Repo, "  %s: %s #%d %s", w.By, w.Do, w.Number, w.Detail)
	}
	b.asBegun(w)
	now := moment{b.p.result.Passes, w.At}
	if w.Repo == lanesRepo && w.By != ours {
		b.others = now
	}
	switch w.Do {
	case "open":
		f := &pullFacts{branch: w.Detail, open: true, openedBy: w.By, since: now}
		if w.By == ours {
			f.afterBot = b.mayOpen(w)
			b.inTurn(w)
			b.inWave(w)
			b.opened = append(b.opened, w)
		}
		b.pulls[key] = f
		branch := branchKey{w.Repo, w.Detail}
		b.of[branch] = append(b.of[branch], w.Number)
	case "close":
		f.open, f.closedBy, f.since, f.ended = false, w.By, now, w.At
		b.refuses(key, f)
	case "merge":
		f.open, f.merged, f.since, f.ended = false, true, now, w.At
		b.dropAll(w.Repo, f.branch)
	case "reopen":
		f.open, f.openedBy, f.closedBy, f.since = true, w.By, "", now
		f.reopened++
	case "enqueue":
		if w.By == ours && f.lost != nil && !b.unseen(*f.lost) {
			b.breaks(w.Repo, "we put #%d into the queue again", w.Number)
		}
		f.queued, f.inSince, f.lost = true, now, nil
	case "dequeue":
		f.queued = false
		if w.By != ours && w.Detail != "merged" {
			f.lost = &now
		}
	case "push":
		b.takePush(w)
		b.writes(w)
	case "comment":
		if w.By == ours {
			text := string(w.Repo) + "#" + f.branch + w.Detail
			if b.said[text]++; b.said[text] > 1+b.ends(w.Repo, f.branch) {
				b.breaks(w.Repo, "the comment on #%d was made %d times: %s", w.Number, b.said[text], w.Detail)
			}
		}
	case "branch-deleted":
		branch, _, _ := strings.Cut(w.Detail, " ")
		if w.By == ours && !strings.HasPrefix(branch, fleet.BranchPrefix) {
			b.breaks(w.Repo, "we deleted the branch %s", branch)
		}
	}
}

// current is the number of the branch's pull request that counts: the newest
// that is open, else the newest; 0 for none.
func (b *book) current(branch branchKey) (number int) {
	for _, n := range slices.Backward(b.of[branch]) {
		if b.pulls[pullKey{branch.repo, n}].open {
			return n
		}
		number = max(number, n)
	}
	return number
}

// takePush holds that we push to nothing that is in a queue. What was lost by
// it is lost no more: the head is another.
func (b *book) takePush(w sandbox.Write) {
	branch, _, _ := strings.Cut(w.Detail, " ")
	key := pullKey{w.Repo, b.current(branchKey{w.Repo, branch})}
	f := b.pulls[key]
	if f == nil {
		return
	}
	if w.By == ours && f.queued && !b.unseen(f.inSince) {
		b.breaks(w.Repo, "we pushed to #%d, which is in the queue", key.number)
	}
	f.lost = nil
}

// ends is how often pull requests of a branch were opened again, by number or
// as new ones.
func (b *book) ends(repo fleet.RepoName, branch string) (n int) {
	for key, f := range b.pulls {
		if key.repo == repo && f.branch == branch {
			n += 1 + f.reopened
		}
	}
	return n - 1
}

// mayOpen holds a pull request of ours to what was so before the pass began:
// what people did since, nobody can have seen. It reports whether a bot's
// close is what it was opened after.
func (b *book) mayOpen(w sandbox.Write) (afterBot bool) {
	for key, f := range b.pulls {
		if key.repo == w.Repo && f.branch == w.Detail && f.open && b.start[key] {
			b.breaks(w.Repo, "#%d was opened while #%d was open for %s", w.Number, key.number, w.Detail)
		}
	}
	number := b.current(branchKey{w.Repo, w.Detail})
	f := b.pulls[pullKey{w.Repo, number}]
	if f == nil || f.open || f.merged || f.closedBy == ours || b.unseen(f.since) {
		return false
	}
	if !b.p.mayAsk(f, w.At) {
		b.breaks(w.Repo, "#%d was opened after %s had closed #%d of %s", w.Number, f.closedBy, number, w.Detail)
		return false
	}
	b.p.result.Asked++
	return f.closedBy == bot && !b.p.asksAgain(f.branch, f.ended, w.At) && !b.p.asksElse(f)
}

// mayAsk reports whether another pull request may follow one that was closed,
// and not by us: where its declaration asks again, and a day after a bot that
// has closed but this one.
func (p *play) mayAsk(f *pullFacts, now time.Time) bool {
	return p.asksAgain(f.branch, f.ended, now) || p.asksElse(f) ||
		f.closedBy == bot && !f.afterBot && now.Sub(f.ended) >= 24*time.Hour
}

// asksAgain reports whether a branch's declaration, by the revision read last,
// asks again after its pull request was closed.
func (p *play) asksAgain(branch string, closed, now time.Time) bool {
	says := p.configs.now
	if p.configs.read != nil {
		says, _ = p.configs.at(p.configs.read.Revision)
	}
	name, _ := strings.CutPrefix(branch, fleet.BranchPrefix+"migration/")
	at := says.migrations[name].askAgain
	return closed.Before(at) && !now.Before(at)
}
