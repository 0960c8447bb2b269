package sandbox

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
)

// This file serves Git's protocol, version 0, from storage in memory.

// advertiseMemory lists the refs, as git does in answer to info/refs.
func advertiseMemory(_ context.Context, r *repo, service string, w io.Writer) error {
	ar := packp.NewAdvRefs()
	caps := []capability.Capability{capability.OFSDelta}
	if service == "git-upload-pack" {
		caps = append(caps, capability.Shallow, capability.Filter, capability.NoProgress,
			capability.AllowTipSHA1InWant, capability.AllowReachableSHA1InWant)
	} else {
		caps = append(caps, capability.ReportStatus, capability.DeleteRefs)
	}
	for _, c := range caps {
		if err := ar.Capabilities.Set(c); err != nil {
			return err
		}
	}
	iter, err := r.git.IterReferences()
	if err != nil {
		return err
	}
	if err := ar.AddReference(plumbing.NewSymbolicReference(plumbing.HEAD, plumbing.NewBranchReferenceName(r.defaultBranch))); err != nil {
		return err
	}
	err = iter.ForEach(func(ref *plumbing.Reference) error {
		if ref.Type() == plumbing.HashReference {
			return ar.AddReference(ref)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if h, ok := ar.References[headsPrefix+r.defaultBranch]; ok {
		ar.Head = &h
	}
	return ar.Encode(w)
}

// fetchRequest is what a client asks of upload-pack.
type fetchRequest struct {
	wants, haves, shallows []plumbing.Hash
	depth                  int // 0 is all
	filter                 string
	done                   bool
}

func parseFetch(in io.Reader) (fetchRequest, error) {
	var q fetchRequest
	s := pktline.NewScanner(in)
	for s.Scan() {
		line := strings.TrimSuffix(string(s.Bytes()), "\n")
		word, rest, _ := strings.Cut(line, " ")
		id, _, _ := strings.Cut(rest, " ")
		switch word {
		case "want":
			q.wants = append(q.wants, plumbing.NewHash(id))
		case "have":
			q.haves = append(q.haves, plumbing.NewHash(id))
		case "shallow":
			q.shallows = append(q.shallows, plumbing.NewHash(id))
		case "deepen":
			n, err := strconv.Atoi(rest)
			if err != nil || n < 0 {
				return q, fmt.Errorf("malformed depth %q", rest)
			}
			q.depth = n
		case "filter":
			q.filter = rest
		case "done":
			q.done = true
		case "":
		default:
			return q, fmt.Errorf("unknown line %q", word)
		}
	}
	return q, s.Err()
}

// uploadMemory answers a fetch.
func uploadMemory(_ context.Context, r *repo, in io.Reader, w io.Writer) error {
	q, err := parseFetch(in)
	if err != nil {
		return err
	}
	p := &picker{git: r.git, filter: q.filter, have: map[plumbing.Hash]bool{}, seen: map[plumbing.Hash]int{}}
	if p.trees, err = treeDepth(q.filter); err != nil {
		return err
	}
	p.skip(q.haves, q.shallows)
	for _, h := range q.wants {
		if err := p.want(h, q.depth); err != nil {
			return fmt.Errorf("upload-pack: not our ref %s", h)
		}
	}
	e := pktline.NewEncoder(w)
	if q.depth > 0 {
		for _, h := range p.cut {
			_ = e.Encodef("shallow %s", h)
		}
		_ = e.Flush()
	}
	if !q.done {
		if len(q.haves) > 0 {
			_ = e.Encodef("NAK\n")
		}
		return nil
	}
	_ = e.Encodef("NAK\n")
	_, err = packfile.NewEncoder(w, r.git, false).Encode(p.picked, 0)
	return err
}

// treeDepth is how deep trees are sent: all of them is -1.
func treeDepth(filter string) (int, error) {
	if text, ok := strings.CutPrefix(filter, "tree:"); ok {
		return strconv.Atoi(text)
	}
	if filter != "" && filter != "blob:none" {
		return 0, fmt.Errorf("filter %q is not supported", filter)
	}
	return -1, nil
}

// picker collects the objects that a fetch gets.
type picker struct {
	git    objects
	filter string
	trees  int
	have   map[plumbing.Hash]bool
	seen   map[plumbing.Hash]int // of commits, how much depth was left
	picked []plumbing.Hash
	cut    []plumbing.Hash // commits whose parents are not sent
}

// skip notes the commits that the client has. Its trees and blobs are sent
// again where a new commit has them too, unless the commits are equal: a
// little waste, no mistake.
func (p *picker) skip(haves, shallows []plumbing.Hash) {
	for len(haves) > 0 {
		h := haves[0]
		haves = haves[1:]
		c, err := p.git.commit(h)
		if err != nil || p.have[h] {
			continue
		}
		p.have[h] = true
		if !slices.Contains(shallows, h) {
			haves = append(haves, c.ParentHashes...)
		}
	}
}

func (p *picker) want(h plumbing.Hash, depth int) error {
	o, err := p.git.EncodedObject(plumbing.AnyObject, h)
	if err != nil {
		return err
	}
	switch o.Type() {
	case plumbing.CommitObject:
		return p.commits(h, depth)
	case plumbing.TreeObject:
		return p.tree(h, 0, true)
	}
	p.pick(h)
	return nil
}

// pick says whether the object is new.
func (p *picker) pick(h plumbing.Hash) bool {
	if _, ok := p.seen[h]; ok {
		return false
	}
	p.seen[h] = 0
	p.picked = append(p.picked, h)
	return true
}

func (p *picker) commits(tip plumbing.Hash, depth int) error {
	type step struct {
		h    plumbing.Hash
		left int
	}
	for queue := []step{{tip, depth}}; len(queue) > 0; {
		at := queue[0]
		queue = queue[1:]
		if _, ok := p.seen[at.h]; ok || p.have[at.h] && depth == 0 {
			continue
		}
		c, err := p.git.commit(at.h)
		if err != nil {
			return err
		}
		p.pick(at.h)
		if err := p.tree(c.TreeHash, 0, false); err != nil {
			return err
		}
		if at.left == 1 {
			if len(c.ParentHashes) > 0 {
				p.cut = append(p.cut, at.h)
			}
			continue
		}
		for _, parent := range c.ParentHashes {
			queue = append(queue, step{parent, max(0, at.left-1)})
		}
	}
	return nil
}

func (p *picker) tree(h plumbing.Hash, depth int, asked bool) error {
	if p.trees >= 0 && depth >= p.trees && !asked || !p.pick(h) {
		return nil
	}
	tree, err := object.GetTree(p.git, h)
	if err != nil {
		return err
	}
	for _, e := range tree.Entries {
		switch {
		case e.Mode == filemode.Dir:
			if err := p.tree(e.Hash, depth+1, false); err != nil {
				return err
			}
		case e.Mode == filemode.Submodule || p.filter == "blob:none" || p.trees >= 0 && depth+1 >= p.trees:
		default:
			p.pick(e.Hash)
		}
	}
	return nil
}

// receiveMemory carries out a push; it needs the repo's lock.
func receiveMemory(_ context.Context, r *repo, body []byte, w io.Writer) error {
	req := packp.NewReferenceUpdateRequest()
	if err := req.Decode(bytes.NewReader(body)); err != nil {
		return err
	}
	report := packp.NewReportStatus()
	report.UnpackStatus = "ok"
	if req.Packfile != nil {
		pack, err := io.ReadAll(req.Packfile)
		if err == nil && len(pack) > 0 {
			err = packfile.UpdateObjectStorage(r.git, bytes.NewReader(pack))
		}
		if err != nil {
			report.UnpackStatus = err.Error()
		}
	}
	for _, c := range req.Commands {
		status := "ok"
		if report.UnpackStatus != "ok" {
			status = "unpacker error"
		} else if err := r.move(c); err != nil {
			status = err.Error()
		}
		report.CommandStatuses = append(report.CommandStatuses, &packp.CommandStatus{ReferenceName: c.Name, Status: status})
	}
	if !req.Capabilities.Supports(capability.ReportStatus) {
		return nil
	}
	return report.Encode(w)
}

// move carries out one command of a push, if the ref is where the client
// believes it to be.
func (r *repo) move(c *packp.Command) error {
	if !strings.HasPrefix(string(c.Name), "refs/") || c.Name.Validate() != nil {
		return fmt.Errorf("funny refname")
	}
	if strings.HasPrefix(string(c.Name), "refs/pull/") {
		return fmt.Errorf("deny updating a hidden ref")
	}
	var now plumbing.Hash
	if ref, err := r.git.Reference(c.Name); err == nil {
		now = ref.Hash()
	}
	switch {
	case now != c.Old:
		return fmt.Errorf("failed to update ref")
	case c.New.IsZero() && c.Name == plumbing.NewBranchReferenceName(r.defaultBranch):
		return fmt.Errorf("deletion of the current branch prohibited")
	case c.New.IsZero():
		return r.git.RemoveReference(c.Name)
	}
	if _, err := r.git.commit(c.New); err != nil && c.Name.IsBranch() {
		return fmt.Errorf("missing necessary objects")
	}
	return r.git.SetReference(plumbing.NewHashReference(c.Name, c.New))
}
