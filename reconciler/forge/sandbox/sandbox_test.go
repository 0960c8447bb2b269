package sandbox

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
)

// clock is a clock that tests move.
type clock struct{ at time.Time }

func (c *clock) now() time.Time          { return c.at }
func (c *clock) advance(d time.Duration) { c.at = c.at.Add(d) }

const ledger = fleet.RepoName("acme/ledger")

// newForge is a forge with one repo that has a check and its two users.
func newForge(t *testing.T, dir string, change func(*Spec)) (*Forge, *clock) {
	t.Helper()
	c := &clock{time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)}
	f, err := New(Options{Dir: dir, Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	f.AddUser("portreeve", "bot-token", true)
	f.AddUser("you", "you-token", false)
	spec := Spec{
		Name: ledger, Topics: []string{"go", "billing"}, Language: "Go",
		Files: map[string]File{"go.mod": {Content: "module ledger\n\ngo 1.24\n"}, "a/b.txt": {Content: "b\n"}},
	}
	if change != nil {
		change(&spec)
	}
	if err := f.CreateRepo(spec); err != nil {
		t.Fatal(err)
	}
	return f, c
}

// propose commits a file on a branch and opens a pull request from it.
func propose(t *testing.T, f *Forge, branch, path, content string) int {
	t.Helper()
	who := f.Person("portreeve")
	if _, err := who.CommitFile(ledger, branch, path, content, "Change "+path); err != nil {
		t.Fatal(err)
	}
	n, err := who.OpenPull(ledger, forge.NewPull{Head: branch, Text: forge.Text{Title: "Change " + path}})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func pullOf(t *testing.T, f *Forge, n int) fleet.PullRequest {
	t.Helper()
	p, err := f.Pull(ledger, n)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func wantStatus(t *testing.T, err error, status int) {
	t.Helper()
	if r := (*Refusal)(nil); !errors.As(err, &r) || r.Status != status {
		t.Errorf("got %v, want a refusal with status %d", err, status)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestMergeMethods(t *testing.T) {
	for _, dir := range []string{"", t.TempDir()} {
		for _, method := range []fleet.MergeMethod{fleet.MergeCommit, fleet.MergeSquash, fleet.MergeRebase} {
			sub := dir
			if dir != "" {
				sub = dir + "/" + string(method)
			}
			f, _ := newForge(t, sub, nil)
			n := propose(t, f, "portreeve/x", "new.txt", "new\n")
			_, err := f.Person("you").CommitFile(ledger, "", "README.md", "hello\n", "Say hello")
			must(t, err)
			must(t, f.Person("you").Merge(ledger, n, method))
			if p := pullOf(t, f, n); p.State != fleet.PullMerged || p.Closed.IsZero() {
				t.Errorf("%s: %+v", method, p)
			}
			for _, path := range []string{"new.txt", "README.md", "a/b.txt"} {
				if _, err := f.ReadFile(ledger, "", path); err != nil {
					t.Errorf("%s: %s: %v", method, path, err)
				}
			}
		}
	}
}

func TestMergeableIsFirstUnknown(t *testing.T) {
	f, _ := newForge(t, "", nil)
	propose(t, f, "portreeve/x", "go.mod", "module ledger\n\ngo 1.26\n")
	m, ctx := f.As("portreeve"), context.Background()
	branch := forge.Branch{Repo: ledger, Name: "portreeve/x"}
	read := func() fleet.Mergeable { return m.PullRequests(ctx, []forge.Branch{branch})[branch].Value.Mergeable }
	if got := []fleet.Mergeable{read(), read()}; got[0] != fleet.MergeableUnknown || got[1] != fleet.MergeableYes {
		t.Error(got)
	}
	_, err := f.Person("you").CommitFile(ledger, "", "go.mod", "module ledger\n\ngo 1.25\n", "Other")
	must(t, err)
	if got := []fleet.Mergeable{read(), read()}; got[0] != fleet.MergeableUnknown || got[1] != fleet.MergeableConflict {
		t.Error(got)
	}
	wantStatus(t, f.Person("you").Merge(ledger, 1, fleet.MergeSquash), 405)
}

func TestRules(t *testing.T) {
	f, c := newForge(t, "", func(s *Spec) {
		s.Rules = Rules{RequiredChecks: []string{"build"}, RequiredApprovals: 1, UpToDate: true}
		s.CI = []CheckSpec{{Name: "build", Silent: time.Second, After: time.Minute, Fails: FailsIf("bad", "bad")}}
	})
	n := propose(t, f, "portreeve/x", "x", "x\n")
	you := f.Person("you")
	merge := func() error { return you.Merge(ledger, n, fleet.MergeSquash) }
	if p := pullOf(t, f, n); p.Checks != nil || p.Review != fleet.ReviewRequired {
		t.Errorf("%+v", p)
	}
	wantStatus(t, f.Person("portreeve").Approve(ledger, n), 422)
	wantStatus(t, merge(), 405) // no approval
	must(t, you.Approve(ledger, n))
	wantStatus(t, merge(), 405) // expected
	c.advance(2 * time.Second)
	if p := pullOf(t, f, n); len(p.Checks) != 1 || p.Checks[0].State != fleet.CheckPending || p.Review != fleet.ReviewApproved {
		t.Errorf("%+v", p)
	}
	wantStatus(t, merge(), 405) // pending
	c.advance(time.Minute)
	_, err := you.CommitFile(ledger, "", "y", "y\n", "Move main on")
	must(t, err)
	wantStatus(t, merge(), 405) // behind
	_, err = f.Person("portreeve").CommitFile(ledger, "portreeve/x", "bad", "bad\n", "Break")
	must(t, err)
	c.advance(time.Hour)
	if p := pullOf(t, f, n); p.Checks[0].State != fleet.CheckFailure {
		t.Errorf("%+v", p.Checks)
	}
}

func TestClosing(t *testing.T) {
	f, _ := newForge(t, "", nil)
	n := propose(t, f, "portreeve/x", "x", "x\n")
	you := f.Person("you")
	must(t, you.Close(ledger, n))
	must(t, you.Close(ledger, n))
	if p := pullOf(t, f, n); p.State != fleet.PullClosed || p.ClosedBy.Login != "you" {
		t.Errorf("%+v", p)
	}
	must(t, you.Reopen(ledger, n))
	must(t, you.DeleteBranch(ledger, "portreeve/x"))
	if p := pullOf(t, f, n); p.State != fleet.PullClosed || p.ClosedBy.Login != "you" {
		t.Errorf("%+v", p)
	}
	wantStatus(t, you.Reopen(ledger, n), 422)
	_, err := you.CommitFile(ledger, "portreeve/x", "z", "z\n", "Recreate")
	must(t, err)
	wantStatus(t, you.Reopen(ledger, n), 422)
}

func TestPushIntoBaseMerges(t *testing.T) {
	f, _ := newForge(t, "", nil)
	n := propose(t, f, "portreeve/x", "x", "x\n")
	s, err := f.Storer(ledger)
	must(t, err)
	r, err := s.Reference("refs/heads/portreeve/x")
	must(t, err)
	must(t, s.SetReference(refTo("refs/heads/main", r.Hash())))
	if p := pullOf(t, f, n); p.State != fleet.PullMerged {
		t.Errorf("%+v", p)
	}
}

func TestRefusedPulls(t *testing.T) {
	f, _ := newForge(t, "", nil)
	propose(t, f, "portreeve/x", "x", "x\n")
	who := f.Person("portreeve")
	for name, n := range map[string]forge.NewPull{
		"twice":      {Head: "portreeve/x", Text: forge.Text{Title: "t"}},
		"no commits": {Head: "main", Text: forge.Text{Title: "t"}},
		"no head":    {Head: "nowhere", Text: forge.Text{Title: "t"}},
		"no title":   {Head: "portreeve/x", Base: "main"},
	} {
		if _, err := who.OpenPull(ledger, n); err == nil {
			t.Errorf("%s: not refused", name)
		} else {
			wantStatus(t, err, 422)
		}
	}
	must(t, f.Person("you").Archive(ledger, true))
	wantStatus(t, who.Comment(ledger, 1, "hello"), 403)
}

func TestMemberWritesMayBeRepeated(t *testing.T) {
	f, _ := newForge(t, "", nil)
	n := propose(t, f, "portreeve/x", "x", "x\n")
	m, ctx := f.As("portreeve"), context.Background()
	head := pullOf(t, f, n).HeadCommit
	acts := map[string]func() error{
		"open": func() error {
			o, err := m.OpenPull(ctx, ledger, forge.NewPull{Head: "portreeve/x", Base: "main", Text: forge.Text{Title: "t"}})
			if o.Number != n {
				t.Errorf("opened %d", o.Number)
			}
			return err
		},
		"edit": func() error {
			return m.EditPull(ctx, ledger, n, forge.Text{Title: "T", Body: "B", Labels: []string{"l"}})
		},
		"status": func() error {
			return m.SetStatus(ctx, ledger, head, fleet.CommitStatus{State: fleet.StatusSuccess})
		},
	}
	for _, act := range acts {
		must(t, act())
	}
	before := f.Counts()
	for name, act := range acts {
		if err := act(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if w := f.Counts().Since(before).Writes; len(w) != 0 {
		t.Errorf("second round wrote %+v", w)
	}
	if err := m.MergePull(ctx, ledger, n, fleet.CommitID("0123456789012345678901234567890123456789"), fleet.MergeSquash); fleet.ClassOf(err) != fleet.Moved {
		t.Error(err)
	}
	must(t, m.MergePull(ctx, ledger, n, head, fleet.MergeSquash))
	must(t, m.MergePull(ctx, ledger, n, head, fleet.MergeSquash))
	if err := m.ClosePull(ctx, "acme/none", 1); fleet.ClassOf(err) != fleet.Permanent {
		t.Error(err)
	}
}

func TestCreationLimit(t *testing.T) {
	f, c := newForge(t, "", nil)
	n := propose(t, f, "portreeve/x", "x", "x\n")
	m, ctx := f.As("portreeve"), context.Background()
	for range 80 {
		must(t, m.Comment(ctx, ledger, n, "hello"))
	}
	err := m.Comment(ctx, ledger, n, "hello")
	var failure *fleet.Failure
	if !errors.As(err, &failure) || failure.Class != fleet.Limited || !failure.Until.Equal(c.at.Add(time.Minute)) {
		t.Errorf("%+v", failure)
	}
	if a := m.Allowance(); !a.More(fleet.Creations).Equal(failure.Until) {
		t.Errorf("%+v", a)
	}
	c.advance(time.Minute)
	if n, _ := m.Allowance().Left(fleet.Creations); n != 80 {
		t.Errorf("%d left", n)
	}
}

func TestMemberFaults(t *testing.T) {
	f, _ := newForge(t, "", nil)
	n := propose(t, f, "portreeve/x", "x", "x\n")
	m, ctx := f.As("portreeve"), context.Background()
	for name, c := range map[string]struct {
		fault FaultAnswer
		want  fleet.Class
	}{
		"server error": {FaultAnswer{Status: 502}, fleet.Transient},
		"lost answer":  {FaultAnswer{Reset: true, Done: true}, fleet.Transient},
		"rate limit":   {FaultAnswer{Limit: LimitPrimary, RetryAfter: time.Hour}, fleet.Limited},
	} {
		before := len(pullOf(t, f, n).Comments)
		f.Fault(func(q Request) *FaultAnswer {
			if q.Route == "Comment" {
				return &c.fault
			}
			return nil
		})
		if err := m.Comment(ctx, ledger, n, name); fleet.ClassOf(err) != c.want || err == nil {
			t.Errorf("%s: %v", name, err)
		}
		f.Fault(nil)
		if done := len(pullOf(t, f, n).Comments) > before; done != c.fault.Done {
			t.Errorf("%s: carried out: %v", name, done)
		}
	}
}

func pullFrom(branch string) forge.NewPull {
	return forge.NewPull{Head: branch, Text: forge.Text{Title: "From " + branch}}
}
