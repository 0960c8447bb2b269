// Package fleet holds the words that Portreeve is written in: what people
// declare, what a repo or a cluster is seen to be, and what a person is told
// about it. It imports the standard library alone and decides nothing.
package fleet

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

// RepoName is the forge's full name of a repo, "owner/name".
type RepoName string

// Owner is the part before the slash: an organisation or a user.
func (r RepoName) Owner() string {
	owner, _, _ := strings.Cut(string(r), "/")
	return owner
}

// Short is the part after the slash.
func (r RepoName) Short() string {
	_, name, _ := strings.Cut(string(r), "/")
	return name
}

// ClusterName names a cluster as it is declared under "clusters".
type ClusterName string

// TeamName names a team as it is declared under "teams".
type TeamName string

// Path is a slash-separated path in a repo's tree, never rooted, without "."
// or ".." elements.
type Path string

// CommitID, TreeID and BlobID are Git object ids in hexadecimal. A BlobID is
// of a file's content; two files with one BlobID are equal.
type (
	CommitID string
	TreeID   string
	BlobID   string
)

// Revision is a commit of the config repo, in hexadecimal; empty means files
// that are not committed.
type Revision string

// Short is the revision as people read it, seven digits.
func (r Revision) Short() string {
	switch {
	case r == "":
		return "uncommitted"
	case len(r) > 7:
		return string(r[:7])
	}
	return string(r)
}

// Target is what a declaration is about: a repo or a cluster. Exactly one
// field is set.
type Target struct {
	Repo    RepoName    `json:"repo,omitempty"`
	Cluster ClusterName `json:"cluster,omitempty"`
}

func (t Target) String() string {
	if t.Repo != "" {
		return string(t.Repo)
	}
	return string(t.Cluster)
}

// Lane is a part of a declaration's work in one repo that moves on its own,
// with a branch and a pull request of its own; empty is the only lane of most.
type Lane string

// ID names a declaration: "ownership/ledger", "migration/go-1-26". Kind is
// the kind's Name, in the singular.
type ID struct {
	Kind string
	Name string
}

// String is "kind/name"; of no declaration it is empty.
func (id ID) String() string {
	if id == (ID{}) {
		return ""
	}
	return id.Kind + "/" + id.Name
}

// ParseID is the inverse of String.
func ParseID(s string) (ID, bool) {
	kind, name, ok := strings.Cut(s, "/")
	return ID{kind, name}, ok && kind != "" && name != ""
}

// MarshalText and UnmarshalText write an ID as its String.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (id *ID) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*id = ID{}
		return nil
	}
	parsed, ok := ParseID(string(b))
	if !ok {
		return fmt.Errorf("fleet: %q is not kind/name", b)
	}
	*id = parsed
	return nil
}

// Compare orders IDs by kind, then name.
func (id ID) Compare(other ID) int {
	if c := strings.Compare(id.Kind, other.Kind); c != 0 {
		return c
	}
	return strings.Compare(id.Name, other.Name)
}

// Share is a part of a whole: a percentage ("5%") or an absolute number.
type Share struct {
	Number  int
	Percent bool
}

// Of is the number of things that the share allows of total; a percentage
// above zero allows at least one.
func (s Share) Of(total int) int {
	if !s.Percent {
		return s.Number
	}
	n := total * s.Number / 100
	if n == 0 && s.Number > 0 {
		return 1
	}
	return n
}

func (s Share) String() string {
	if s.Percent {
		return fmt.Sprintf("%d%%", s.Number)
	}
	return fmt.Sprint(s.Number)
}

// ParseShare reads "5%" or "12".
func ParseShare(text string) (Share, error) {
	digits, percent := strings.CutSuffix(text, "%")
	n := 0
	for _, c := range []byte(digits) {
		if c < '0' || c > '9' || n > 1_000_000 {
			return Share{}, fmt.Errorf("fleet: %q is neither a percentage nor a number", text)
		}
		n = n*10 + int(c-'0')
	}
	if digits == "" || percent && n > 100 {
		return Share{}, fmt.Errorf("fleet: %q is neither a percentage nor a number", text)
	}
	return Share{n, percent}, nil
}

// Mode is how far Portreeve may go.
type Mode string

const (
	Observe Mode = "observe" // writes nothing; the default
	Propose Mode = "propose" // opens and updates pull requests, never merges
	Merge   Mode = "merge"   // also merges what a declaration's policy lets it
)

// Lower is the mode of two that goes less far; empty is none.
func Lower(a, b Mode) Mode {
	for _, m := range []Mode{Observe, Propose, Merge} {
		if a == m || b == m {
			return m
		}
	}
	return ""
}

// MergePolicy says who merges a declaration's pull requests.
type MergePolicy string

const (
	MergeManual     MergePolicy = "manual"      // a person; the default
	MergeChecksPass MergePolicy = "checks-pass" // Portreeve, once checks are green
	MergeAlways     MergePolicy = "no-checks"   // as checks-pass, and also where no check is configured
)

// Settings are the fleet-wide settings, the top-level "fleet".
type Settings struct {
	Pos     Pos
	Org     string     // every repo of this organisation, or
	Repos   []RepoName // exactly these
	Include []string   // globs on the name without its owner; empty means all
	Exclude []string   // globs; wins over Include
	Mode    Mode
	Limits  Limits
	// OnDrift is Drift of ownership that says nothing of it itself.
	OnDrift Drift
	// LoanNotice is how many days before its end a loan is told to end.
	LoanNotice int
	// Policies are what the settings say of policies, by their ids.
	Policies map[string]PolicySetting
	// Backstage is the catalog that ownership is proposed from; nil for none.
	Backstage *Backstage
	// Prometheus is what every declaration of the kind prometheus begins with, as
	// the kind reads it; empty for nothing.
	Prometheus string
	// Invalid is set when the settings of the revision are unfit for use. What
	// the fleet is may then be unknown.
	Invalid *InvalidSettings
	// Stale marks settings that are of an older revision.
	Stale *Stale
}

// InvalidSettings are settings with a mistake: what is wrong, and what their
// text asks for all the same, as far as it can be read.
type InvalidSettings struct {
	Problem Problem
	Mode    Mode     // Observe where it can't be read
	Exclude []string // those that can be read
	Limits  Limits   // Removals is not read; 0 is no limit, or not readable
}

// Leaves says why a repo is not of the fleet, as far as its name tells, or is
// empty.
func (s Settings) Leaves(name RepoName) string {
	named := slices.ContainsFunc(s.Repos, func(r RepoName) bool { return strings.EqualFold(string(r), string(name)) })
	if !named && (s.Org == "" || !strings.EqualFold(s.Org, name.Owner())) {
		return "it is not of the fleet"
	}
	return s.Excludes(name)
}

// Excludes says why the settings leave a repo out of the fleet, or is empty.
func (s Settings) Excludes(name RepoName) string {
	matches := func(globs []string) string {
		for _, glob := range globs {
			if MatchesName(glob, name) {
				return glob
			}
		}
		return ""
	}
	if glob := matches(s.Exclude); glob != "" {
		return fmt.Sprintf("excluded by %q (fleet.exclude)", glob)
	}
	if len(s.Include) > 0 && matches(s.Include) == "" {
		return "not included (fleet.include)"
	}
	return ""
}

// Limits bound what one pass may do to people.
type Limits struct {
	OpenPerTeam int // open pull requests a team is asked to look at; 0 is no limit
	NewPerDay   int // pull requests opened in any 24 hours; 0 is no limit
	// UpdatesPerHour are a team's open pull requests that are updated in any
	// hour, because what is declared has changed; 0 is no limit.
	UpdatesPerHour int
	Removals       Share // share of open pull requests that may be closed because declarations are gone, or about fewer repos
}

// Team is who owns things.
type Team struct {
	Name     TeamName
	Pos      Pos
	Title    string // as people say it; Name when empty
	GitHub   string // "org/team"
	Members  []string
	Contact  string
	Timezone string // IANA name; UTC when empty
	// Parent is the team that this one is a part of; empty for none. Of teams
	// that are held at an older revision it may be unknown, or lead in a circle.
	Parent TeamName
	OnCall string // https link to who is on call
}

// Label is the team's name for people.
func (t Team) Label() string {
	if t.Title != "" {
		return t.Title
	}
	return string(t.Name)
}

// Declaration is one named thing a person wrote.
type Declaration struct {
	ID       ID
	Pos      Pos       // where its name stands
	End      int       // its last line
	Revision Revision  // the revision that last changed it
	Changed  time.Time // when that was committed; zero while unknown
	Owner    TeamName
	// Owns is the repo of which it says that Owner owns it, empty for most.
	// Within is the repo of which it says who owns some paths, while another
	// declaration owns the repo. Default selects repos that Owner owns where no
	// declaration names them. At most one of the three is set.
	Owns    RepoName
	Within  RepoName
	Default *Selection
	// Loan is what it lends, or asks to be lent; nil for most. Beside problems it
	// is what of it could be read.
	Loan *Loan
	// Cluster is what it says of a cluster, which has its name; nil for most.
	Cluster *Cluster
	// Kept is what else of it is known to whoever checks it, as its kind has
	// written it; empty for most.
	Kept string
	// Refs are the names of others that it holds, in a fixed order.
	Refs []Ref
	// Writes are the files of which it is known without a tree that it writes
	// them, in a fixed order.
	Writes []Write
	// Spec is the kind's decoded value; nil when Frozen.
	Spec any
	// SpecHash covers the fields of Spec with an effect on targets; Hash
	// covers all that was written but acknowledgements. Both are hexadecimal.
	SpecHash string
	Hash     string
	// Fields gives the position of each field by its path below the
	// declaration: "steps[0].path". It may be nil: then only Refs tell theirs.
	Fields map[string]Pos
	// Frozen says that the declaration stands in the config repo and is
	// invalid there: what is open for it stays, nothing new is done.
	Frozen []Problem
	// Asks are what policies want acknowledged before anything new is done
	// for it; Acknowledged is what it acknowledges, by the policies' ids.
	// Whether that holds depends on the time, and is for who knows the clock.
	Asks         []Ask
	Acknowledged map[string]Acknowledgement
	// Draft is set when the declaration is Frozen for what it has to do with
	// others alone: a team that is unknown or invalid, a second owner.
	Draft *Draft
	// Stale marks a declaration that is invalid at the config's revision. It
	// is Frozen, or else held: all that stands here is of Stale.Revision, and
	// Teams are the teams of that revision, which it alone goes on with.
	Stale *Stale
	Teams map[TeamName]Team
}

// Draft is what a declaration says that fails a check.
type Draft struct {
	Spec     any
	SpecHash string
}

// Ref is a name of something else that a declaration holds. Exactly one of
// Team, Repo and Claim is set.
type Ref struct {
	Field string // its path below the declaration: "coOwners[0]"
	Pos   Pos    // of the field, as FieldPos gives it
	Team  TeamName
	Repo  RepoName
	// Claim is a thing of which no second declaration may say who owns it, as
	// people read it: "namespace ledger on prod-eu-1". The same thing is always
	// spelt the same.
	Claim string
}

// Selection selects repos by what a forge lists of them.
type Selection struct {
	Names  []string // globs on the name without its owner; one has to match, if there are any
	Topics []string // the repo has to have one of them, if there are any
}

// Selects reports whether a repo is selected.
func (s *Selection) Selects(r Repo) bool {
	named := len(s.Names) == 0 || slices.ContainsFunc(s.Names, func(glob string) bool { return MatchesName(glob, r.Name) })
	return named && (len(s.Topics) == 0 || slices.ContainsFunc(s.Topics, func(t string) bool { return slices.Contains(r.Topics, t) }))
}

// MatchesName matches a glob on a repo's name, with its owner where the glob
// holds a slash.
func MatchesName(glob string, name RepoName) bool {
	subject := name.Short()
	if strings.Contains(glob, "/") {
		subject = string(name)
	}
	ok, _ := path.Match(glob, subject)
	return ok
}

// Write is a file that a declaration writes in the repos that it selects.
type Write struct {
	Field string // its path below the declaration: "steps[0].path"
	Pos   Pos    // of the field, as FieldPos gives it
	Path  Path
	// Content is a digest of all that the file is to hold; empty where that
	// depends on the repo.
	Content string
	// Select is equal for equal selections; empty selects every repo.
	Select string
}

// FieldPos is the position of the field at path, or of its nearest parent.
func (d *Declaration) FieldPos(path string) Pos {
	if d.Fields == nil {
		i := slices.IndexFunc(d.Refs, func(r Ref) bool { return r.Field == path && r.Pos.File != "" })
		if i >= 0 {
			return d.Refs[i].Pos
		}
		i = slices.IndexFunc(d.Writes, func(w Write) bool { return w.Field == path && w.Pos.File != "" })
		if i >= 0 {
			return d.Writes[i].Pos
		}
		return d.Pos
	}
	for path != "" {
		if pos, ok := d.Fields[path]; ok {
			return pos
		}
		i := strings.LastIndexAny(path, ".[")
		if i < 0 {
			break
		}
		path = path[:i]
	}
	return d.Pos
}

// Config is all that one revision of the config repo declares.
type Config struct {
	Revision     Revision
	Time         time.Time // of the revision's commit
	Stop         bool      // a file STOP stands at the root
	Settings     Settings
	Teams        map[TeamName]Team
	Declarations []*Declaration // sorted by ID, frozen ones included
	Problems     []Problem      // sorted, each once
	Policies     []Policy       // all there are, sorted by ID
	// Owners are the valid declarations that say whom a repo belongs to, by
	// the repo's name in lower case: an index, which kind.Index makes.
	Owners map[string][]*Declaration
	// Parts are those that own paths within a repo, Doubtful the frozen ones
	// that name it, both by its name in lower case; Defaults are those that
	// have a Default, the first that selects a repo counts; Claims are by what
	// they claim. All of the same index.
	Parts, Doubtful map[string][]*Declaration
	Defaults        []*Declaration
	Claims          map[string][]*Declaration
	// Clusters are the valid declarations that have a Cluster. Of the same index.
	Clusters map[ClusterName]*Declaration
	// Writers are the valid declarations that write files whole, to be found
	// by path and selection: an index, which kind.Index makes.
	Writers map[WriteKey][]Writer
	// Lent are the loans whose time has come, sorted by ID: an index, which
	// kind.Lend makes; nil while no moment has been asked about.
	Lent []Lent
	// Unreadable names files, and folders, whose declarations could not even
	// be listed: while there is one, no declaration counts as gone.
	Unreadable []string
	// Broken names the files that could not be evaluated: what they are seen
	// to declare is invalid.
	Broken []string
	// BrokenTeams are the teams that stand in the config repo and are invalid,
	// each with what is wrong first. They are not in Teams.
	BrokenTeams map[TeamName]Problem
	// Imported is the content of ImportFile; nil for none.
	Imported []byte
	// Texts are the contents of Unreadable files, as far as they can be had.
	Texts map[string]string
	// Stale are all marks: of declarations, teams, and the settings.
	Stale []Stale
}

// WriteKey is what Writers are found by. Any takes all selections together.
type WriteKey struct {
	Path   Path
	Select string
	Any    bool
}

// Writer is a declaration with one of its Writes.
type Writer struct {
	*Declaration
	Write
}

// Declaration finds a declaration by its ID.
func (c *Config) Declaration(id ID) *Declaration {
	for _, d := range c.Declarations {
		if d.ID == id {
			return d
		}
	}
	return nil
}
