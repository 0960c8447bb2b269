package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/rollout"
)

// want is what a declaration wants of a repo, or the outcome that says why
// that is not known.
func (c *computation) want(k kind.Kind, d *fleet.Declaration, repo *Repo) (kind.Want, rollout.Outcome) {
	key := c.keys.of(d, repo)
	if b, ok := c.memo.Get(key); ok {
		var w kind.Want
		if json.Unmarshal(b, &w) == nil {
			return w, rollout.Outcome{}
		}
	}
	tree := &asking{FS: unlisted{}}
	if repo.Tree != nil {
		tree.FS = repo.Tree
	}
	w, err := k.Want(&kind.Pass{Declaration: d, Config: c.world.Config, Repo: repo.Listing, Tree: tree})
	switch {
	case tree.unlisted:
		c.needs.tree(repo.Listing.Name)
	case kind.IsUnread(err):
		c.needs.files(repo.Listing.Name, tree.unread)
	case err != nil:
		return kind.Want{}, outcome(d, repo.Listing.Name, rollout.Failed, err.Error(), "see the repo and the declaration")
	default:
		if b, err := json.Marshal(w); err == nil {
			c.memo.Put(key, b)
		}
		return w, rollout.Outcome{}
	}
	return kind.Want{}, outcome(d, repo.Listing.Name, rollout.Waiting, "its files are being read", "")
}

// keys makes the memo keys of one configuration.
type keys struct {
	config *fleet.Config
	teams  []byte
	owners map[fleet.RepoName]fleet.TeamName
}

func newKeys(config *fleet.Config) keys {
	k := keys{config: config, owners: map[fleet.RepoName]fleet.TeamName{}}
	teams := make(map[fleet.TeamName]fleet.Team, len(config.Teams))
	for name, t := range config.Teams {
		t.Pos = fleet.Pos{}
		teams[name] = t
	}
	k.teams, _ = json.Marshal(teams) // a map of plain fields
	for _, d := range config.Declarations {
		if o, ok := d.Spec.(kind.Owning); ok {
			repo, team := o.Owning()
			k.owners[repo] = team
		}
	}
	return k
}

// of covers all that a kind can see: the declaration, teams, who owns the
// repo, its listing and its tree.
func (k keys) of(d *fleet.Declaration, repo *Repo) string {
	h := sha256.New()
	listing, _ := json.Marshal(repo.Listing) // plain fields
	for _, part := range [][]byte{
		[]byte("want"), []byte(d.ID.String()), []byte(d.Hash), k.teams, []byte(k.owners[repo.Listing.Name]),
		listing, []byte(repo.Head.Tree),
	} {
		sum := sha256.Sum256(part)
		_, _ = h.Write(sum[:]) // a hash never fails
	}
	return hex.EncodeToString(h.Sum(nil))
}

// asking passes a tree on and notes the files whose content is asked for and
// not there.
type asking struct {
	fs.FS
	unread   []fleet.Path
	unlisted bool
}

func (a *asking) note(name string, err error) error {
	switch {
	case errors.Is(err, errUnlisted):
		a.unlisted = true
	case errors.Is(err, fleet.ErrUnread):
		a.unread = append(a.unread, fleet.Path(name))
	}
	return err
}

func (a *asking) Open(name string) (fs.File, error) {
	f, err := a.FS.Open(name)
	return f, a.note(name, err)
}

func (a *asking) ReadFile(name string) ([]byte, error) {
	b, err := fs.ReadFile(a.FS, name)
	return b, a.note(name, err)
}

func (a *asking) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(a.FS, name)
	return entries, a.note(name, err)
}

func (a *asking) Stat(name string) (fs.FileInfo, error) {
	info, err := fs.Stat(a.FS, name)
	return info, a.note(name, err)
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

// workflows tells whether a workflow of the repo runs on pull requests, if
// that is known.
func (c *computation) workflows(repo *Repo) (runs, known bool) {
	key := "workflows " + string(repo.Head.Tree)
	if b, ok := c.memo.Get(key); ok {
		return string(b) == "true", true
	}
	if repo.Tree == nil {
		c.needs.tree(repo.Listing.Name)
		return false, false
	}
	entries, err := fs.ReadDir(repo.Tree, ".github/workflows")
	if err != nil {
		entries = nil // no such folder
	}
	var unread []fleet.Path
	for _, e := range entries {
		name := e.Name()
		if !e.Type().IsRegular() || !strings.HasSuffix(name, ".yml") && !strings.HasSuffix(name, ".yaml") {
			continue
		}
		path := ".github/workflows/" + name
		switch b, err := fs.ReadFile(repo.Tree, path); {
		case errors.Is(err, fleet.ErrUnread):
			unread = append(unread, fleet.Path(path))
		case err != nil || onPullRequest(b):
			runs = true // one that can't be read may run: rather wait for it
		}
	}
	if len(unread) > 0 && !runs {
		c.needs.files(repo.Listing.Name, unread)
		return false, false
	}
	value := "false"
	if runs {
		value = "true"
	}
	c.memo.Put(key, []byte(value))
	return runs, true
}

// onPullRequest reports whether a workflow file names a pull request event.
func onPullRequest(workflow []byte) bool {
	var w struct {
		On yaml.Node `yaml:"on"`
	}
	if yaml.Unmarshal(workflow, &w) != nil {
		return true // rather wait for it than merge untested
	}
	events := []string{w.On.Value}
	for n, child := range w.On.Content {
		if w.On.Kind == yaml.SequenceNode || n%2 == 0 {
			events = append(events, child.Value)
		}
	}
	return slices.Contains(events, "pull_request") || slices.Contains(events, "pull_request_target")
}
