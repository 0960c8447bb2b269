package gitrepo

import (
	"context"
	"errors"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// maxHistory bounds the commits of one history, as sent and as unpacked.
const maxHistory = 16 << 20

// History reads the commits that head has in its history and base has not,
// without trees and files where the server can leave them out. A commit that
// the server does not have, or no longer gives, is fleet.Moved.
func (c *Client) History(ctx context.Context, r Remote, base, head fleet.CommitID) (*fleet.History, error) {
	k, err := c.connect(ctx, r, "read history")
	if err != nil {
		return nil, err
	}
	from, err := k.parseID(string(base))
	if err != nil {
		return nil, err
	}
	tip, err := k.parseID(string(head))
	if err != nil {
		return nil, err
	}
	adv, err := k.discover(ctx, uploadPack)
	if err != nil {
		return nil, err
	}
	o := order{wants: []plumbing.Hash{tip}, haves: []plumbing.Hash{from}, max: c.opts.MaxFull}
	if adv.canFilter() {
		o.filter, o.max = "tree:0", maxHistory
	}
	h, got := &fleet.History{Base: base, Head: head}, newObjects()
	switch err := k.fetch(ctx, adv, o, got); {
	case errors.Is(err, errTooMuch):
		h.TooMany = true
		return h, nil
	case err != nil:
		return nil, k.gone(err, adv, tip)
	}
	return h, k.chain(h, got, tip)
}

// chain fills in the commits from what a fetch gave, which is all of the
// branch and nothing of the base.
func (k *conn) chain(h *fleet.History, got *objects, tip plumbing.Hash) error {
	for at := tip; ; {
		data, ok := got.get(at, plumbing.CommitObject)
		if !ok {
			break
		}
		if len(h.Commits) == fleet.MaxHistory {
			h.Commits, h.TooMany = nil, true
			return nil
		}
		parsed, err := parseCommit(data)
		if err != nil {
			return k.fail(&damage{at.String(), err})
		}
		c := parsed.commit(at)
		if len(parsed.parents) > 1 {
			c.FromBase = !slices.ContainsFunc(parsed.parents[1:], func(p plumbing.Hash) bool {
				_, ofBranch := got.get(p, plumbing.CommitObject)
				return ofBranch
			})
		}
		h.Commits = append(h.Commits, c)
		if len(parsed.parents) == 0 {
			break
		}
		at = parsed.parents[0]
	}
	slices.Reverse(h.Commits)
	return nil
}
