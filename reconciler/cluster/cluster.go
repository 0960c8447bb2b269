// Package cluster is the contract of deliveries to clusters that are reached
// through no repo: what stands there is looked at, and what is wanted put there.
// Its members are one subfolder each.
//
// What a declaration has put on a cluster is written down on the cluster, before
// it is put there. So a kill at any moment, and a data directory that is lost,
// leave nothing that nobody knows of: the next look tells what was begun.
package cluster

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// Delivery is a member.
type Delivery interface {
	// Look tells what stands on each of some clusters. One that can't be looked at
	// harms no other.
	Look(ctx context.Context, clusters []Cluster) map[fleet.ClusterName]Answer
	// Apply puts what is wanted there. Where something was begun and has not ended
	// it brings that to its end instead, or puts back what stood there. A failure is
	// a fleet.Failure: Permanent where what runs there does not take it, and has again
	// what it had; Moved where something else stands there than Change.Was; of any
	// other it is not known how far it came, and the next look tells.
	Apply(ctx context.Context, at Cluster, c Change) error
	// Try tells what would come of Apply, without doing anything.
	Try(ctx context.Context, at Cluster, c Change) fleet.Trial
	// LetGo ends what a declaration has put there: objects that are its alone are
	// removed, and what others have a part in, or had before, is left there.
	LetGo(ctx context.Context, at Cluster, id fleet.ID) error
}

// Cluster is a cluster, with what is looked at there.
type Cluster struct {
	Name  fleet.ClusterName
	Is    *fleet.Cluster
	Reads []fleet.Path
}

// Answer is what stands on a cluster, or a fleet.Failure.
type Answer struct {
	Seen
	Err error
}

// Seen is what stands on a cluster: of what is looked at the files that are there,
// and what declarations have put there.
type Seen struct {
	Files map[fleet.Path]File
	// Unread says why some of what is looked at can't be, where the rest can.
	Unread   map[fleet.Path]string
	Standing map[fleet.ID]*fleet.Standing
}

// File is a file that stands on a cluster.
type File struct {
	Content    []byte
	Executable bool
}

// ID is one for what holds the same.
func (s *Seen) ID() fleet.TreeID {
	h := sha256.New()
	for _, p := range slices.Sorted(maps.Keys(s.Files)) {
		fmt.Fprintf(h, "%q %t %d\n", p, s.Files[p].Executable, len(s.Files[p].Content))
		_, _ = h.Write(s.Files[p].Content) // a hash never fails
	}
	return fleet.TreeID(hex.EncodeToString(h.Sum(nil)[:20]))
}

// Edits write the files to where there is nothing.
func (s *Seen) Edits() []transform.Edit {
	var edits []transform.Edit
	for p, f := range s.Files {
		edits = append(edits, transform.Edit{Path: p, Content: f.Content, Executable: f.Executable})
	}
	transform.Sort(edits)
	return edits
}

// Change is what a declaration wants of a cluster.
type Change struct {
	Declaration fleet.ID
	Wants       string           // as fleet.Standing has it
	Edits       []transform.Edit // none where it stands so, and is only written down
	Gone        []fleet.Path     // objects that it has put there and wants no more
	// Was is what was seen where the edits lead; what is missing was not there.
	Was map[fleet.Path]File
	// Reload is where what runs there is told to take up all but Restarts; empty
	// for nowhere.
	Reload   string
	Restarts []fleet.Path
	// Ours says that what others have changed there since is to be as it was.
	Ours bool
}

// Set is the deliveries there are.
type Set struct{ Files, Kube Delivery }

// Of is the delivery of a cluster.
func (s Set) Of(c *fleet.Cluster) Delivery {
	switch {
	case c.Delivery.Files != nil && s.Files != nil:
		return s.Files
	case c.Delivery.Apply != nil && s.Kube != nil:
		return s.Kube
	}
	return none{}
}

// none is the delivery of what this program is not set up for.
type none struct{}

func (none) err(at Cluster) error {
	return &fleet.Failure{Class: fleet.Permanent, Op: "reach the cluster", On: string(at.Name), Err: errors.New("no --files is given, below which its folder lies")}
}

func (n none) Look(_ context.Context, clusters []Cluster) map[fleet.ClusterName]Answer {
	out := map[fleet.ClusterName]Answer{}
	for _, c := range clusters {
		out[c.Name] = Answer{Err: n.err(c)}
	}
	return out
}

func (n none) Apply(_ context.Context, at Cluster, _ Change) error { return n.err(at) }

func (n none) Try(_ context.Context, at Cluster, _ Change) fleet.Trial {
	return fleet.Trial{Unread: n.err(at).Error()}
}

func (n none) LetGo(_ context.Context, at Cluster, _ fleet.ID) error { return n.err(at) }
