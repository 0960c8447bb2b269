// Package store keeps caches and history on disk. Nothing in it decides an
// outcome: it may be deleted at any moment, and what it held is fetched or
// computed again.
//
// It is made of plain files, not of a database: an entry that can be lost at
// any time needs no transaction, a file renamed into place is never half
// there, a person can look with ls and free space with rm, and there is no
// format to migrate. What is torn or garbled is found by its checksum and
// counts as not there. Nothing is synced to disk, for the same reason.
package store

import (
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/plan"
)

// Pass is the record of one pass: what was found, and what was done about it.
// It is never changed once it has been published.
type Pass struct {
	Number   int       `json:"number"` // since the start of the process
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished"`
	// Revision that was planned for, and what is wrong with it.
	Revision fleet.Revision  `json:"revision"`
	Problems []fleet.Problem `json:"problems"`
	// Plan that the pass made; its steps were taken unless it is halted.
	Plan *plan.Plan `json:"plan"`
	// Config is what it was planned for; it is not kept.
	Config *fleet.Config `json:"-"`
	// Done are the steps that were taken, and how that went.
	Done []Done `json:"done"`
	// Unbegun is how many steps were left for later since the forge asked to
	// wait.
	Unbegun int `json:"unbegun,omitempty"`
	// Err says why the pass ended early; what stands was found before.
	Err string `json:"error,omitempty"`
	// Pause says why the next pass comes later than it usually would.
	Pause *Pause `json:"pause,omitempty"`
	// Listings are the fleet's repos by name; nil if they could not be listed.
	// They are not kept.
	Listings []fleet.Repo `json:"-"`
}

// Pause is until when no pass begins by itself, nor because of a webhook. A
// new revision of the config repo does not wait for it.
type Pause struct {
	Until  time.Time `json:"until"`
	Reason string    `json:"reason"`
}

// Done is a step that a pass took, or tried to.
type Done struct {
	Action string         `json:"action"`
	Repo   fleet.RepoName `json:"repo"`
	// Cluster is that of a step that is about no repo.
	Cluster     fleet.ClusterName `json:"cluster,omitempty"`
	Declaration fleet.ID          `json:"declaration"`
	Lane        fleet.Lane        `json:"lane,omitempty"`
	URL         string            `json:"url,omitempty"` // of the pull request
	What        []string          `json:"what,omitempty"`
	Err         string            `json:"error,omitempty"`
}

// Target is what the step was about.
func (d *Done) Target() fleet.Target { return fleet.Target{Repo: d.Repo, Cluster: d.Cluster} }
