package observe

import (
	"context"
	"slices"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/plan"
)

// fresh is how long it counts that an account may own code. That it may not is
// asked at each pass, since somebody is waited for to change it.
const fresh = 10 * time.Minute

type reached struct {
	access fleet.Access
	at     time.Time
}

// access reads what accounts may do. That we are not let see it keeps from
// nothing.
func (o *Observer) access(ctx context.Context, w *plan.World, accounts []forge.Account) {
	note := func(a forge.Account, access fleet.Access) {
		r := w.Repos[a.Repo]
		if r.Access == nil {
			r.Access = map[string]fleet.Access{}
		}
		r.Access[kind.HandleKey(a.Name)] = access
	}
	var asked []forge.Account
	o.mu.Lock()
	for _, a := range accounts {
		if kept, ok := o.may[a]; ok && w.Now.Sub(kept.at) < fresh {
			note(a, kept.access)
			continue
		}
		delete(o.may, a)
		asked = append(asked, a)
	}
	o.mu.Unlock()
	if len(asked) == 0 {
		return
	}
	o.progress("reading who may write", 0, len(asked))
	answers := o.Forge.Access(ctx, asked)
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.may == nil {
		o.may = map[forge.Account]reached{}
	}
	for _, a := range asked {
		answer := answers[a]
		if answer.Err != nil {
			answer.Value = fleet.Access{Unread: answer.Err.Error(), Again: fleet.ClassOf(answer.Err) != fleet.Permanent}
		}
		note(a, answer.Value)
		if answer.Value.Owns() {
			o.may[a] = reached{answer.Value, w.Now}
		}
	}
}

// wrong reads what the forge finds wrong in CODEOWNERS. What is wrong at the
// base too is nothing that a pull request brings.
func (o *Observer) wrong(ctx context.Context, w *plan.World, commits []forge.Commit) {
	if len(commits) == 0 {
		return
	}
	o.progress("reading what is wrong in CODEOWNERS", 0, len(commits))
	answers := o.Forge.OwnersErrors(ctx, commits)
	base := func(c forge.Commit) forge.Commit { return forge.Commit{Repo: c.Repo, ID: w.Repos[c.Repo].Head.Commit} }
	var bases []forge.Commit
	for _, c := range commits {
		if len(answers[c].Value) > 0 {
			bases = append(bases, base(c))
		}
	}
	before := map[forge.Commit]forge.Answer[[]fleet.OwnersError]{}
	if len(bases) > 0 {
		before = o.Forge.OwnersErrors(ctx, bases)
	}
	for _, c := range commits {
		r := w.Repos[c.Repo]
		var found []fleet.OwnersError
		for _, e := range answers[c].Value {
			old := before[base(c)].Value
			if !slices.ContainsFunc(old, func(b fleet.OwnersError) bool { return b.Kind == e.Kind && b.Source == e.Source }) {
				found = append(found, e)
			}
		}
		if r.Wrong == nil {
			r.Wrong = map[fleet.CommitID][]fleet.OwnersError{}
		}
		r.Wrong[c.ID] = found
		for _, err := range []error{answers[c].Err, before[base(c)].Err} {
			if fleet.ClassOf(err) != fleet.Permanent { // then nobody may look
				note(r, err)
			}
		}
	}
}
