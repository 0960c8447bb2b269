package github

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
)

const ruleSelection = `...rules`

const ruleFragments = `
fragment rules on Repository{mergeCommitAllowed squashMergeAllowed rebaseMergeAllowed mergeQueue{id} defaultBranchRef{name branchProtectionRule{
requiresStatusChecks requiresStrictStatusChecks requiredStatusChecks{context app{databaseId}} requiresApprovingReviews requiredApprovingReviewCount
requireLastPushApproval requiresConversationResolution requiresCommitSignatures requiresLinearHistory requiresDeployments requiredDeploymentEnvironments lockBranch}}}
`

type ruleAnswer struct {
	MergeCommitAllowed bool `json:"mergeCommitAllowed"`
	SquashMergeAllowed bool `json:"squashMergeAllowed"`
	RebaseMergeAllowed bool `json:"rebaseMergeAllowed"`
	// MergeQueue is that of the default branch.
	MergeQueue       *struct{} `json:"mergeQueue"`
	DefaultBranchRef *struct {
		Name                 string      `json:"name"`
		BranchProtectionRule *protection `json:"branchProtectionRule"`
	} `json:"defaultBranchRef"`
}

// protection is a classic branch protection rule. Of what is switched off it
// may still list the particulars.
type protection struct {
	ChecksOn bool `json:"requiresStatusChecks"`
	Strict   bool `json:"requiresStrictStatusChecks"`
	Checks   []struct {
		Context string `json:"context"`
		App     *struct {
			ID int64 `json:"databaseId"`
		} `json:"app"`
	} `json:"requiredStatusChecks"`
	ReviewsOn     bool     `json:"requiresApprovingReviews"`
	Approvals     int      `json:"requiredApprovingReviewCount"`
	LastPush      bool     `json:"requireLastPushApproval"`
	Conversations bool     `json:"requiresConversationResolution"`
	Signatures    bool     `json:"requiresCommitSignatures"`
	Linear        bool     `json:"requiresLinearHistory"`
	DeploymentsOn bool     `json:"requiresDeployments"`
	Deployments   []string `json:"requiredDeploymentEnvironments"`
	Locked        bool     `json:"lockBranch"`
}

// branchRules are what protection says of a default branch.
type branchRules struct {
	branch string // empty for an empty repo
	rules  fleet.Rules
}

// Rules reads branch protection over GraphQL, then adds what rulesets say,
// which only REST tells; those reads are answered from memory while nothing
// changed.
func (c *Client) Rules(ctx context.Context, repos []fleet.RepoName) map[fleet.RepoName]forge.Answer[fleet.Rules] {
	protection := repoBatch(c, "read rules", &c.rules, c.askRules).run(ctx, repos)
	repos = c.unknownFirst(distinct(repos), protection)
	rules := make([]forge.Answer[fleet.Rules], len(repos))
	var g errgroup.Group
	g.SetLimit(atOnce)
	for i, repo := range repos {
		g.Go(func() error {
			p := protection[repo]
			if p.Err != nil {
				rules[i].Err = p.Err
				return nil
			}
			r, err := c.addRulesets(ctx, repo, p.Value)
			if err != nil {
				rules[i].Err = c.fail("read rules", string(repo), err)
				return nil
			}
			rules[i].Value = r
			return nil
		})
	}
	_ = g.Wait()
	out := make(map[fleet.RepoName]forge.Answer[fleet.Rules], len(repos))
	for i, repo := range repos {
		out[repo] = rules[i]
	}
	return out
}

// unknownFirst puts first the repos whose rulesets were never read: where a
// limit cuts the reading short, the next pass gets further, and has for the
// others what this one read.
func (c *Client) unknownFirst(repos []fleet.RepoName, p map[fleet.RepoName]forge.Answer[branchRules]) []fleet.RepoName {
	var unknown, known []fleet.RepoName
	for _, repo := range repos {
		path := rulesetPath(repo.Owner(), repo.Short(), p[repo].Value.branch, 1)
		if c.cache.has(c.rest.BaseURL.String() + path) {
			known = append(known, repo)
		} else {
			unknown = append(unknown, repo)
		}
	}
	return append(unknown, known...)
}

func rulesetPath(owner, short, branch string, page int) string {
	return fmt.Sprintf("repos/%s/%s/rules/branches/%s?per_page=100&page=%d", owner, short, url.PathEscape(branch), page)
}

func (c *Client) askRules(ctx context.Context, repos []fleet.RepoName) (map[fleet.RepoName]forge.Answer[branchRules], error) {
	q := newQuery("Rules")
	q.fragments = ruleFragments
	out, err := askRepos(ctx, c, q, 1+len(repos)/100, repos, ruleSelection,
		func(_ fleet.RepoName, a *ruleAnswer) (branchRules, error) { return a.rules(), nil })
	for repo, a := range out {
		if part := (*partError)(nil); errors.As(a.Err, &part) && (part.Type == "FORBIDDEN" || part.Type == "INSUFFICIENT_SCOPES") {
			a.Err = &classed{fleet.Permanent, part.Error() + "; " + protectionNeeds}
			out[repo] = a
		}
	}
	return out, err
}

// What has to be granted so that rules can be read.
const (
	protectionNeeds = "to read branch protection an App needs the repository permission Administration (read), and a token the scope repo"
	rulesetNeeds    = "to read rulesets an App needs the repository permission Metadata (read), and a token the scope repo"
)

func (a *ruleAnswer) rules() branchRules {
	var out branchRules
	for _, m := range []struct {
		allowed bool
		method  fleet.MergeMethod
	}{
		{a.MergeCommitAllowed, fleet.MergeCommit},
		{a.SquashMergeAllowed, fleet.MergeSquash},
		{a.RebaseMergeAllowed, fleet.MergeRebase},
	} {
		if m.allowed {
			out.rules.MergeMethods = append(out.rules.MergeMethods, m.method)
		}
	}
	out.rules.Queue = a.MergeQueue != nil
	if ref := a.DefaultBranchRef; ref != nil {
		out.branch = ref.Name
		if ref.BranchProtectionRule != nil {
			ref.BranchProtectionRule.add(&out.rules)
		}
	}
	return out
}

func (p *protection) add(r *fleet.Rules) {
	if p.ChecksOn {
		r.UpToDate = p.Strict
		for _, c := range p.Checks {
			required := fleet.RequiredCheck{Name: c.Context}
			if c.App != nil {
				required.App = c.App.ID
			}
			r.RequiredChecks = append(r.RequiredChecks, required)
		}
	}
	if p.ReviewsOn {
		r.Approvals, r.LastPushApproval = p.Approvals, p.LastPush
	}
	if p.DeploymentsOn {
		r.Deployments = append(r.Deployments, p.Deployments...)
	}
	if p.Linear {
		linear(r)
	}
	r.Conversations, r.Signatures, r.Locked = p.Conversations, p.Signatures, p.Locked
}

// linear leaves the merge methods that make no merge commit.
func linear(r *fleet.Rules) {
	r.MergeMethods = slices.DeleteFunc(r.MergeMethods, func(m fleet.MergeMethod) bool { return m == fleet.MergeCommit })
}
