// Package gitrepo reads trees of remote repos and makes commits on them
// without a clone: objects are fetched by name over Git's smart HTTP
// protocol, edited in memory and pushed. It is the only room that knows Git's
// protocols, and it keeps nothing between calls but connections.
package gitrepo

import (
	"context"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Remote is a repo to talk to.
type Remote struct {
	Name fleet.RepoName // for errors
	URL  string         // http or https, without credentials
	// Auth gives user name and secret, at each connection; nil for none.
	Auth func(ctx context.Context) (user, secret string, err error)
}

// Signature is who made a commit, and when.
type Signature struct {
	Name  string
	Email string
	When  time.Time
}

// RefUpdate moves a branch from one commit to another, and fails as
// fleet.Moved if the branch is not at Old. An empty Old creates, an empty New
// deletes.
type RefUpdate struct {
	Branch string // without refs/heads/
	Old    fleet.CommitID
	New    fleet.CommitID
}
