package reconciler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/portreeve/portreeve/reconciler/apply"
	"github.com/portreeve/portreeve/reconciler/declare"
	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
	"github.com/portreeve/portreeve/reconciler/held"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/observe"
	"github.com/portreeve/portreeve/reconciler/plan"
	"github.com/portreeve/portreeve/reconciler/rollout"
	"github.com/portreeve/portreeve/reconciler/source"
	"github.com/portreeve/portreeve/reconciler/store"
)

// rounds bounds how often planning may ask back in one pass. Three are
// common: listings, contents, and what those lead to.
const rounds = 12

// Reconciler holds the parts of a pass. All fields but those that say so are
// required.
type Reconciler struct {
	Source   source.Source
	Kinds    kind.Set
	Forge    forge.Forge
	Observer *observe.Observer
	Applier  *apply.Applier
	Memo     plan.Memo
	Log      *slog.Logger
	Now      func() time.Time

	// Loader reads declarations of Kinds; if it is nil, one that keeps nothing
	// on disk.
	Loader *declare.Loader
	// Lag is how far what the forge answers may be behind what was written to
	// it: when it begins, and after a pass that wrote, Run makes none for so long,
	// whoever wakes it, lest a limit be exceeded, or something opened twice, for
	// what does not show yet.
	Lag time.Duration
	// StatusURL is what the commit status links to; may be empty.
	StatusURL string
	// Publish is given the record of each pass; may be nil.
	Publish func(*store.Pass)

	reader *held.Reader
	config *fleet.Config // of the revision that was read last
	passes int
	// reading is the revision that the pass under way is for; nil while it
	// has none yet.
	reading atomic.Pointer[fleet.Revision]
}

// Look is what a pass saw and planned, before anything is written.
type Look struct {
	Config *fleet.Config
	// Stale says why Config is not of the newest revision, but of the last
	// one that could be read; nil if it is.
	Stale error
	World *plan.World
	Plan  *plan.Plan
}

// Plan reads the config repo and the world, and plans. It writes nothing. A
// Look with a nil Plan did not get to its end: what is planned on the way there
// tells of nothing but questions.
func (r *Reconciler) Plan(ctx context.Context) (*Look, error) {
	config, stale, err := r.read(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the config repo: %w", err)
	}
	look := &Look{Config: config, Stale: stale}
	look.World, err = r.Observer.World(ctx, config)
	if err != nil {
		return look, fmt.Errorf("list the fleet: %w", err)
	}
	look.World.Refused = r.Applier.Refused()
	look.World.Judge = declare.Judge(config)
	for round := 1; ; round++ {
		p, needs := plan.Compute(look.World, r.Kinds, r.Memo)
		if len(needs) == 0 {
			look.Plan = p
			return look, nil
		}
		if round > rounds {
			look.Plan = r.giveUp(look.World, needs)
			return look, nil
		}
		if err := r.Observer.Answer(ctx, look.World, needs); err != nil {
			return look, fmt.Errorf("observe: %w", err)
		}
	}
}

// giveUp plans without the repos of which more is asked than one pass reads:
// no step may rest on half an answer, and whoever asks without end is told so.
func (r *Reconciler) giveUp(w *plan.World, needs []plan.Need) *plan.Plan {
	for _, n := range needs {
		if repo := w.Repos[n.Repo]; repo != nil && repo.Err == "" {
			repo.Err = fmt.Sprintf("planning asked for more of it than %d rounds of reading gave", rounds)
		}
	}
	p, _ := plan.Compute(w, r.Kinds, r.Memo)
	return p
}

// Once makes one pass: plan, apply, tell. Its record tells also of a pass
// that failed; what an earlier pass had achieved stands.
func (r *Reconciler) Once(ctx context.Context) *store.Pass {
	r.passes++
	pass := &store.Pass{Number: r.passes, Started: r.Now()}
	before := r.Forge.Allowance()
	look, err := r.Plan(ctx)
	pass.Pause = pauseAfter(r.Now(), before, r.Forge.Allowance())
	if look != nil {
		pass.Revision, pass.Problems, pass.Plan = look.Config.Revision, look.Config.Problems, look.Plan
		pass.Config, pass.Listings = look.Config, listings(look.World)
	}
	if err == nil {
		pass.Problems = look.Plan.Problems
		r.take(ctx, look, pass)
		if err = ctx.Err(); err == nil {
			err = r.status(ctx, look)
		}
	}
	if err == nil && look.Stale != nil {
		err = fmt.Errorf("read the config repo (going on with revision %s): %w", pass.Revision.Short(), look.Stale)
	}
	switch {
	case err != nil && ctx.Err() != nil: // whatever failed, failed because of this
		pass.Err = context.Cause(ctx).Error()
		r.Log.Info("pass ended early", "revision", pass.Revision.Short(), "reason", pass.Err)
	case err != nil:
		pass.Err = err.Error()
		r.Log.Error("pass ended early", "revision", pass.Revision.Short(), "error", err)
	}
	pass.Finished = r.Now()
	if r.Publish != nil {
		r.Publish(pass)
	}
	return pass
}

// listings are the repos of a world, by name; nil of none.
func listings(w *plan.World) []fleet.Repo {
	if w == nil {
		return nil
	}
	all := make([]fleet.Repo, 0, len(w.Repos))
	for _, name := range slices.Sorted(maps.Keys(w.Repos)) {
		all = append(all, w.Repos[name].Listing)
	}
	return all
}

// take takes the plan's steps and notes how that went.
func (r *Reconciler) take(ctx context.Context, look *Look, pass *store.Pass) {
	limited := time.Time{}
	for _, result := range r.Applier.Run(ctx, look.World, look.Plan) {
		pass.Done = append(pass.Done, r.record(result))
		if f := (*fleet.Failure)(nil); errors.As(result.Err, &f) && f.Class == fleet.Limited && f.Until.After(limited) {
			limited = f.Until
		}
	}
	if limited.IsZero() || ctx.Err() != nil {
		return
	}
	pass.Unbegun = len(look.Plan.Steps) - len(pass.Done)
	r.Log.Warn("the forge's limits leave no more steps for now", "left", pass.Unbegun, "until", limited)
	pass.Pause = longer(pass.Pause, r.Now(), limited, "the forge asked to wait while steps were taken")
}

// record logs a step that was taken and makes its record.
func (r *Reconciler) record(result apply.Result) store.Done {
	s := result.Step
	r.Observer.Forget(forge.Branch{Repo: s.Repo, Name: s.Branch})
	done := store.Done{
		Action: string(s.Action), Repo: s.Repo, Cluster: s.Cluster, Declaration: s.Declaration, Lane: s.Lane, URL: result.URL, What: s.What,
	}
	log := r.Log.With("action", s.Action, "target", s.Target(), "declaration", s.Declaration)
	if result.Err != nil {
		done.Err = result.Err.Error()
		log.Warn("step failed", "error", result.Err)
		return done
	}
	log.Info("step taken", "url", result.URL)
	return done
}

// read reads the newest revision, once, with what is invalid in it held. When
// the config repo can't be read, the last revision that could be stands, and
// stale says why.
func (r *Reconciler) read(ctx context.Context) (config *fleet.Config, stale, err error) {
	tree, err := r.Source.Current(ctx)
	if err != nil {
		if r.config != nil {
			r.reading.Store(&r.config.Revision)
			return r.config, err, nil
		}
		if tree = r.Source.Last(); tree == nil {
			return nil, nil, err
		}
		stale = err
	}
	r.reading.Store(&tree.Revision)
	if r.config != nil && tree.Revision != "" && tree.Revision == r.config.Revision {
		return r.config, stale, nil
	}
	if r.reader == nil {
		if r.Loader == nil {
			r.Loader = declare.NewLoader(r.Kinds)
		}
		r.reader = &held.Reader{Source: r.Source, Kinds: r.Kinds, Load: r.Loader.Load}
	}
	config, err = r.reader.Read(ctx, tree)
	if config == nil {
		return nil, nil, err
	}
	r.tell(config)
	if err != nil { // what could not be found is frozen; the next pass looks again
		r.Log.Warn("history can't be read", "revision", config.Revision.Short(), "error", err)
		return config, stale, nil
	}
	r.config = config
	return config, stale, nil
}

// toldEach is how many invalid things of a revision are logged each.
const toldEach = 50

// tell logs a revision that was read, and what in it is invalid.
func (r *Reconciler) tell(config *fleet.Config) {
	log := r.Log.With("revision", config.Revision.Short())
	held := 0
	for i := range config.Stale {
		s := &config.Stale[i]
		if s.Held {
			held++
		}
		if i < toldEach {
			log.Info("invalid in the config repo", "declaration", s.What(), "held", s.Held, "how", s.How(), "problem", s.Why())
		}
	}
	log.Info("revision read", "declarations", len(config.Declarations), "problems", len(config.Problems),
		"held", held, "frozen", len(config.Stale)-held)
}

// status sets the commit status on the config repo's revision, if it says
// something new. A halted plan sets none, for that too is a write.
func (r *Reconciler) status(ctx context.Context, look *Look) error {
	head := look.World.ConfigHead
	if look.Plan.Halted != "" || head.Commit == "" || head.Commit != fleet.CommitID(look.Config.Revision) {
		return nil // of a revision that is no longer the newest nobody asks
	}
	want := r.wantStatus(look)
	if head.Status != nil && *head.Status == want {
		return nil
	}
	return r.Forge.SetStatus(ctx, r.Observer.ConfigRepo, head.Commit, want)
}

func (r *Reconciler) wantStatus(look *Look) fleet.CommitStatus {
	status := fleet.CommitStatus{State: fleet.StatusSuccess, URL: r.StatusURL}
	errors := 0
	for _, p := range look.Plan.Problems {
		if p.Severity != fleet.Warning {
			errors++
		}
	}
	p := look.Plan
	switch moving := p.Count(rollout.Change) + p.Count(rollout.Waiting); {
	case len(p.Stale) > 0:
		status.State, status.Description = fleet.StatusFailure, cut(staleness(p.Stale)+"; "+p.Stale[0].Why())
	case errors == 1:
		i := slices.IndexFunc(p.Problems, func(p fleet.Problem) bool { return p.Severity != fleet.Warning })
		status.State, status.Description = fleet.StatusFailure, cut(p.Problems[i].String())
	case errors > 1:
		status.State, status.Description = fleet.StatusFailure, fmt.Sprintf("%d problems in declarations", errors)
	case moving > 0:
		status.State, status.Description = fleet.StatusPending, "reconciling"
	default:
		status.Description = fmt.Sprintf("reconciled: %d declarations, %d repos", len(look.Config.Declarations), p.Repos)
	}
	return status
}

// staleness counts what is held, with the newest revision that something is
// held at, and what is frozen.
func staleness(all []fleet.Stale) string {
	held, older := 0, ""
	newest := &fleet.Stale{}
	for i := range all {
		s := &all[i]
		if !s.Held {
			continue
		}
		if held++; held > 1 && s.Revision != newest.Revision {
			older = " and older"
		}
		if newest.Revision == "" || s.Time.After(newest.Time) {
			newest = s
		}
	}
	text := fmt.Sprintf("%d frozen", len(all)-held)
	if held > 0 {
		text = fmt.Sprintf("%d held at %s%s, %s", held, newest.Revision.Short(), older, text)
	}
	return text
}

// cut keeps a commit status's description within the forge's 140 characters.
func cut(s string) string {
	if r := []rune(s); len(r) > 140 {
		return string(r[:139]) + "…"
	}
	return s
}
