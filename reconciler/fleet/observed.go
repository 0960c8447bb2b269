package fleet

import (
	"errors"
	"io/fs"
	"time"
)

// Repo is what a forge's listing says of a repo.
type Repo struct {
	Name          RepoName
	ID            string // stable on the forge, also over a rename
	DefaultBranch string
	Topics        []string // sorted
	Language      string   // the forge's guess, "Go"
	Archived      bool
	Disabled      bool
	Private       bool
	Fork          bool
	CloneURL      string // without credentials
	WebURL        string
	// Formerly are names that it was asked for by and that are not its own
	// any more: the forge leads from them to it.
	Formerly []RepoName
}

// Head is where a repo stands at the moment of a pass.
type Head struct {
	Commit CommitID // of the default branch; empty when the repo is empty
	Tree   TreeID
	// Checked says that checks have reported on the default branch's head.
	Checked bool
	// Branches are the branches whose names begin with BranchPrefix.
	Branches []Branch
	// Status is the commit status StatusContext of Commit, nil when none.
	Status *CommitStatus
}

// Branch is a branch of ours; Tree and Message are its commit's.
type Branch struct {
	Name    string
	Commit  CommitID
	Tree    TreeID
	Message string
}

// Names that Portreeve leaves on a forge.
const (
	BranchPrefix  = "portreeve/" // of every branch that Portreeve makes
	StatusContext = "portreeve"  // of its commit status on the config repo
	StopFile      = "STOP"       // at the config repo's root, it halts every write
)

// BranchName is the one branch of a declaration's lane in a repo.
func BranchName(id ID, lane Lane) string {
	name := BranchPrefix + id.Kind + "/" + id.Name
	if lane != "" {
		name += "--" + string(lane)
	}
	return name
}

// CommitStatus is a commit status on a forge.
type CommitStatus struct {
	State       StatusState
	Description string // at most 140 characters
	URL         string
}

// StatusState is a commit status's state.
type StatusState string

const (
	StatusPending StatusState = "pending"
	StatusSuccess StatusState = "success"
	StatusFailure StatusState = "failure"
	StatusError   StatusState = "error"
)

// PullRequest is a pull request of ours, whatever its state.
type PullRequest struct {
	Repo   RepoName
	Number int
	URL    string
	State  PullState
	Draft  bool
	Title  string
	Body   string
	Labels []string // sorted
	Base   string   // branch
	Head   string   // branch
	// HeadCommit is the commit the pull request shows; HeadMessage, HeadTree
	// and HeadTime (when it was committed) are that commit's.
	HeadCommit  CommitID
	HeadTree    TreeID
	HeadMessage string
	HeadTime    time.Time
	Signature   Signature // of HeadCommit
	Author      Actor
	Created     time.Time
	Updated     time.Time
	Closed      time.Time // of closing or merging; zero while open
	ClosedBy    Actor     // of a closed, not merged, pull request
	Mergeable   Mergeable
	Review      Review
	// Held is the forge's word that a rule keeps it from being merged: also a
	// rule that nobody here can read.
	Held bool
	// Queued is its place in a merge queue, nil when it is in none.
	Queued *QueueEntry
	// AutoMerge is who has told the forge to merge it by itself once its
	// rules are fulfilled; nil for nobody.
	AutoMerge *Actor
	// Checks are the checks and statuses reported on HeadCommit; nil means
	// that none has reported.
	Checks []Check
	// Comments are the newest comments, oldest first.
	Comments []Comment
	// BaseCommit is the head of the repo's default branch when this was
	// read: a pull request and a head that disagree were read at different
	// moments.
	BaseCommit CommitID
}

// PullState is a pull request's state.
type PullState string

const (
	PullOpen   PullState = "open"
	PullClosed PullState = "closed"
	PullMerged PullState = "merged"
)

// Actor is who did something on a forge.
type Actor struct {
	Login string
	Bot   bool
	Self  bool // the identity that Portreeve acts as
}

// Comment is a comment on a pull request.
type Comment struct {
	ID      int64
	Author  Actor
	Body    string
	Created time.Time
}

// Issue is an issue that Portreeve opened.
type Issue struct {
	Number int
	URL    string
	Open   bool
	Title  string
	Body   string
}

// Mergeable is the forge's word on conflicts; Unknown is being computed.
type Mergeable string

const (
	MergeableYes      Mergeable = "mergeable"
	MergeableConflict Mergeable = "conflicting"
	MergeableUnknown  Mergeable = "unknown"
)

// Review is the forge's word on required reviews.
type Review string

const (
	ReviewNone             Review = "" // none is required
	ReviewApproved         Review = "approved"
	ReviewRequired         Review = "required"
	ReviewChangesRequested Review = "changes-requested"
)

// Check is one check run or commit status on a commit.
type Check struct {
	Name  string
	State CheckState
	URL   string
	App   int64 // that reported it; 0 for none, or one that can't be told
}

// CheckState is a check's state. Neutral covers skipped ones.
type CheckState string

const (
	CheckPending CheckState = "pending"
	CheckSuccess CheckState = "success"
	CheckFailure CheckState = "failure"
	CheckNeutral CheckState = "neutral"
)

// ErrUnread is the error, wrapped in an *fs.PathError, of reading a file of a
// snapshot whose content has not been fetched. It is a question, not a
// failure: the planner notes the path, has it fetched, and plans again.
var ErrUnread = errors.New("content not read yet")

// Snapshot is the tree of a repo at one commit: a value, so reading it twice
// gives the same bytes. Its listing is complete. Symlinks and submodules are
// listed, with fs.ModeSymlink and fs.ModeIrregular, and never followed; only
// regular files can be opened.
type Snapshot interface {
	fs.FS
	Commit() CommitID
	Tree() TreeID
	// Blob is the content's id of the file at path, empty if there is none.
	Blob(path Path) BlobID
}
