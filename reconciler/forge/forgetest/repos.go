package forgetest

import (
	"fmt"
	"testing"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
)

func testSelf(t *testing.T, r *run) {
	a, err := r.Forge.Self(t.Context())
	r.must(err)
	b, err := r.Forge.Self(t.Context())
	r.must(err)
	if a.Login == "" || !a.Self || a != b || a.Login == r.Person {
		t.Errorf("%+v, then %+v", a, b)
	}
}

func testCredentials(t *testing.T, r *run) {
	user, secret, err := r.Forge.Credentials(t.Context(), r.repo("ledger"))
	r.must(err)
	if (user == "") != (secret == "") {
		t.Error("half of the credentials are missing")
	}
}

func testAllowance(t *testing.T, r *run) {
	if a := r.Forge.Allowance(); len(a.Limits) == 0 || !a.More(fleet.Creations).IsZero() {
		t.Errorf("nothing was done, and this is left: %+v", a)
	}
}

func testReposOfOrg(t *testing.T, r *run) {
	b, a, c := r.repo("b"), r.repo("a"), r.repo("c")
	empty := r.name("empty")
	r.must(r.CreateRepo(empty, nil))
	r.must(r.SetTopics(b, "z", "m"))
	r.must(r.Archive(c))
	repos, err := r.Forge.Repos(t.Context(), r.Org, nil)
	r.must(err)
	ids := map[string]bool{}
	var names []fleet.RepoName
	for _, repo := range repos {
		names = append(names, repo.Name)
		ids[repo.ID] = true
		if repo.DefaultBranch != "main" || repo.CloneURL == "" || repo.WebURL == "" || repo.ID == "" {
			t.Errorf("%+v", repo)
		}
		if repo.Archived != (repo.Name == c) {
			t.Errorf("%s: archived is %v", repo.Name, repo.Archived)
		}
	}
	if fmt.Sprint(names) != fmt.Sprint([]fleet.RepoName{a, b, c, empty}) || len(ids) != 4 {
		t.Fatalf("got %v with ids %v", names, ids)
	}
	if fmt.Sprint(repos[1].Topics) != "[m z]" {
		t.Errorf("topics: %v", repos[1].Topics)
	}
}

func testReposByName(t *testing.T, r *run) {
	b, a := r.repo("b"), r.repo("a")
	r.repo("other")
	r.must(r.SetTopics(b, "z", "m"))
	repos, err := r.Forge.Repos(t.Context(), "", []fleet.RepoName{b, r.name("unknown"), a, b})
	r.must(err)
	if len(repos) != 2 || repos[0].Name != a || repos[1].Name != b {
		t.Fatalf("%+v", repos)
	}
	listed, err := r.Forge.Repos(t.Context(), r.Org, nil)
	r.must(err)
	for i, repo := range repos {
		if fmt.Sprintf("%+v", repo) != fmt.Sprintf("%+v", listed[i]) {
			t.Errorf("by name it is\n%+v\nand in the listing\n%+v", repo, listed[i])
		}
	}
	if none, err := r.Forge.Repos(t.Context(), "", nil); err != nil || len(none) != 0 {
		t.Errorf("no names: %v, %v", none, err)
	}
}

func testReposMany(t *testing.T, r *run) {
	var want []fleet.RepoName
	for i := range 230 {
		want = append(want, r.repo(fmt.Sprintf("repo-%03d", i)))
	}
	repos, err := r.Forge.Repos(t.Context(), r.Org, nil)
	r.must(err)
	if len(repos) != len(want) {
		t.Fatalf("%d repos", len(repos))
	}
	for i, repo := range repos {
		if repo.Name != want[i] {
			t.Fatalf("at %d: %s", i, repo.Name)
		}
	}
	heads := r.Forge.Heads(t.Context(), want)
	for _, repo := range want {
		if a := heads[repo]; a.Err != nil || a.Value.Commit == "" {
			t.Fatalf("%s: %+v", repo, a)
		}
	}
}

// A repo is found by each name that it had, until another repo has it, and
// what is written under one of them arrives.
func testReposRenamed(t *testing.T, r *run) {
	old, _, opened := r.opened("old")
	r.must(r.Rename(old, r.name("older")))
	now := fleet.RepoName("globex/books")
	r.must(r.Rename(r.name("older"), now))
	repos, err := r.Forge.Repos(t.Context(), "", []fleet.RepoName{old, now, r.name("older")})
	r.must(err)
	if len(repos) != 1 || repos[0].Name != now || fmt.Sprint(repos[0].Formerly) != fmt.Sprint([]fleet.RepoName{old, r.name("older")}) {
		t.Fatalf("%+v", repos)
	}
	branches := forge.Branch{Repo: old, Name: branch}
	pull := r.Forge.PullRequests(t.Context(), []forge.Branch{branches})[branches]
	heads := r.Forge.Heads(t.Context(), []fleet.RepoName{old})[old]
	if pull.Err != nil || pull.Value == nil || pull.Value.Number != opened.Number || heads.Err != nil || heads.Value.Commit == "" {
		t.Errorf("under its old name: %+v, %+v", pull, heads)
	}
	r.must(r.Forge.EditPull(t.Context(), old, opened.Number, forge.Text{Title: "Anew", Labels: []string{"later"}}))
	r.must(r.Forge.Comment(t.Context(), old, opened.Number, "Written under the old name."))
	there := forge.Branch{Repo: now, Name: branch}
	if a := r.Forge.PullRequests(t.Context(), []forge.Branch{there})[there]; a.Err != nil || a.Value == nil || a.Value.Title != "Anew" || len(a.Value.Comments) != 1 {
		t.Errorf("%+v", a)
	}
	again, err := r.Forge.OpenPull(t.Context(), old, newPull("Name the owners"))
	if r.must(err); again.Number != opened.Number {
		t.Errorf("a second pull request: %+v", again)
	}
	// A new repo takes the name.
	r.must(r.CreateRepo(old, map[string]string{"a": "another"}))
	repos, err = r.Forge.Repos(t.Context(), "", []fleet.RepoName{old, now})
	r.must(err)
	if len(repos) != 2 || len(repos[0].Formerly)+len(repos[1].Formerly) != 0 {
		t.Errorf("%+v", repos)
	}
}

func testRules(t *testing.T, r *run) {
	free, strict, empty := r.repo("free"), r.repo("strict"), r.name("empty")
	r.must(r.CreateRepo(empty, nil))
	r.must(r.SetRules(strict, fleet.Rules{RequiredChecks: []fleet.RequiredCheck{{Name: "lint"}, {Name: "build"}}, UpToDate: true}))
	unknown := r.name("unknown")
	got := r.Forge.Rules(t.Context(), []fleet.RepoName{free, strict, empty, unknown})
	r.must(got[free].Err)
	r.must(got[strict].Err)
	r.must(got[empty].Err)
	r.class(got[unknown].Err, fleet.Permanent)
	if v := got[free].Value; len(v.RequiredChecks) != 0 || v.UpToDate || len(v.MergeMethods) == 0 {
		t.Errorf("free: %+v", v)
	}
	if v := got[strict].Value; fmt.Sprint(v.RequiredChecks) != "[{build 0} {lint 0}]" || !v.UpToDate {
		t.Errorf("strict: %+v", v)
	}
}

// Whatever a repo may ask of a pull request is read, and what it does not ask
// is not made up.
func testRulesAll(t *testing.T, r *run) {
	free, strict := r.repo("free"), r.repo("strict")
	want := fleet.Rules{
		RequiredChecks: []fleet.RequiredCheck{{Name: "build", App: 15368}, {Name: "lint"}}, UpToDate: true, Approvals: 2, LastPushApproval: true,
		Conversations: true, Signatures: true, Deployments: []string{"canary", "staging"}, Locked: true, Queue: true,
	}
	r.must(r.SetRules(strict, want))
	got := r.Forge.Rules(t.Context(), []fleet.RepoName{free, strict})
	r.must(got[free].Err)
	r.must(got[strict].Err)
	v := got[strict].Value
	want.MergeMethods = v.MergeMethods
	if fmt.Sprintf("%+v", v) != fmt.Sprintf("%+v", want) {
		t.Errorf("got\n%+v\nwant\n%+v", v, want)
	}
	if v := got[free].Value; fmt.Sprintf("%+v", v) != fmt.Sprintf("%+v", fleet.Rules{MergeMethods: v.MergeMethods}) {
		t.Errorf("free: %+v", v)
	}
}
