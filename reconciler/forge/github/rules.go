package github

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
)

const ruleSelection = `...rules`

const ruleFragments = `
fragment rules on Repository{mergeCommitAllowed squashMergeAllowed rebaseMergeAllowed
defaultBranchRef{name branchProtectionRule{requiredStatusCheckContexts requiresStatusChecks requiresStrictStatusChecks}}}
`

type ruleAnswer struct {
	MergeCommitAllowed bool `json:"mergeCommitAllowed"`
	SquashMergeAllowed bool `json:"squashMergeAllowed"`
	RebaseMergeAllowed bool `json:"rebaseMergeAllowed"`
	DefaultBranchRef   *struct {
		Name                 string `json:"name"`
		BranchProtectionRule *struct {
			Contexts []string `json:"requiredStatusCheckContexts"`
			Checks   bool     `json:"requiresStatusChecks"`
			Strict   bool     `json:"requiresStrictStatusChecks"`
		} `json:"branchProtectionRule"`
	} `json:"defaultBranchRef"`
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
	return askRepos(ctx, c, q, 1+len(repos)/100, repos, ruleSelection,
		func(_ fleet.RepoName, a *ruleAnswer) (branchRules, error) { return a.rules(), nil })
}

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
	ref := a.DefaultBranchRef
	if ref == nil {
		return out
	}
	out.branch = ref.Name
	// Contexts stay listed after "require status checks" was switched off.
	if p := ref.BranchProtectionRule; p != nil && p.Checks {
		out.rules.RequiredChecks = slices.Clone(p.Contexts)
		out.rules.UpToDate = p.Strict
	}
	return out
}

// ruleset is one rule of the active rulesets that apply to a branch.
type ruleset struct {
	Type       string `json:"type"`
	Parameters struct {
		Checks []struct {
			Context string `json:"context"`
		} `json:"required_status_checks"`
		Strict  bool     `json:"strict_required_status_checks_policy"`
		Methods []string `json:"allowed_merge_methods"`
	} `json:"parameters"`
}

func (c *Client) addRulesets(ctx context.Context, repo fleet.RepoName, b branchRules) (fleet.Rules, error) {
	rules := b.rules
	if b.branch != "" {
		sets, err := c.rulesets(ctx, repo, b.branch)
		if err != nil {
			return rules, err
		}
		for _, s := range sets {
			s.add(&rules)
		}
	}
	slices.Sort(rules.RequiredChecks)
	rules.RequiredChecks = slices.Compact(rules.RequiredChecks)
	return rules, nil
}

func (r *ruleset) add(rules *fleet.Rules) {
	only := func(allowed func(fleet.MergeMethod) bool) {
		rules.MergeMethods = slices.DeleteFunc(rules.MergeMethods, func(m fleet.MergeMethod) bool { return !allowed(m) })
	}
	switch r.Type {
	case "required_status_checks":
		for _, check := range r.Parameters.Checks {
			rules.RequiredChecks = append(rules.RequiredChecks, check.Context)
		}
		rules.UpToDate = rules.UpToDate || r.Parameters.Strict
	case "required_linear_history":
		only(func(m fleet.MergeMethod) bool { return m != fleet.MergeCommit })
	case "pull_request":
		if len(r.Parameters.Methods) > 0 {
			only(func(m fleet.MergeMethod) bool { return slices.Contains(r.Parameters.Methods, string(m)) })
		}
	}
}

// rulesets reads the rules that apply to a branch. go-github's own call gives
// neither pages nor a branch whose name has a slash.
func (c *Client) rulesets(ctx context.Context, repo fleet.RepoName, branch string) ([]ruleset, error) {
	owner, short, err := name(repo)
	if err != nil {
		return nil, err
	}
	var out []ruleset
	for page := 1; page != 0; {
		if page > maxPages {
			return nil, errEndless
		}
		req, err := c.rest.NewRequest(http.MethodGet, rulesetPath(owner, short, branch, page), nil)
		if err != nil {
			return nil, err
		}
		var raw []json.RawMessage
		resp, err := c.rest.Do(stale(ctx), req, &raw)
		if status(err) == http.StatusNotFound {
			return nil, nil // a forge that is older than rulesets: the repo itself was seen
		}
		if err != nil {
			return nil, err
		}
		for _, text := range raw {
			var kind struct {
				Type string `json:"type"`
			}
			if err := json.Unmarshal(text, &kind); err != nil {
				return nil, err
			}
			rule := ruleset{Type: kind.Type}
			// The parameters of other types have other shapes.
			if kind.Type == "required_status_checks" || kind.Type == "pull_request" {
				if err := json.Unmarshal(text, &rule); err != nil {
					return nil, err
				}
			}
			out = append(out, rule)
		}
		page = resp.NextPage
	}
	return out, nil
}
