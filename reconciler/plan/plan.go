// Package plan computes, from a world and nothing else, what would have to
// change now. The same world gives the same plan, byte for byte.
package plan

import (
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/rollout"
)

// World is all that planning may know.
type World struct {
	Now    time.Time
	Config *fleet.Config
	// Repos are all repos of the fleet as the forge lists them, by name.
	Repos map[fleet.RepoName]*Repo
	// Renamed leads from names in the config that are a repo's no more to its
	// name now, whether or not it is in the fleet.
	Renamed map[fleet.RepoName]fleet.RepoName
	// ConfigRepo is the config repo's name on the forge; empty where it is
	// elsewhere. It is one of Repos if it is in the fleet, or if something is
	// proposed to it.
	ConfigRepo fleet.RepoName
	// Catalog is that which the settings name; nil where they name none. Import
	// computes what it comes to, given why some components are not to be
	// believed, by their references; it is pure.
	Catalog *Catalog
	Import  func(fed map[string]string) *fleet.Import
	// TakeOver edits a declaration in a file's text, so that it says what lines
	// say, and Assign so that its fields say what is assigned. They are pure; nil
	// can't. ConfigUnseen says why the config repo can't be proposed to, once a Need
	// has asked for it.
	TakeOver     func(text []byte, pos fleet.Pos, lines []fleet.OwnedLine) ([]byte, error)
	Assign       func(text []byte, pos fleet.Pos, all []fleet.Assignment) ([]byte, error)
	ConfigUnseen string
	// ConfigHead is where the config repo stands on the forge; zero when it
	// is elsewhere, or could not be read.
	ConfigHead fleet.Head
	// Issues are those that Portreeve opened in the config repo; nil while nobody
	// has asked. IssuesUnread says why they could not be read.
	Issues       *[]fleet.Issue
	IssuesUnread string
	// Settle is how long a commit's first checks are given to be followed by
	// others where none is required: a forge starts them one by one.
	Settle time.Duration
	// Signs says that the commits that are made now are signed.
	Signs bool
	// Refused are the steps that were refused for good, by their keys.
	Refused map[string]rollout.Refusal
	// Allowance is what the forge's limits leave.
	Allowance fleet.Allowance
	// OpenedToday are the pull requests that were opened in the last 24
	// hours; nil while nobody has asked. Uncounted says why they could not be
	// counted; where a limit asks for it, none is opened then.
	OpenedToday *fleet.Openings
	Uncounted   string
	// Queries hold what Prometheuses answer, of those that were asked for.
	Queries map[fleet.Query]*fleet.Answer
	// Clusters are those that are reached through no repo, of those that were asked
	// for.
	Clusters map[fleet.ClusterName]*Cluster
	// Trials hold what came of trying steps on those clusters, by their keys, of those
	// that were asked for.
	Trials map[string]*fleet.Trial
	// Running holds with what Prometheuses run, by their address, of those that
	// were asked.
	Running map[string]*fleet.Running
	// Judge holds policies against what revisions would do, and answers for
	// each in its place. It is pure; nil has nothing against any.
	Judge func([]fleet.Blast) [][]fleet.Finding
}

// Repo is what is known of a repo.
type Repo struct {
	Listing fleet.Repo
	Head    fleet.Head
	// Out says why the settings leave the repo out; nothing else is known of
	// it then.
	Out string
	// Err says why the repo could not be read, for people; empty if it was.
	// Permanent means that it will not pass by itself.
	Err       string
	Permanent bool
	// Tree is the snapshot at Head.Commit; nil while nobody has asked. What
	// of it nobody has asked for is fleet.ErrUnread.
	Tree fleet.Snapshot
	// Pulls holds the pull request of each branch that was asked for;
	// a nil entry means that there is none.
	Pulls map[string]*fleet.PullRequest
	// Rules is nil while nobody has asked.
	Rules *fleet.Rules
	// Histories are of the branches that were asked for, and Replays what
	// becomes of the commits by people on them.
	Histories map[string]*fleet.History
	Replays   map[string]*fleet.Replayed
	// Editions holds the newest states of files on the default branch, the newest
	// first, of those that were asked for.
	Editions map[fleet.Path][]fleet.Edition
	// Wrong holds what the forge finds wrong in the CODEOWNERS of commits that
	// was not wrong at Head, of those that were asked about.
	Wrong map[fleet.CommitID][]fleet.OwnersError
	// Access holds what accounts may do in the repo, by kind.HandleKey; those
	// that nobody has asked about are missing.
	Access map[string]fleet.Access
	// Collaborators is nil while nobody has asked.
	Collaborators *fleet.Collaborators
	// Ready holds what of each pull request that was asked for is read just
	// before a merge, by its number.
	Ready map[int]*fleet.Readiness
}

// Need is a question that planning can't go on without.
type Need struct {
	Repo fleet.RepoName // empty for OpenedToday, ConfigRepo, Issues, Queries, Running, Clusters and Trials
	// Exactly one of these is set.
	Tree        bool         // the tree at the head, at least its root
	All         bool         // that tree with all its directories
	Files       []fleet.Path // contents at the head, and directories' names
	Branches    []string     // pull requests
	Rules       bool
	Histories   []string // branches with an open pull request
	Replays     []rollout.Replay
	Ready       []int // numbers of pull requests
	Wrong       []fleet.CommitID
	Editions    []fleet.Path
	Accounts    []string // what they may do in the repo
	OpenedToday bool
	ConfigRepo  bool // the config repo among the repos
	Issues      bool // of the config repo
	Queries     []fleet.Query
	Running     []string       // addresses
	Clusters    []LookAt       // which are reached through no repo
	Trials      []rollout.Step // on those
	// Collaborators asks whose access to the repo is their own.
	Collaborators bool
}

// Plan is what would have to be done now, and why.
type Plan struct {
	Revision fleet.Revision    `json:"revision"`
	Observed time.Time         `json:"observed"`
	Mode     fleet.Mode        `json:"mode"`
	Halted   string            `json:"halted,omitempty"` // why nothing at all is written
	Steps    []rollout.Step    `json:"steps"`            // in the order in which they are taken
	Outcomes []rollout.Outcome `json:"outcomes"`         // sorted by target, declaration
	Problems []fleet.Problem   `json:"problems"`         // of declarations
	// Stale is what is invalid in the config repo and enforced as it was at an
	// older revision, or frozen: settings, teams, declarations.
	Stale  []fleet.Stale `json:"stale,omitempty"`
	Repos  int           `json:"repos"`
	Unread int           `json:"unread,omitempty"` // repos that could not be read
	Budget Budget        `json:"budget"`
	// Import is what became of the catalog that ownership is proposed from; nil
	// where the settings name none.
	Import *Imported `json:"import,omitempty"`
}

// Budget is what the steps take of the forge's limits.
type Budget struct {
	Spends    fleet.Cost      `json:"spends"` // at most
	Allowance fleet.Allowance `json:"allowance"`
	// Last is the latest turn of what waits for a limit that the clock lifts.
	Last time.Time `json:"last,omitzero"`
}

// Count is how many outcomes are in a state.
func (p *Plan) Count(s rollout.State) int {
	n := 0
	for i := range p.Outcomes {
		if p.Outcomes[i].State == s {
			n++
		}
	}
	return n
}
