package plan_test

import (
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/rollout"
)

const heldOwner = `package fleet

ownership: ledger: {repo: "acme/ledger", owner: "payments"}
`

// TestHeldTeams holds that a held declaration, and it alone, is planned with
// the teams of its own revision, that what was kept of it is not taken for
// another's, and that its outcomes are marked.
func TestHeldTeams(t *testing.T) {
	w, a := load(t, []txtar.File{
		{Name: "owner.cue", Data: []byte(heldOwner)},
		{Name: "other.cue", Data: []byte(strings.ReplaceAll(heldOwner, "ledger", "billing"))},
		{Name: "acme/ledger/x", Data: []byte("x\n")},
		{Name: "acme/billing/x", Data: []byte("x\n")},
	})
	memo := newMemo()
	held := w.Config.Declaration(fleet.ID{Kind: "ownership", Name: "ledger"})
	for _, handle := range []string{"", "acme/before", "acme/long-before", ""} {
		held.Teams, held.Stale = nil, nil
		want := map[fleet.RepoName]string{"acme/ledger": "@acme/payments\n", "acme/billing": "@acme/payments\n"}
		if handle != "" {
			held.Teams = map[fleet.TeamName]fleet.Team{"payments": {Name: "payments", Title: "Old payments", GitHub: handle}}
			held.Stale = &fleet.Stale{Kind: "ownership", Name: "ledger", Held: true, Revision: "77ab01e"}
			want["acme/ledger"] = "@" + handle + "\n"
		}
		p, _ := settle(w, a, memo)
		for _, s := range p.Steps {
			if got := string(s.Edits[0].Content); !strings.HasSuffix(got, " "+want[s.Repo]) {
				t.Errorf("%s with %q: %s", s.Repo, handle, got)
			}
			if old := strings.Contains(s.Title+s.Body, "Old payments"); old != (handle != "" && s.Repo == "acme/ledger") {
				t.Errorf("%s with %q is titled %q", s.Repo, handle, s.Title)
			}
			delete(want, s.Repo)
		}
		if len(want) > 0 {
			t.Errorf("with %q: no step for %v", handle, want)
		}
		for _, o := range p.Outcomes {
			if marked := o.Stale != nil; marked != (o.Declaration == held.ID && handle != "") {
				t.Errorf("%s with %q: marked %v", o.Declaration, handle, o.Stale)
			}
		}
	}
}

// TestMayHold holds that a declaration which no text of an unreadable file
// names is gone, and one that may be there is not.
func TestMayHold(t *testing.T) {
	for text, want := range map[string]rollout.Action{
		"ownership: {{{":                              rollout.DeleteBranch,
		"ownership: {{{ // platform":                  rollout.DeleteBranch,
		"ownership: {ledger: {{":                      "",
		"ownership: {for x in xs {(x): {{":            "",
		`ownership: {"\(x)": {{`:                      "",
		"an unreadable file, of which nothing is had": "",
	} {
		w, a := load(t, []txtar.File{
			{Name: "acme/ledger/x", Data: []byte("x\n")},
			{Name: "world", Data: []byte("acme/ledger: {}\n")},
		})
		w.Config.Unreadable = []string{"broken.cue"}
		if !strings.HasPrefix(text, "an") {
			w.Config.Texts = map[string]string{"broken.cue": text}
		}
		id := fleet.ID{Kind: "ownership", Name: "ledger"}
		w.Repos["acme/ledger"].Head.Branches = []fleet.Branch{{
			Name: fleet.BranchName(id, ""), Commit: "c1", Tree: "t1",
			Message: "Owners\n\nPortreeve-Declaration: ownership/ledger\nPortreeve-Spec: 1\nPortreeve-Base: c0\nPortreeve-Tree: t1\n",
		}}
		p, _ := settle(w, a, newMemo())
		got := rollout.Action("")
		for _, s := range p.Steps {
			got = s.Action
		}
		if got != want {
			t.Errorf("%s: %q, want %q: %+v", text, got, want, p.Outcomes)
		}
	}
}
