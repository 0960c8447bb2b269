package sandbox

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// repo is one repo with its pull requests. Its lock guards all but forge,
// name, id, dir and git.
type repo struct {
	forge *Forge
	name  fleet.RepoName
	id    int64
	dir   string
	git   objects

	mu            sync.Mutex
	defaultBranch string
	topics        []string
	language      string
	private       bool
	archived      bool
	fork          bool
	rules         Rules
	methods       []fleet.MergeMethod
	ci            []CheckSpec
	invited       map[string]*invitation
	access        map[string]fleet.Role // by the name of team or user, in lower case
	created       time.Time
	updated       time.Time
	pushed        time.Time

	heads    map[string]plumbing.Hash    // as last seen
	since    map[plumbing.Hash]time.Time // when CI began on a commit
	verdicts map[verdictKey]bool
	statuses map[plumbing.Hash][]status // one for each context, oldest first
	// deployments are the states of the newest ones.
	deployments map[deploymentKey]string
	queue       []*queueEntry
	pulls       []*pull  // by number
	issues      []*issue // by number
	last        int      // number that was given
}

var nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+$`)

// reserved owners would hide the API or the pages.
var reserved = []string{"api", "app", "apps", "repos", "repositories", "user", "users", "orgs", "search", "meta", "rate_limit", "graphql", "nodes"}

// CreateRepo makes a repo with one commit, or an empty one if spec has no
// files.
func (f *Forge) CreateRepo(spec Spec) error {
	short := spec.Name.Short()
	if !nameForm.MatchString(string(spec.Name)) || short == "." || short == ".." ||
		strings.HasSuffix(short, ".git") || slices.Contains(reserved, strings.ToLower(spec.Name.Owner())) {
		return invalid("Repository", "name", "invalid", fmt.Sprintf("%q can't be a repo's name", spec.Name))
	}
	files := map[string]*File{}
	for name, file := range spec.Files {
		if err := checkPath(name); err != nil {
			return err
		}
		files[name] = &file
	}
	now := f.time()
	r := &repo{
		forge: f, name: spec.Name, id: f.newID(), defaultBranch: cmp.Or(spec.DefaultBranch, "main"),
		topics: slices.Sorted(slices.Values(spec.Topics)), language: spec.Language,
		private: spec.Private, archived: spec.Archived, fork: spec.Fork, rules: spec.Rules,
		methods: slices.Clone(spec.MergeMethods), ci: slices.Clone(spec.CI),
		created: now, updated: now, pushed: now,
		heads: map[string]plumbing.Hash{}, since: map[plumbing.Hash]time.Time{},
		verdicts: map[verdictKey]bool{}, statuses: map[plumbing.Hash][]status{}, deployments: map[deploymentKey]string{},
	}
	if len(r.methods) == 0 {
		r.methods = []fleet.MergeMethod{fleet.MergeCommit, fleet.MergeSquash, fleet.MergeRebase}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := f.register(r); err != nil {
		return err
	}
	if err := r.openGit(); err != nil {
		f.forget(r)
		return fmt.Errorf("sandbox: %s: %w", spec.Name, err)
	}
	if len(files) > 0 {
		who := &user{login: spec.Name.Owner()}
		if _, err := r.commitOn(who, r.defaultBranch, files, "Initial commit"); err != nil {
			f.forget(r)
			return err
		}
	}
	defer r.announceSettings(nobody, "created")
	return r.sync(nobody)
}

// register reserves the name; the repo's lock is held until it can be used.
func (f *Forge) register(r *repo) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.taken(r.name) {
		return invalid("Repository", "name", "custom", "name already exists on this account")
	}
	f.repos[key(r.name)] = r
	f.byID[r.nodeID()] = r
	return nil
}

func (f *Forge) forget(r *repo) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.strike(r)
}

func (r *repo) nodeID() string { return fmt.Sprintf("R_%d", r.id) }

// sync brings pull requests and checks up to date with the branches; who is
// known to have moved them.
func (r *repo) sync(who *user) error {
	heads, err := r.git.heads()
	if err != nil || maps.Equal(heads, r.heads) {
		return err
	}
	before := r.heads
	r.heads = heads
	now := r.forge.time()
	for _, branch := range slices.Sorted(maps.Keys(merge(before, heads))) {
		if before[branch] == heads[branch] {
			continue
		}
		r.pushed, r.updated = now, now
		do := "push"
		if heads[branch].IsZero() {
			do = "branch-deleted"
		}
		if len(before) > 0 || who != nobody {
			r.forge.wrote(who, do, r.name, 0, branch+" "+short(heads[branch]))
			r.announcePush(who, branch, before[branch], heads[branch])
		}
	}
	if h := heads[r.defaultBranch]; !h.IsZero() {
		r.begin(h)
	}
	for _, p := range r.pulls {
		if p.state != fleet.PullOpen || before[p.head] == heads[p.head] && before[p.base] == heads[p.base] {
			continue
		}
		if err := r.follow(p, who, before); err != nil {
			return err
		}
	}
	return nil
}

func merge(a, b map[string]plumbing.Hash) map[string]plumbing.Hash {
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}

func short(h plumbing.Hash) string { return h.String()[:7] }

// follow moves an open pull request on after one of its branches has moved.
func (r *repo) follow(p *pull, who *user, before map[string]plumbing.Hash) error {
	head, base := r.heads[p.head], r.heads[p.base]
	if head.IsZero() || base.IsZero() {
		r.end(p, who, fleet.PullClosed)
		return nil
	}
	if p.headOID != head {
		if err := r.headMoved(p, who, head); err != nil {
			return err
		}
		moved := obj{"before": p.headOID.String(), "after": head.String()}
		p.headOID, p.pusher = head, who
		p.updated = r.forge.time()
		r.begin(head)
		if err := r.writePullRef(p); err != nil {
			return err
		}
		p.announceAs(who, "synchronize", moved)
	}
	contained, err := r.contains(base, head)
	if err != nil || !contained {
		return err
	}
	if before[p.base] != base {
		p.mergeCommit = base
		r.end(p, who, fleet.PullMerged)
		return nil
	}
	r.end(p, who, fleet.PullClosed) // its head was moved back into its base
	return nil
}

// headMoved notes what a push to its head does to a pull request: it is in no
// queue any more, and a head that was rewritten is an event.
func (r *repo) headMoved(p *pull, who *user, head plumbing.Hash) error {
	r.leaveQueue(p, who, leftByHand)
	if kept, err := r.contains(head, p.headOID); err != nil || kept {
		return err
	}
	p.note(event{kind: eventForced, by: who, before: p.headOID, after: head})
	return nil
}

// contains says whether commit is in the history of tip.
func (r *repo) contains(tip, commit plumbing.Hash) (bool, error) {
	if tip == commit {
		return true, nil
	}
	t, err := r.git.commit(tip)
	if err != nil {
		return false, err
	}
	c, err := r.git.commit(commit)
	if err != nil {
		return false, err
	}
	return c.IsAncestor(t)
}

// mergeBase is the newest common ancestor; zero if there is none.
func (r *repo) mergeBase(a, b plumbing.Hash) (plumbing.Hash, error) {
	left, err := r.git.commit(a)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	right, err := r.git.commit(b)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	if len(right.ParentHashes) == 1 && right.ParentHashes[0] == a {
		return a, nil
	}
	bases, err := left.MergeBase(right)
	if err != nil || len(bases) == 0 {
		return plumbing.ZeroHash, err
	}
	return bases[0].Hash, nil
}

// commitsOf are the commits that head has and base has not, oldest first.
func (r *repo) commitsOf(base, head plumbing.Hash) ([]*object.Commit, error) {
	var out []*object.Commit
	seen := map[plumbing.Hash]bool{}
	at := []plumbing.Hash{head}
	stop, err := r.mergeBase(base, head)
	if err != nil {
		return nil, err
	}
	for len(at) > 0 && len(out) < 250 {
		h := at[0]
		at = at[1:]
		if h == stop || seen[h] {
			continue
		}
		seen[h] = true
		c, err := r.git.commit(h)
		if err != nil {
			return nil, err
		}
		if in, err := r.contains(base, h); err != nil {
			return nil, err
		} else if in {
			continue
		}
		out = append(out, c)
		at = append(at, c.ParentHashes...)
	}
	slices.Reverse(out)
	return out, nil
}

func (r *repo) writable() error {
	if r.archived {
		return &Refusal{Status: 403, Message: "Repository was archived so is read-only."}
	}
	return nil
}
