package reconciler

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/portreeve/portreeve/reconciler/declare"
	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/plan"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// Adoption is what was found to be declared of a fleet.
type Adoption struct {
	Config *fleet.Config // as it is
	// Repos is how many repos of the fleet were looked at, and Unread why some
	// could not be read.
	Repos  int
	Unread map[fleet.RepoName]string
	*declare.Adoption
}

// Adopt reads what the repos of the fleet that only accepts have already, and
// makes declarations of it after which none of these repos would be changed: each
// is tried. It writes nothing. Where the config repo has problems that keep
// something from being declared there is no declare.Adoption, only Config.
func (r *Reconciler) Adopt(ctx context.Context, only func(fleet.RepoName) bool) (*Adoption, error) {
	tree, err := r.Source.Current(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the config repo: %w", err)
	}
	if r.Loader == nil {
		r.Loader = declare.NewLoader(r.Kinds)
	}
	out := &Adoption{Config: r.Loader.Load(tree.Files), Unread: map[fleet.RepoName]string{}}
	if fleet.HasErrors(out.Config.Problems) {
		return out, nil
	}
	world, err := r.Observer.World(ctx, out.Config)
	if err != nil {
		return nil, fmt.Errorf("list the fleet: %w", err)
	}
	var found []kind.Adopted
	err = r.answered(ctx, world, func() (needs []plan.Need) {
		found, needs = plan.Adopt(world, r.Kinds, only)
		return needs
	})
	if err != nil {
		return nil, err
	}
	for name, repo := range world.Repos {
		if repo.Out == "" && only(name) {
			out.Repos++
			if repo.Err != "" {
				out.Unread[name] = repo.Err
			}
		}
	}
	out.Adoption, err = r.settle(ctx, tree.Files, world, found)
	return out, err
}

// settle makes declarations of what was found, and tries them until no repo would
// be changed: what one would change is left out and said.
func (r *Reconciler) settle(ctx context.Context, files fs.FS, world *plan.World, found []kind.Adopted) (*declare.Adoption, error) {
	before := world.Config
	defer func() { world.Config = before }()
	for {
		made, err := declare.Adopt(before, files, found, world.Now)
		if err != nil || len(made.Made) == 0 {
			return made, err
		}
		ids, repos := map[fleet.ID]bool{}, map[fleet.RepoName]fleet.ID{}
		for _, d := range made.Made {
			ids[d.ID], repos[d.Repo] = true, d.ID
		}
		world.Config = r.Loader.Load(transform.Overlay(files, made.Edits))
		var unsettled map[fleet.ID]string
		err = r.answered(ctx, world, func() (needs []plan.Need) {
			unsettled, needs = plan.Unsettled(world, r.Kinds, ids)
			return needs
		})
		if err != nil {
			return nil, err
		}
		for _, p := range world.Config.Problems {
			if id, ok := fleet.ParseID(p.Declaration); ok && ids[id] && p.Severity == fleet.Error {
				unsettled[id] = p.Message
			}
		}
		if len(unsettled) == 0 {
			return made, nil
		}
		for i := range found {
			if why := unsettled[repos[found[i].Repo]]; why != "" {
				found[i].Bar(kind.Place{File: found[i].File}, why)
			}
		}
	}
}

// answered asks until nothing is needed any more, or too much was.
func (r *Reconciler) answered(ctx context.Context, world *plan.World, ask func() []plan.Need) error {
	for range rounds {
		needs := ask()
		if len(needs) == 0 {
			return nil
		}
		if err := r.Observer.Answer(ctx, world, needs); err != nil {
			return fmt.Errorf("observe: %w", err)
		}
	}
	return fmt.Errorf("observe: more was asked than %d rounds of reading gave", rounds)
}
