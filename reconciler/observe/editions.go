package observe

import (
	"context"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
	"github.com/portreeve/portreeve/reconciler/plan"
)

// past is the history of a file up to a commit: it is always the same.
type past struct {
	at       fleet.CommitID
	editions []fleet.Edition
}

// editions reads who changed files. That nobody may look is no history.
func (o *Observer) editions(ctx context.Context, w *plan.World, files []forge.File) {
	tell := func(f forge.File, editions []fleet.Edition) {
		r := w.Repos[f.Repo]
		if r.Editions == nil {
			r.Editions = map[fleet.Path][]fleet.Edition{}
		}
		r.Editions[f.Path] = editions
	}
	var asked []forge.File
	o.mu.Lock()
	for _, f := range files {
		if kept, ok := o.past[f]; ok && kept.at == w.Repos[f.Repo].Head.Commit {
			tell(f, kept.editions)
			continue
		}
		asked = append(asked, f)
	}
	o.mu.Unlock()
	if len(asked) == 0 {
		return
	}
	o.progress("reading who changed files", 0, len(asked))
	answers := o.Forge.Editions(ctx, asked)
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.past == nil {
		o.past = map[forge.File]past{}
	}
	for _, f := range asked {
		answer := answers[f]
		tell(f, answer.Value)
		switch {
		case answer.Err == nil:
			o.past[f] = past{w.Repos[f.Repo].Head.Commit, answer.Value}
		case fleet.ClassOf(answer.Err) != fleet.Permanent:
			note(w.Repos[f.Repo], answer.Err)
		}
	}
}
