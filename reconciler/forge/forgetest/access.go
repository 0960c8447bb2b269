package forgetest

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
)

// access asks for what a team or a user may do in a repo.
func (r *run) access(repo fleet.RepoName, name string) fleet.Access {
	r.t.Helper()
	a := forge.Account{Repo: repo, Name: name}
	answer, ok := r.Forge.Access(r.t.Context(), []forge.Account{a})[a]
	if !ok {
		r.t.Fatalf("%v: no answer", a)
	}
	r.must(answer.Err)
	return answer.Value
}

func testAccess(t *testing.T, r *run) {
	repo, other := r.repo("ledger"), r.repo("other")
	team, secret := r.Org+"/Payments", r.Org+"/secret"
	r.must(r.AddTeam(team, false))
	r.must(r.AddTeam(secret, true))
	for name, role := range map[string]fleet.Role{team: fleet.RoleMaintain, secret: fleet.RoleWrite, r.Person: fleet.RoleRead} {
		r.must(r.SetAccess(repo, name, role))
	}
	missing := fleet.Access{Missing: true}
	for _, test := range []struct {
		repo fleet.RepoName
		name string
		want fleet.Access
	}{
		{repo, team, fleet.Access{Role: fleet.RoleMaintain}},
		{repo, r.Org + "/payments", fleet.Access{Role: fleet.RoleMaintain}},
		{other, team, fleet.Access{}},
		{repo, secret, fleet.Access{Secret: true, Role: fleet.RoleWrite}},
		{repo, r.Org + "/nobody", missing},
		{repo, "nowhere/payments", missing},
		{repo, r.Org + `/"}`, missing},
		{repo, r.Person, fleet.Access{Role: fleet.RoleRead}},
		{other, r.Person, fleet.Access{}},
		{repo, "nobody-of-that-name", missing},
		{repo, "no user", missing},
	} {
		if got := r.access(test.repo, test.name); got != test.want {
			t.Errorf("%s in %s: %+v, want %+v", test.name, test.repo, got, test.want)
		}
	}
	r.must(r.SetAccess(repo, r.Person, fleet.RoleAdmin))
	if got := r.access(repo, r.Person); got.Role != fleet.RoleAdmin || !got.Owns() {
		t.Errorf("an administrator has %+v", got)
	}
}

// testAccessMany asks for more than a page of a team's repos, and of users.
func testAccessMany(t *testing.T, r *run) {
	team := r.Org + "/payments"
	r.must(r.AddTeam(team, false))
	var asked []forge.Account
	for i := range 130 {
		repo := r.name(fmt.Sprintf("r%03d", i))
		r.must(r.CreateRepo(repo, nil))
		role := fleet.RoleWrite
		if i%2 == 1 {
			role = fleet.RoleRead
		}
		r.must(r.SetAccess(repo, team, role))
		r.must(r.SetAccess(repo, r.Person, role))
		asked = append(asked, forge.Account{Repo: repo, Name: team}, forge.Account{Repo: repo, Name: r.Person})
	}
	answers := r.Forge.Access(t.Context(), asked)
	for i, a := range asked {
		if got := answers[a]; got.Err != nil || got.Value.Owns() != (i/2%2 == 0) {
			t.Fatalf("%v: %+v, %v", a, got.Value, got.Err)
		}
	}
}

func testAccessHidden(t *testing.T, r *run) {
	repo := r.repo("ledger")
	r.must(r.HideAccess())
	for _, name := range []string{r.Org + "/payments", r.Person} {
		a := forge.Account{Repo: repo, Name: name}
		r.class(r.Forge.Access(t.Context(), []forge.Account{a})[a].Err, fleet.Permanent)
	}
}

func testOwnersErrors(t *testing.T, r *run) {
	repo := r.repo("ledger")
	r.must(r.AddTeam(r.Org+"/payments", false))
	r.must(r.SetAccess(repo, r.Org+"/payments", fleet.RoleWrite))
	none := r.head(repo).Commit
	good := "# Owners\n* @" + r.Org + "/payments # all\n/gone\n"
	right := r.commit(repo, "main", good, "Owners")
	wrong := r.commit(repo, branch, good+"/deploy/ @"+r.Org+"/payments @"+r.Org+"/ops\n!no @"+r.Org+"/payments\n", "Owners")
	want := map[fleet.CommitID][]fleet.OwnersError{
		none: nil, right: nil,
		wrong: {
			{Path: file, Line: 4, Kind: "Unknown owner", Source: "/deploy/ @" + r.Org + "/payments @" + r.Org + "/ops"},
			{Path: file, Line: 5, Kind: "Invalid pattern", Source: "!no @" + r.Org + "/payments"},
		},
	}
	var asked []forge.Commit
	for id := range want {
		asked = append(asked, forge.Commit{Repo: repo, ID: id})
	}
	answers := r.Forge.OwnersErrors(t.Context(), asked)
	for _, c := range asked {
		a := answers[c]
		r.must(a.Err)
		if !reflect.DeepEqual(a.Value, want[c.ID]) {
			t.Errorf("%s: %+v, want %+v", c.ID, a.Value, want[c.ID])
		}
	}
	gone := forge.Commit{Repo: r.name("gone"), ID: right}
	if a := r.Forge.OwnersErrors(t.Context(), []forge.Commit{gone})[gone]; a.Err == nil && a.Value != nil {
		t.Errorf("a repo that is not there: %+v", a)
	}
}

func testEditions(t *testing.T, r *run) {
	repo := r.repo("ledger")
	first := r.commit(repo, "main", "* @acme/a\n", "By hand")
	head := r.commit(repo, branch, "* @acme/b\n", "Ours")
	number, err := r.OpenPull(repo, newPull("Ours"))
	r.must(err)
	r.must(r.Merge(repo, number))
	_, err = r.Commit(repo, "main", map[string]string{"README.md": "another file"}, "Elsewhere")
	r.must(err)
	last := r.commit(repo, "main", "* @acme/a\n", "Back")
	file, none := forge.File{Repo: repo, Path: file}, forge.File{Repo: repo, Path: "docs/CODEOWNERS"}
	gone := forge.File{Repo: r.name("gone"), Path: file.Path}
	answers := r.Forge.Editions(t.Context(), []forge.File{file, none, gone})
	if a := answers[none]; a.Err != nil || len(a.Value) > 0 {
		t.Errorf("of a file that never was: %+v", a)
	}
	r.class(answers[gone].Err, fleet.Permanent)
	r.must(answers[file].Err)
	all := answers[file].Value
	if len(all) != 3 {
		t.Fatalf("%+v", all)
	}
	for i, want := range []fleet.Edition{
		{Commit: last, Message: "Back", Text: []byte("* @acme/a\n")},
		{Commit: head, Message: "Ours", Branch: branch, Text: []byte("* @acme/b\n")},
		{Commit: first, Message: "By hand", Text: []byte("* @acme/a\n")},
	} {
		got := all[i]
		if got.Commit != want.Commit || got.Message != want.Message || got.Branch != want.Branch || got.By != r.Person || got.At.IsZero() ||
			string(got.Text) != string(want.Text) {
			t.Errorf("%d: %+v, want %+v", i, got, want)
		}
	}
	if all[0].Blob == "" || all[0].Blob != all[2].Blob || all[0].Blob == all[1].Blob {
		t.Errorf("contents: %q, %q, %q", all[0].Blob, all[1].Blob, all[2].Blob)
	}
}
