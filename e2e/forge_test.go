package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/portreeve/portreeve/e2e/published"
	"github.com/portreeve/portreeve/e2e/recorder"
	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
	"github.com/portreeve/portreeve/reconciler/forge/github"
	"github.com/portreeve/portreeve/reconciler/forge/sandbox"
)

const (
	bot      = "portreeve"
	botToken = "token-of-portreeve"
	person   = "you"
)

// world is a sandbox that is served over HTTP, and a client whose exchanges
// with it are recorded.
type world struct {
	t        *testing.T
	forge    *sandbox.Forge
	url      string
	recorder recorder.Recorder
	client   *github.Client
}

func newWorld(t *testing.T, specs ...sandbox.Spec) *world {
	t.Helper()
	f, err := sandbox.New(sandbox.Options{Dir: t.TempDir()})
	must(t, err)
	f.AddUser(bot, botToken, true)
	f.AddUser(person, person, false)
	for _, spec := range specs {
		must(t, f.CreateRepo(spec))
	}
	server := httptest.NewServer(f.Handler())
	t.Cleanup(server.Close)
	w := &world{t: t, forge: f, url: server.URL}
	w.client = w.newClient(botToken)
	return w
}

func (w *world) newClient(token string) *github.Client {
	c, err := github.New(github.Options{
		BaseURL: w.url,
		Token:   func(context.Context) (string, error) { return token, nil },
		HTTP:    w.recorder.Transport(http.DefaultTransport),
		Backoff: func(int) time.Duration { return time.Millisecond },
		Wait:    time.Millisecond,
	})
	must(w.t, err)
	return c
}

func (w *world) you() *sandbox.Person { return w.forge.Person(person) }

// branch makes a branch of ours with one file in it.
func (w *world) branch(repo fleet.RepoName, name, path, content string) fleet.CommitID {
	w.t.Helper()
	id, err := w.forge.Person(bot).CommitFile(repo, name, path, content, "Change "+path+"\n\nPortreeve-Declaration: migration/x\n")
	must(w.t, err)
	return id
}

func (w *world) open(repo fleet.RepoName, head string, labels ...string) int {
	w.t.Helper()
	opened, err := w.client.OpenPull(w.t.Context(), repo, forge.NewPull{
		Text: forge.Text{Title: "Change " + head, Body: "Why: because.", Labels: labels}, Head: head, Base: "main",
	})
	must(w.t, err)
	return opened.Number
}

// fleetOfAllSorts has each sort of repo that a client may meet.
func fleetOfAllSorts() []sandbox.Spec {
	readme := map[string]sandbox.File{"README.md": {Content: "# Read me\n"}, "run.sh": {Content: "#!/bin/sh\n", Executable: true}}
	checks := []sandbox.CheckSpec{{Name: "test"}, {Name: "lint", Status: true}, {Name: "slow", After: time.Hour}, {Name: "skipped", Conclusion: "skipped"}}
	return []sandbox.Spec{
		{Name: "acme/ledger", Files: readme, Language: "Go", Topics: []string{"service", "tier-1"}, CI: checks},
		{Name: "acme/plain", Files: readme},
		{Name: "acme/strict", Files: readme, CI: checks[:1], Rules: sandbox.Rules{RequiredChecks: []string{"test"}, RequiredApprovals: 1, UpToDate: true}},
		{Name: "acme/squash", Files: readme, MergeMethods: []fleet.MergeMethod{fleet.MergeSquash}, DefaultBranch: "trunk"},
		{Name: "acme/empty"},
		{Name: "acme/private", Files: readme, Private: true},
		{Name: "acme/archived", Files: readme, Archived: true},
		{Name: "acme/fork", Files: readme, Fork: true},
	}
}

// askWhoOwns asks who may own code, of teams and users of all sorts, and what is
// wrong in a file that names them.
func askWhoOwns(w *world) {
	w.t.Helper()
	w.forge.AddTeam("acme/payments")
	w.forge.AddTeam("acme/secret")
	w.forge.SetSecret("acme/secret", true)
	w.forge.Manage("acme")
	for name, role := range map[string]fleet.Role{"acme/payments": fleet.RoleWrite, "acme/secret": fleet.RoleAdmin, person: fleet.RoleRead} {
		must(w.t, w.forge.SetAccess("acme/ledger", name, role))
	}
	var asked []forge.Account
	for _, name := range []string{"acme/payments", "acme/secret", "acme/none", "nowhere/payments", person, "none"} {
		asked = append(asked, forge.Account{Repo: "acme/ledger", Name: name}, forge.Account{Repo: "acme/plain", Name: name})
	}
	for account, access := range w.client.Access(w.t.Context(), asked) {
		must(w.t, access.Err)
		if own := account.Repo == "acme/ledger" && account.Name == "acme/payments"; access.Value.Owns() != own {
			w.t.Errorf("%v may own code: %+v", account, access.Value)
		}
	}
	id, err := w.you().CommitFile("acme/ledger", "owned", "CODEOWNERS", "* @acme/payments\n/x @acme/secret me\n[y] @acme/payments\n", "Owners")
	must(w.t, err)
	for _, commit := range []forge.Commit{{Repo: "acme/ledger", ID: id}, {Repo: "acme/plain", ID: id}} {
		found := w.client.OwnersErrors(w.t.Context(), []forge.Commit{commit})[commit]
		if len(found.Value) != map[fleet.RepoName]int{"acme/ledger": 3}[commit.Repo] {
			w.t.Errorf("in %s: %+v, %v", commit.Repo, found.Value, found.Err)
		}
	}
}

// askWhoChanged asks who changed files, of some and of none.
func askWhoChanged(w *world) {
	w.t.Helper()
	var files []forge.File
	for _, repo := range []fleet.RepoName{"acme/ledger", "acme/empty", "acme/nothing-there"} {
		files = append(files, forge.File{Repo: repo, Path: "README.md"}, forge.File{Repo: repo, Path: "no"})
	}
	for file, got := range w.client.Editions(w.t.Context(), files) {
		if (got.Err != nil) != (file.Repo == "acme/nothing-there") || (len(got.Value) > 0) != (file == files[0]) {
			w.t.Errorf("who changed %v: %+v", file, got)
		}
	}
}

// lendTo gives access to a member and to a stranger, and takes it back.
func lendTo(w *world) {
	w.t.Helper()
	ctx, c := w.t.Context(), w.client
	w.forge.AddUser("stranger", "", false)
	w.forge.Outside("stranger")
	for _, before := range []fleet.Role{"", fleet.RoleRead} {
		must(w.t, w.forge.SetAccess("acme/ledger", person, before))
		for _, login := range []string{person, "stranger"} {
			must(w.t, c.Grant(ctx, "acme/ledger", login))
		}
		found := c.Collaborators(ctx, []fleet.RepoName{"acme/ledger", "acme/plain"})
		must(w.t, found["acme/plain"].Err)
		if own := found["acme/ledger"].Value; own.Direct[person] != fleet.RoleWrite || own.Invited["stranger"] != fleet.RoleWrite {
			w.t.Errorf("given access is %+v", own)
		}
		for _, login := range []string{person, "stranger"} {
			must(w.t, c.Revoke(ctx, "acme/ledger", login, before))
		}
	}
}

// TestForgeAsPublished drives the client through all that it can ask of a
// forge, against the sandbox, and holds each request and each answer to what
// GitHub publishes.
func TestForgeAsPublished(t *testing.T) {
	specs := fleetOfAllSorts()
	for i := range 120 { // more than a page
		specs = append(specs, sandbox.Spec{Name: fleet.RepoName(fmt.Sprintf("big/r%03d", i)), Files: map[string]sandbox.File{"a": {Content: "a"}}})
	}
	w := newWorld(t, specs...)
	ctx := t.Context()
	c := w.client

	_, err := c.Self(ctx)
	must(t, err)
	listed, err := c.Repos(ctx, "big", nil)
	must(t, err)
	if len(listed) != 120 {
		t.Errorf("big has %d repos, want 120", len(listed))
	}
	all, err := c.Repos(ctx, "acme", nil)
	must(t, err)
	names := []fleet.RepoName{"acme/nothing-there"}
	for _, r := range all {
		names = append(names, r.Name)
	}
	named, err := c.Repos(ctx, "", names)
	must(t, err)
	if len(all) != 8 || len(named) != 8 {
		t.Errorf("acme has %d repos listed and %d named, want 8", len(all), len(named))
	}

	pulls := pullsOfAllSorts(w)
	for repo, head := range c.Heads(ctx, names) {
		if (head.Err != nil) != (repo == "acme/nothing-there") {
			t.Errorf("head of %s: %v", repo, head.Err)
		}
	}
	for branch, pull := range c.PullRequests(ctx, append(pulls, forge.Branch{Repo: "acme/nothing-there", Name: "portreeve/x"}, forge.Branch{Repo: "acme/plain", Name: "portreeve/none"})) {
		if (pull.Err != nil) != (branch.Repo == "acme/nothing-there") {
			t.Errorf("pull request of %v: %v", branch, pull.Err)
		}
	}
	for repo, rules := range c.Rules(ctx, names) {
		if (rules.Err != nil) != (repo == "acme/nothing-there") {
			t.Errorf("rules of %s: %v", repo, rules.Err)
		}
	}
	askWhoOwns(w)
	askWhoChanged(w)
	for _, body := range []string{"How was it?\n\n<!-- a -->", "How was it?\n\n<!-- a -->", "And this?\n\n<!-- b -->"} {
		_, err := c.OpenIssue(ctx, "acme/ledger", forge.NewIssue{Title: "How did it go?", Body: body})
		must(t, err)
	}
	issues, err := c.Issues(ctx, "acme/ledger")
	must(t, err)
	if len(issues) != 2 {
		t.Errorf("%d issues were opened: %+v", len(issues), issues)
	}
	must(t, w.you().CloseIssue("acme/ledger", issues[0].Number))
	must(t, c.EditIssue(ctx, "acme/ledger", issues[1].Number, "How was it, then?\n\n<!-- a -->"))
	lendTo(w)
	_, err = c.Issues(ctx, "acme/ledger")
	must(t, err)
	opened, err := c.OpenedSince(ctx, []string{"acme", "big"}, time.Now().Add(-time.Hour))
	must(t, err)
	if opened.Count != len(pulls) || len(opened.Told) != len(pulls) {
		t.Errorf("opened %d and %d, want %d", opened.Count, len(opened.Told), len(pulls))
	}
	asPublished(t, &w.recorder)
}

// pullsOfAllSorts makes pull requests in each state, by all the writes that
// the client can make, and gives their branches.
func pullsOfAllSorts(w *world) []forge.Branch {
	t, ctx, c := w.t, w.t.Context(), w.client
	var branches []forge.Branch
	pull := func(repo fleet.RepoName, name string, labels ...string) (int, fleet.CommitID) {
		branch := "portreeve/migration/" + name
		head := w.branch(repo, branch, name+".txt", name+"\n")
		branches = append(branches, forge.Branch{Repo: repo, Name: branch})
		return w.open(repo, branch, labels...), head
	}
	edited, head := pull("acme/ledger", "edited", "dependencies", "go")
	must(t, c.EditPull(ctx, "acme/ledger", edited, forge.Text{Title: "Better", Body: "Better.", Labels: []string{"go", "more"}}))
	must(t, c.Comment(ctx, "acme/ledger", edited, "A comment with *Markdown*."))
	must(t, w.you().Comment("acme/ledger", edited, "A person's."))
	must(t, c.SetStatus(ctx, "acme/ledger", head, fleet.CommitStatus{State: fleet.StatusPending, Description: "planning", URL: "http://status.example/"}))
	must(t, c.SetStatus(ctx, "acme/ledger", head, fleet.CommitStatus{State: fleet.StatusSuccess}))
	w.open("acme/ledger", "portreeve/migration/edited") // is there already

	closed, _ := pull("acme/ledger", "closed")
	must(t, c.ClosePull(ctx, "acme/ledger", closed))
	must(t, c.ClosePull(ctx, "acme/ledger", closed))
	declined, _ := pull("acme/ledger", "declined")
	must(t, w.you().Close("acme/ledger", declined))
	draft, _ := pull("acme/plain", "draft")
	must(t, w.you().Draft("acme/plain", draft, true))

	merged, head := pull("acme/plain", "merged")
	must(t, c.MergePull(ctx, "acme/plain", merged, head, fleet.MergeCommit))
	rebased, head := pull("acme/plain", "rebased")
	must(t, c.MergePull(ctx, "acme/plain", rebased, head, fleet.MergeRebase))
	moved, _ := pull("acme/plain", "moved")
	fails(t, fleet.Moved, c.MergePull(ctx, "acme/plain", moved, "0123456789012345678901234567890123456789", fleet.MergeSquash))

	forbidden, head := pull("acme/strict", "forbidden")
	must(t, w.you().RequestChanges("acme/strict", forbidden, "Please don't."))
	fails(t, fleet.Permanent, c.MergePull(ctx, "acme/strict", forbidden, head, fleet.MergeSquash))
	approved, _ := pull("acme/strict", "approved")
	must(t, w.you().Approve("acme/strict", approved))

	conflict, head := pull("acme/plain", "conflict")
	_, err := w.you().CommitFile("acme/plain", "", "conflict.txt", "another\n", "Conflict")
	must(t, err)
	fails(t, fleet.Permanent, c.MergePull(ctx, "acme/plain", conflict, head, fleet.MergeCommit))

	_, err = c.OpenPull(ctx, "acme/plain", forge.NewPull{Text: forge.Text{Title: "None"}, Head: "portreeve/none", Base: "main"})
	fails(t, fleet.Permanent, err)
	fails(t, fleet.Permanent, c.Comment(ctx, "acme/archived", 1, "x"))
	fails(t, fleet.Permanent, c.ClosePull(ctx, "acme/nothing-there", 1))
	return branches
}

// TestForgeRefusesAsPublished drives the client into what a forge refuses.
func TestForgeRefusesAsPublished(t *testing.T) {
	w := newWorld(t, fleetOfAllSorts()...)
	stranger := w.newClient("no-such-token")
	if _, err := stranger.Repos(t.Context(), "acme", nil); err == nil {
		t.Error("a stranger may list repos")
	}
	if _, err := stranger.Self(t.Context()); err == nil {
		t.Error("a stranger is somebody")
	}
	for _, limit := range []sandbox.LimitKind{sandbox.LimitPrimary, sandbox.LimitSecondary} {
		w.forge.Fault(func(sandbox.Request) *sandbox.FaultAnswer { return &sandbox.FaultAnswer{Limit: limit} })
		_, err := w.newClient(botToken).Self(t.Context())
		fails(t, fleet.Limited, err)
		_, err = w.newClient(botToken).Repos(t.Context(), "acme", nil)
		fails(t, fleet.Limited, err)
	}
	for _, status := range []int{500, 502, 503} {
		w.forge.Fault(func(sandbox.Request) *sandbox.FaultAnswer { return &sandbox.FaultAnswer{Status: status} })
		_, err := w.newClient(botToken).Self(t.Context())
		fails(t, fleet.Transient, err)
		_, err = w.newClient(botToken).Repos(t.Context(), "acme", nil)
		fails(t, fleet.Transient, err)
	}
	asPublished(t, &w.recorder)
}

// TestSchemaAsPublished holds the sandbox's whole GraphQL schema to GitHub's,
// whoever may ask for what.
func TestSchemaAsPublished(t *testing.T) {
	const file = "../reconciler/forge/sandbox/schema.graphql"
	text, err := os.ReadFile(file)
	must(t, err)
	graphql, err := published.ReadGraphQL(published.SchemaFile)
	must(t, err)
	faults, err := graphql.Subset(file, string(text))
	must(t, err)
	for _, fault := range faults {
		t.Error(fault)
	}
}

// asPublished holds all that was recorded to what GitHub publishes, and names
// each fault once.
func asPublished(t *testing.T, r *recorder.Recorder) {
	t.Helper()
	graphql, err := published.ReadGraphQL(published.SchemaFile)
	must(t, err)
	rest, err := published.ReadREST(published.OpenAPIFile)
	must(t, err)
	seen, checked := map[string]bool{}, map[string]int{}
	for _, e := range r.Exchanges() {
		check, kind := rest.Check, "REST"
		if e.GraphQL() {
			check, kind = graphql.Check, "GraphQL"
		}
		checked[kind]++
		for _, fault := range check(e) {
			if key := kind + fault; !seen[key] {
				seen[key] = true
				t.Errorf("%s %s: %s\n\tasked %s\n\tanswered %d %s", e.Method, e.URL.Path, fault, short(e.Request.Body), e.Status, short(e.Response.Body))
			}
		}
	}
	if checked["REST"] == 0 || checked["GraphQL"] == 0 {
		t.Errorf("checked %v: that proves nothing", checked)
	}
	t.Logf("checked %v", checked)
}

func short(body []byte) string {
	s := strings.Join(strings.Fields(string(body)), " ")
	return s[:min(len(s), 600)]
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func fails(t *testing.T, class fleet.Class, err error) {
	t.Helper()
	if err == nil {
		t.Errorf("succeeded, want a failure that is %s", class)
	} else if got := fleet.ClassOf(err); got != class {
		t.Errorf("%v: is %s, want %s", err, got, class)
	}
}
