package plan

import (
	"cmp"
	"encoding/json"
	"errors"
	"io/fs"
	"path"
	"slices"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/rollout"
)

// want is what a declaration wants of a repo, or the outcome that says why
// that is not known. That it can't be done is not kept: it may be for a
// content that could not be had this time.
func (c *computation) want(k kind.Kind, d *fleet.Declaration, repo *Repo, cluster *fleet.Declaration) (kind.Want, rollout.Outcome) {
	// Until it is known what accounts may do, what is asked for of the tree is
	// asked for at once.
	access, waits := c.access(k, d, repo, cluster)
	key := c.keys.of(d, repo, cluster, access)
	if b, ok := c.memo.Get(key); ok {
		var r remembered
		if json.Unmarshal(b, &r) == nil && r.Called == c.keys.handles(d, r.Handles) {
			return r.Want, waits
		}
	}
	tree := askingOf(repo)
	w, err := k.Want(&kind.Pass{Declaration: d, Config: c.world.Config, Repo: repo.Listing, Cluster: cluster, Tree: tree, Access: access})
	switch {
	case (err != nil || tree.partly()) && c.asked(repo, tree) && waits.State == "":
		return kind.Want{}, outcome(d, repo.Listing.Name, rollout.Waiting, "its files are being read", "")
	case waits.State != "":
		return kind.Want{}, waits
	case err != nil:
		return kind.Want{}, outcome(d, repo.Listing.Name, rollout.Failed, err.Error(), "see the repo and the declaration")
	}
	return c.keep(key, d, w), rollout.Outcome{}
}

// access is what the accounts may do that a declaration's want goes by, or the
// outcome that says why that is not known now.
func (c *computation) access(k kind.Kind, d *fleet.Declaration, repo *Repo, cluster *fleet.Declaration) (map[string]fleet.Access, rollout.Outcome) {
	if k.Accounts == nil {
		return nil, rollout.Outcome{}
	}
	known, waits := map[string]fleet.Access{}, rollout.Outcome{}
	for _, name := range k.Accounts(&kind.Pass{Declaration: d, Config: c.world.Config, Repo: repo.Listing, Cluster: cluster}) {
		a, asked := repo.Access[kind.HandleKey(name)]
		switch {
		case !asked:
			c.needs.account(repo.Listing.Name, name)
			waits = outcome(d, repo.Listing.Name, rollout.Waiting, "what its owners may do is being read", "")
		case a.Unread != "" && a.Again && waits.State == "":
			waits = outcome(d, repo.Listing.Name, rollout.Waiting, a.Unread, "tries again at the next pass")
		case a.Unread != "":
			c.unreadAccess = cmp.Or(c.unreadAccess, a.Unread)
		default:
			known[kind.HandleKey(name)] = a
		}
	}
	return known, waits
}

// remembered is a want as the memo has it, and the teams of its Handles: of
// others it is another.
type remembered struct {
	kind.Want
	Called string `json:",omitempty"`
}

// keep keeps a want, and gives it as it will be found: a hit and a miss are
// the same.
func (c *computation) keep(key string, d *fleet.Declaration, w kind.Want) kind.Want {
	b, err := json.Marshal(remembered{w, c.keys.handles(d, w.Handles)})
	if err != nil {
		return w
	}
	var kept remembered
	if err := json.Unmarshal(b, &kept); err != nil {
		return w
	}
	c.memo.Put(key, b)
	return kept.Want
}

// asked notes what was read of a tree and is not there, if anything was. Any
// error may then come of what is missing, and is not heard.
func (c *computation) asked(repo *Repo, tree *asking) bool {
	if tree.unlisted || tree.all {
		c.needs.tree(repo.Listing.Name, tree.all)
	}
	if !tree.all {
		c.needs.files(repo.Listing.Name, slices.Concat(tree.unread, tree.dirs))
	}
	return tree.partly() || len(tree.unread) > 0
}

// asking passes a tree on and notes the files whose content is asked for and
// not there, and the directories.
type asking struct {
	fs.FS
	unread   []fleet.Path
	dirs     []fleet.Path
	unlisted bool // nothing is there
	all      bool // all directories are asked for
}

// askingOf is a repo's tree, as far as it is known.
func askingOf(repo *Repo) *asking {
	tree := &asking{FS: unlisted{}}
	if repo.Tree != nil {
		tree.FS = repo.Tree
	}
	return tree
}

// partly reports whether names were missing: what is not even known to be
// there may pass for not being there, without an error.
func (a *asking) partly() bool { return a.unlisted || a.all || len(a.dirs) > 0 }

// note notes a content or, of a listing, a directory.
func (a *asking) note(name string, listing bool, err error) error {
	into := &a.unread
	if listing {
		into = &a.dirs
	}
	switch {
	case errors.Is(err, errUnlisted):
		a.unlisted = true
	case errors.Is(err, fleet.ErrUnread) && !slices.Contains(*into, fleet.Path(name)):
		*into = append(*into, fleet.Path(name))
	}
	return err
}

// Foresee implements transform.Foreseeing.
func (a *asking) Foresee(dir fleet.Path, below bool) {
	switch {
	case below:
		a.all = true
	case !a.unlisted && !slices.Contains(a.dirs, dir):
		a.dirs = append(a.dirs, dir)
	}
}

// Blob tells a content's id without reading it, where the tree can.
func (a *asking) Blob(p fleet.Path) fleet.BlobID {
	if tree, ok := a.FS.(fleet.Snapshot); ok {
		return tree.Blob(p)
	}
	return ""
}

func (a *asking) Open(name string) (fs.File, error) {
	f, err := a.FS.Open(name)
	return f, a.note(name, false, err)
}

func (a *asking) ReadFile(name string) ([]byte, error) {
	b, err := fs.ReadFile(a.FS, name)
	return b, a.note(name, false, err)
}

func (a *asking) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(a.FS, name)
	return entries, a.note(name, true, err)
}

func (a *asking) Stat(name string) (fs.FileInfo, error) {
	info, err := fs.Stat(a.FS, name)
	return info, a.note(path.Dir(name), true, err)
}

// unlisted is a tree of which not even the listing is known.
type unlisted struct{}

var errUnlisted = &unlistedError{}

type unlistedError struct{}

func (*unlistedError) Error() string { return "tree not read yet" }
func (*unlistedError) Unwrap() error { return fleet.ErrUnread }

func (unlisted) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: errUnlisted}
}
