package sandbox

import (
	"cmp"
	"maps"
	"strconv"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

func getRules(c *call) (status int, body any, err error) {
	err = c.repo(func(r *repo) error {
		out := []obj{}
		if c.req.PathValue("branch") == r.defaultBranch {
			out = r.rulesJSON()
		}
		body = page(c, out)
		return nil
	})
	return 200, body, err
}

// rulesJSON are the rules of the repo's one ruleset. A merge queue is in one
// or the other way of writing rules down.
func (r *repo) rulesJSON() []obj {
	from := r.rulesetOf()
	out := []obj{}
	add := func(kind string, parameters obj) {
		rule := maps.Clone(from)
		rule["type"] = kind
		if parameters != nil {
			rule["parameters"] = parameters
		}
		out = append(out, rule)
	}
	for _, kind := range r.rules.Others {
		add(kind, nil)
	}
	is := r.rules
	if !is.Ruleset {
		return out
	}
	if is.RequiredApprovals > 0 || is.CodeOwners || is.LastPushApproval || is.Conversations {
		add("pull_request", obj{
			"required_approving_review_count": is.RequiredApprovals, "dismiss_stale_reviews_on_push": is.DismissStale,
			"require_code_owner_review": is.CodeOwners, "require_last_push_approval": is.LastPushApproval,
			"required_review_thread_resolution": is.Conversations, "allowed_merge_methods": r.methods,
		})
	}
	if len(is.RequiredChecks) > 0 {
		add("required_status_checks", obj{
			"required_status_checks": is.checksJSON(), "strict_required_status_checks_policy": is.UpToDate,
			"do_not_enforce_on_create": false,
		})
	}
	if is.Linear {
		add("required_linear_history", nil)
	}
	if is.Signatures {
		add("required_signatures", nil)
	}
	if len(is.Deployments) > 0 {
		add("required_deployments", obj{"required_deployment_environments": is.Deployments})
	}
	if is.Locked {
		add("update", obj{"update_allows_fetch_and_merge": false})
	}
	if is.Queue {
		add("merge_queue", is.queueJSON())
	}
	return out
}

// rulesetOf is whose the ruleset is, in the words of its rules.
func (r *repo) rulesetOf() obj {
	if r.rules.OfOrg {
		return obj{"ruleset_source_type": "Organization", "ruleset_source": r.name.Owner(), "ruleset_id": orgRuleset}
	}
	return obj{"ruleset_source_type": "Repository", "ruleset_source": string(r.name), "ruleset_id": r.id}
}

// orgRuleset is the id of an organisation's ruleset.
const orgRuleset = int64(4)

// checksJSON are the required checks, with the App of those that have one.
func (is Rules) checksJSON() []obj {
	checks := []obj{}
	for _, name := range is.RequiredChecks {
		check := obj{"context": name}
		if id := is.CheckApps[name]; id != 0 {
			check["integration_id"] = id
		}
		checks = append(checks, check)
	}
	return checks
}

func (is Rules) queueJSON() obj {
	minutes := 60
	if is.QueueTimeout > 0 {
		minutes = max(1, int(is.QueueTimeout.Minutes()))
	}
	return obj{
		"check_response_timeout_minutes": minutes, "grouping_strategy": "ALLGREEN", "max_entries_to_build": 1,
		"max_entries_to_merge": 1, "merge_method": strings.ToUpper(string(cmp.Or(is.QueueMethod, fleet.MergeCommit))),
		"min_entries_to_merge": 1, "min_entries_to_merge_wait_minutes": 0,
	}
}

func getRuleset(c *call) (status int, body any, err error) {
	err = c.repo(func(r *repo) error {
		of := r.rulesetOf()
		if id, _ := strconv.ParseInt(c.req.PathValue("id"), 10, 64); id != of["ruleset_id"] {
			return notFound()
		}
		bypass := "never"
		if c.forge.mayBypass(c.who) {
			bypass = "always"
		}
		body = obj{
			"id": of["ruleset_id"], "name": "main", "target": "branch", "source_type": of["ruleset_source_type"], "source": of["ruleset_source"],
			"enforcement": "active", "current_user_can_bypass": bypass, "node_id": "RRS_" + r.nodeID(),
			"created_at": r.created, "updated_at": r.updated,
		}
		return nil
	})
	return 200, body, err
}

func getRequiredChecks(c *call) (status int, body any, err error) {
	err = c.repo(func(r *repo) error {
		if !c.forge.seesProtection(c.who) {
			return &Refusal{Status: 403, Message: hidden}
		}
		if c.req.PathValue("branch") != r.defaultBranch || r.rules.Ruleset || len(r.rules.RequiredChecks) == 0 {
			return &Refusal{Status: 404, Message: "Required status checks not enabled"}
		}
		checks := []obj{}
		for _, name := range r.rules.RequiredChecks {
			checks = append(checks, obj{"context": name, "app_id": orNull(r.rules.CheckApps[name])})
		}
		body = obj{"strict": r.rules.UpToDate, "contexts": list(r.rules.RequiredChecks), "checks": checks}
		return nil
	})
	return 200, body, err
}
