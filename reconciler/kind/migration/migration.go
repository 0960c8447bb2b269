// Package migration is the kind "migration": steps that edit the files of
// every repo that a selection takes in.
package migration

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// New is the member; its steps are made of these transforms.
func New(transforms transform.Set) kind.Kind {
	k := kind.Kind{
		Name:    "migration",
		Field:   "migrations",
		Doc:     "Edits the files of every repo that a selection takes in, in steps.",
		Targets: targets,
		Want:    want,
	}
	k.Check = func(d *fleet.Declaration, config *fleet.Config) []fleet.Problem {
		return append(kind.CheckTeam(k, d, config, "owner", d.Owner), checkWrites(k, d, config)...)
	}
	k.Decode = func(source kind.Source) (kind.Decoded, []fleet.Problem) {
		d := decoder{kind: k, source: source, transforms: transforms}
		return d.decode()
	}
	return k
}

func targets(d *fleet.Declaration, _ *fleet.Config, repos []fleet.Repo) []kind.Candidate {
	s, ok := d.Spec.(*Spec)
	if !ok {
		return nil
	}
	all := make([]kind.Candidate, 0, len(repos))
	for _, r := range repos {
		c := kind.Candidate{Repo: r.Name}
		if r.Archived {
			c.Out = "archived"
		} else if v, _ := s.selects(&facts{repo: r}); v.is == no {
			c.Out = v.reason
		}
		all = append(all, c)
	}
	return all
}

func want(p *kind.Pass) (kind.Want, error) {
	s, ok := p.Declaration.Spec.(*Spec)
	if !ok {
		return kind.Want{}, fmt.Errorf("%s has no spec", p.Declaration.ID)
	}
	if p.Repo.Archived {
		return kind.Want{Out: "archived"}, nil
	}
	v, err := s.decide(p.Repo, p.Tree)
	switch {
	case err != nil:
		return kind.Want{}, err
	case v.is == no:
		return kind.Want{Out: v.reason}, nil
	}
	edits, changes, err := transform.Apply(s.Steps, p.Tree)
	if err != nil {
		return kind.Want{}, err
	}
	w := kind.Want{Whole: s.whole, Because: v.reason, Edits: edits, Why: s.Why, Labels: s.Labels, Merge: s.Merge, Decides: decides(p), AskAgain: s.AskAgain}
	for _, c := range changes {
		w.What = append(w.What, did(s.Steps[c.Step].Summary(), c.Paths))
	}
	if s.State == paused {
		w.Paused = "paused by its declaration"
	}
	w.Facts = kind.FactsOf([]any{s.wrote, changes, v.by})
	w.Title, w.Body, err = s.texts(p, w.What)
	return w, err
}

// decides is the team that decides in the repo: the one that owns it, else the
// migration's own.
func decides(p *kind.Pass) fleet.TeamName {
	if team, ok := kind.OwnerOf(p.Config, p.Repo); ok {
		return team
	}
	return p.Declaration.Owner
}

// did says what a step did: its summary, and the one file or how many, unless
// the summary names the file already.
func did(summary string, paths []fleet.Path) string {
	switch {
	case len(paths) > 1:
		return fmt.Sprintf("%s: %d files", summary, len(paths))
	case strings.Contains(summary, string(paths[0])):
		return summary
	}
	return summary + ": " + string(paths[0])
}

// decide evaluates the selection with as little as decides it: the listing,
// then which files there are, then what they hold.
func (s *Spec) decide(repo fleet.Repo, tree fs.FS) (verdict, error) {
	for _, f := range []*facts{{repo: repo}, {repo: repo, tree: tree}, {repo: repo, tree: tree, contents: true}} {
		if v, err := s.selects(f); err != nil || v.is != unknown {
			return v, err
		}
	}
	return verdict{}, fmt.Errorf("the selection can't be decided")
}

func (s *Spec) selects(f *facts) (verdict, error) {
	if s.Select == nil {
		return told(true, "every repo is selected", "")
	}
	return s.Select.eval(f)
}

func sorted(labels []string) []string {
	labels = slices.Clone(labels)
	slices.Sort(labels)
	return slices.Compact(labels)
}
