package source

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// recall is what stays true of a config repo's history however it moves on:
// a commit's lines, and how many commits lead to it.
type recall struct {
	mu sync.Mutex
	// lines gives for each line of a file at a commit who wrote it.
	lines map[fileAt][]plumbing.Hash
	// depth is the length of the longest way from a root commit. It orders an
	// ancestor before its descendants whatever their clocks said.
	depth map[plumbing.Hash]int
	// steps are what Before found.
	steps map[stepFrom]step
}

// maxSteps bounds recall.steps, as maxLines does recall.lines.
const maxSteps = 65_536

type fileAt struct {
	commit plumbing.Hash
	file   string
}

// maxLines bounds recall.lines; beyond it everything is found out again.
const maxLines = 4096

func newRecall() *recall {
	return &recall{lines: map[fileAt][]plumbing.Hash{}, depth: map[plumbing.Hash]int{}, steps: map[stepFrom]step{}}
}

// past asks the history that a tree stands in.
type past struct {
	memory *recall
	repo   *git.Repository
	sub    string // the folder of the repo that is the root of declarations
	again  func() (*git.Repository, error)
	trees  trees
}

// trees are the trees of commits that were looked at, for each file is looked
// for in all of them. They read from the repo that they are of.
type trees struct {
	of      map[plumbing.Hash]*object.Tree
	entries int
}

// maxEntries bounds trees; one has some hundred bytes.
const maxEntries = 100_000

func (t *trees) get(c *object.Commit) (*object.Tree, error) {
	if tree := t.of[c.TreeHash]; tree != nil {
		return tree, nil
	}
	tree, err := c.Tree()
	if err != nil {
		return nil, err
	}
	if t.entries += len(tree.Entries); t.of == nil || t.entries > maxEntries {
		t.of, t.entries = map[plumbing.Hash]*object.Tree{}, len(tree.Entries)
	}
	t.of[c.TreeHash] = tree
	return tree, nil
}

func (p *past) lastChanged(ctx context.Context, rev, file string, from, to int) (fleet.Revision, error) {
	p.memory.mu.Lock() // also guards repo, whose caches are not for sharing
	defer p.memory.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if p.sub != "" {
		file = p.sub + "/" + file
	}
	lines, err := p.blame(ctx, plumbing.NewHash(rev), file)
	if err != nil {
		return "", err
	}
	from, to = max(1, from), min(to, len(lines))
	if from > to {
		return "", nil
	}
	commits := slices.Clone(lines[from-1 : to])
	slices.SortFunc(commits, func(a, b plumbing.Hash) int { return strings.Compare(a.String(), b.String()) })
	newest, err := p.newest(ctx, slices.Compact(commits))
	return fleet.Revision(newest.String()), err
}

// when is when a commit was made; zero if it can't be read.
func (p *past) when(rev fleet.Revision) time.Time {
	p.memory.mu.Lock()
	defer p.memory.mu.Unlock()
	c, err := p.repo.CommitObject(plumbing.NewHash(string(rev)))
	if err != nil {
		return time.Time{}
	}
	return c.Committer.When
}

// blame gives the commit of each line of file. It first steps back to where
// the file got its content, so a revision that does not touch a file costs
// nothing.
func (p *past) blame(ctx context.Context, at plumbing.Hash, file string) ([]plumbing.Hash, error) {
	var passed []plumbing.Hash
	lines, ok := p.memory.lines[fileAt{at, file}]
	for !ok {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		passed = append(passed, at)
		c, err := p.repo.CommitObject(at)
		if err != nil {
			return nil, err
		}
		back, err := p.sameBefore(c, file)
		if err != nil {
			return nil, err
		}
		if back.IsZero() {
			blamed, err := git.Blame(c, file)
			if err != nil {
				return nil, err
			}
			for _, l := range blamed.Lines {
				lines = append(lines, l.Hash)
			}
			break
		}
		at = back
		lines, ok = p.memory.lines[fileAt{at, file}]
	}
	if len(p.memory.lines) > maxLines {
		clear(p.memory.lines)
	}
	// The two ends suffice: the next question starts at or after the first.
	for _, c := range []int{0, len(passed) - 1} {
		if c >= 0 && c < len(passed) {
			p.memory.lines[fileAt{passed[c], file}] = lines
		}
	}
	return lines, nil
}

// sameBefore is the first parent of c in which file is the same, or zero.
func (p *past) sameBefore(c *object.Commit, file string) (plumbing.Hash, error) {
	blob, err := p.blobAt(c, file)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	for _, h := range c.ParentHashes {
		parent, err := p.repo.CommitObject(h)
		if err != nil {
			return plumbing.ZeroHash, err
		}
		if before, err := p.blobAt(parent, file); err == nil && before == blob {
			return h, nil
		}
	}
	return plumbing.ZeroHash, nil
}

func (p *past) blobAt(c *object.Commit, file string) (plumbing.Hash, error) {
	t, err := p.trees.get(c)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	e, err := t.FindEntry(file)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	return e.Hash, nil
}

// newest is the commit that stands deepest in history; of two side by side,
// the later one by its committer, then the greater id.
func (p *past) newest(ctx context.Context, commits []plumbing.Hash) (plumbing.Hash, error) {
	if len(commits) == 1 {
		return commits[0], nil
	}
	type ranked struct {
		id    plumbing.Hash
		depth int
		when  int64
	}
	var best ranked
	for i, h := range commits {
		depth, err := p.depthOf(ctx, h)
		if err != nil {
			return plumbing.ZeroHash, err
		}
		c, err := p.repo.CommitObject(h)
		if err != nil {
			return plumbing.ZeroHash, err
		}
		r := ranked{h, depth, c.Committer.When.Unix()}
		if i == 0 || cmp.Or(cmp.Compare(r.depth, best.depth), cmp.Compare(r.when, best.when),
			strings.Compare(r.id.String(), best.id.String())) > 0 {
			best = r
		}
	}
	return best.id, nil
}

// depthOf walks with a stack of its own: histories are deeper than stacks.
func (p *past) depthOf(ctx context.Context, of plumbing.Hash) (int, error) {
	stack := []plumbing.Hash{of}
	for len(stack) > 0 {
		h := stack[len(stack)-1]
		if _, known := p.memory.depth[h]; known {
			stack = stack[:len(stack)-1]
			continue
		}
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		c, err := p.repo.CommitObject(h)
		if err != nil {
			return 0, err
		}
		depth, ready := 0, true
		for _, parent := range c.ParentHashes {
			d, known := p.memory.depth[parent]
			if !known {
				stack, ready = append(stack, parent), false
			}
			depth = max(depth, d+1)
		}
		if ready {
			p.memory.depth[h] = depth
			stack = stack[:len(stack)-1]
		}
	}
	return p.memory.depth[of], nil
}
