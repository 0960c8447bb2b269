package sandbox

import (
	"fmt"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Enqueue puts a pull request into the merge queue, as far as the rules let it.
func (p *Person) Enqueue(name fleet.RepoName, number int) error {
	return p.pull(name, number, func(r *repo, pr *pull) error {
		_, err := r.enqueue(p.user, pr, "")
		return err
	})
}

// Dequeue takes a pull request out of the merge queue.
func (p *Person) Dequeue(name fleet.RepoName, number int) error {
	return p.pull(name, number, func(r *repo, pr *pull) error {
		if r.leaveQueue(pr, p.user, leftByHand) == nil {
			return unprocessable("Pull request is not in the queue")
		}
		return nil
	})
}

// AutoMerge tells the forge to merge a pull request once its rules let it, or
// takes that back.
func (p *Person) AutoMerge(name fleet.RepoName, number int, on bool) error {
	return p.pull(name, number, func(_ *repo, pr *pull) error {
		if pr.state != fleet.PullOpen {
			return unprocessable("Pull request is closed")
		}
		pr.autoMerge = nil
		if on {
			pr.autoMerge = p.user
		}
		pr.quietly(p.user, "edit", fmt.Sprint("auto-merge ", on))
		pr.announceAs(p.user, map[bool]string{true: "auto_merge_enabled", false: "auto_merge_disabled"}[on], obj{"reason": ""})
		return nil
	})
}

// Discuss begins a conversation on a pull request's code.
func (p *Person) Discuss(name fleet.RepoName, number int, body string) error {
	return p.pull(name, number, func(r *repo, pr *pull) error {
		if body == "" {
			return invalid("PullRequestReviewComment", "body", "missing_field", "body can't be blank")
		}
		pr.threads = append(pr.threads, thread{id: r.forge.newID(), by: p.user, body: body, at: r.forge.time()})
		pr.quietly(p.user, "edit", "conversation")
		return nil
	})
}

// Resolve resolves all conversations of a pull request.
func (p *Person) Resolve(name fleet.RepoName, number int) error {
	return p.pull(name, number, func(_ *repo, pr *pull) error {
		resolved := make([]thread, len(pr.threads)) // a query may hold the others
		for i, t := range pr.threads {
			t.resolved = true
			resolved[i] = t
		}
		pr.threads = resolved
		pr.quietly(p.user, "edit", "resolved")
		return nil
	})
}

// quietly notes a change of which touch would tell something else.
func (p *pull) quietly(who *user, do, detail string) {
	p.updated = p.repo.forge.time()
	p.repo.forge.wrote(who, do, p.repo.name, p.number, detail)
}

type deploymentKey struct {
	commit      plumbing.Hash
	environment string
}

// Deploy says how the newest deployment of a commit went: "SUCCESS",
// "FAILURE", "IN_PROGRESS".
func (p *Person) Deploy(name fleet.RepoName, commit fleet.CommitID, environment, state string) error {
	return p.forge.with(name, func(r *repo) error {
		r.deployments[deploymentKey{plumbing.NewHash(string(commit)), environment}] = state
		p.forge.wrote(p.user, "deploy", r.name, 0, environment+" "+state)
		return nil
	})
}
