package rollout

import (
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// botPatience is how long after a bot closed a pull request it is asked again.
const botPatience = 24 * time.Hour

// byBot reports whether a bot that is not us closed the pull request.
func (i *Item) byBot() bool { return i.Pull.ClosedBy.Bot && !i.Pull.ClosedBy.Self }

// asksAgain reports whether the declaration asks again after the close, now or
// later.
func (i *Item) asksAgain() bool { return i.Pull.Closed.Before(i.Want.AskAgain) }

// otherNow reports whether the pull request that was closed held something
// else than what is wanted now, where that makes a difference.
func (i *Item) otherNow() bool {
	t, ours := ParseTrailers(i.Pull.HeadMessage)
	return i.Want.CloseIsOfThis && ours && t.Spec != i.Hash()
}

// Again is what the item's next pull request would ask once more for: the
// number of the one that was closed, and how many in a row bots had closed by
// then; zero where the next would be the first to ask.
func (i *Item) Again(s Settings) (number, bots int) {
	switch {
	case i.Pull == nil || i.Pull.State != fleet.PullClosed || i.closedByUs(s) || i.otherNow():
		return 0, 0
	case i.byBot() && !i.asksAgain():
		return i.Pull.Number, i.BotCloses + 1
	}
	return i.Pull.Number, 0
}

// declined is what a close by anyone but us asks for, if that is not to open
// another.
func (i *Item) declined(s Settings) (Decision, bool) {
	who := i.Pull.ClosedBy.Login
	if who == "" {
		who = "someone"
	}
	day := i.Pull.Closed.UTC().Format("2 January 2006")
	state, next := Declined, "nothing, unless someone reopens it, or the declaration asks again (askAgain)"
	if _, ours := ParseTrailers(i.Pull.HeadMessage); ours && i.Want.CloseIsOfThis { // else nobody knows what it held
		next = "nothing, until what is asked for is something else, or someone reopens it"
	}
	closes := i.BotCloses + 1
	switch again := i.Pull.Closed.Add(botPatience); {
	case i.otherNow():
		return Decision{}, false
	case i.asksAgain() && !s.Now.Before(i.Want.AskAgain):
		return Decision{}, false
	case i.asksAgain():
		next = "the declaration asks again from " + moment(i.Want.AskAgain) + " on (askAgain)"
	case i.byBot() && closes == 1 && !s.Now.Before(again):
		return Decision{}, false
	case i.byBot() && closes == 1:
		state, next = Waiting, "opens another, once, from "+moment(again)+" on; reopen it to have it sooner"
	case i.byBot():
		return Decision{Outcome: i.outcome(Blocked, "reopen it if it is wanted, and have the bot leave it open",
			"bots closed %d in a row, the bot %s #%d on %s", closes, who, i.Pull.Number, day)}, true
	}
	if i.byBot() {
		who = "the bot " + who
	}
	return Decision{Outcome: i.outcome(state, next, "%s closed #%d on %s", who, i.Pull.Number, day)}, true
}

// moment is a time as people read it: a day, if it begins then.
func moment(t time.Time) string {
	t = t.UTC()
	if t.Truncate(24 * time.Hour).Equal(t) {
		return t.Format("2 January 2006")
	}
	return t.Format("2 January 2006, 15:04 UTC")
}
