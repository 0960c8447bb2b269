package plan_test

import (
	"cmp"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing/fstest"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/kind/cluster"
	"github.com/portreeve/portreeve/reconciler/kind/loan"
	"github.com/portreeve/portreeve/reconciler/kind/migration"
	"github.com/portreeve/portreeve/reconciler/kind/ownership"
	"github.com/portreeve/portreeve/reconciler/kind/prometheus"
	"github.com/portreeve/portreeve/reconciler/plan"
	"github.com/portreeve/portreeve/reconciler/report"
	"github.com/portreeve/portreeve/reconciler/rollout"
	"github.com/portreeve/portreeve/reconciler/transform"
	"github.com/portreeve/portreeve/reconciler/transform/delete"
	"github.com/portreeve/portreeve/reconciler/transform/file"
	"github.com/portreeve/portreeve/reconciler/transform/rename"
	"github.com/portreeve/portreeve/reconciler/transform/replace"
	"github.com/portreeve/portreeve/reconciler/transform/yaml"
)

// now is when every case happens.
var now = time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)

func kinds() kind.Set {
	transforms := transform.Set{replace.New(), file.New(), delete.New(), rename.New(), yaml.New()}
	return kind.Set{ownership.New(transforms), loan.New(), cluster.New(), prometheus.New(transforms), migration.New(transforms)}
}

// memo keeps all, and counts.
type memo struct {
	kept         map[string][]byte
	hits, misses int
}

func newMemo() *memo { return &memo{kept: map[string][]byte{}} }

func (m *memo) Get(key string) ([]byte, bool) {
	v, ok := m.kept[key]
	if ok {
		m.hits++
	} else {
		m.misses++
	}
	return v, ok
}

func (m *memo) Put(key string, value []byte) { m.kept[key] = value }

// snapshot is a fleet.Snapshot in memory. Contents are unread until loaded.
type snapshot struct {
	files  fstest.MapFS
	loaded map[string]bool
	dirs   map[string]bool // those whose names are known; nil for all
}

func newSnapshot() *snapshot { return &snapshot{files: fstest.MapFS{}, loaded: map[string]bool{}} }

func (s *snapshot) Commit() fleet.CommitID { return fleet.CommitID("c" + s.Tree()[:6]) }

func (s *snapshot) Tree() fleet.TreeID {
	h := sha1.New()
	for _, name := range slices.Sorted(maps.Keys(s.files)) {
		f := s.files[name]
		fmt.Fprintf(h, "%q %v %q\n", name, f.Mode, f.Data)
	}
	return fleet.TreeID(hex.EncodeToString(h.Sum(nil)))
}

func (s *snapshot) Blob(p fleet.Path) fleet.BlobID {
	f := s.files[string(p)]
	if f == nil || !f.Mode.IsRegular() {
		return ""
	}
	sum := sha1.Sum(fmt.Appendf(nil, "blob %d\x00%s", len(f.Data), f.Data))
	return fleet.BlobID(hex.EncodeToString(sum[:]))
}

func (s *snapshot) Open(name string) (fs.File, error) {
	if s.missing(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fleet.ErrUnread}
	}
	for n := name; n != "."; n = parent(n) {
		f := s.files[n]
		switch {
		case f == nil:
		case n != name && f.Mode.Type() != 0:
			return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		case n == name && !f.Mode.IsRegular():
			return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
		case n == name && !s.loaded[name]:
			return nil, &fs.PathError{Op: "open", Path: name, Err: fleet.ErrUnread}
		}
	}
	return s.files.Open(name)
}

func parent(name string) string {
	i := strings.LastIndexByte(name, '/')
	if i < 0 {
		return "."
	}
	return name[:i]
}

// repoFile is what a case says of a repo.
type repoFile struct {
	Topics    []string
	Language  string
	Formerly  []fleet.RepoName // names that it was asked for by
	Archived  bool
	Empty     bool
	Err       string // why it could not be read
	Permanent bool
	Checked   bool
	Links     []string // paths that are symbolic links
	Rules     struct {
		Required []string
		Queue    bool
	}
	// Branches says what made the commits of branches that have no pull
	// request; Pulls gives the pull requests of branches.
	Branches map[string]string
	// Editions are those of CODEOWNERS, the newest first.
	Editions []editionFile
	// Wrong is what the forge finds wrong in the CODEOWNERS of a pull request.
	Wrong []fleet.OwnersError
	// Access is what accounts may do; those left out may write.
	Access map[string]accessFile
	Pulls  map[string]pullFile
}

// pullFile is a pull request that was opened for today's plan. Left out, it
// is open, and its check "test" is green.
type pullFile struct {
	State  fleet.PullState
	By     string // who closed it: "person" or "us"
	Head   string // what made its commit: "ours", "old" declaration, "person", "old-person" on an old declaration's
	Text   string // "old"
	Checks map[string]fleet.CheckState
}

// editionFile is a state of a file: its content, whose commit made it ("us" by
// a pull request of ours), and how many days ago.
type editionFile struct {
	Is   string
	By   string
	Days int
}

func editions(all []editionFile) []fleet.Edition {
	out := []fleet.Edition{}
	for i, f := range all {
		e := fleet.Edition{Commit: fleet.CommitID(fmt.Sprintf("%dabcdef0", i)), By: f.By, At: now.AddDate(0, 0, -f.Days)}
		sum := sha1.Sum(fmt.Appendf(nil, "blob %d\x00%s", len(f.Is), f.Is))
		e.Blob, e.Text = fleet.BlobID(hex.EncodeToString(sum[:])), []byte(f.Is)
		if f.By == "us" {
			e.Branch = fleet.BranchPrefix + "ownership/x"
		}
		out = append(out, e)
	}
	return out
}

// accessFile is an access: a role, or "missing", "secret", or why it is unread.
type accessFile string

func (a accessFile) access() fleet.Access {
	switch a {
	case "", "write":
		return fleet.Access{Role: fleet.RoleWrite}
	case "none":
		return fleet.Access{}
	case "read":
		return fleet.Access{Role: fleet.RoleRead}
	case "missing":
		return fleet.Access{Missing: true}
	case "secret":
		return fleet.Access{Secret: true, Role: fleet.RoleWrite}
	case "down":
		return fleet.Access{Unread: "the forge is down", Again: true}
	}
	return fleet.Access{Unread: string(a)}
}

// made is a branch's commit as apply would have made it for a step.
func made(name, by string, repo *plan.Repo, step *rollout.Step) fleet.Branch {
	t := rollout.Trailers{Spec: "gone", Base: repo.Head.Commit, Tree: "t1"}
	rest, _, _ := strings.Cut(strings.TrimPrefix(name, fleet.BranchPrefix), "--")
	t.Declaration, _ = fleet.ParseID(rest)
	if step != nil {
		t.Spec = step.SpecHash
	}
	b := fleet.Branch{Name: name, Commit: "h1", Tree: "t1"}
	switch by {
	case "old":
		t.Spec = "01d"
	case "person":
		b.Tree = "t2"
	case "old-person":
		t.Spec, b.Tree = "01d", "t2"
	}
	b.Message = t.Append("Message")
	return b
}

// pull is a pull request as apply would have opened it for a step.
func (f pullFile) pull(repo *plan.Repo, b fleet.Branch, step *rollout.Step) *fleet.PullRequest {
	p := &fleet.PullRequest{
		Repo: repo.Listing.Name, Number: 7, URL: fmt.Sprintf("https://forge.example/%s/pull/7", repo.Listing.Name), State: cmp.Or(f.State, fleet.PullOpen),
		Base: repo.Listing.DefaultBranch, Head: b.Name, HeadCommit: b.Commit, HeadTree: b.Tree, HeadMessage: b.Message,
		HeadTime: now.Add(-2 * time.Hour), Created: now.Add(-2 * time.Hour), Mergeable: fleet.MergeableYes, BaseCommit: repo.Head.Commit,
	}
	if step != nil {
		p.Title, p.Body, p.Labels = step.Title, step.Body, step.Labels
	}
	if f.Text == "old" {
		p.Body = report.Pull{Title: "old"}.Text()
	}
	if f.Checks == nil {
		f.Checks = map[string]fleet.CheckState{"test": fleet.CheckSuccess}
	}
	for _, name := range slices.Sorted(maps.Keys(f.Checks)) {
		p.Checks = append(p.Checks, fleet.Check{Name: name, State: f.Checks[name]})
	}
	if p.State != fleet.PullOpen {
		p.Closed = now.Add(-time.Hour)
	}
	switch f.By {
	case "person":
		p.ClosedBy = fleet.Actor{Login: "kim"}
	case "us":
		p.ClosedBy = fleet.Actor{Login: "portreeve[bot]", Bot: true, Self: true}
		p.Comments = []fleet.Comment{{Author: p.ClosedBy, Body: report.Closing(fleet.ID{}, "x", "")}}
	}
	return p
}

// clusterFile is what a case says of a cluster that is reached through no repo.
type clusterFile struct {
	Err       string
	Permanent bool
	Files     map[fleet.Path]string
	Standing  map[string]fleet.Standing // by declarations
	Unread    map[fleet.Path]string
	Trial     fleet.Trial
}

func (f clusterFile) seen(look plan.LookAt) *plan.Cluster {
	c := &plan.Cluster{Err: f.Err, Permanent: f.Permanent, Read: map[fleet.Path]bool{}, Standing: map[fleet.ID]*fleet.Standing{}, ID: "seen"}
	tree := fstest.MapFS{}
	for _, p := range look.Reads {
		c.Read[p] = true
		if text, ok := f.Files[p]; ok {
			tree[string(p)] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
		}
		if text, ok := f.Files[fleet.AppliedPath(p)]; ok {
			tree[string(fleet.AppliedPath(p))] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
		}
	}
	c.Tree, c.Unread = tree, f.Unread
	for name, s := range f.Standing {
		id, _ := fleet.ParseID(name)
		c.Standing[id] = &s
	}
	return c
}

// teller answers needs from a repo that is all known.
type teller struct {
	trees    map[fleet.RepoName]*snapshot
	rules    map[fleet.RepoName]fleet.Rules
	pulls    map[fleet.RepoName]map[string]*fleet.PullRequest
	today    fleet.Openings
	editions map[fleet.RepoName][]editionFile
	wrong    map[fleet.RepoName][]fleet.OwnersError
	may      map[fleet.RepoName]map[string]accessFile
	issues   []fleet.Issue
	running  map[string]*fleet.Running
	answers  map[string][]fleet.Sample
	clusters map[fleet.ClusterName]clusterFile
	// partly answers with no more of a tree than is asked for.
	partly bool
}

func (a *teller) answer(w *plan.World, needs []plan.Need) {
	for _, n := range needs {
		switch r := w.Repos[n.Repo]; {
		case n.ConfigRepo:
			w.ConfigUnseen = "it is not here"
		case n.OpenedToday:
			w.OpenedToday = &a.today
		case n.Collaborators:
			r.Collaborators = &fleet.Collaborators{}
		case n.Issues:
			w.Issues = &a.issues
		case len(n.Clusters) > 0:
			w.Clusters = map[fleet.ClusterName]*plan.Cluster{}
			for _, look := range n.Clusters {
				w.Clusters[look.Cluster] = a.clusters[look.Cluster].seen(look)
			}
		case len(n.Trials) > 0:
			w.Trials = map[string]*fleet.Trial{}
			for _, s := range n.Trials {
				trial := a.clusters[s.Cluster].Trial
				w.Trials[s.Key()] = &trial
			}
		case len(n.Running) > 0:
			w.Running = map[string]*fleet.Running{}
			for _, at := range n.Running {
				if w.Running[at] = a.running[at]; w.Running[at] == nil {
					w.Running[at] = &fleet.Running{Unread: "connection refused"}
				}
			}
		case len(n.Queries) > 0:
			w.Queries = map[fleet.Query]*fleet.Answer{}
			for _, q := range n.Queries {
				w.Queries[q] = &fleet.Answer{Samples: a.answers[q.Expr]}
			}
		case n.Tree, n.All:
			r.Tree = a.trees[n.Repo]
			a.listed(n)
		case n.Rules:
			rules := a.rules[n.Repo]
			r.Rules = &rules
		}
		for _, name := range n.Accounts {
			r := w.Repos[n.Repo]
			if r.Access == nil {
				r.Access = map[string]fleet.Access{}
			}
			r.Access[name] = a.may[n.Repo][name].access()
		}
		for _, path := range n.Editions {
			r := w.Repos[n.Repo]
			if r.Editions == nil { // the file that is edited is asked about first
				r.Editions = map[fleet.Path][]fleet.Edition{path: editions(a.editions[n.Repo])}
			} else {
				r.Editions[path] = nil
			}
		}
		for _, commit := range n.Wrong {
			w.Repos[n.Repo].Wrong = map[fleet.CommitID][]fleet.OwnersError{commit: a.wrong[n.Repo]}
		}
		for _, number := range n.Ready {
			if r := w.Repos[n.Repo]; r.Ready == nil {
				r.Ready = map[int]*fleet.Readiness{}
			}
			w.Repos[n.Repo].Ready[number] = &fleet.Readiness{}
		}
		for _, p := range n.Files {
			a.trees[n.Repo].load(string(p))
		}
		for _, b := range n.Branches {
			w.Repos[n.Repo].Pulls[b] = a.pulls[n.Repo][b]
		}
		for _, b := range n.Histories {
			r, pull := w.Repos[n.Repo], a.pulls[n.Repo][b]
			r.Histories = map[string]*fleet.History{b: {Base: r.Head.Commit, Head: pull.HeadCommit, Commits: []fleet.Commit{
				{ID: pull.HeadCommit, Tree: pull.HeadTree, Message: pull.HeadMessage, Parents: []fleet.CommitID{r.Head.Commit}},
			}}}
		}
		for _, q := range n.Replays {
			w.Repos[n.Repo].Replays = map[string]*fleet.Replayed{q.Branch: {Kept: []fleet.CommitID{q.Picks[0].Commit}}}
		}
	}
}

// inWords are needs on one line.
func inWords(needs []plan.Need) string {
	var all []string
	for _, n := range needs {
		switch {
		case n.ConfigRepo:
			all = append(all, "the config repo")
		case n.OpenedToday:
			all = append(all, "how many were opened today")
		case n.Collaborators:
			all = append(all, string(n.Repo)+" collaborators")
		case n.Issues:
			all = append(all, "issues")
		case len(n.Clusters) > 0:
			for _, look := range n.Clusters {
				all = append(all, fmt.Sprintf("what %s holds of %v", look.Cluster, look.Reads))
			}
		case len(n.Trials) > 0:
			for _, s := range n.Trials {
				all = append(all, fmt.Sprintf("a trial on %s", s.Cluster))
			}
		case len(n.Running) > 0:
			all = append(all, fmt.Sprintf("what runs at %v", n.Running))
		case len(n.Queries) > 0:
			all = append(all, fmt.Sprintf("%d queries", len(n.Queries)))
		case n.Tree, n.All:
			all = append(all, string(n.Repo)+" tree")
		case n.Rules:
			all = append(all, string(n.Repo)+" rules")
		case len(n.Histories) > 0:
			all = append(all, fmt.Sprintf("%s commits of %v", n.Repo, n.Histories))
		case len(n.Replays) > 0:
			all = append(all, fmt.Sprintf("%s what becomes of %d commits of %s", n.Repo, len(n.Replays[0].Picks), n.Replays[0].Branch))
		case len(n.Editions) > 0:
			all = append(all, fmt.Sprintf("%s who changed %v", n.Repo, n.Editions))
		case len(n.Wrong) > 0:
			all = append(all, fmt.Sprintf("%s what is wrong in CODEOWNERS", n.Repo))
		case len(n.Accounts) > 0:
			all = append(all, fmt.Sprintf("%s what %v may do", n.Repo, n.Accounts))
		case len(n.Ready) > 0:
			all = append(all, fmt.Sprintf("%s what %v lack", n.Repo, n.Ready))
		case len(n.Files) > 0:
			all = append(all, fmt.Sprintf("%s files %v", n.Repo, n.Files))
		default:
			all = append(all, fmt.Sprintf("%s pull requests %v", n.Repo, n.Branches))
		}
	}
	return strings.Join(all, ", ")
}
