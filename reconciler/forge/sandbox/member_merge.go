package sandbox

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
)

func (m *member) Rules(ctx context.Context, repos []fleet.RepoName) map[fleet.RepoName]forge.Answer[fleet.Rules] {
	out := make(map[fleet.RepoName]forge.Answer[fleet.Rules], len(repos))
	for _, name := range repos {
		var rules fleet.Rules
		err := m.call(ctx, "Rules", false, name, func() error {
			return m.forge.with(name, func(r *repo) error {
				if r.classic() && !m.forge.seesProtection(m.user) {
					return &Refusal{Status: 403, Message: hidden}
				}
				rules = r.asks(m.forge.mayBypass(m.user))
				return nil
			})
		})
		out[name] = forge.Answer[fleet.Rules]{Value: rules, Err: err}
	}
	return out
}

// asks are the rules in the fleet's words, for somebody who may pass them by
// or not.
func (r *repo) asks(bypass bool) fleet.Rules {
	is := r.rules
	out := fleet.Rules{
		UpToDate: is.UpToDate, Approvals: is.RequiredApprovals, LastPushApproval: is.LastPushApproval,
		Conversations: is.Conversations, Signatures: is.Signatures, Locked: is.Locked, Queue: is.Queue,
		Deployments: slices.Sorted(slices.Values(is.Deployments)), MergeMethods: slices.Clone(r.methods),
	}
	for _, name := range is.RequiredChecks {
		out.RequiredChecks = append(out.RequiredChecks, fleet.RequiredCheck{Name: name, App: is.CheckApps[name]})
	}
	slices.SortFunc(out.RequiredChecks, func(a, b fleet.RequiredCheck) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), cmp.Compare(a.App, b.App))
	})
	if is.Linear {
		out.MergeMethods = slices.DeleteFunc(out.MergeMethods, func(m fleet.MergeMethod) bool { return m == fleet.MergeCommit })
	}
	if bypass {
		out.Unjudged = slices.Sorted(slices.Values(is.Others))
	}
	return out
}

func (m *member) Readiness(ctx context.Context, pulls []forge.Pull) map[forge.Pull]forge.Answer[fleet.Readiness] {
	out := make(map[forge.Pull]forge.Answer[fleet.Readiness], len(pulls))
	for _, p := range pulls {
		var ready fleet.Readiness
		err := m.call(ctx, "Readiness", false, p.Repo, func() error {
			return m.forge.withPull(p.Repo, p.Number, func(r *repo, p *pull) error {
				ready = r.ready(p, m.user)
				return nil
			})
		})
		out[p] = forge.Answer[fleet.Readiness]{Value: ready, Err: err}
	}
	return out
}

func (r *repo) ready(p *pull, as *user) fleet.Readiness {
	var out fleet.Readiness
	for _, t := range p.threads {
		if !t.resolved {
			out.Unresolved++
		}
	}
	for _, v := range p.opinions() {
		if v.state == "APPROVED" {
			out.Approvals = append(out.Approvals, fleet.Approval{By: v.by.actor(as), Commit: commitID(v.commit)})
		}
	}
	for key, state := range r.deployments {
		if key.commit == p.headOID && state == "SUCCESS" {
			out.Deployed = append(out.Deployed, key.environment)
		}
	}
	slices.Sort(out.Deployed)
	for _, e := range slices.Backward(p.events) {
		if e.kind == eventClosed {
			continue
		}
		if e.kind == eventDequeued {
			out.Dequeued = &fleet.Dequeued{At: e.at, By: e.by.actor(as), Said: e.reason, Reason: map[string]fleet.DequeueReason{
				leftByHand: fleet.DequeuedByHand, leftChecks: fleet.DequeuedChecks, leftTimeout: fleet.DequeuedChecks,
				leftConflict: fleet.DequeuedConflict, leftMerged: fleet.DequeuedMerged, leftCleared: fleet.DequeuedOther,
			}[e.reason]}
		}
		break
	}
	return out
}

// show is an entry in the fleet's words.
func (e *queueEntry) show(as *user) *fleet.QueueEntry {
	if e == nil {
		return nil
	}
	state := fleet.QueueWaiting
	if !e.head.IsZero() {
		state = fleet.QueueChecking
	}
	return &fleet.QueueEntry{Position: e.position(), State: state, By: e.by.actor(as), Since: e.at, Estimate: e.estimate()}
}

// signatureOf takes each signature for good: the forge knows no keys.
func signatureOf(c *object.Commit) fleet.Signature {
	if c.PGPSignature == "" {
		return fleet.SignatureNone
	}
	return fleet.SignatureVerified
}

func (m *member) EnqueuePull(ctx context.Context, name fleet.RepoName, number int, head fleet.CommitID) error {
	return m.onPull(ctx, "EnqueuePull", name, number, func(r *repo, p *pull) error {
		if p.headOID.String() != string(head) || p.state == fleet.PullClosed {
			return &Refusal{Status: 409, Message: "The pull request is closed, or at another commit."}
		}
		if p.entry() != nil || p.state == fleet.PullMerged {
			return nil
		}
		_, err := r.enqueue(m.user, p, string(head))
		return err
	})
}

func (m *member) DequeuePull(ctx context.Context, name fleet.RepoName, number int) error {
	return m.onPull(ctx, "DequeuePull", name, number, func(r *repo, p *pull) error {
		r.leaveQueue(p, m.user, leftByHand)
		return nil
	})
}
