package rollout

import (
	"cmp"
	"crypto/sha1" // which Git names contents by
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// An edit war is so many times, in so long, that somebody undid the same.
const (
	WarTimes  = 3
	warWindow = 30 * 24 * time.Hour
)

// Drift is that a file was as declared, and somebody changed it. Of a cluster that
// is reached through no repo it is known only when it was Written as declared.
type Drift struct {
	Path    fleet.Path     `json:"path"`
	By      string         `json:"by,omitempty"`
	Commit  fleet.CommitID `json:"commit,omitempty"`
	At      time.Time      `json:"at,omitzero"`
	Written time.Time      `json:"written,omitzero"`
	Blob    fleet.BlobID   `json:"blob,omitempty"` // what it is now; empty if it is deleted
	// Times is how often that happened in the last 30 days.
	Times int `json:"times"`
}

func (d *Drift) String() string {
	if !d.Written.IsZero() {
		return "somebody has changed what was written on " + d.Written.Format("2 January")
	}
	by := cmp.Or(firstLine(d.By), "somebody")
	did := "changed"
	if d.Blob == "" {
		did = "deleted"
	}
	return fmt.Sprintf("%s was as declared, and %s %s it on %s (%.7s)", d.Path, by, did, d.At.Format("2 January"), d.Commit)
}

// OnDrift is what to do about drift.
func (i *Item) OnDrift(s Settings) fleet.Drift {
	return cmp.Or(i.Want.OnDrift, s.OnDrift, fleet.DriftEnforce)
}

// drifted is the drift of the repo's CODEOWNERS, nil for none; or the path whose
// history tells. It goes by what stands on the base alone: the content that is
// wanted was there, and what took its place came by no pull request of ours.
// Where drift is put back anyway, only what we have merged can have been undone.
func (i *Item) drifted(s Settings) (*Drift, fleet.Path) {
	at := slices.IndexFunc(i.Want.Edits, func(e transform.Edit) bool { return !e.Delete && slices.Contains(transform.OwnersFiles, e.Path) })
	merged := i.Pull != nil && i.Pull.State == fleet.PullMerged
	if at < 0 || !i.Owns || !merged && i.OnDrift(s) == fleet.DriftEnforce {
		return nil, ""
	}
	edit := i.Want.Edits[at]
	editions, asked := i.Editions[edit.Path]
	if !asked {
		return nil, edit.Path
	}
	if len(editions) > 0 {
		return i.undone(s, edit, edit.Path, editions), ""
	}
	for _, other := range transform.OwnersFiles { // it is new there, and may have been deleted elsewhere
		if other == edit.Path {
			continue
		}
		editions, asked := i.Editions[other]
		switch {
		case !asked:
			return nil, other
		case len(editions) > 0 && editions[0].Blob == "":
			return i.undone(s, edit, other, editions), ""
		}
	}
	return nil, ""
}

// undone is the drift that the states of a file show, the newest first, where an
// edit is wanted.
func (i *Item) undone(s Settings, edit transform.Edit, path fleet.Path, editions []fleet.Edition) *Drift {
	wanted := []fleet.BlobID{blobOf(edit.Content), blobOf(edit.Counted())}
	as := func(e fleet.Edition) bool { return e.AsDeclared || slices.Contains(wanted, e.Blob) }
	// A state in people's own words may be as declared by chance, long before it
	// was declared.
	was := func(e fleet.Edition, until time.Time) bool {
		return slices.Contains(wanted, e.Blob) || e.AsDeclared && !until.Before(i.changed())
	}
	again := i.again(s)
	var d *Drift
	for n, e := range editions {
		older := editions[n+1:]
		switch {
		case n == 0 && ofOurs(e):
			return nil // what is wanted has changed since
		case len(older) == 0 || !was(older[0], e.At) || as(e) || ofOurs(e) || e.At.Before(again):
			continue
		case d == nil:
			d = &Drift{Path: path, By: e.By, Commit: e.Commit, At: e.At, Blob: editions[0].Blob}
		}
		if s.Now.Sub(e.At) < warWindow {
			d.Times++
		}
	}
	return d
}

// again is when it was last asked for once more, which forgives what was before.
func (i *Item) again(s Settings) time.Time {
	if i.Want.AskAgain.After(s.Now) {
		return time.Time{}
	}
	return i.Want.AskAgain
}

// ofOurs reports whether a pull request of ours brought a state.
func ofOurs(e fleet.Edition) bool {
	_, trailers := ParseTrailers(e.Message)
	return trailers || strings.HasPrefix(e.Branch, fleet.BranchPrefix)
}

// blobOf is Git's id of a content.
func blobOf(content []byte) fleet.BlobID {
	sum := sha1.Sum(append(fmt.Appendf(nil, "blob %d\x00", len(content)), content...))
	return fleet.BlobID(hex.EncodeToString(sum[:]))
}

// leave is what drift keeps from being opened; false for nothing.
func (i *Item) leave(s Settings) (Decision, bool) {
	d, ask := i.drifted(s)
	var o Outcome
	switch {
	case ask != "":
		return i.ask(Questions{Editions: ask}), true
	case d == nil:
		return Decision{}, false
	case d.Times >= WarTimes:
		o = i.outcome(Blocked, "agree on it, then change the declaration; or have it ask again (askAgain)",
			"an edit war: %s, the %s time in 30 days", d, ordinal(d.Times))
	case i.OnDrift(s) == fleet.DriftReport:
		o = i.outcome(Blocked, "declare it so, or change it back; onDrift says only to report it", "drift: %s", d)
	case i.OnDrift(s) == fleet.DriftAdopt: // planning says how it goes on
		o = i.outcome(Blocked, "", "drift: %s", d)
	default:
		return Decision{}, false
	}
	o.Drift = d
	return Decision{Outcome: o}, true
}
