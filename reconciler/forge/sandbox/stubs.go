package sandbox

import (
	"errors"
	"net/http"

	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/storage"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
)

var errSoon = errors.New("sandbox: not written yet")

// Forge is the forge.
type Forge struct{}

// New makes a forge without repos and users.
func New(Options) (*Forge, error) { return nil, errSoon }

// CreateRepo makes a repo with one commit, or an empty one if spec has no
// files.
func (f *Forge) CreateRepo(spec Spec) error { return errSoon }

// AddUser makes an identity; requests that bear the token act as it.
func (f *Forge) AddUser(login, token string, bot bool) {}

// As is the forge as the member that acts as login sees it.
func (f *Forge) As(login string) forge.Forge { return nil }

// Person gives the acts of a person.
func (f *Forge) Person(login string) *Person { return nil }

// Handler speaks REST at /api/v3, GraphQL at /api/graphql, both also without
// /api as api.github.com does, Git at /OWNER/REPO.git, and serves pages at /.
// Forms on pages act as the user "you".
func (f *Forge) Handler() http.Handler { return nil }

// Transport lets a go-git client of this process fetch and push; user name
// and password are as over HTTP. The host of the URL does not matter.
func (f *Forge) Transport() transport.Transport { return nil }

// Storer is a repo's Git storage. Whoever writes refs to it acts as nobody.
func (f *Forge) Storer(repo fleet.RepoName) (storage.Storer, error) { return nil, errSoon }

// Pull is a pull request as login would see it, with all its comments.
func (f *Forge) Pull(repo fleet.RepoName, number int) (fleet.PullRequest, error) {
	return fleet.PullRequest{}, errSoon
}

// ReadFile is a file's content at a branch's head; an empty branch is the
// default branch.
func (f *Forge) ReadFile(repo fleet.RepoName, branch, path string) (string, error) {
	return "", errSoon
}

// Pulls are a repo's pull requests, oldest first.
func (f *Forge) Pulls(repo fleet.RepoName) ([]fleet.PullRequest, error) { return nil, errSoon }

// Counts is what the forge was asked so far.
func (f *Forge) Counts() Counts { return Counts{} }

// Fault has decide called for each request, before it is carried out; nil
// from it means no fault, a nil decide ends all faults.
func (f *Forge) Fault(decide func(Request) *FaultAnswer) {}

// SetLimits changes the limits from now on; what was spent stays spent.
func (f *Forge) SetLimits(Limits) {}

// Refusal is an act that the forge refuses, as GitHub would.
type Refusal struct {
	Status  int // HTTP status: 403, 404, 405, 409, 422
	Message string
}

func (r *Refusal) Error() string { return r.Message }

// Person acts as a person does on the forge. Its errors are *Refusal.
type Person struct{}

// OpenPull opens a pull request and gives its number.
func (p *Person) OpenPull(repo fleet.RepoName, pull forge.NewPull) (int, error) { return 0, errSoon }

// Merge merges a pull request.
func (p *Person) Merge(repo fleet.RepoName, number int, method fleet.MergeMethod) error {
	return errSoon
}

// Close closes a pull request without merging it.
func (p *Person) Close(repo fleet.RepoName, number int) error { return errSoon }

// Reopen reopens a closed pull request, if its branch still exists.
func (p *Person) Reopen(repo fleet.RepoName, number int) error { return errSoon }

// Comment comments on a pull request.
func (p *Person) Comment(repo fleet.RepoName, number int, body string) error { return errSoon }

// Approve approves a pull request at its present head.
func (p *Person) Approve(repo fleet.RepoName, number int) error { return errSoon }

// RequestChanges asks for changes of a pull request.
func (p *Person) RequestChanges(repo fleet.RepoName, number int, body string) error { return errSoon }

// Retitle changes a pull request's title.
func (p *Person) Retitle(repo fleet.RepoName, number int, title string) error { return errSoon }

// Draft makes a pull request a draft, or ready for review.
func (p *Person) Draft(repo fleet.RepoName, number int, draft bool) error { return errSoon }

// CommitFile commits one file on a branch, which is made from the default
// branch if it does not exist; an empty branch is the default branch.
func (p *Person) CommitFile(repo fleet.RepoName, branch, path, content, message string) (fleet.CommitID, error) {
	return "", errSoon
}

// CommitFiles is CommitFile for many; a nil File deletes.
func (p *Person) CommitFiles(repo fleet.RepoName, branch string, files map[string]*File, message string) (fleet.CommitID, error) {
	return "", errSoon
}

// DeleteBranch deletes a branch; pull requests from it are closed.
func (p *Person) DeleteBranch(repo fleet.RepoName, branch string) error { return errSoon }

// SetStatus sets a commit status of any context.
func (p *Person) SetStatus(repo fleet.RepoName, commit fleet.CommitID, context string, status fleet.CommitStatus) error {
	return errSoon
}

// SetTopics replaces a repo's topics.
func (p *Person) SetTopics(repo fleet.RepoName, topics ...string) error { return errSoon }

// SetRules replaces the rules of a repo's default branch.
func (p *Person) SetRules(repo fleet.RepoName, rules Rules) error { return errSoon }

// SetCI replaces a repo's checks.
func (p *Person) SetCI(repo fleet.RepoName, ci ...CheckSpec) error { return errSoon }

// Archive makes a repo read-only, or ends that.
func (p *Person) Archive(repo fleet.RepoName, archived bool) error { return errSoon }

// DeleteRepo deletes a repo with all that it has.
func (p *Person) DeleteRepo(repo fleet.RepoName) error { return errSoon }
