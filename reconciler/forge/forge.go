// Package forge is the contract of a forge: where target repos live and pull
// requests are opened. Its members are one subfolder each; package forgetest
// proves them. Reads are batched, and answer for each item on its own, so
// that one bad repo harms no other.
package forge

import (
	"context"
	"strings"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Forge is a member. Its methods may be called at once from many goroutines,
// and their errors are *fleet.Failure.
//
// Every write may be repeated: repeated with the same arguments it makes no
// second pull request, label or status. Comment is the exception; a caller
// that must not repeat itself looks at the comments first.
type Forge interface {
	// Self is the identity that the forge's writes are made as.
	Self(ctx context.Context) (fleet.Actor, error)

	// Repos lists the organisation's repos, archived ones included, or with
	// an empty org the named ones. Sorted by name. A name that does not
	// exist, or can't be seen, is left out; one that was a repo's before
	// gives the repo, with that name among Formerly.
	Repos(ctx context.Context, org string, names []fleet.RepoName) ([]fleet.Repo, error)

	// Heads reads where the default branches stand, and the branches whose
	// names begin with fleet.BranchPrefix: 100 repos or so a request.
	Heads(ctx context.Context, repos []fleet.RepoName) map[fleet.RepoName]Answer[fleet.Head]

	// PullRequests reads, for each branch, the pull request that has it as
	// head: the newest that is open, else the newest; a nil Value is none. Who
	// reopens an older one so is seen. Pull requests from forks don't count.
	PullRequests(ctx context.Context, branches []Branch) map[Branch]Answer[*fleet.PullRequest]

	// Rules reads what the repos ask of a pull request into their default
	// branch. A failure to be allowed to is Permanent, and names what is
	// missing.
	Rules(ctx context.Context, repos []fleet.RepoName) map[fleet.RepoName]Answer[fleet.Rules]

	// Readiness reads what pull requests have of that which only some rules
	// ask for.
	Readiness(ctx context.Context, pulls []Pull) map[Pull]Answer[fleet.Readiness]

	// Access reads what teams and users may do in repos. That there is none is an
	// answer. A failure to be allowed to look is Permanent, and names what is
	// missing.
	Access(ctx context.Context, accounts []Account) map[Account]Answer[fleet.Access]

	// OwnersErrors reads what the forge finds wrong in the CODEOWNERS files of
	// commits, in the order of their lines. No file, no errors.
	OwnersErrors(ctx context.Context, commits []Commit) map[Commit]Answer[[]fleet.OwnersError]

	// Editions reads the newest states that files had on the default branch, the
	// newest first, ten at most. A file that there never was has none.
	Editions(ctx context.Context, files []File) map[File]Answer[[]fleet.Edition]

	// OpenedSince tells the pull requests that Portreeve has opened since a
	// moment in the organisations of repos, at least those of Self. It counts
	// them all, and tells them one by one; of more than some hundreds the
	// oldest and the newest alone.
	OpenedSince(ctx context.Context, owners []string, since time.Time) (fleet.Openings, error)

	// Collaborators reads whose access to repos is their own. A failure to be
	// allowed to is Permanent.
	Collaborators(ctx context.Context, repos []fleet.RepoName) map[fleet.RepoName]Answer[fleet.Collaborators]

	// Issues reads the issues of a repo that Self opened, open or not, the newest
	// first: of more than a thousand the newest alone.
	Issues(ctx context.Context, repo fleet.RepoName) ([]fleet.Issue, error)

	// Allowance is what the forge's limits leave to be spent now; it costs
	// no request.
	Allowance() fleet.Allowance

	// OpenPull opens a pull request; if one is open with that head and base,
	// that one is the answer.
	OpenPull(ctx context.Context, repo fleet.RepoName, pull NewPull) (Opened, error)

	// EditPull adds the labels that are missing, and then sets title and body.
	EditPull(ctx context.Context, repo fleet.RepoName, number int, text Text) error

	// Comment adds a comment to a pull request.
	Comment(ctx context.Context, repo fleet.RepoName, number int, body string) error

	// ClosePull closes a pull request; a closed one stays as it is.
	ClosePull(ctx context.Context, repo fleet.RepoName, number int) error

	// MergePull merges if head is still the pull request's commit, else the
	// failure is fleet.Moved. One that the forge's rules forbid to merge is
	// fleet.Permanent.
	MergePull(ctx context.Context, repo fleet.RepoName, number int, head fleet.CommitID, method fleet.MergeMethod) error

	// EnqueuePull puts a pull request at the end of its base's merge queue,
	// under the same conditions; one that is in it keeps its place.
	EnqueuePull(ctx context.Context, repo fleet.RepoName, number int, head fleet.CommitID) error

	// DequeuePull takes a pull request out of the merge queue; one that is in
	// none stays as it is.
	DequeuePull(ctx context.Context, repo fleet.RepoName, number int) error

	// Grant gives a user write access to a repo, by an invitation where it has to
	// be accepted.
	Grant(ctx context.Context, repo fleet.RepoName, login string) error

	// Revoke takes back what Grant gave, an invitation too, and leaves the role
	// that the user had before, empty for none. Who has another role than write by
	// now keeps it.
	Revoke(ctx context.Context, repo fleet.RepoName, login string, before fleet.Role) error

	// EditIssue sets the body of an issue.
	EditIssue(ctx context.Context, repo fleet.RepoName, number int, body string) error

	// OpenIssue opens an issue; if Self opened one before whose body has the same
	// last line, that one is the answer.
	OpenIssue(ctx context.Context, repo fleet.RepoName, issue NewIssue) (Opened, error)

	// SetStatus sets the commit status fleet.StatusContext.
	SetStatus(ctx context.Context, repo fleet.RepoName, commit fleet.CommitID, status fleet.CommitStatus) error

	// Credentials are for Git over HTTP with this repo; both empty for none.
	Credentials(ctx context.Context, repo fleet.RepoName) (user, secret string, err error)
}

// Answer is one item's answer in a batched read.
type Answer[T any] struct {
	Value T
	Err   error
}

// Branch names a branch of a repo.
type Branch struct {
	Repo fleet.RepoName
	Name string
}

// Account is a team ("acme/payments") or a user ("maria-s"), asked about in a
// repo. Names that differ in case alone are one to a forge.
type Account struct {
	Repo fleet.RepoName
	Name string
}

// File names a file of a repo's default branch.
type File struct {
	Repo fleet.RepoName
	Path fleet.Path
}

// MostEditions is how many a read of Editions tells at most.
const MostEditions = 10

// Commit names a commit of a repo.
type Commit struct {
	Repo fleet.RepoName
	ID   fleet.CommitID
}

// Pull names a pull request.
type Pull struct {
	Repo   fleet.RepoName
	Number int
}

// Text is what a pull request says.
type Text struct {
	Title  string
	Body   string
	Labels []string
}

// NewPull is a pull request to open.
type NewPull struct {
	Text
	Head string // branch
	Base string // branch
}

// NewIssue is an issue to open. The last line of Body tells it from all others.
type NewIssue struct {
	Title string
	Body  string
}

// Marker is the last line of a body.
func Marker(body string) string {
	body = strings.TrimSpace(strings.ReplaceAll(body, "\r\n", "\n"))
	return strings.TrimSpace(body[strings.LastIndexByte(body, '\n')+1:])
}

// Opened is a pull request, or an issue, that has been opened.
type Opened struct {
	Number int
	URL    string
}
