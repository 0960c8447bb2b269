package rollout_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
	"go.yaml.in/yaml/v4"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/rollout"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// now is when every case happens.
var now = time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)

// itemFile is an item as a case gives it: what it leaves out is the usual. An
// empty one is of a declaration that wants go.mod of acme/ledger edited, may
// merge once checks pass, and has neither branch nor pull request. The base
// is at b1; commits of ours have the tree t1.
type itemFile struct {
	Repo        string
	ID          string
	Count       int           // so many items, in repos acme/r00, acme/r01, …
	Declaration string        // "gone" or "frozen"
	Changed     time.Duration // ago, of the declaration
	Out, Paused string
	Because     string
	Edits       []string
	Owns        bool
	Team        string
	Merge       fleet.MergePolicy
	Mode        fleet.Mode
	Archived    bool
	Disabled    bool
	Clash       string
	Hold        string    // what a policy "rule" found
	Text        string    // "other" than the pull request shows
	AskAgain    time.Time `yaml:"askAgain"`
	BotCloses   int       `yaml:"botCloses"` // before the pull request

	Signs bool // commits are signed now

	Branch    string // what made its commit, as pull.head; the open pull request's if left out; "none"
	Pull      *pullFile
	Rules     *rulesFile
	Ready     *readyFile
	Workflows *bool
	Checked   bool // checks have reported on the base

	// History is what made the branch's commits, the oldest first, as
	// pull.head; also "update", a merge of the base's newest commit, "merge",
	// one of another branch, "copy", a person's with our message, and
	// "rebased", ours of an old declaration that a person put on b1. They are
	// h1, h2, …, and the last is the pull request's. "too-many" and "unread"
	// stand alone.
	History []string
	From    fleet.CommitID // what the history begins on; "b1" if left out
	Replay  *replayFile
}

// replayFile is what comes of the commits by people when they are put on top
// of ours made anew: all is well, unless one stops it.
type replayFile struct {
	Kept []fleet.CommitID
	Stop fleet.CommitID
	Path fleet.Path
	Why  string
}

// pullFile is a pull request. Left out it is open, two hours old, at commit c1
// of ours, made for today's declaration on the base's newest commit, merges
// cleanly, and its check "test" is green.
type pullFile struct {
	State     fleet.PullState
	By        string        // who closed it: "person", "us", "we-by-hand", "bot", "ghost"
	Ended     time.Duration // ago
	Age       time.Duration
	Committed time.Duration // ago; Age if left out
	Head      string        // what made its commit: "ours", "old" declaration, "old-base", "person", "amended"
	Commit    fleet.CommitID
	Onto      string         // branch
	Base      fleet.CommitID // of the default branch when it was read
	Draft     bool
	Mergeable fleet.Mergeable
	Review    fleet.Review
	Checks    map[string]fleet.CheckState
	App       int64    // that reported the checks
	Comments  []string // ours
	Signature fleet.Signature
	Held      bool
	AutoMerge string `yaml:"autoMerge"` // who asked for it
	Queued    *queuedFile
}

// queuedFile is a place in the merge queue, where we have put it.
type queuedFile struct {
	Position int
	By       string // "us" if left out
	State    fleet.QueueState
	Estimate time.Duration
}

type rulesFile struct {
	Required      []string
	App           int64 // that must report them
	UpToDate      bool  `yaml:"upToDate"`
	Methods       []fleet.MergeMethod
	Approvals     int
	LastPush      bool `yaml:"lastPush"`
	Conversations bool
	Signatures    bool
	Deployments   []string
	Locked, Queue bool
	Unjudged      []string
	Unread        string
}

func (f *rulesFile) rules() *fleet.Rules {
	r := &fleet.Rules{
		Unread: f.Unread, UpToDate: f.UpToDate, MergeMethods: f.Methods, Approvals: f.Approvals, LastPushApproval: f.LastPush,
		Conversations: f.Conversations, Signatures: f.Signatures, Deployments: f.Deployments, Locked: f.Locked, Queue: f.Queue, Unjudged: f.Unjudged,
	}
	if f.Methods == nil {
		r.MergeMethods = []fleet.MergeMethod{fleet.MergeCommit}
	}
	for _, name := range f.Required {
		r.RequiredChecks = append(r.RequiredChecks, fleet.RequiredCheck{Name: name, App: f.App})
	}
	return r
}

// readyFile is what is read just before a merge.
type readyFile struct {
	Unresolved int
	Approvals  map[string]fleet.CommitID // by whom, "us" for ourselves
	Deployed   []string
	Dequeued   *struct {
		By, Said string
		Reason   fleet.DequeueReason
		Ago      time.Duration
	}
}

func (f *readyFile) ready() *fleet.Readiness {
	r := &fleet.Readiness{Unresolved: f.Unresolved, Deployed: f.Deployed}
	for _, by := range slices.Sorted(maps.Keys(f.Approvals)) {
		r.Approvals = append(r.Approvals, fleet.Approval{By: actor(by), Commit: f.Approvals[by]})
	}
	if d := f.Dequeued; d != nil {
		r.Dequeued = &fleet.Dequeued{At: now.Add(-or(d.Ago, time.Hour)), By: actor(d.By), Reason: d.Reason, Said: d.Said}
	}
	return r
}

func actor(login string) fleet.Actor {
	if login == "us" {
		return fleet.Actor{Login: "portreeve[bot]", Bot: true, Self: true}
	}
	return fleet.Actor{Login: login, Bot: login == "github-merge-queue"}
}

type boundsFile struct {
	OpenPerTeam    int          `yaml:"openPerTeam"`
	NewPerDay      int          `yaml:"newPerDay"`
	UpdatesPerHour int          `yaml:"updatesPerHour"`
	OpenedToday    *int         `yaml:"openedToday"` // those of Opened included
	Opened         []openedFile // told one by one, the oldest first
	Uncounted      string
	Removals       string
	Limits         []limitFile
	Blocked        time.Duration // for so long
	Unread         map[fleet.TeamName]int
	Order          bool // tell also in which order the steps are taken
}

type openedFile struct {
	Repo fleet.RepoName
	ID   string
	Ago  time.Duration
}

// limitFile is a limit of the forge. What is not left of it comes back a
// minute after "now", or at the reset.
type limitFile struct {
	Of                  fleet.Unit
	Minutes, Most, Left int
	Reset               time.Duration // from now on; a window that rolls if left out
}

func (f limitFile) limit() fleet.Limit {
	l := fleet.Limit{Of: f.Of, Minutes: or(f.Minutes, 1), Most: f.Most, Left: f.Left}
	back := now.Add(time.Minute)
	if f.Reset > 0 {
		l.Reset = now.Add(f.Reset)
		back = l.Reset
	}
	l.Back = []fleet.Return{{At: back, Units: l.Most - l.Left}}
	return l
}

func (f boundsFile) bounds() rollout.Bounds {
	b := rollout.Bounds{Now: now, Unread: f.Unread, Uncounted: f.Uncounted}
	b.Limits.OpenPerTeam, b.Limits.NewPerDay, b.Limits.UpdatesPerHour = f.OpenPerTeam, f.NewPerDay, f.UpdatesPerHour
	b.Limits.Removals, _ = fleet.ParseShare(f.Removals)
	if f.OpenedToday != nil || f.Opened != nil {
		b.OpenedToday = &fleet.Openings{Count: len(f.Opened)}
		if f.OpenedToday != nil {
			b.OpenedToday.Count = *f.OpenedToday
		}
	}
	for _, o := range f.Opened {
		id, _ := fleet.ParseID(or(o.ID, "migration/go-1-26"))
		b.OpenedToday.Told = append(b.OpenedToday.Told, fleet.Opening{Repo: o.Repo, Branch: fleet.BranchName(id, ""), At: now.Add(-o.Ago)})
	}
	for _, l := range f.Limits {
		b.Allowance.Limits = append(b.Allowance.Limits, l.limit())
	}
	if f.Blocked > 0 {
		b.Allowance.Blocked = now.Add(f.Blocked)
	}
	return b
}

func read[T any](t *testing.T, f txtar.File, into T) T {
	t.Helper()
	d := yaml.NewDecoder(bytes.NewReader(f.Data))
	d.KnownFields(true)
	if err := d.Decode(&into); err != nil && !errors.Is(err, io.EOF) {
		t.Fatalf("%s: %v", f.Name, err)
	}
	return into
}

func (f itemFile) hold() *rollout.Hold {
	if f.Hold == "" {
		return nil
	}
	return (*rollout.Hold)(nil).With("rule", f.Hold, fleet.Acknowledge)
}

// all are the items that a file stands for.
func (f itemFile) all() []itemFile {
	if f.Count == 1 {
		return []itemFile{f}
	}
	var all []itemFile
	for n := range f.Count {
		one := f
		one.Repo = fmt.Sprintf("acme/r%02d", n)
		all = append(all, one)
	}
	return all
}

func or[T comparable](value, usual T) T {
	if value == *new(T) {
		return usual
	}
	return value
}

func (f itemFile) item() (*rollout.Item, rollout.Settings) {
	id, _ := fleet.ParseID(or(f.ID, "migration/go-1-26"))
	i := &rollout.Item{
		ID: id, Owns: f.Owns, Clash: f.Clash, Hold: f.hold(), BotCloses: f.BotCloses, Workflows: f.Workflows, SameText: f.Text == "",
		Declaration: &fleet.Declaration{ID: id, SpecHash: "5bec", Pos: fleet.Pos{File: "fleet.cue", Line: 3, Column: 1}},
		Listing:     fleet.Repo{Name: fleet.RepoName(or(f.Repo, "acme/ledger")), DefaultBranch: "main", Archived: f.Archived, Disabled: f.Disabled},
		Head:        fleet.Head{Commit: "b1", Tree: "bt1", Checked: f.Checked},
		Text:        rollout.Text{Title: "Build with Go 1.26", Body: "body", Message: "Build with Go 1.26\n"},
		Want: kind.Want{
			Out: f.Out, Paused: f.Paused, Because: f.Because, Decides: fleet.TeamName(or(f.Team, "payments")),
			Merge: or(f.Merge, fleet.MergeChecksPass), AskAgain: f.AskAgain,
		},
	}
	if f.Changed > 0 {
		i.Declaration.Changed = now.Add(-f.Changed)
	}
	if f.Edits == nil {
		f.Edits = []string{"go.mod"}
	}
	for _, p := range f.Edits {
		i.Want.Edits = append(i.Want.Edits, transform.Edit{Path: fleet.Path(p), Content: []byte("go 1.26\n")})
	}
	switch f.Declaration {
	case "gone":
		i.Declaration, i.Want = nil, kind.Want{}
	case "frozen":
		i.Declaration.Frozen = []fleet.Problem{{Pos: i.Declaration.Pos, Message: `unknown team "platfrom"`}}
		i.Want = kind.Want{}
	}
	if i.Want.Out != "" {
		i.Want.Edits = nil
	}
	if r := f.Rules; r != nil {
		i.Rules = r.rules()
	}
	if f.Ready != nil {
		i.Ready = f.Ready.ready()
	}
	if f.Pull != nil {
		if i.History = f.history(i); i.History != nil && len(i.History.Commits) > 0 {
			f.Pull.Head = f.History[len(f.History)-1]
		}
		i.Pull = f.Pull.pull(i)
		if i.History != nil {
			i.Pull.HeadCommit = i.History.Head
		}
		if f.Branch == "" && i.Pull.State == fleet.PullOpen {
			i.Branch = &fleet.Branch{Name: i.BranchName(), Commit: i.Pull.HeadCommit, Tree: i.Pull.HeadTree, Message: i.Pull.HeadMessage}
		}
	}
	if head, of, _ := strings.Cut(f.Branch, " "); head != "" && head != "none" {
		message, tree := made(i, head)
		i.Branch = &fleet.Branch{Name: i.BranchName(), Commit: fleet.CommitID(or(of, "c1")), Tree: tree, Message: message}
	}
	return i, rollout.Settings{
		Now: now, Mode: or(f.Mode, fleet.Merge), Settle: 30 * time.Second, Signs: f.Signs, Closing: closing,
		IsClosing: func(comment string) bool { return strings.HasPrefix(comment, "Closed: ") },
	}
}

func closing(_ fleet.ID, reason string) string { return "Closed: x\n" + reason }

// history is the branch's, if the case gives it.
func (f itemFile) history(i *rollout.Item) *fleet.History {
	h := &fleet.History{Base: "b1", Head: fleet.CommitID(fmt.Sprintf("h%d", len(f.History)))}
	switch {
	case f.History == nil:
		return nil
	case f.History[0] == "too-many":
		h.TooMany, f.Pull.Head = true, "person"
		return h
	case f.History[0] == "unread":
		h.Unread, f.Pull.Head = "the server is odd", "person"
		return h
	}
	parent := or(f.From, "b1")
	for n, what := range f.History {
		c := fleet.Commit{ID: fleet.CommitID(fmt.Sprintf("h%d", n+1)), Parents: []fleet.CommitID{parent}}
		c.Message, c.Tree = made(i, what)
		c.Message = strings.Replace(c.Message, "Portreeve-Base: b1\n", "Portreeve-Base: "+string(parent)+"\n", 1)
		switch what {
		case "rebased":
			c.Message = strings.Replace(c.Message, "Portreeve-Base: "+string(parent), "Portreeve-Base: b0", 1)
		case "update":
			c.Parents, c.FromBase = append(c.Parents, "b1"), true
		case "merge":
			c.Parents = append(c.Parents, "x1")
		}
		h.Commits = append(h.Commits, c)
		parent = c.ID
	}
	if r := f.Replay; r != nil {
		i.Replayed = &fleet.Replayed{Kept: r.Kept}
		if r.Stop != "" {
			i.Replayed.Stop = &fleet.Stop{Commit: r.Stop, Path: r.Path, Why: r.Why}
		}
	}
	return h
}

// made is the message and the tree of a commit by what made it.
func made(i *rollout.Item, by string) (string, fleet.TreeID) {
	t := rollout.Trailers{Declaration: i.ID, Spec: i.Hash(), Base: "b1", Tree: "t1"}
	switch by {
	case "old":
		t.Spec = "01d"
	case "old-base":
		t.Base = "b0"
	case "other":
		t.Declaration.Name = "another"
	case "amended", "copy":
		return t.Append("Build with Go 1.26"), "t2"
	case "old-amended", "rebased":
		t.Spec = "01d"
		return t.Append("Build with Go 1.26"), "t2"
	case "person":
		return "Mend a test\n", "t2"
	case "update", "merge":
		return "Merge it\n", "t3"
	case "quote":
		return "Quote:\n\n" + t.Append("") + "\nSigned-off-by: Kim\n", "t1"
	}
	return t.Append("Build with Go 1.26"), "t1"
}

func (f *pullFile) pull(i *rollout.Item) *fleet.PullRequest {
	message, tree := made(i, f.Head)
	age := or(f.Age, 2*time.Hour)
	p := &fleet.PullRequest{
		Repo: i.Listing.Name, Number: 7, URL: "https://forge.example/7", State: or(f.State, fleet.PullOpen), Draft: f.Draft,
		Base: or(f.Onto, "main"), Head: i.BranchName(), HeadCommit: or(f.Commit, "c1"), HeadTree: tree, HeadMessage: message,
		HeadTime: now.Add(-or(f.Committed, age)), Created: now.Add(-age), Mergeable: or(f.Mergeable, fleet.MergeableYes), Review: f.Review,
		BaseCommit: or(f.Base, i.Head.Commit), Signature: f.Signature, Held: f.Held,
	}
	if f.AutoMerge != "" {
		by := actor(f.AutoMerge)
		p.AutoMerge = &by
	}
	if q := f.Queued; q != nil {
		p.Queued = &fleet.QueueEntry{Position: or(q.Position, 1), By: actor(or(q.By, "us")), State: or(q.State, fleet.QueueWaiting), Estimate: q.Estimate}
	}
	if f.Checks == nil {
		f.Checks = map[string]fleet.CheckState{"test": fleet.CheckSuccess}
	}
	for _, name := range slices.Sorted(maps.Keys(f.Checks)) {
		p.Checks = append(p.Checks, fleet.Check{Name: name, State: f.Checks[name], App: f.App})
	}
	if p.State != fleet.PullOpen {
		p.Closed = now.Add(-or(f.Ended, time.Hour))
	}
	us := fleet.Actor{Login: "portreeve[bot]", Bot: true, Self: true}
	switch f.By {
	case "person":
		p.ClosedBy = fleet.Actor{Login: "kim"}
	case "bot":
		p.ClosedBy = fleet.Actor{Login: "stale[bot]", Bot: true}
	case "us":
		p.ClosedBy = us
		f.Comments = append(f.Comments, closing(i.ID, "topic frozen"))
	case "we-by-hand":
		p.ClosedBy = fleet.Actor{Login: "ana", Self: true}
	}
	for _, c := range f.Comments {
		p.Comments = append(p.Comments, fleet.Comment{Author: us, Body: c})
	}
	return p
}

// byPeople are the commits that a test, by its own reading, takes for ones
// that people made and that hold something of theirs.
func byPeople(i *rollout.Item) (ids []fleet.CommitID) {
	for _, c := range i.History.Commits {
		if c.Tree == "t2" {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

// untouched reports, by the test's own reading, that the branch is at a
// commit of ours.
func untouched(i *rollout.Item) bool {
	if i.Branch == nil {
		return i.Pull.HeadTree == "t1"
	}
	return i.Branch.Tree == "t1" && strings.Contains(i.Branch.Message, "Portreeve-Declaration: "+i.ID.String()+"\n") &&
		!strings.Contains(i.Branch.Message, "Signed-off-by")
}

// red finds checks that forbid merging.
func red(i *rollout.Item) func(fleet.Check) bool {
	return func(c fleet.Check) bool {
		counts := len(i.Rules.RequiredChecks) == 0 ||
			slices.ContainsFunc(i.Rules.RequiredChecks, func(r fleet.RequiredCheck) bool { return r.By(c) })
		return counts && (c.State == fleet.CheckFailure || c.State == fleet.CheckPending)
	}
}
