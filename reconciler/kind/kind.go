// Package kind is the contract of kinds: what a declaration is and what it
// wants of a target. Its members are one subfolder each.
//
// A kind knows no clock and no pull requests, so what it wants is a value
// that depends on the declaration and the tree alone, and can be kept.
package kind

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// Kind is a member.
type Kind struct {
	Name  string // "migration", the ID's kind and part of branch names
	Field string // "migrations", the top-level map in the config repo
	Doc   string // one sentence

	// Owns says that the paths it writes are its own: a second declaration
	// that writes one of them is a problem. Kinds that don't own patch, and
	// are serialised where they meet.
	Owns bool

	// Holds says that a declaration that is invalid at the newest revision is
	// enforced as it was when it was last valid. Of a kind that does not hold
	// it is frozen.
	Holds bool

	// Decode reads one declaration, as JSON that has passed the schema. It
	// is pure, and reports what the schema can't say.
	Decode func(source Source) (Decoded, []fleet.Problem)

	// Check holds one declaration against all others: references, double
	// ownership. It sees Config complete, but of declarations, d among them,
	// only what an index of them keeps: no Spec, no hashes, and positions of
	// Refs and Writes alone, or all where the declaration has something Kept. It
	// reports at d's positions.
	Check func(d *fleet.Declaration, config *fleet.Config) []fleet.Problem

	// Targets tells which repos the declaration is about, as far as their
	// listing and the config's index tell; what needs a tree is left to Want.
	// One Candidate for each repo of the slice that it has anything to say of,
	// in its order, or for each cluster, which may lead to any repo. Of a declaration that Owns a repo, or paths Within one, the
	// slice holds that repo alone.
	Targets func(d *fleet.Declaration, config *fleet.Config, repos []fleet.Repo) []Candidate

	// Accounts are the teams and users whose Access Want goes by, as a forge
	// names them ("acme/payments", "maria-s"), each once; nil for none ever. It
	// sees the pass without Tree and Access.
	Accounts func(p *Pass) []string

	// Want is what the declaration asks of one repo, from the repo's listing
	// and its tree. An error that wraps fleet.ErrUnread asks for content;
	// any other is the target's, worded for people.
	Want func(p *Pass) (Want, error)

	// Lines and Namespaces are what the kind declares of owners: of a repo, in
	// the order in which the last that matches decides, and of all clusters. Nil
	// for a kind that declares none.
	Lines      func(config *fleet.Config, repo fleet.Repo) ([]Line, error)
	Namespaces func(config *fleet.Config) []Line

	// Describes is the file in which a declaration keeps, for a catalog, who owns
	// a repo; empty for none. Nil where the kind keeps none.
	Describes func(d *fleet.Declaration) fleet.Path

	// Settings are what a declaration sets on a cluster, and Effective those with
	// which something runs, as that says itself, by their names. Nil for a kind
	// that sets none.
	Settings  func(d *fleet.Declaration, config *fleet.Config, cluster fleet.ClusterName) (Settings, error)
	Effective func(fleet.Running) (map[string]string, error)
	// Facts are what a declaration sets on its clusters, those once that are alike, for
	// policies; nil for a kind that sets none.
	Facts func(d *fleet.Declaration, config *fleet.Config) []Facts
	// Same reports whether a value that something runs with is a declared one: "1m"
	// is "60s".
	Same func(declared, is string) bool

	// Assign says what a declaration has to say, and where, so that settings of a cluster are
	// as given, and those of no other cluster change; nil for a kind that sets none.
	Assign func(d *fleet.Declaration, config *fleet.Config, cluster fleet.ClusterName, settings map[string]any) ([]fleet.Assignment, error)

	// AdoptFile makes a declaration of a file of a cluster, after which the file needs
	// no change; nil for a kind that keeps no such files. ObjectNamed is the place of
	// an object that people name, on a cluster to which it is applied.
	AdoptFile   func(FileToAdopt) (AdoptedFile, error)
	ObjectNamed func(name string) (fleet.Path, error)

	// Adopt reads what a repo has already, so that it can be declared; nil for a
	// kind that finds nothing in repos. It is asked of a repo that nothing is
	// declared of, in a Pass without Declaration. Its errors are as Want's.
	Adopt func(p *Pass) (Adopted, error)
}

// Runs is with what something has to run, and where it says so itself.
type Runs struct {
	API      string
	Settings map[string]string
}

// Settings are what a declaration sets on a cluster, and where it may be asked.
type Settings struct {
	API string // empty for nowhere
	All []Setting
	// Memory is what what runs there may use, and Volume what its volume holds, in
	// bytes; 0 where that is not declared.
	Memory float64
	Volume float64
	// Shards is in how many parts it scrapes, and GOGCOff says that its garbage is
	// collected near its memory limit alone.
	Shards  int
	GOGCOff bool
	// Forgets says that it keeps no history that it could be asked for.
	Forgets bool
}

// Facts are what is set on a cluster, by names that a policy reads. Field is the
// declaration's field, below its name, that sets one, and a note where it is set
// elsewhere.
type Facts struct {
	Values map[string]any
	Field  func(setting string) (field, note string)
}

// Setting is one that a declaration sets, with the layer that it comes from.
type Setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	From  string `json:"from"`
}

// Source is a declaration as it stands in the config repo.
type Source struct {
	ID     fleet.ID
	Pos    fleet.Pos
	Fields map[string]fleet.Pos
	JSON   json.RawMessage
	// Guessed are fields in which JSON holds another value than the text, which
	// is wrong there: a problem that they have a part in is none.
	Guessed []string
}

// Problem makes an error at a field of the declaration, the nearest parent's
// position where the field itself was not written.
func (s Source) Problem(kind Kind, code, field, hint, format string, args ...any) fleet.Problem {
	d := fleet.Declaration{ID: s.ID, Pos: s.Pos, Fields: s.Fields}
	return ProblemAt(kind, &d, code, field, hint, format, args...)
}

// ProblemAt is Source.Problem for a decoded declaration.
func ProblemAt(kind Kind, d *fleet.Declaration, code, field, hint, format string, args ...any) fleet.Problem {
	path := kind.Field + "." + d.ID.Name
	if field != "" {
		path += "." + field
	}
	return fleet.Problem{
		Severity: fleet.Error, Code: code, Pos: d.FieldPos(field), Declaration: d.ID.String(),
		Field: path, Message: fmt.Sprintf(format, args...), Hint: hint,
	}
}

// Decoded is what Decode made of a Source.
type Decoded struct {
	Owner fleet.TeamName
	// Owns, Within, Default, Loan, Cluster, Kept, Refs and Writes are what Check
	// may go by; see fleet.Declaration. Refs to a repo, and Owns, may be given beside
	// problems, too.
	Owns    fleet.RepoName
	Within  fleet.RepoName
	Default *fleet.Selection
	Loan    *fleet.Loan
	Cluster *fleet.Cluster
	Kept    string
	Refs    []fleet.Ref
	Writes  []fleet.Write
	Spec    any
	// Effect holds the fields with an effect on targets; its JSON is what
	// the spec hash covers.
	Effect any
}

// Candidate is a repo that a declaration may be about, or a cluster that is
// reached through none.
type Candidate struct {
	Repo fleet.RepoName // empty for a cluster that is reached through none
	// Cluster is the one that it is about; empty for none. Each moves on its own:
	// it is the lane.
	Cluster fleet.ClusterName
	// Reads are the files that Want looks at, of a cluster without a repo: its Tree
	// holds no others.
	Reads []fleet.Path
	// Rollout is how the declaration goes over its clusters, and Wave the one that
	// this is of; nil where it goes at once.
	Rollout *fleet.Rollout
	Wave    int
	// Out, when not empty, says why the repo is not a target: "topic frozen".
	Out string
}

// Pass is all that Want may see. The teams of a declaration are TeamsOf it.
type Pass struct {
	Declaration *fleet.Declaration
	Config      *fleet.Config
	Repo        fleet.Repo
	// Cluster is the declaration of the Candidate's cluster; nil for none.
	Cluster *fleet.Declaration
	Tree    fs.FS
	// Access is what Accounts may do in the repo, by HandleKey. What of it is
	// missing, or Unread, holds nothing up.
	Access map[string]fleet.Access
}

// Want is what a declaration asks of one repo, whatever the time.
type Want struct {
	// Out, when not empty, says why the repo is not a target after all.
	Out string `json:",omitempty"`
	// Because says why it is: "has go.mod".
	Because string `json:",omitempty"`
	// Edits are the wanted states of paths; none when all is as wanted.
	Edits []transform.Edit `json:",omitempty"`
	// What says in a few words what the edits do, a line each.
	What []string `json:",omitempty"`
	// Effect is what the edits do to the repo's owners; nil where they don't.
	Effect *Effect `json:",omitempty"`
	// Costs are what the edits do to what runs by the files, the dearest first.
	Costs []Cost `json:",omitempty"`
	// Runs is with what something has to run once the edits are there; nil where
	// nobody can be asked.
	Runs *Runs `json:",omitempty"`
	// Gates have to be open before something changes.
	Gates []fleet.Gate `json:",omitempty"`
	// All is equal while all that is wanted of a cluster is the same, whatever
	// stands there. Restarts are the files that what runs by them takes up when it
	// is restarted alone; the others when it is told to reload, at Runs.
	All      string       `json:",omitempty"`
	Restarts []fleet.Path `json:",omitempty"`
	// Objects are the places of all that is wanted of a cluster: what the declaration
	// has put there before and is not among them it lets go of. Nil where it keeps one.
	Objects []fleet.Path `json:",omitempty"`
	// Unsafe, when not empty, says why the edits must not be made on a cluster.
	Unsafe string `json:",omitempty"`
	// Facts are what Title, What, Because and Body are made from, as FactsOf
	// gives them: a pull request is reworded when they are others, and not when
	// a newer Portreeve only has other words for them. Wherever there are edits
	// there are facts.
	Facts string `json:",omitempty"`
	// Delivery of the edits, as the declaration words it.
	Title  string            `json:",omitempty"` // of the pull request
	Why    string            `json:",omitempty"`
	Body   string            `json:",omitempty"` // Markdown of the declaration's own, after Why
	Labels []string          `json:",omitempty"`
	Merge  fleet.MergePolicy `json:",omitempty"`
	// Decides is the team that decides on the change in this repo.
	Decides fleet.TeamName `json:",omitempty"`
	// AskAgain is when the declaration asks once more where a pull request of
	// it was closed before that; zero for never.
	AskAgain time.Time `json:",omitzero"`
	// CloseIsOfThis says that closing the pull request is a no to what it holds
	// and to nothing else: other edits are asked for anew.
	CloseIsOfThis bool `json:",omitempty"`
	// OnDrift says what is done where somebody changed on the base what was as
	// declared; empty is as the settings have it.
	OnDrift fleet.Drift `json:",omitempty"`
	// Taken is what the declaration would have to say for the repo to be as
	// declared, where it differs, and Assigned for a cluster to be, with a line each
	// in AssignedWhat; TakenNot says why it can't say that.
	Taken        []fleet.OwnedLine  `json:",omitempty"`
	Assigned     []fleet.Assignment `json:",omitempty"`
	AssignedWhat []string           `json:",omitempty"`
	TakenNot     string             `json:",omitempty"`
	// Paused, when not empty, says why nothing new is done.
	Paused string `json:",omitempty"`
	// Whole are the paths of which the declaration says all that they hold,
	// with a digest of it as DigestOf gives it, whether or not the repo holds
	// that already: an edit by another declaration that leads elsewhere would
	// be undone.
	Whole map[fleet.Path]string `json:",omitempty"`
	// OwnersRemoved are owners that stand in the repo's CODEOWNERS and would
	// not any more.
	OwnersRemoved []string `json:",omitempty"`
	// Unreached are accounts that are declared here and not written, since the
	// forge would pass them over.
	Unreached []Unreached `json:",omitempty"`
	// Joined are the loans whose engineers do not stand there yet, and Returned
	// those that are over and whose engineers still do.
	Joined   []fleet.ID `json:",omitempty"`
	Returned []fleet.ID `json:",omitempty"`
	// Handles are those by which teams were looked for that the declaration does
	// not name, to be called by their names.
	Handles []string `json:",omitempty"`
}

// DigestOf is equal for edits that lead to one state of a path.
func DigestOf(e transform.Edit) string {
	if e.Delete {
		return "deleted"
	}
	h := sha256.New()
	fmt.Fprintf(h, "%t\n", e.Executable)
	_, _ = h.Write(e.Counted()) // a hash never fails
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// FactsOf is one for facts that are equal as JSON.
func FactsOf(facts any) string {
	b, err := json.Marshal(facts)
	if err != nil {
		panic(err) // plain fields
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

// Unreached is an account that a declaration names and that can't own code.
type Unreached struct {
	By    fleet.ID // the declaration
	Field string   // of it, which names the account
	Code  string   // of the problem
	Why   string   // "acme/payments has read access to acme/ledger; a code owner needs write"
	Hint  string
}

// Set is the explicit list of members, made where the program is wired.
type Set []Kind

// Find is the member of that name, in the singular.
func (s Set) Find(name string) (Kind, bool) {
	i := slices.IndexFunc(s, func(k Kind) bool { return k.Name == name })
	if i < 0 {
		return Kind{}, false
	}
	return s[i], true
}

// ByField is the member with that top-level field.
func (s Set) ByField(field string) (Kind, bool) {
	i := slices.IndexFunc(s, func(k Kind) bool { return k.Field == field })
	if i < 0 {
		return Kind{}, false
	}
	return s[i], true
}

// Validate says what is wrong with the list itself; called at start.
func (s Set) Validate() error {
	seen := map[string]bool{}
	for _, k := range s {
		switch {
		case k.Name == "" || k.Field == "" || k.Doc == "":
			return fmt.Errorf("kind %q: name, field and doc are required", k.Name)
		case k.Decode == nil || k.Check == nil || k.Targets == nil || k.Want == nil:
			return fmt.Errorf("kind %s: a function is missing", k.Name)
		case seen[k.Name] || seen[k.Field]:
			return fmt.Errorf("kind %s: listed twice", k.Name)
		}
		seen[k.Name], seen[k.Field] = true, true
	}
	return nil
}
