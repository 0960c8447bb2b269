package sandbox

import (
	"fmt"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Amend makes the newest commit of a branch anew with other files, its
// message, author and parents kept, and pushes it by force.
func (p *Person) Amend(name fleet.RepoName, branch string, files map[string]*File) (fleet.CommitID, error) {
	var id fleet.CommitID
	err := p.forge.with(name, func(r *repo) error {
		if err := r.writable(); err != nil {
			return err
		}
		old := r.heads[branch]
		if old.IsZero() {
			return &Refusal{Status: 422, Message: "Reference does not exist"}
		}
		c, err := r.git.commit(old)
		if err != nil {
			return err
		}
		c.Committer = r.signature(p.user)
		if c.TreeHash, err = r.git.edit(c.TreeHash, files); err != nil {
			return err
		}
		h, err := r.git.writeCommit(c)
		if err != nil {
			return err
		}
		if err := r.git.SetReference(plumbing.NewHashReference(plumbing.NewBranchReferenceName(branch), h)); err != nil {
			return err
		}
		id = fleet.CommitID(h.String())
		return r.sync(p.user)
	})
	return id, err
}

// Retarget points an open pull request at another base.
func (p *Person) Retarget(name fleet.RepoName, number int, base string) error {
	return p.pull(name, number, func(r *repo, pr *pull) error {
		if err := r.writable(); err != nil {
			return err
		}
		to := r.heads[base]
		switch {
		case pr.state != fleet.PullOpen:
			return invalid("PullRequest", "base", "invalid", "Cannot change the base branch of a closed pull request.")
		case to.IsZero():
			return invalid("PullRequest", "base", "invalid", "")
		case pr.base == base:
			return nil
		case r.open(pr.head, base) != nil:
			return invalid("PullRequest", "", "custom",
				fmt.Sprintf("A pull request already exists for base branch '%s' and head branch '%s'", base, pr.head))
		}
		if merged, err := r.contains(to, pr.headOID); err != nil {
			return err
		} else if merged {
			return invalid("PullRequest", "base", "custom", fmt.Sprintf("There are no new commits between base branch '%s' and head branch '%s'", base, pr.head))
		}
		r.point(pr, p.user, base)
		return nil
	})
}

// point gives a pull request another base, which takes it out of the queue.
func (r *repo) point(p *pull, who *user, base string) {
	r.leaveQueue(p, who, leftByHand)
	p.base = base
	p.touch(who, "edit", "base "+base)
}

// Reaches reports whether the history of a branch holds a commit; of a branch
// that is not there it holds none.
func (f *Forge) Reaches(name fleet.RepoName, branch string, commit fleet.CommitID) (held bool, err error) {
	err = f.with(name, func(r *repo) (err error) {
		if tip := r.heads[branch]; !tip.IsZero() {
			held, err = r.contains(tip, plumbing.NewHash(string(commit)))
		}
		return err
	})
	return held, err
}

// RenameBranch gives a branch another name; if it is the default branch, that
// is the default branch from then on. Pull requests go with it: one that goes
// into it goes into it still, and one that comes from it is closed.
func (p *Person) RenameBranch(name fleet.RepoName, branch, to string) error {
	return p.forge.with(name, func(r *repo) error {
		if err := r.writable(); err != nil {
			return err
		}
		at := r.heads[branch]
		if at.IsZero() || !r.heads[to].IsZero() {
			return &Refusal{Status: 422, Message: "Branch can't be renamed so"}
		}
		if err := r.git.SetReference(plumbing.NewHashReference(plumbing.NewBranchReferenceName(to), at)); err != nil {
			return err
		}
		if err := r.sync(p.user); err != nil {
			return err
		}
		for _, pr := range r.pulls {
			if pr.base == branch {
				pr.base = to
			}
		}
		if r.defaultBranch == branch {
			if err := r.setDefault(to); err != nil {
				return err
			}
		}
		return r.deleteBranch(p.user, branch)
	})
}

// SetDefaultBranch makes another branch the default; pull requests stay where
// they go.
func (p *Person) SetDefaultBranch(name fleet.RepoName, branch string) error {
	return p.forge.with(name, func(r *repo) error {
		if r.heads[branch].IsZero() {
			return &Refusal{Status: 422, Message: "The branch was not found"}
		}
		return r.setDefault(branch)
	})
}

func (r *repo) setDefault(branch string) error {
	r.defaultBranch, r.updated = branch, r.forge.time()
	return r.git.SetReference(plumbing.NewSymbolicReference(plumbing.HEAD, plumbing.NewBranchReferenceName(branch)))
}

// UpdateBranch merges the default branch into a branch, as the button of that
// name does.
func (p *Person) UpdateBranch(name fleet.RepoName, branch string) error {
	return p.forge.with(name, func(r *repo) error {
		if err := r.writable(); err != nil {
			return err
		}
		head, base := r.heads[branch], r.heads[r.defaultBranch]
		if head.IsZero() || base.IsZero() {
			return &Refusal{Status: 422, Message: "Reference does not exist"}
		}
		if merged, err := r.contains(head, base); err != nil || merged {
			return err
		}
		m, err := r.tryMerge(base, head)
		if err != nil {
			return err
		}
		if m.state != fleet.MergeableYes {
			return &Refusal{Status: 422, Message: "merge conflict between base and head"}
		}
		sig := r.signature(p.user)
		h, err := r.git.writeCommit(&object.Commit{
			Author: sig, Committer: sig, TreeHash: m.tree, ParentHashes: []plumbing.Hash{head, base},
			Message: fmt.Sprintf("Merge branch '%s' into %s\n", r.defaultBranch, branch),
		})
		if err != nil {
			return err
		}
		if err := r.git.SetReference(plumbing.NewHashReference(plumbing.NewBranchReferenceName(branch), h)); err != nil {
			return err
		}
		return r.sync(p.user)
	})
}

// Logged is a commit as Log lists it.
type Logged struct {
	ID                fleet.CommitID
	Author, Committer string // names
	Message           string
	// Read reads a file as the commit has it, empty if it has none.
	Read func(path string) string
}

func logged(c *object.Commit) Logged {
	return Logged{fleet.CommitID(c.Hash.String()), c.Author.Name, c.Committer.Name, c.Message, func(path string) string {
		file, err := c.File(path)
		if err != nil {
			return ""
		}
		content, _ := file.Contents()
		return content
	}}
}

// Log lists the commits of a branch along first parents that the default
// branch does not have, the newest first.
func (f *Forge) Log(name fleet.RepoName, branch string) (log []Logged, err error) {
	err = f.with(name, func(r *repo) error {
		base := r.heads[r.defaultBranch]
		for at := r.heads[branch]; !at.IsZero(); {
			if held, err := r.contains(base, at); err != nil || held {
				return err
			}
			c, err := r.git.commit(at)
			if err != nil {
				return err
			}
			log, at = append(log, logged(c)), plumbing.ZeroHash
			if len(c.ParentHashes) > 0 {
				at = c.ParentHashes[0]
			}
		}
		return nil
	})
	return log, err
}
