package sandbox

import (
	"context"

	"github.com/graph-gophers/graphql-go"
)

// protectionNode is a classic branch protection rule.
type protectionNode struct {
	of *refNode

	Pattern                        string
	LockBranch                     bool
	RequireLastPushApproval        bool
	RequiredApprovingReviewCount   *int32
	RequiredDeploymentEnvironments *[]*string
	RequiredStatusCheckContexts    *[]*string
	RequiredStatusChecks           *[]*requiredNode
	RequiresApprovingReviews       bool
	RequiresCodeOwnerReviews       bool
	RequiresCommitSignatures       bool
	RequiresConversationResolution bool
	RequiresDeployments            bool
	RequiresLinearHistory          bool
	RequiresStatusChecks           bool
	RequiresStrictStatusChecks     bool
	DismissesStaleReviews          bool
}

type requiredNode struct {
	App     *appNode
	Context string
}

// ID is the node's id.
func (p *protectionNode) ID() graphql.ID { return graphql.ID("BPR_" + p.of.repo.of.nodeID()) }

// BranchProtectionRule is null where no classic rule holds; who may not read
// the repo's administration is refused.
func (f *refNode) BranchProtectionRule(ctx context.Context) (*protectionNode, error) {
	is := f.repo.rules
	if f.branch != f.repo.defaultBranch || !f.repo.classic {
		return nil, nil
	}
	if !f.repo.of.forge.seesProtection(askedOf(ctx).who) {
		return nil, &graphError{"FORBIDDEN", hidden}
	}
	contexts, checks, environments := []*string{}, []*requiredNode{}, []*string{}
	for _, name := range is.RequiredChecks {
		contexts = append(contexts, &name)
		checks = append(checks, &requiredNode{appOf(is.CheckApps[name]), name})
	}
	for _, name := range is.Deployments {
		environments = append(environments, &name)
	}
	count := int32(is.RequiredApprovals)
	return &protectionNode{
		of: f, Pattern: f.branch, LockBranch: is.Locked, RequireLastPushApproval: is.LastPushApproval,
		RequiredApprovingReviewCount: &count, RequiredDeploymentEnvironments: &environments,
		RequiredStatusCheckContexts: &contexts, RequiredStatusChecks: &checks,
		RequiresApprovingReviews: count > 0 || is.CodeOwners || is.LastPushApproval, RequiresCodeOwnerReviews: is.CodeOwners, RequiresCommitSignatures: is.Signatures,
		RequiresConversationResolution: is.Conversations, RequiresDeployments: len(environments) > 0,
		RequiresLinearHistory: is.Linear, RequiresStatusChecks: len(contexts) > 0,
		RequiresStrictStatusChecks: len(contexts) > 0 && is.UpToDate, DismissesStaleReviews: is.DismissStale,
	}, nil
}
