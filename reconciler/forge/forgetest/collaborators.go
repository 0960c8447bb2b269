package forgetest

import (
	"testing"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// testGrant: what is given is given once, and taken back alone.
func testGrant(t *testing.T, r *run) {
	repo, _, _ := r.opened("ledger")
	r.must(r.AddTeam(r.Org+"/some", false))
	own := func(where string, direct, invited fleet.Role) {
		t.Helper()
		answer := r.Forge.Collaborators(t.Context(), []fleet.RepoName{repo})[repo]
		r.must(answer.Err)
		if c := answer.Value; c.Direct[r.Person] != direct || c.Invited[r.Person] != invited {
			t.Errorf("%s: %+v, want %q and %q", where, c, direct, invited)
		}
	}
	for _, before := range []fleet.Role{"", fleet.RoleRead, fleet.RoleTriage} {
		r.must(r.SetAccess(repo, r.Person, before))
		own("before", before, "")
		for range 2 {
			r.must(r.Forge.Grant(t.Context(), repo, r.Person))
			own("given", fleet.RoleWrite, "")
		}
		for range 2 {
			r.must(r.Forge.Revoke(t.Context(), repo, r.Person, before))
			own("taken back", before, "")
		}
	}
	for _, other := range []fleet.Role{fleet.RoleRead, fleet.RoleMaintain, fleet.RoleAdmin} {
		r.must(r.SetAccess(repo, r.Person, other))
		r.must(r.Forge.Revoke(t.Context(), repo, r.Person, ""))
		own("not ours", other, "")
	}
	r.must(r.SetAccess(repo, r.Person, ""))
	r.must(r.Outside(r.Person))
	r.must(r.Forge.Grant(t.Context(), repo, r.Person))
	own("invited", "", fleet.RoleWrite)
	for range 2 {
		r.must(r.Forge.Revoke(t.Context(), repo, r.Person, ""))
		own("withdrawn", "", "")
	}
	r.class(r.Forge.Grant(t.Context(), repo, "nobody-of-that-name"), fleet.Permanent)
	r.class(r.Forge.Grant(t.Context(), r.name("unknown"), r.Person), fleet.Permanent)
	r.must(r.HideAccess())
	r.class(r.Forge.Collaborators(t.Context(), []fleet.RepoName{repo})[repo].Err, fleet.Permanent)
}
