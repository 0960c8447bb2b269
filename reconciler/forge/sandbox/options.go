package sandbox

import (
	"bytes"
	"io"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Options are what New needs. The zero value is a forge in memory.
type Options struct {
	// Dir holds the bare Git repos, served by the installed git command. It
	// is made if it does not exist; empty means Git storage in memory.
	Dir string
	// Now is the clock; time.Now when nil.
	Now func() time.Time
	// URL is the base of the URLs that are given when no HTTP request says
	// under which name the forge was reached; "https://sandbox.invalid" when
	// empty.
	URL string
	// Limits are the limits in force; nil means GitHub's.
	Limits *Limits
	// Log gets a line for each HTTP request; nil for none.
	Log io.Writer
}

// File is a file of a repo.
type File struct {
	Content    string // of a symlink, where it points
	Executable bool
	Symlink    bool
}

// Spec is a repo to create.
type Spec struct {
	Name  fleet.RepoName
	Files map[string]File // of the first commit; none for an empty repo

	DefaultBranch string // "main" when empty
	Topics        []string
	Language      string
	Private       bool
	Archived      bool
	Fork          bool

	Rules        Rules
	MergeMethods []fleet.MergeMethod // all three when empty

	// CI are the checks that run by themselves on the head of each pull
	// request and of the default branch.
	CI []CheckSpec
}

// Rules are a repo's rules for its default branch.
type Rules struct {
	RequiredChecks    []string
	CheckApps         map[string]int64 // the App that a required check must come from
	RequiredApprovals int
	DismissStale      bool     // an approval counts for the commit that it saw
	LastPushApproval  bool     // of the newest commit, by another than its pusher
	CodeOwners        bool     // of the files that are changed, as the base's CODEOWNERS says
	UpToDate          bool     // a head must contain its base's newest commit
	Conversations     bool     // must be resolved
	Signatures        bool     // of all commits; none is looked into
	Linear            bool     // no merge commits
	Deployments       []string // environments that a head must be deployed to
	Locked            bool     // nothing is merged
	Queue             bool     // merges go through the merge queue
	// QueueMethod is how the queue merges, by a merge commit when empty.
	QueueMethod fleet.MergeMethod
	// QueueTimeout is how long the queue waits for checks; an hour when zero.
	QueueTimeout time.Duration
	// Ruleset shows the rules as a ruleset, under /rules/branches, rather
	// than as classic branch protection, under branchProtectionRule.
	Ruleset bool
	// OfOrg makes that the organisation's ruleset, which holds in all of its
	// repos, rather than the repo's own.
	OfOrg bool
	// Others are types of rules that the forge finds nothing against, such
	// as "code_scanning". They are in rulesets alone.
	Others []string
}

// CheckSpec is one check of a repo's CI.
type CheckSpec struct {
	Name string
	// Silent is for how long after the push nothing is reported at all.
	Silent time.Duration
	// After is when the check is done, counted from the push; until then it
	// is pending.
	After time.Duration
	// Never says that the check is never reported.
	Never bool
	// App reports the check; CI's own when zero. None reports a status.
	App int64
	// Status reports a commit status rather than a check run.
	Status bool
	// Conclusion of a check that does not fail, as GitHub writes it;
	// "success" when empty.
	Conclusion string
	// Fails says, of the commit's files, whether the check fails; nil never
	// does.
	Fails func(read func(path string) ([]byte, bool)) bool
}

// FailsIf is a CheckSpec.Fails: the file at path contains text.
func FailsIf(path, text string) func(func(string) ([]byte, bool)) bool {
	return func(read func(string) ([]byte, bool)) bool {
		content, ok := read(path)
		return ok && bytes.Contains(content, []byte(text))
	}
}

// Limits are what the forge grants each identity, as GitHub publishes it. A
// limit of 0 is no limit.
type Limits struct {
	REST          int // requests an hour
	GraphQL       int // points an hour
	RESTPoints    int // secondary, a minute: a read is 1, a write 5
	GraphQLPoints int // secondary, a minute
	CreatePerMin  int // secondary: pull requests, comments, reviews
	CreatePerHour int // likewise
	Concurrent    int // secondary: requests at once
	NodesPerQuery int // GraphQL's published bound on nodes in one query
	HeavyQuery    int // nodes from which on a query takes longer than 10 s
	GitBody       int64
	RESTBody      int64
}

// GitHubLimits are the limits that GitHub publishes for one token.
func GitHubLimits() Limits {
	return Limits{
		REST: 5000, GraphQL: 5000, RESTPoints: 900, GraphQLPoints: 2000,
		CreatePerMin: 80, CreatePerHour: 500, Concurrent: 100,
		NodesPerQuery: 500_000, HeavyQuery: 25_000,
		GitBody: 256 << 20, RESTBody: 4 << 20,
	}
}
