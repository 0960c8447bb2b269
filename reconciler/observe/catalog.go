package observe

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/portreeve/portreeve/reconciler/declare"
	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/plan"
)

// Catalog reads a catalog. Its error is a *fleet.Failure.
type Catalog interface {
	Read(ctx context.Context) (*fleet.Catalog, error)
}

// retry is how long after a read that failed the next one comes, at most.
const retry = time.Minute

// look is what is remembered of the catalog.
type look struct {
	plan.Catalog
	of    string // the settings that it is read for
	tried time.Time
	under chan read // a read is under way; nil for none

	// last is what was computed last, and of what.
	last       *fleet.Import
	lastConfig *fleet.Config
	lastSeen   *fleet.Catalog
	lastRest   string
}

type read struct {
	seen *fleet.Catalog
	err  error
}

// catalog reads the catalog that the settings name, when it is time for that,
// and puts what is known into the world. That it can't be read harms nothing
// else, and neither does one that takes its time: the pass goes on without it.
func (o *Observer) catalog(ctx context.Context, w *plan.World) {
	b := w.Config.Settings.Backstage
	if b == nil || o.Catalog == nil {
		o.looked = nil
		return
	}
	of := fmt.Sprintf("%q %q", b.URL, b.Filter)
	if o.looked == nil || o.looked.of != of {
		o.looked = &look{of: of}
	}
	l := o.looked
	if l.due(o.Now(), b.Interval) {
		l.tried, l.under = o.Now(), make(chan read, 1)
		go func(client Catalog, into chan<- read) {
			seen, err := client.Read(context.WithoutCancel(ctx)) // which is bounded
			into <- read{seen, err}
		}(o.Catalog(b), l.under)
	}
	o.await(ctx, l)
	known := l.Catalog
	w.Catalog = &known
	w.Import = l.importer(w)
}

func (l *look) due(now time.Time, interval time.Duration) bool {
	if l.Err != "" {
		interval = min(interval, retry)
	}
	return l.under == nil && (l.tried.IsZero() || now.Sub(l.tried) >= interval)
}

// await takes what a read under way gives, if it comes in time.
func (o *Observer) await(ctx context.Context, l *look) {
	if l.under == nil {
		return
	}
	o.progress("reading the catalog", 0, 0)
	late := time.NewTimer(o.CatalogWait)
	defer late.Stop()
	select {
	case r := <-l.under:
		l.under = nil
		if r.err != nil {
			l.Err, l.Permanent = r.err.Error(), fleet.ClassOf(r.err) == fleet.Permanent
			return
		}
		l.Catalog = plan.Catalog{Seen: r.seen, Read: l.tried}
	case <-late.C:
		if l.Seen == nil && l.Err == "" {
			l.Err = "it has not answered yet"
		}
	case <-ctx.Done():
	}
}

// importer computes imports, and none twice: passes come much more often than
// anything changes.
func (l *look) importer(w *plan.World) func(map[string]string) *fleet.Import {
	in := declare.Importing{Catalog: l.Seen, Config: w.Config}
	for name, r := range w.Repos {
		if r.Out == "" {
			in.Repos = append(in.Repos, name)
		}
	}
	slices.Sort(in.Repos)
	return func(fed map[string]string) *fleet.Import {
		rest := fmt.Sprint(fed, in.Repos)
		if l.last == nil || l.lastConfig != in.Config || l.lastSeen != in.Catalog || l.lastRest != rest {
			in.Fed = fed
			l.last, l.lastConfig, l.lastSeen, l.lastRest = declare.Import(in), in.Config, in.Catalog, rest
		}
		return l.last
	}
}

// proposing reports whether the config repo is a target, or was one: what was
// proposed may have to be closed.
func (o *Observer) proposing(w *plan.World) bool {
	return o.ConfigRepo != "" && (w.Config.Settings.Backstage != nil ||
		slices.ContainsFunc(w.ConfigHead.Branches, func(b fleet.Branch) bool {
			return b.Name == plan.ImportBranch || strings.HasPrefix(b.Name, plan.AdoptPrefix)
		}))
}

// configRepo puts the config repo among the repos if something is proposed to
// it, also where it is not of the fleet: what else is declared does not
// concern it then.
func (o *Observer) configRepo(ctx context.Context, w *plan.World, headErr error) error {
	if !o.proposing(w) {
		return nil
	}
	return o.addConfigRepo(ctx, w, headErr)
}

// showConfigRepo is configRepo for something that planning found.
func (o *Observer) showConfigRepo(ctx context.Context, w *plan.World) {
	var headErr error
	if w.ConfigHead.Commit == "" {
		headErr = o.Forge.Heads(ctx, []fleet.RepoName{o.ConfigRepo})[o.ConfigRepo].Err
	}
	if err := o.addConfigRepo(ctx, w, headErr); err != nil {
		w.ConfigUnseen = err.Error()
	} else if r := w.Repos[o.ConfigRepo]; r == nil || r.Head.Commit == "" && r.Err == "" {
		w.ConfigUnseen = "the forge shows no such config repo"
	}
}

func (o *Observer) addConfigRepo(ctx context.Context, w *plan.World, headErr error) error {
	if w.Repos[o.ConfigRepo] != nil && w.Repos[o.ConfigRepo].Out == "" {
		return nil
	}
	r := w.Repos[o.ConfigRepo]
	if r == nil {
		listed, err := o.Forge.Repos(ctx, "", []fleet.RepoName{o.ConfigRepo})
		if err != nil || len(listed) != 1 || listed[0].Name != o.ConfigRepo {
			return err // it can't be proposed to
		}
		r = &plan.Repo{Listing: listed[0], Out: "the config repo is not in the fleet", Pulls: map[string]*fleet.PullRequest{}}
		w.Repos[o.ConfigRepo] = r
	}
	r.Head = w.ConfigHead
	note(r, headErr)
	return nil
}
