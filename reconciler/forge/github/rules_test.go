package github

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// ruleAnswers are the default branches of some repos, as GraphQL tells them.
var ruleAnswers = map[string]string{
	"acme/both": `{"mergeCommitAllowed":true,"squashMergeAllowed":true,"rebaseMergeAllowed":false,"mergeQueue":null,"defaultBranchRef":{"name":"release/1",
"branchProtectionRule":{"requiresStatusChecks":true,"requiresStrictStatusChecks":false,"requiredStatusChecks":[{"context":"lint","app":null},{"context":"build","app":{"databaseId":7}}],
"requiresApprovingReviews":true,"requiredApprovingReviewCount":1,"requiresConversationResolution":true,"requiresDeployments":true,"requiredDeploymentEnvironments":["staging"]}}}`,
	"acme/off": `{"squashMergeAllowed":true,"mergeQueue":{"id":"MQ_1"},"defaultBranchRef":{"name":"main",
"branchProtectionRule":{"requiresStatusChecks":false,"requiresStrictStatusChecks":true,"requiredStatusChecks":[{"context":"old"}],"requiresApprovingReviews":false,
"requiredApprovingReviewCount":3,"requireLastPushApproval":true,"requiresDeployments":false,"requiredDeploymentEnvironments":["old"],"lockBranch":true,"requiresCommitSignatures":true}}}`,
	"acme/empty": `{"rebaseMergeAllowed":true,"mergeQueue":null,"defaultBranchRef":null}`,
}

func rulesForge(t *testing.T) *fake {
	f := newFake(t)
	f.graphql(func(w http.ResponseWriter, q asked) {
		answerEach(w, q, func(name string) any {
			if text, ok := ruleAnswers[name]; ok {
				return json.RawMessage(text)
			}
			if name == "acme/gone" {
				return nil
			}
			return json.RawMessage(`{"squashMergeAllowed":true,"mergeCommitAllowed":true,"defaultBranchRef":{"name":"main","branchProtectionRule":null}}`)
		})
	})
	return f
}

// Of rules that are in both, and in several rulesets, each holds; what is
// switched off does not, though it is listed.
func TestRulesJoinProtectionAndRulesets(t *testing.T) {
	f := rulesForge(t)
	f.mux.HandleFunc("GET /repos/acme/both/rules/branches/{branch}", func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("branch") != "release/1" {
			t.Errorf("asked for branch %q", r.PathValue("branch"))
		}
		fmt.Fprint(w, `[{"type":"required_linear_history"},{"type":"deletion","parameters":{"required_status_checks":"of another shape"}},
{"type":"required_status_checks","parameters":{"strict_required_status_checks_policy":true,"required_status_checks":[{"context":"build"},{"context":"audit","integration_id":9}]}},
{"type":"required_status_checks","parameters":{"strict_required_status_checks_policy":false,"required_status_checks":[{"context":"audit","integration_id":9}]}},
{"type":"pull_request","parameters":{"required_approving_review_count":2,"require_last_push_approval":true,"allowed_merge_methods":["squash","rebase"]}},
{"type":"pull_request","parameters":{"required_approving_review_count":0,"required_review_thread_resolution":false}},
{"type":"required_deployments","parameters":{"required_deployment_environments":["canary","staging"]}},{"type":"max_file_size","parameters":{"max_file_size":1}}]`)
	})
	f.on("GET /repos/acme/off/rules/branches/main", 404, `{"message":"Not Found"}`)
	f.on("GET /repos/acme/sets/rules/branches/main", 200, `[{"type":"merge_queue","parameters":{"merge_method":"SQUASH"}},{"type":"required_signatures"},{"type":"update"}]`)
	got := f.client(t).Rules(t.Context(), []fleet.RepoName{"acme/both", "acme/off", "acme/empty", "acme/gone", "acme/sets"})
	for repo, want := range map[fleet.RepoName]fleet.Rules{
		"acme/both": {
			RequiredChecks: []fleet.RequiredCheck{{Name: "audit", App: 9}, {Name: "build"}, {Name: "build", App: 7}, {Name: "lint"}},
			UpToDate:       true, MergeMethods: []fleet.MergeMethod{fleet.MergeSquash}, Approvals: 2, LastPushApproval: true, Conversations: true,
			Deployments: []string{"canary", "staging"},
		},
		"acme/off":   {MergeMethods: []fleet.MergeMethod{fleet.MergeSquash}, Queue: true, Locked: true, Signatures: true},
		"acme/empty": {MergeMethods: []fleet.MergeMethod{fleet.MergeRebase}},
		"acme/sets":  {MergeMethods: []fleet.MergeMethod{fleet.MergeCommit, fleet.MergeSquash}, Queue: true, Locked: true, Signatures: true},
	} {
		a := got[repo]
		if a.Err != nil || fmt.Sprintf("%+v", a.Value) != fmt.Sprintf("%+v", want) {
			t.Errorf("%s:\n%+v, %v\nwant\n%+v", repo, a.Value, a.Err, want)
		}
	}
	wantFailure(t, got["acme/gone"].Err, fleet.Permanent)
}

// A rule that only the forge can judge is left to it, unless it would let us
// pass.
func TestRulesThatOnlyTheForgeCanJudge(t *testing.T) {
	for answer, want := range map[string]string{
		`{"id":5,"current_user_can_bypass":"never"}`:              "[]",
		`{"id":5,"current_user_can_bypass":"pull_requests_only"}`: "[code_scanning invented_in_2027]",
		`{"id":5}`: "[code_scanning invented_in_2027]",
		``:         "[code_scanning invented_in_2027]",
	} {
		f := rulesForge(t)
		f.on("GET /repos/acme/ledger/rules/branches/main", 200, `[{"type":"invented_in_2027","ruleset_id":5},{"type":"code_scanning","ruleset_id":5}]`)
		if answer != "" {
			f.on("GET /repos/acme/ledger/rulesets/5", 200, answer)
		}
		a := f.client(t).Rules(t.Context(), []fleet.RepoName{"acme/ledger"})["acme/ledger"]
		if a.Err != nil || fmt.Sprint(a.Value.Unjudged) != want {
			t.Errorf("%s: %+v, %v", answer, a.Value, a.Err)
		}
	}
}

func TestRulesThatMayNotBeRead(t *testing.T) {
	f := newFake(t)
	f.graphql(func(w http.ResponseWriter, q asked) {
		answerEach(w, q, func(name string) any {
			if name == "acme/classic" {
				return &partError{Type: "FORBIDDEN", Message: "Resource not accessible by integration"}
			}
			return json.RawMessage(`{"squashMergeAllowed":true,"defaultBranchRef":{"name":"main","branchProtectionRule":null}}`)
		})
	})
	f.on("GET /repos/acme/sets/rules/branches/main", 403, `{"message":"Resource not accessible by integration"}`)
	got := f.client(t).Rules(t.Context(), []fleet.RepoName{"acme/classic", "acme/sets"})
	for repo, want := range map[fleet.RepoName]string{"acme/classic": "Administration (read)", "acme/sets": "Metadata (read)"} {
		failure := wantFailure(t, got[repo].Err, fleet.Permanent)
		if text := failure.Error(); !strings.Contains(text, want) || !strings.Contains(text, "not accessible") {
			t.Errorf("%s: %v", repo, failure)
		}
	}
}
