package github

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// ruleset is one rule of the active rulesets that apply to a branch.
type ruleset struct {
	Type       string         `json:"type"`
	ID         int64          `json:"ruleset_id"`
	Parameters ruleParameters `json:"parameters"`
}

type ruleParameters struct {
	Checks []struct {
		Context string `json:"context"`
		App     int64  `json:"integration_id"`
	} `json:"required_status_checks"`
	Strict        bool              `json:"strict_required_status_checks_policy"`
	Methods       []string          `json:"allowed_merge_methods"`
	Approvals     int               `json:"required_approving_review_count"`
	LastPush      bool              `json:"require_last_push_approval"`
	Conversations bool              `json:"required_review_thread_resolution"`
	Reviewers     []json.RawMessage `json:"required_reviewers"`
	Deployments   []string          `json:"required_deployment_environments"`
}

// harmless are the rules that say nothing of a pull request's merge: they are
// about the branch as such, or are held against each push.
var harmless = []string{
	"creation", "deletion", "non_fast_forward", "branch_name_pattern", "tag_name_pattern",
	"file_path_restriction", "file_extension_restriction", "max_file_path_length", "max_file_size",
}

func (c *Client) addRulesets(ctx context.Context, repo fleet.RepoName, b branchRules) (fleet.Rules, error) {
	rules := b.rules
	if b.branch != "" {
		sets, err := c.rulesets(ctx, repo, b.branch)
		if err != nil {
			return rules, err
		}
		for _, s := range sets {
			if s.add(&rules) {
				continue
			}
			if passes, err := c.passesBy(ctx, repo, s.ID); err != nil {
				return rules, err
			} else if passes {
				rules.Unjudged = append(rules.Unjudged, s.Type)
			}
		}
	}
	slices.SortFunc(rules.RequiredChecks, func(a, b fleet.RequiredCheck) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), cmp.Compare(a.App, b.App))
	})
	rules.RequiredChecks = slices.Compact(rules.RequiredChecks)
	for _, names := range []*[]string{&rules.Deployments, &rules.Unjudged} {
		slices.Sort(*names)
		*names = slices.Compact(*names)
	}
	return rules, nil
}

// add adds a rule; false says that it is one which only the forge can judge.
// Of a kind that several rulesets have, each holds, so the strictest counts.
func (r *ruleset) add(rules *fleet.Rules) bool {
	p := r.Parameters
	switch r.Type {
	case "required_status_checks":
		for _, check := range p.Checks {
			rules.RequiredChecks = append(rules.RequiredChecks, fleet.RequiredCheck{Name: check.Context, App: check.App})
		}
		rules.UpToDate = rules.UpToDate || p.Strict
	case "pull_request":
		if len(p.Methods) > 0 {
			rules.MergeMethods = slices.DeleteFunc(rules.MergeMethods, func(m fleet.MergeMethod) bool { return !slices.Contains(p.Methods, string(m)) })
		}
		rules.Approvals = max(rules.Approvals, p.Approvals)
		rules.LastPushApproval = rules.LastPushApproval || p.LastPush
		rules.Conversations = rules.Conversations || p.Conversations
		return len(p.Reviewers) == 0
	case "required_deployments":
		rules.Deployments = append(rules.Deployments, p.Deployments...)
	case "required_linear_history":
		linear(rules)
	case "required_signatures":
		rules.Signatures = true
	case "update":
		rules.Locked = true
	case "merge_queue":
		rules.Queue = true
	default:
		return slices.Contains(harmless, r.Type)
	}
	return true
}

// shaped are the rules whose parameters have the shape of ruleParameters.
var shaped = []string{"required_status_checks", "pull_request", "required_deployments"}

// rulesets reads the rules that apply to a branch, of the repo's rulesets and
// the organisation's. go-github's own call gives neither pages nor a branch
// whose name has a slash.
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
		switch status(err) {
		case http.StatusNotFound:
			return nil, nil // a forge that is older than rulesets: the repo itself was seen
		case http.StatusForbidden:
			return nil, &classed{fleet.Permanent, c.fail("", "", err).Err.Error() + "; " + rulesetNeeds}
		}
		if err != nil {
			return nil, err
		}
		for _, text := range raw {
			rule, err := readRule(text)
			if err != nil {
				return nil, err
			}
			out = append(out, rule)
		}
		page = resp.NextPage
	}
	return out, nil
}

func readRule(text json.RawMessage) (ruleset, error) {
	var kind struct {
		Type string `json:"type"`
		ID   int64  `json:"ruleset_id"`
	}
	if err := json.Unmarshal(text, &kind); err != nil {
		return ruleset{}, err
	}
	rule := ruleset{Type: kind.Type, ID: kind.ID}
	if !slices.Contains(shaped, kind.Type) {
		return rule, nil
	}
	err := json.Unmarshal(text, &rule)
	return rule, err
}

// passesBy reports whether our identity may pass a ruleset by, so that the
// forge would not stop it. What isn't said counts as yes.
func (c *Client) passesBy(ctx context.Context, repo fleet.RepoName, id int64) (bool, error) {
	owner, short, err := name(repo)
	if err != nil {
		return false, err
	}
	req, err := c.rest.NewRequest(http.MethodGet, fmt.Sprintf("repos/%s/%s/rulesets/%d", owner, short, id), nil)
	if err != nil {
		return false, err
	}
	var set struct {
		Bypass string `json:"current_user_can_bypass"`
	}
	_, err = c.rest.Do(stale(ctx), req, &set)
	switch status(err) {
	case http.StatusNotFound, http.StatusForbidden:
		return true, nil
	}
	return set.Bypass != "never", err
}
