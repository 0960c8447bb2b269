package apply_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/portreeve/portreeve/reconciler/apply"
	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
	"github.com/portreeve/portreeve/reconciler/gitrepo"
	"github.com/portreeve/portreeve/reconciler/gitrepo/gitrepotest"
	"github.com/portreeve/portreeve/reconciler/plan"
	"github.com/portreeve/portreeve/reconciler/rollout"
	"github.com/portreeve/portreeve/reconciler/transform"
)

const (
	ledger = fleet.RepoName("acme/ledger")
	branch = "portreeve/migration/x"
)

// counter is a forge of which only the opening of pull requests is asked.
type counter struct {
	forge.Forge
	opened int
}

func (c *counter) OpenPull(context.Context, fleet.RepoName, forge.NewPull) (forge.Opened, error) {
	c.opened++
	return forge.Opened{Number: c.opened}, nil
}

func (c *counter) PullRequests(context.Context, []forge.Branch) map[forge.Branch]forge.Answer[*fleet.PullRequest] {
	return nil
}

func (c *counter) Credentials(context.Context, fleet.RepoName) (string, string, error) {
	return "", "", nil
}

type signer func(io.Reader) ([]byte, error)

func (s signer) Sign(text io.Reader) ([]byte, error) { return s(text) }

// open carries out a plan of one step that opens a pull request.
func open(t *testing.T, signer gitrepo.Signer, change func(*apply.Applier)) (*gitrepotest.Server, *counter, error) {
	t.Helper()
	srv := gitrepotest.NewServer(t)
	head := srv.Create("ledger", map[string]string{"a": "1"})
	forge := &counter{}
	a := &apply.Applier{
		Forge: forge, Git: gitrepo.New(gitrepo.Options{Signer: signer}), Now: time.Now,
		Author: gitrepo.Signature{Name: "Port <reeve>", Email: "reeve@acme.example"},
	}
	if change != nil {
		change(a)
	}
	listing := fleet.Repo{Name: ledger, CloneURL: srv.RepoURL("ledger")}
	results := a.Run(t.Context(),
		&plan.World{Repos: map[fleet.RepoName]*plan.Repo{ledger: {Listing: listing, Head: fleet.Head{Commit: head}}}},
		&plan.Plan{Steps: []rollout.Step{{
			Action: rollout.Open, Repo: ledger, Branch: branch, Base: head, BaseBranch: "main", SpecHash: "abc",
			Declaration: fleet.ID{Kind: "migration", Name: "x"}, Message: "Change a\n\nSigned-off-by: nobody\n",
			Edits: []transform.Edit{{Path: "a", Content: []byte("2")}},
		}}})
	if len(results) != 1 {
		t.Fatalf("%d results", len(results))
	}
	return srv, forge, results[0].Err
}

func TestACommitThatCannotBeSignedIsNotPushed(t *testing.T) {
	broken := signer(func(io.Reader) ([]byte, error) { return nil, errors.New("the agent is gone") })
	srv, forge, err := open(t, broken, nil)
	if fleet.ClassOf(err) != fleet.Permanent || !strings.Contains(err.Error(), "the agent is gone") {
		t.Errorf("got %v", err)
	}
	if refs := srv.Git("ledger", "for-each-ref", "--format=%(refname)"); refs != "refs/heads/main" || forge.opened != 0 {
		t.Errorf("pushed %q, opened %d", refs, forge.opened)
	}
}

func TestSignOffStandsBesideOurTrailers(t *testing.T) {
	for _, on := range []bool{false, true} {
		srv, forge, err := open(t, nil, func(a *apply.Applier) { a.SignOff = on })
		if err != nil || forge.opened != 1 {
			t.Fatal(forge.opened, err)
		}
		want, author := "", srv.Git("ledger", "log", "-1", "--format=%an <%ae>", branch)
		if on {
			want = author
		}
		signed := srv.Git("ledger", "log", "-1", "--format=%(trailers:key=Signed-off-by,valueonly)", branch)
		trailers, ok := rollout.ParseTrailers(srv.Git("ledger", "log", "-1", "--format=%B", branch))
		if signed != want || !ok || trailers.Declaration.Name != "x" {
			t.Errorf("on %v: git reads %q of %q, we read %+v (%v)", on, signed, author, trailers, ok)
		}
	}
}
