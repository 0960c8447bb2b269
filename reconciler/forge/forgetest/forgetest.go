// Package forgetest proves members of package forge. [Run] asks a member
// about worlds that callbacks prepare, and knows nothing of how they do it:
// the same promises hold for a forge in memory and for one behind HTTP.
package forgetest

import (
	"errors"
	"testing"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
)

// World is a forge with nothing on it, and the acts of a person there who is
// not the member's identity. Every act is done when its function returns.
type World struct {
	Forge  forge.Forge
	Org    string // where repos are made
	Person string // login of who acts

	// CreateRepo makes a repo whose default branch is "main", with one
	// commit of files; without files it is empty.
	CreateRepo func(repo fleet.RepoName, files map[string]string) error
	DeleteRepo func(repo fleet.RepoName) error
	Archive    func(repo fleet.RepoName) error
	Rename     func(repo, to fleet.RepoName) error
	SetTopics  func(repo fleet.RepoName, topics ...string) error
	// SetRules sets what the default branch requires; of MergeMethods it may
	// take no notice.
	SetRules func(repo fleet.RepoName, rules fleet.Rules) error

	// AddTeam makes a team of the organisation, "org/team"; from then on what
	// teams and users may do there is what SetAccess gave them.
	AddTeam   func(name string, secret bool) error
	SetAccess func(repo fleet.RepoName, name string, role fleet.Role) error
	// HideAccess keeps all that from the member.
	HideAccess func() error
	// Outside makes a user one who has to accept what is given.
	Outside func(login string) error

	// Commit sets files on a branch, which is made from the default branch
	// if it does not exist.
	Commit func(repo fleet.RepoName, branch string, files map[string]string, message string) (fleet.CommitID, error)

	OpenPull   func(repo fleet.RepoName, pull forge.NewPull) (number int, err error)
	Close      func(repo fleet.RepoName, number int) error
	Reopen     func(repo fleet.RepoName, number int) error
	Merge      func(repo fleet.RepoName, number int) error
	OpenIssue  func(repo fleet.RepoName, title, body string) (number int, err error)
	CloseIssue func(repo fleet.RepoName, number int) error
	Comment    func(repo fleet.RepoName, number int, body string) error
	Approve    func(repo fleet.RepoName, number int) error
	// Discuss begins a conversation, Resolve resolves all of them.
	Discuss func(repo fleet.RepoName, number int, body string) error
	Resolve func(repo fleet.RepoName, number int) error
	// Deploy deploys a commit to an environment, well or not.
	Deploy func(repo fleet.RepoName, commit fleet.CommitID, environment string, well bool) error
	// Dequeue takes a pull request out of the merge queue, AutoMerge has the
	// forge merge it by itself once it may.
	Dequeue func(repo fleet.RepoName, number int) error
	// FailQueue has the checks fail of what is being tried in the queue.
	FailQueue func(repo fleet.RepoName) error
	AutoMerge func(repo fleet.RepoName, number int) error
	// Report reports a check, or a commit status, on a commit.
	Report func(repo fleet.RepoName, commit fleet.CommitID, check fleet.Check) error
}

type test struct {
	name string
	run  func(*testing.T, *run)
}

// RunRules proves of a member that it reads what branches ask for, and comes
// up against it. A forge that has more than one way to ask is proved in each.
func RunRules(t *testing.T, world func(t *testing.T) World) {
	runAll(t, world, []test{
		{"rules", testRules},
		{"rules_all", testRulesAll},
		{"merge_forbidden", testMergeForbidden},
		{"merge_past_the_queue", testMergePastTheQueue},
		{"queue", testQueue},
	})
}

// Run proves a member; world makes a new one for each test.
func Run(t *testing.T, world func(t *testing.T) World) {
	RunRules(t, world)
	runAll(t, world, []test{
		{"self", testSelf},
		{"credentials", testCredentials},
		{"allowance", testAllowance},
		{"repos_of_org", testReposOfOrg},
		{"repos_by_name", testReposByName},
		{"repos_many", testReposMany},
		{"repos_renamed", testReposRenamed},
		{"heads", testHeads},
		{"heads_empty_and_unknown", testHeadsEmptyAndUnknown},
		{"heads_branches", testHeadsBranches},
		{"heads_many_branches", testHeadsManyBranches},
		{"heads_status", testHeadsStatus},
		{"readiness", testReadiness},
		{"access", testAccess},
		{"access_many", testAccessMany},
		{"access_hidden", testAccessHidden},
		{"owners_errors", testOwnersErrors},
		{"editions", testEditions},
		{"pull_none", testPullNone},
		{"pull_open", testPullOpen},
		{"pull_newest", testPullNewest},
		{"pull_reopened", testPullReopened},
		{"pull_closed_by_person", testPullClosedByPerson},
		{"pull_merged_by_person", testPullMergedByPerson},
		{"pull_pushed", testPullPushed},
		{"pull_checks", testPullChecks},
		{"pull_comments", testPullComments},
		{"pull_conflict", testPullConflict},
		{"pull_many", testPullMany},
		{"open_repeated", testOpenRepeated},
		{"open_at_once", testOpenAtOnce},
		{"open_impossible", testOpenImpossible},
		{"opened_since", testOpenedSince},
		{"issues", testIssues},
		{"grant", testGrant},
		{"edit", testEdit},
		{"close", testClose},
		{"merge", testMerge},
		{"merge_moved", testMergeMoved},
		{"merge_closed", testMergeClosed},
		{"merge_by_itself", testMergeByItself},
		{"queue_order", testQueueOrder},
		{"queue_refused", testQueueRefused},
		{"queue_left_by_hand", testQueueLeftByHand},
		{"queue_left_by_checks", testQueueLeftByChecks},
		{"queue_left_by_us", testQueueLeftByUs},
		{"queue_left_by_push", testQueueLeftByPush},
		{"archived", testArchived},
	})
}

func runAll(t *testing.T, world func(t *testing.T) World, tests []test) {
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.run(t, &run{World: world(t), t: t})
		})
	}
}

// run is a world in a test, with what tests do again and again.
type run struct {
	World
	t *testing.T
}

func (r *run) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// name is a repo of the organisation.
func (r *run) name(short string) fleet.RepoName { return fleet.RepoName(r.Org + "/" + short) }

// repo makes a repo with a README.
func (r *run) repo(short string) fleet.RepoName {
	r.t.Helper()
	name := r.name(short)
	r.must(r.CreateRepo(name, map[string]string{"README.md": "# " + short + "\n"}))
	return name
}

const (
	branch = fleet.BranchPrefix + "ownership/ledger"
	file   = "CODEOWNERS"
)

func (r *run) commit(repo fleet.RepoName, branch, content, message string) fleet.CommitID {
	r.t.Helper()
	id, err := r.Commit(repo, branch, map[string]string{file: content}, message)
	r.must(err)
	return id
}

func newPull(title string) forge.NewPull {
	return forge.NewPull{
		Text: forge.Text{Title: title, Body: "Because.", Labels: []string{"portreeve"}},
		Head: branch, Base: "main",
	}
}

// opened makes a repo with a pull request that the member opened.
func (r *run) opened(short string) (fleet.RepoName, fleet.CommitID, forge.Opened) {
	r.t.Helper()
	repo := r.repo(short)
	head := r.commit(repo, branch, "* @acme/a\n", "Name the owners")
	o, err := r.Forge.OpenPull(r.t.Context(), repo, newPull("Name the owners"))
	r.must(err)
	return repo, head, o
}

// pull reads the pull request of the branch.
func (r *run) pull(repo fleet.RepoName) *fleet.PullRequest {
	r.t.Helper()
	key := forge.Branch{Repo: repo, Name: branch}
	a, ok := r.Forge.PullRequests(r.t.Context(), []forge.Branch{key})[key]
	if !ok {
		r.t.Fatalf("%s: no answer", repo)
	}
	r.must(a.Err)
	return a.Value
}

// settled is pull, once the forge has worked out whether it can be merged.
func (r *run) settled(repo fleet.RepoName) *fleet.PullRequest {
	r.t.Helper()
	for range 10 {
		p := r.pull(repo)
		if p == nil {
			r.t.Fatalf("%s: no pull request", repo)
		}
		if p.Mergeable != fleet.MergeableUnknown {
			return p
		}
	}
	r.t.Fatalf("%s: whether it can be merged stays unknown", repo)
	return nil
}

func (r *run) head(repo fleet.RepoName) fleet.Head {
	r.t.Helper()
	a, ok := r.Forge.Heads(r.t.Context(), []fleet.RepoName{repo})[repo]
	if !ok {
		r.t.Fatalf("%s: no answer", repo)
	}
	r.must(a.Err)
	return a.Value
}

// class fails the test unless err is a *fleet.Failure of a class.
func (r *run) class(err error, class fleet.Class) {
	r.t.Helper()
	f, ok := errors.AsType[*fleet.Failure](err)
	switch {
	case !ok:
		r.t.Errorf("got %T (%v), want a *fleet.Failure", err, err)
	case f.Class != class:
		r.t.Errorf("got a failure that is %s (%v), want %s", f.Class, f, class)
	case f.Op == "" || f.On == "" || f.Err == nil:
		r.t.Errorf("the failure does not say of what: %+v", f)
	}
}
