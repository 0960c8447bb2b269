package forgetest_test

import (
	"testing"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge/forgetest"
	"github.com/portreeve/portreeve/reconciler/forge/sandbox"
)

const (
	bot    = "reeve"
	token  = "token-of-reeve"
	person = "ada"
)

func TestSandbox(t *testing.T) {
	forgetest.Run(t, func(t *testing.T) forgetest.World {
		f, w := sandboxWorld(t, sandbox.Rules{})
		w.Forge = f.As(bot)
		return w
	})
}

func newSandbox(t testing.TB) *sandbox.Forge {
	f, err := sandbox.New(sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	f.AddUser(bot, token, true)
	f.AddUser(person, "token-of-ada", false)
	return f
}

// sandboxWorld is a world in the sandbox, but for the member that is proved;
// its rules are a ruleset's, also the organisation's, or classic branch
// protection, as as says.
func sandboxWorld(t testing.TB, as sandbox.Rules) (*sandbox.Forge, forgetest.World) {
	f := newSandbox(t)
	p := f.Person(person)
	return f, forgetest.World{
		Org: "acme", Person: person,
		CreateRepo: func(repo fleet.RepoName, files map[string]string) error {
			spec := sandbox.Spec{Name: repo, Files: map[string]sandbox.File{}}
			for path, content := range files {
				spec.Files[path] = sandbox.File{Content: content}
			}
			return f.CreateRepo(spec)
		},
		DeleteRepo: p.DeleteRepo,
		Rename:     p.Rename,
		Archive:    func(repo fleet.RepoName) error { return p.Archive(repo, true) },
		SetTopics:  p.SetTopics,
		SetRules: func(repo fleet.RepoName, rules fleet.Rules) error {
			is := sandbox.Rules{
				UpToDate: rules.UpToDate, RequiredApprovals: rules.Approvals, LastPushApproval: rules.LastPushApproval,
				Conversations: rules.Conversations, Signatures: rules.Signatures, Deployments: rules.Deployments,
				Locked: rules.Locked, Queue: rules.Queue, CheckApps: map[string]int64{}, Ruleset: as.Ruleset, OfOrg: as.OfOrg,
			}
			for _, c := range rules.RequiredChecks {
				is.RequiredChecks = append(is.RequiredChecks, c.Name)
				is.CheckApps[c.Name] = c.App
			}
			return p.SetRules(repo, is)
		},
		AddTeam: func(name string, secret bool) error {
			f.AddTeam(name)
			f.SetSecret(name, secret)
			f.Manage("acme")
			return nil
		},
		SetAccess: f.SetAccess,
		Outside: func(login string) error {
			f.Outside(login)
			return nil
		},
		HideAccess: func() error {
			f.HideAccess(bot)
			return nil
		},
		Discuss: p.Discuss,
		Resolve: p.Resolve,
		Deploy: func(repo fleet.RepoName, commit fleet.CommitID, environment string, well bool) error {
			return p.Deploy(repo, commit, environment, map[bool]string{true: "SUCCESS", false: "FAILURE"}[well])
		},
		Dequeue: p.Dequeue,
		FailQueue: func(repo fleet.RepoName) error {
			return p.SetCI(repo, sandbox.CheckSpec{Name: "build", Fails: func(func(string) ([]byte, bool)) bool { return true }})
		},
		AutoMerge: func(repo fleet.RepoName, number int) error { return p.AutoMerge(repo, number, true) },
		Commit: func(repo fleet.RepoName, branch string, files map[string]string, message string) (fleet.CommitID, error) {
			changed := map[string]*sandbox.File{}
			for path, content := range files {
				changed[path] = &sandbox.File{Content: content}
			}
			return p.CommitFiles(repo, branch, changed, message)
		},
		OpenPull: p.OpenPull,
		Close:    p.Close,
		Reopen:   p.Reopen,
		Merge: func(repo fleet.RepoName, number int) error {
			return p.Merge(repo, number, fleet.MergeCommit)
		},
		OpenIssue: p.OpenIssue, CloseIssue: p.CloseIssue,
		Comment: p.Comment,
		Approve: p.Approve,
		Report: func(repo fleet.RepoName, commit fleet.CommitID, check fleet.Check) error {
			state := map[fleet.CheckState]fleet.StatusState{
				fleet.CheckSuccess: fleet.StatusSuccess, fleet.CheckFailure: fleet.StatusFailure, fleet.CheckPending: fleet.StatusPending,
			}[check.State]
			return p.SetStatus(repo, commit, check.Name, fleet.CommitStatus{State: state, URL: check.URL})
		},
	}
}
