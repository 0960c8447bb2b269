package sandbox

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Bypass lets a user merge whatever the rules say, as an administrator may,
// or who is among those that may bypass a ruleset.
func (f *Forge) Bypass(login string) {
	who := f.user(login)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.bypass[who] = true
}

func (f *Forge) mayBypass(who *user) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.bypass[who]
}

// HideProtection hides classic branch protection from a user, as it is from
// who may not read a repo's administration.
func (f *Forge) HideProtection(login string) {
	who := f.user(login)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.unprivileged[who] = true
}

// hidden is what they are told who may not see it.
const hidden = "Resource not accessible by integration"

// classic says whether the default branch has classic protection.
func (r *repo) classic() bool {
	is := r.rules
	return !is.Ruleset && (len(is.RequiredChecks) > 0 || is.RequiredApprovals > 0 || is.CodeOwners || is.LastPushApproval || is.Conversations ||
		is.Signatures || is.Linear || len(is.Deployments) > 0 || is.Locked)
}

func (f *Forge) seesProtection(who *user) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.unprivileged[who]
}

// Forbids says what a rule has against merging a pull request directly now;
// nil for nothing.
func (f *Forge) Forbids(name fleet.RepoName, number int, method fleet.MergeMethod) error {
	return f.withPull(name, number, func(r *repo, p *pull) error { return r.forbids(p, method) })
}

// ForbidsQueue is Forbids for the merge queue.
func (f *Forge) ForbidsQueue(name fleet.RepoName, number int) error {
	return f.withPull(name, number, func(r *repo, p *pull) error { return r.obeysRules(p) })
}

// forbids says what a rule has against merging directly, by a method.
func (r *repo) forbids(p *pull, method fleet.MergeMethod) error {
	switch {
	case p.base != r.defaultBranch:
		return nil
	case r.rules.Queue && r.rules.Ruleset:
		return cannotMerge("Repository rule violations found\n\nChanges must be made through the merge queue")
	case r.rules.Queue:
		return cannotMerge("Changes must be made through the merge queue")
	case r.rules.Linear && method == fleet.MergeCommit:
		return cannotMerge("This branch must not contain merge commits.")
	}
	return r.obeysRules(p)
}

// obeysRules says what the rules of the default branch want of a pull request
// that it has not. A queue merges it with the base's newest commit by itself.
func (r *repo) obeysRules(p *pull) error {
	if p.base != r.defaultBranch {
		return nil
	}
	if r.rules.Locked {
		return cannotMerge("Cannot change this locked branch")
	}
	for _, rule := range []func(*pull) error{r.reviewed, r.resolved, r.signed, r.deployed, r.checksPass} {
		if err := rule(p); err != nil {
			return err
		}
	}
	if !r.rules.UpToDate || r.rules.Queue {
		return nil
	}
	if behind, err := r.behind(p); err != nil {
		return err
	} else if behind {
		return cannotMerge("Head branch is not up to date with the base branch")
	}
	return nil
}

func (r *repo) reviewed(p *pull) error {
	_, owner := r.lacksOwners(p)
	switch decision := p.decision(); {
	case decision == "REVIEW_REQUIRED" && owner != "":
		return cannotMerge("Waiting on code owner review from %s.", owner)
	case decision == "REVIEW_REQUIRED":
		return cannotMerge("At least %d approving review is required by reviewers with write access.", r.rules.RequiredApprovals)
	case decision == "CHANGES_REQUESTED":
		if r.rules.RequiredApprovals > 0 || r.rules.CodeOwners {
			return cannotMerge("Changes have been requested by reviewers with write access.")
		}
	}
	if r.rules.LastPushApproval && !slices.ContainsFunc(p.opinions(), func(v review) bool {
		return v.state == "APPROVED" && v.commit == p.headOID && v.by != p.pusher
	}) {
		return cannotMerge("New changes require approval from someone other than the last pusher.")
	}
	return nil
}

func (r *repo) resolved(p *pull) error {
	if r.rules.Conversations && slices.ContainsFunc(p.threads, func(t thread) bool { return !t.resolved }) {
		return cannotMerge("A conversation must be resolved before this pull request can be merged.")
	}
	return nil
}

func (r *repo) signed(p *pull) error {
	if !r.rules.Signatures {
		return nil
	}
	commits, err := r.commitsOf(r.heads[p.base], p.headOID)
	if err != nil {
		return err
	}
	for _, c := range commits {
		if c.PGPSignature == "" {
			return cannotMerge("Commits must have verified signatures.")
		}
	}
	return nil
}

func (r *repo) deployed(p *pull) error {
	for _, environment := range r.rules.Deployments {
		if r.deployments[deploymentKey{p.headOID, environment}] != "SUCCESS" {
			return cannotMerge("The head must be deployed to %s before it can be merged.", environment)
		}
	}
	return nil
}

// requires says whether the check is one that a rule requires.
func (r *repo) requires(c check) bool {
	app := r.rules.CheckApps[c.name]
	return slices.Contains(r.rules.RequiredChecks, c.name) && (app == 0 || c.app == app)
}

// required are the required checks of a commit by how they stand, each name
// once: "expected", "pending", "failing" or "passed".
func (r *repo) required(checks []check) map[string]string {
	out := map[string]string{}
	for _, name := range r.rules.RequiredChecks {
		out[name] = "expected"
	}
	for _, c := range checks {
		if !r.requires(c) {
			continue
		}
		switch c.state() {
		case fleet.CheckSuccess, fleet.CheckNeutral:
			out[c.name] = "passed"
		case fleet.CheckPending:
			out[c.name] = "pending"
		default:
			out[c.name] = "failing"
		}
	}
	return out
}

func (r *repo) checksPass(p *pull) error {
	states := r.required(r.checks(p.headOID))
	total := len(states)
	maps.DeleteFunc(states, func(_, word string) bool { return word == "passed" })
	missing := slices.Sorted(maps.Keys(states))
	switch len(missing) {
	case 0:
		return nil
	case 1:
		return cannotMerge("Required status check %q is %s.", missing[0], states[missing[0]])
	}
	var parts []string
	for _, word := range []string{"expected", "pending", "failing"} {
		n := 0
		for _, w := range states {
			if w == word {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, word))
		}
	}
	return cannotMerge("%d of %d required status checks have not succeeded: %s.", len(missing), total, strings.Join(parts, " and "))
}

// behind says whether the base has commits that the head has not.
func (r *repo) behind(p *pull) (bool, error) {
	up, err := r.contains(p.headOID, r.heads[p.base])
	return !up, err
}
