package rollout

import (
	"fmt"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// work is a branch that people worked on, commit by commit.
type work struct {
	// ours is what our commit says of itself, also if a person amended it;
	// found says that there is one.
	ours  Trailers
	found bool
	// newest says that the branch begins on its base's newest commit, so that
	// nothing can conflict with it.
	newest bool
	picks  []fleet.Pick
	stop   string // why ours can't be made anew beneath them
}

// work sorts the commits of the item's branch. The first that has our trailers
// is ours; every other is a person's, and so is what was changed of ours by
// whoever amended it. A merge of the base is nobody's, if it holds nothing
// else; any other merge can't be made again.
func (i *Item) work() work {
	var w work
	commits := i.History.Commits
	switch {
	case i.History.Unread != "":
		w.stop = "its commits could not be read: " + i.History.Unread
	case i.History.TooMany:
		w.stop = fmt.Sprintf("it has more than %d commits", fleet.MaxHistory)
	}
	var since fleet.CommitID
	if len(commits) > 0 && len(commits[0].Parents) > 0 {
		since = commits[0].Parents[0]
	}
	w.newest = since != "" && since == i.Head.Commit
	for n := range commits {
		c := &commits[n]
		t, is := ParseTrailers(c.Message)
		pick := fleet.Pick{Commit: c.ID}
		if is {
			pick.Message = Untrailed(c.Message)
		}
		switch first := is && t.Declaration == i.ID && !w.found; {
		case len(c.Parents) == 2 && c.FromBase:
			pick.Since, pick.Message = since, ""
			since, w.newest = c.Parents[1], false
		case len(c.Parents) != 1:
			if w.stop == "" {
				w.stop = named(c) + " merges something else than its base"
			}
		case first && t.Tree == c.Tree && t.Base == c.Parents[0]:
			w.ours, w.found = t, true
			continue
		case first:
			w.ours, w.found = t, true
			pick.Made = &fleet.Made{Base: t.Base, Tree: t.Tree}
		}
		w.picks = append(w.picks, pick)
	}
	if w.stop == "" && !w.found {
		w.stop = "none of its commits is Portreeve's"
	}
	return w
}

// anew makes our commit anew on the base's newest commit: by itself, or
// beneath the commits by people, which are then put back on top, in order.
// Where that can't be done nothing is written, and people are told why.
func (i *Item) anew(w work, why string) Decision {
	if len(w.picks) == 0 && w.stop == "" {
		return i.update(why)
	}
	next := "merge it as it is, or close it"
	if why == conflicts {
		next = "merge its base into it, or close it"
	}
	switch {
	case w.stop != "":
		return Decision{Outcome: i.outcome(Blocked, next, "#%d has to be made anew, since %s; but %s", i.Pull.Number, why, w.stop)}
	case i.Replayed == nil:
		return i.ask(Questions{Replay: &Replay{
			Branch: i.BranchName(), Head: i.Pull.HeadCommit, Base: i.Head.Commit, Edits: i.Want.Edits, Picks: w.picks,
		}})
	case i.Replayed.Stop != nil:
		stop := i.Replayed.Stop
		if stop.Path != "" {
			next = "take the change of that file out of the commit, " + next
		}
		return Decision{Outcome: i.outcome(Blocked, next, "#%d has to be made anew, since %s; but %s stands against it: %s",
			i.Pull.Number, why, i.commitOf(stop), inWords(stop))}
	}
	d := i.update(why)
	d.Steps[0].Picks, d.Steps[0].Keeps = w.picks, i.Replayed.Kept
	switch n := len(i.Replayed.Kept); n {
	case 0:
	case 1:
		d.Outcome.Next = "a commit by people stays on top"
	default:
		d.Outcome.Next = fmt.Sprintf("%d commits by people stay on top", n)
	}
	return d
}

// commitOf names the commit of a stop.
func (i *Item) commitOf(s *fleet.Stop) string {
	for n := range i.History.Commits {
		if c := &i.History.Commits[n]; c.ID == s.Commit {
			return named(c)
		}
	}
	return "its commit " + short(s.Commit)
}

// named names a commit. What its author wrote is quoted, so that it moves no
// text about.
func named(c *fleet.Commit) string {
	subject := []rune(firstLine(c.Message))
	if len(subject) > 60 {
		subject = append(subject[:59], '…')
	}
	return fmt.Sprintf("commit %s (%q)", short(c.ID), string(subject))
}

func short(id fleet.CommitID) string { return string(id[:min(len(id), 7)]) }

func inWords(s *fleet.Stop) string {
	if s.Path == "" {
		return s.Why
	}
	path := string(s.Path)
	if q := fmt.Sprintf("%q", path); q != `"`+path+`"` {
		path = q
	}
	return path + ": " + s.Why
}
