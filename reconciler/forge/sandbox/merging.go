package sandbox

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// mergeability is what was worked out about a head and a base.
type mergeability struct {
	head, base plumbing.Hash
	state      fleet.Mergeable
	tree       plumbing.Hash // of the merge
	conflicts  []string
}

// mergeable is the forge's word on conflicts. As on GitHub, the first to ask
// after a push is told that it is not known yet; wait asks until it is.
func (r *repo) mergeable(p *pull, wait bool) (fleet.Mergeable, error) {
	base := r.heads[p.base]
	if state := p.known(); state != fleet.MergeableUnknown || p.state != fleet.PullOpen || base.IsZero() {
		return state, nil
	}
	m, err := r.tryMerge(base, p.headOID)
	if err != nil {
		return fleet.MergeableUnknown, err
	}
	p.merging, p.baseOID = m, base
	if !wait {
		return fleet.MergeableUnknown, nil
	}
	return m.state, nil
}

// known is what has been worked out already.
func (p *pull) known() fleet.Mergeable {
	if p.state != fleet.PullOpen || p.merging.head != p.headOID || p.merging.base != p.repo.heads[p.base] || p.headOID.IsZero() {
		return fleet.MergeableUnknown
	}
	return p.merging.state
}

func (r *repo) tryMerge(base, head plumbing.Hash) (mergeability, error) {
	m := mergeability{head: head, base: base, state: fleet.MergeableYes}
	ancestor, err := r.mergeBase(base, head)
	if err != nil {
		return m, err
	}
	var trees [3]plumbing.Hash
	for i, h := range []plumbing.Hash{ancestor, base, head} {
		if h.IsZero() {
			continue
		}
		c, err := r.git.commit(h)
		if err != nil {
			return m, err
		}
		trees[i] = c.TreeHash
	}
	m.tree, m.conflicts, err = r.git.mergeTrees(trees[0], trees[1], trees[2])
	if m.conflicts != nil {
		m.state = fleet.MergeableConflict
	}
	return m, err
}

// mergeRequest is what a merge may be asked with.
type mergeRequest struct {
	sha            string // must be the head, unless empty
	method         fleet.MergeMethod
	title, message string
}

func cannotMerge(format string, args ...any) error {
	return &Refusal{Status: 405, Message: fmt.Sprintf(format, args...)}
}

// mergePull merges by the rules.
func (r *repo) mergePull(who *user, p *pull, q mergeRequest) (plumbing.Hash, error) {
	if err := r.canMerge(p, q); err != nil {
		return plumbing.ZeroHash, err
	}
	if err := r.forbids(p, q.method); err != nil && !r.forge.mayBypass(who) {
		return plumbing.ZeroHash, err
	}
	h, err := r.merged(who, p, q)
	if err != nil {
		return h, err
	}
	return h, r.land(who, p, h)
}

// merged makes the commit of a merge, of which the tree is known.
func (r *repo) merged(who *user, p *pull, q mergeRequest) (plumbing.Hash, error) {
	switch q.method {
	case fleet.MergeSquash:
		return r.squash(who, p, q)
	case fleet.MergeRebase:
		return r.rebase(who, p)
	}
	return r.mergeCommit(who, p, q)
}

// land moves the base to the commit of a merge.
func (r *repo) land(who *user, p *pull, h plumbing.Hash) error {
	ref := plumbing.NewHashReference(plumbing.NewBranchReferenceName(p.base), h)
	old := plumbing.NewHashReference(ref.Name(), r.heads[p.base])
	if err := r.git.CheckAndSetReference(ref, old); err != nil {
		return &Refusal{Status: 409, Message: "Base branch was modified. Review and try the merge again."}
	}
	p.baseOID, p.mergeCommit = r.heads[p.base], h
	r.end(p, who, fleet.PullMerged)
	return r.sync(who)
}

// canMerge says what stands against a merge whoever asks for it.
func (r *repo) canMerge(p *pull, q mergeRequest) error {
	if err := r.writable(); err != nil {
		return err
	}
	if p.state != fleet.PullOpen {
		return cannotMerge("Pull Request is not mergeable")
	}
	if q.sha != "" && q.sha != p.headOID.String() {
		return &Refusal{Status: 409, Message: "Head branch was modified. Review and try the merge again."}
	}
	if p.draft {
		return cannotMerge("Pull Request is still a draft")
	}
	if !slices.Contains(r.methods, q.method) {
		word := map[fleet.MergeMethod]string{"merge": "Merge", "squash": "Squash", "rebase": "Rebase"}[q.method]
		if word == "" {
			return invalid("PullRequest", "merge_method", "invalid", "")
		}
		if word != "Merge" {
			return cannotMerge("%s merges are not allowed on this repository.", word)
		}
		return cannotMerge("Merge commits are not allowed on this repository.")
	}
	state, err := r.mergeable(p, true)
	if err != nil {
		return err
	}
	if state == fleet.MergeableConflict {
		return cannotMerge("Pull Request is not mergeable")
	}
	return nil
}

// signature is a user's, now.
func (r *repo) signature(who *user) object.Signature {
	return object.Signature{Name: who.login, Email: who.login + "@users.noreply.sandbox.invalid", When: r.forge.time()}
}

func (r *repo) mergeCommit(who *user, p *pull, q mergeRequest) (plumbing.Hash, error) {
	title := q.title
	if title == "" {
		title = fmt.Sprintf("Merge pull request #%d from %s/%s", p.number, r.name.Owner(), p.head)
	}
	message := q.message
	if message == "" {
		message = p.title
	}
	sig := r.signature(who)
	return r.git.writeCommit(&object.Commit{
		Author: sig, Committer: sig, Message: strings.TrimRight(title+"\n\n"+message, "\n") + "\n",
		TreeHash: p.merging.tree, ParentHashes: []plumbing.Hash{r.heads[p.base], p.headOID},
	})
}

func (r *repo) squash(who *user, p *pull, q mergeRequest) (plumbing.Hash, error) {
	commits, err := r.commitsOf(r.heads[p.base], p.headOID)
	if err != nil || len(commits) == 0 {
		return plumbing.ZeroHash, err
	}
	first := commits[0]
	title, message := q.title, q.message
	if title == "" {
		title = fmt.Sprintf("%s (#%d)", p.title, p.number)
	}
	if message == "" {
		if _, body, _ := strings.Cut(first.Message, "\n\n"); len(commits) == 1 {
			message = body
		} else {
			for _, c := range commits {
				message += "* " + strings.TrimSpace(c.Message) + "\n\n"
			}
		}
	}
	return r.git.writeCommit(&object.Commit{
		Author:    object.Signature{Name: first.Author.Name, Email: first.Author.Email, When: r.forge.time()},
		Committer: r.signature(who), Message: strings.TrimRight(title+"\n\n"+message, "\n") + "\n",
		TreeHash: p.merging.tree, ParentHashes: []plumbing.Hash{r.heads[p.base]},
	})
}

// rebase makes each commit anew on the base.
func (r *repo) rebase(who *user, p *pull) (plumbing.Hash, error) {
	tip := r.heads[p.base]
	commits, err := r.commitsOf(tip, p.headOID)
	if err != nil {
		return tip, err
	}
	for _, c := range commits {
		if len(c.ParentHashes) != 1 {
			return tip, cannotMerge("This branch can't be rebased")
		}
		parent, err := r.git.commit(c.ParentHashes[0])
		if err != nil {
			return tip, err
		}
		onto, err := r.git.commit(tip)
		if err != nil {
			return tip, err
		}
		tree, conflicts, err := r.git.mergeTrees(parent.TreeHash, onto.TreeHash, c.TreeHash)
		if err != nil {
			return tip, err
		}
		if conflicts != nil {
			return tip, cannotMerge("This branch can't be rebased due to conflicts")
		}
		tip, err = r.git.writeCommit(&object.Commit{
			Author: c.Author, Committer: r.signature(who), Message: c.Message,
			TreeHash: tree, ParentHashes: []plumbing.Hash{tip},
		})
		if err != nil {
			return tip, err
		}
	}
	return tip, nil
}
