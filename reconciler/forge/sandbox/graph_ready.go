package sandbox

import (
	"fmt"
	"slices"
	"strings"

	"github.com/graph-gophers/graphql-go"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

type appNode struct{ id int64 }

func appOf(id int64) *appNode {
	if id == 0 {
		return nil
	}
	return &appNode{id}
}

// ID is the node's id.
func (a *appNode) ID() graphql.ID { return graphql.ID(fmt.Sprintf("A_%d", a.id)) }

// Creator is who set it: an App under the name of its bot.
func (k *contextNode) Creator() *actorNode { return actorOf(k.is.by, k.repo.forge.baseURL) }

// DatabaseId is the id that rules name an App by.
func (a *appNode) DatabaseId() *int32 { //nolint:revive // named by the schema
	id := int32(a.id)
	return &id
}

type reviewNode struct {
	pull *pullNode
	is   review
}

// ID is the node's id.
func (v *reviewNode) ID() graphql.ID { return graphql.ID(fmt.Sprintf("PRR_%d", v.is.id)) }

// Author is who reviewed.
func (v *reviewNode) Author() *actorNode { return actorOf(v.is.by, v.pull.web) }

// Body is what was said with it.
func (v *reviewNode) Body() string { return v.is.body }

// Commit is what was reviewed.
func (v *reviewNode) Commit() *commitNode { return v.pull.commit(v.is.commit) }

// State is the verdict.
func (v *reviewNode) State() string { return v.is.state }

// SubmittedAt is when.
func (v *reviewNode) SubmittedAt() *dateTime { return optTime(v.is.at) }

// LatestOpinionatedReviews are each reviewer's latest verdict; everybody here
// may write.
func (n *pullNode) LatestOpinionatedReviews(args struct {
	slicing
	WritersOnly bool
},
) (*connection[*reviewNode], error) {
	n.is.repo.mu.Lock()
	var all []*reviewNode
	for _, v := range n.of.opinions() {
		all = append(all, &reviewNode{n, v})
	}
	n.is.repo.mu.Unlock()
	return connect(all, args.slicing, "latestOpinionatedReviews")
}

type threadNode struct {
	id         int64
	IsResolved bool
}

// ID is the node's id.
func (t *threadNode) ID() graphql.ID { return graphql.ID(fmt.Sprintf("PRRT_%d", t.id)) }

// ReviewThreads are the conversations on its code.
func (n *pullNode) ReviewThreads(args slicing) (*connection[*threadNode], error) {
	var all []*threadNode
	for _, t := range n.is.threads {
		all = append(all, &threadNode{t.id, t.resolved})
	}
	return connect(all, args, "reviewThreads")
}

type signatureNode struct {
	Signature string
	IsValid   bool
}

// ToSshSignature is the signature as one of its type.
func (s *signatureNode) ToSshSignature() (*signatureNode, bool) {
	return s, strings.HasPrefix(s.Signature, "-----BEGIN SSH")
}

// ToGpgSignature is the signature as one of its type.
func (s *signatureNode) ToGpgSignature() (*signatureNode, bool) {
	return s, !strings.HasPrefix(s.Signature, "-----BEGIN SSH")
}

// Signature is null for a commit without one.
func (c *commitNode) Signature() *signatureNode {
	if c.is.PGPSignature == "" {
		return nil
	}
	return &signatureNode{c.is.PGPSignature, signatureOf(c.is) == fleet.SignatureVerified}
}

type deploymentNode struct {
	key    deploymentKey
	status string
}

type deploymentStatusNode struct{ State string }

// ID is the node's id.
func (d *deploymentNode) ID() graphql.ID {
	return graphql.ID(fmt.Sprintf("DE_%s_%s", d.key.commit, d.key.environment))
}

// CommitOid is what was deployed.
func (d *deploymentNode) CommitOid() string { return d.key.commit.String() }

// Environment is where to.
func (d *deploymentNode) Environment() *string { return optString(d.key.environment) }

// LatestStatus is how it went.
func (d *deploymentNode) LatestStatus() *deploymentStatusNode { return &deploymentStatusNode{d.status} }

// Deployments are those of the commit, the newest to each environment alone.
func (c *commitNode) Deployments(args struct {
	slicing
	Environments *[]string
	OrderBy      struct{ Field, Direction string }
},
) (*connection[*deploymentNode], error) {
	c.repo.mu.Lock()
	var all []*deploymentNode
	for key, state := range c.repo.deployments {
		if key.commit == c.hash && (args.Environments == nil || slices.Contains(*args.Environments, key.environment)) {
			all = append(all, &deploymentNode{key, state})
		}
	}
	c.repo.mu.Unlock()
	slices.SortFunc(all, func(a, b *deploymentNode) int { return strings.Compare(a.key.environment, b.key.environment) })
	return connect(all, args.slicing, "deployments")
}
