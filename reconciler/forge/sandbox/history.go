package sandbox

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
)

// history are the commits that changed a path, the newest first, as Git shows
// them: where a merge has what one of its parents has, that parent's alone.
func (r *repo) history(tip plumbing.Hash, path string, most int) (out []*object.Commit, err error) {
	seen := map[plumbing.Hash]bool{}
	for at := []plumbing.Hash{tip}; len(at) > 0 && len(out) < most; {
		h := at[0]
		at = at[1:]
		if h.IsZero() || seen[h] {
			continue
		}
		seen[h] = true
		c, err := r.git.commit(h)
		if err != nil {
			return nil, err
		}
		own, changed := r.blobAt(c, path), true
		for _, p := range c.ParentHashes {
			parent, err := r.git.commit(p)
			if err != nil {
				return nil, err
			}
			if r.blobAt(parent, path) == own {
				at, changed = append(at, p), false
				break
			}
		}
		if !changed || len(c.ParentHashes) == 0 && own.IsZero() {
			continue
		}
		out = append(out, c)
		at = append(at, c.ParentHashes...)
	}
	return out, nil
}

// blobAt is a file's id in a commit; zero for none.
func (r *repo) blobAt(c *object.Commit, path string) plumbing.Hash {
	e, ok := r.git.find(c.TreeHash, path)
	if !ok || !e.Mode.IsFile() {
		return plumbing.ZeroHash
	}
	return e.Hash
}

// broughtBy is the pull request that brought a commit; nil for none.
func (r *repo) broughtBy(h plumbing.Hash) *pull {
	i := slices.IndexFunc(r.pulls, func(p *pull) bool {
		return p.state == fleet.PullMerged && (p.mergeCommit == h || p.headOID == h)
	})
	if i < 0 {
		return nil
	}
	return r.pulls[i]
}

func (m *member) Editions(ctx context.Context, files []forge.File) map[forge.File]forge.Answer[[]fleet.Edition] {
	out := make(map[forge.File]forge.Answer[[]fleet.Edition], len(files))
	for _, f := range files {
		var found []fleet.Edition
		err := m.call(ctx, "Editions", false, f.Repo, func() error {
			return m.forge.with(f.Repo, func(r *repo) error {
				commits, err := r.history(r.heads[r.defaultBranch], string(f.Path), forge.MostEditions)
				for _, c := range commits {
					e := fleet.Edition{
						Commit: fleet.CommitID(c.Hash.String()), Message: strings.TrimRight(c.Message, "\n"),
						By: c.Author.Name, At: c.Committer.When.UTC(),
					}
					if blob := r.blobAt(c, string(f.Path)); !blob.IsZero() {
						e.Blob = fleet.BlobID(blob.String())
						if text, err := r.git.blob(blob); err == nil && utf8.Valid(text) && !bytes.Contains(text, []byte{0}) && len(text) <= fleet.MaxEditionText {
							e.Text = append([]byte{}, text...)
						}
					}
					if p := r.broughtBy(c.Hash); p != nil {
						e.Branch = p.head
					}
					found = append(found, e)
				}
				return err
			})
		})
		out[f] = forge.Answer[[]fleet.Edition]{Value: found, Err: err}
	}
	return out
}
