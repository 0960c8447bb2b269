package plan

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/report"
	"github.com/portreeve/portreeve/reconciler/rollout"
)

// Weight says what a difference between two plans comes to.
type Weight string

const (
	// Writes: other steps, now or once a limit lets them; other files, or a
	// commit or text that the other version would later write anew.
	Writes Weight = "writes"
	// Words: the same steps, worded differently. What stands on the forge in
	// either's words is left alone by both.
	Words Weight = "words"
	// States: no step differs, and the state does.
	States Weight = "state"
	// Reasons: the same state, told differently.
	Reasons Weight = "reason"
)

// Weights are all weights, the heaviest first.
var Weights = []Weight{Writes, Words, States, Reasons}

// Difference is what two plans for one world tell differently of one
// (declaration, target, lane); with none of these, of the whole fleet.
type Difference struct {
	Weight      Weight       `json:"weight"`
	Declaration fleet.ID     `json:"declaration"`
	Target      fleet.Target `json:"target"`
	Lane        fleet.Lane   `json:"lane,omitempty"`
	This        Side         `json:"this"`
	That        Side         `json:"that"`
}

// Side is what one of the plans tells; the zero Side tells nothing.
type Side struct {
	State  rollout.State `json:"state,omitempty"`
	Reason string        `json:"reason,omitempty"`
	Next   string        `json:"next,omitempty"`
	What   []string      `json:"what,omitempty"`
	Steps  []ToldStep    `json:"steps,omitempty"`
	turn   rollout.Bound // what is waited for
}

// Compare is how two plans for one world differ, sorted by target and
// declaration. When a turn comes is left out, for that moves with the clock.
func Compare(this, that *Told) []Difference {
	differences := []Difference{}
	add := func(d Difference) {
		if d.Weight = weigh(&d.This, &d.That); d.Weight != "" {
			differences = append(differences, d)
		}
	}
	add(Difference{This: whole(this), That: whole(that)})
	ours, theirs := sides(this), sides(that)
	all := maps.Clone(ours)
	maps.Copy(all, theirs)
	for _, at := range slices.SortedFunc(maps.Keys(all), compareSpots) {
		d := Difference{Declaration: at.id, Target: at.target, Lane: at.lane}
		if side := ours[at]; side != nil {
			d.This = *side
		}
		if side := theirs[at]; side != nil {
			d.That = *side
		}
		add(d)
	}
	return differences
}

// SortDifferences sorts by target, declaration and lane.
func SortDifferences(all []Difference) {
	slices.SortFunc(all, func(a, b Difference) int {
		return compareSpots(spot{a.Declaration, a.Target, a.Lane}, spot{b.Declaration, b.Target, b.Lane})
	})
}

// whole is what a plan tells of the fleet: whether anything is written.
func whole(t *Told) Side {
	s := Side{State: rollout.State(t.Mode), Reason: "writes"}
	if t.Halted != "" {
		s.State, s.Reason = rollout.Frozen, t.Halted
	}
	return s
}

type spot struct {
	id     fleet.ID
	target fleet.Target
	lane   fleet.Lane
}

func compareSpots(a, b spot) int {
	return cmp.Or(cmp.Compare(a.target.String(), b.target.String()), a.id.Compare(b.id), cmp.Compare(a.lane, b.lane))
}

func sides(t *Told) map[spot]*Side {
	all := map[spot]*Side{}
	at := func(where spot) *Side {
		if all[where] == nil {
			all[where] = &Side{}
		}
		return all[where]
	}
	for i := range t.Outcomes {
		o := &t.Outcomes[i]
		s := at(spot{o.Declaration, o.Target, o.Lane})
		s.State, s.Reason, s.Next, s.What = o.State, o.Reason, o.Next, o.What
		if o.Turn != nil {
			s.Next, s.turn = "", o.Turn.Bound
		}
	}
	for _, step := range t.Steps {
		s := at(spot{step.Declaration, step.Target(), step.Lane})
		s.Steps = append(s.Steps, step)
	}
	return all
}

// weigh is a difference's weight; empty if there is none.
func weigh(this, that *Side) Weight {
	switch {
	case !same(this.Steps, that.Steps, does), (this.turn == "") != (that.turn == ""):
		return Writes
	case !same(this.Steps, that.Steps, says):
		return Words
	case this.State != that.State || this.turn != that.turn:
		return States
	case this.Reason != that.Reason || this.Next != that.Next || !slices.Equal(this.What, that.What),
		!same(this.Steps, that.Steps, why):
		return Reasons
	}
	return ""
}

func same(a, b []ToldStep, part func(*ToldStep) any) bool {
	return slices.EqualFunc(a, b, func(x, y ToldStep) bool { return inJSON(part(&x)) == inJSON(part(&y)) })
}

func inJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain fields
	}
	return string(b)
}

// does is what of a step both versions would have to agree on for neither to
// undo what the other did: the hashes of commit and text, too, for a step that
// leaves another one is followed by one that writes it anew.
func does(s *ToldStep) any {
	files := slices.Clone(s.Edits)
	for i := range files {
		files[i].Content = nil // its digest is compared
		if files[i].Counts != "" {
			files[i].SHA256 = files[i].Counts
		}
		files[i].Counts = ""
	}
	return []any{
		s.Action, s.Branch, s.Base, s.Expect, s.Number, s.BaseBranch, s.Method, s.Labels, s.Keeps,
		s.SpecHash, report.TextHash(s.Body), files,
	}
}

// says are the words that a step leaves on the forge.
func says(s *ToldStep) any {
	var files []string
	for _, e := range s.Edits {
		files = append(files, e.SHA256)
	}
	return []any{s.Title, s.Body, s.Message, s.Comment, files}
}

// why are the words that only we are told.
func why(s *ToldStep) any { return []any{s.Reason, s.What} }

// Moved are the repos that two looks at the fleet found different, or of
// which only one found anything.
func Moved(before, after *World) map[fleet.RepoName]bool {
	moved := map[fleet.RepoName]bool{}
	for name, r := range before.Repos {
		if other := after.Repos[name]; other == nil || standing(r) != standing(other) {
			moved[name] = true
		}
	}
	for name := range after.Repos {
		if before.Repos[name] == nil {
			moved[name] = true
		}
	}
	return moved
}

// standing covers all that was read of a repo; its tree by the head's id.
func standing(r *Repo) [32]byte {
	return digest([]any{r.Listing, r.Head, r.Out, r.Err, r.Pulls, r.Rules, r.Histories, r.Replays, r.Ready, r.Access, r.Collaborators, r.Wrong, r.Editions})
}
