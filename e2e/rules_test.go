package e2e

import (
	"strings"
	"testing"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
	"github.com/portreeve/portreeve/reconciler/forge/sandbox"
)

// everyRule asks for all that a branch can ask for, but to be locked.
func everyRule(ruleset bool) sandbox.Rules {
	return sandbox.Rules{
		RequiredChecks: []string{"test", "lint"}, CheckApps: map[string]int64{"test": 15368}, RequiredApprovals: 1, DismissStale: true,
		LastPushApproval: true, CodeOwners: true, UpToDate: true, Conversations: true, Linear: true, Deployments: []string{"staging"}, Queue: true,
		QueueMethod: fleet.MergeSquash, Ruleset: ruleset,
	}
}

// TestRulesAsPublished drives the client through rules of all sorts, and
// through the merge queue, and holds each request and each answer to what
// GitHub publishes.
func TestRulesAsPublished(t *testing.T) {
	readme := map[string]sandbox.File{"README.md": {Content: "# Read me\n"}}
	checks := []sandbox.CheckSpec{{Name: "test"}, {Name: "lint", Status: true}}
	judged := everyRule(true)
	judged.Others = []string{"code_scanning", "workflows"}
	owned := sandbox.Rules{CodeOwners: true, Ruleset: true, OfOrg: true}
	w := newWorld(
		t,
		sandbox.Spec{Name: "acme/classic", Files: readme, CI: checks, Rules: everyRule(false)},
		sandbox.Spec{Name: "acme/ruleset", Files: readme, CI: checks, Rules: judged},
		sandbox.Spec{Name: "acme/locked", Files: readme, Rules: sandbox.Rules{Locked: true, Signatures: true}},
		sandbox.Spec{Name: "acme/update", Files: readme, Rules: sandbox.Rules{Locked: true, Signatures: true, Ruleset: true}},
		sandbox.Spec{Name: "acme/org", Files: readme, Rules: owned},
		sandbox.Spec{Name: "acme/free", Files: readme},
	)
	ctx, c := t.Context(), w.client
	names := []fleet.RepoName{"acme/classic", "acme/ruleset", "acme/locked", "acme/update", "acme/org", "acme/free"}
	for range 2 { // the second time from memory
		for repo, rules := range c.Rules(ctx, names) {
			if rules.Err != nil || rules.Value.Queue != (repo == "acme/classic" || repo == "acme/ruleset") {
				t.Errorf("%s: %+v, %v", repo, rules.Value, rules.Err)
			}
		}
		w.forge.Bypass(bot)
	}
	for _, repo := range names[:2] {
		throughTheQueue(w, repo)
	}
	w.forge.HideProtection(bot)
	hidden := c.Rules(ctx, names)
	for _, repo := range names {
		if classic := repo == "acme/classic" || repo == "acme/locked"; classic != (hidden[repo].Err != nil) {
			t.Errorf("%s: %v", repo, hidden[repo].Err)
		} else if classic && !strings.Contains(hidden[repo].Err.Error(), "Administration") {
			t.Errorf("%s: %v", repo, hidden[repo].Err)
		}
	}
	asPublished(t, &w.recorder)
}

// throughTheQueue has a pull request of a repo with every rule get what it
// lacks, and sends it through the queue in each way there is.
func throughTheQueue(w *world, repo fleet.RepoName) {
	t, ctx, c := w.t, w.t.Context(), w.client
	const branch = "portreeve/migration/queued"
	head := w.branch(repo, branch, "queued.txt", "queued\n")
	number := w.open(repo, branch)
	read := func() *fleet.PullRequest {
		key := forge.Branch{Repo: repo, Name: branch}
		a := c.PullRequests(ctx, []forge.Branch{key})[key]
		must(t, a.Err)
		return a.Value
	}
	ready := func() fleet.Readiness {
		key := forge.Pull{Repo: repo, Number: number}
		a := c.Readiness(ctx, []forge.Pull{key, {Repo: repo, Number: 999}})
		must(t, a[key].Err)
		fails(t, fleet.Permanent, a[forge.Pull{Repo: repo, Number: 999}].Err)
		return a[key].Value
	}
	must(t, w.you().Discuss(repo, number, "Why so?"))
	must(t, w.you().AutoMerge(repo, number, true))
	must(t, w.you().Deploy(repo, head, "staging", "FAILURE"))
	read()
	if p := read(); !p.Held || p.AutoMerge == nil || ready().Unresolved != 1 {
		t.Errorf("%s: %+v, %+v", repo, p, ready())
	}
	must(t, w.you().AutoMerge(repo, number, false))
	must(t, w.you().Resolve(repo, number))
	must(t, w.you().Approve(repo, number))
	must(t, w.you().Deploy(repo, head, "staging", "SUCCESS"))
	if r := ready(); len(r.Approvals) != 1 || len(r.Deployed) != 1 || r.Unresolved != 0 {
		t.Errorf("%s: %+v", repo, r)
	}
	fails(t, fleet.Moved, c.EnqueuePull(ctx, repo, number, "0123456789012345678901234567890123456789"))
	fails(t, fleet.Permanent, c.EnqueuePull(ctx, repo, 999, head))
	must(t, w.you().SetCI(repo, sandbox.CheckSpec{Name: "test", Never: true}))
	must(t, c.EnqueuePull(ctx, repo, number, head))
	must(t, c.EnqueuePull(ctx, repo, number, head))
	if p := read(); p.Queued == nil || p.Queued.Position != 1 {
		t.Errorf("%s: %+v", repo, p)
	}
	must(t, c.DequeuePull(ctx, repo, number))
	if d := ready().Dequeued; d == nil || !d.By.Self {
		t.Errorf("%s: %+v", repo, d)
	}
	must(t, w.you().SetCI(repo, sandbox.CheckSpec{Name: "test"}, sandbox.CheckSpec{Name: "lint", Status: true}))
	must(t, c.EnqueuePull(ctx, repo, number, head))
	if p := read(); p.State != fleet.PullMerged {
		t.Errorf("%s: %+v", repo, p)
	}
}

// TestMergePastTheQueueAsPublished holds the refusal to what is published.
func TestMergePastTheQueueAsPublished(t *testing.T) {
	w := newWorld(t, sandbox.Spec{Name: "acme/queue", Files: map[string]sandbox.File{"a": {Content: "a"}}, Rules: sandbox.Rules{Queue: true}})
	head := w.branch("acme/queue", "portreeve/migration/x", "x", "x\n")
	number := w.open("acme/queue", "portreeve/migration/x")
	must(t, w.client.DequeuePull(t.Context(), "acme/queue", number)) // it is in none
	err := w.client.MergePull(t.Context(), "acme/queue", number, head, fleet.MergeCommit)
	fails(t, fleet.Permanent, err)
	if err == nil || !strings.Contains(err.Error(), "Changes must be made through the merge queue") {
		t.Error(err)
	}
	asPublished(t, &w.recorder)
}
