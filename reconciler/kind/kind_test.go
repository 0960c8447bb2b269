package kind_test

import (
	"testing"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
)

type owning struct {
	repo fleet.RepoName
	team fleet.TeamName
}

func (o owning) Owning() (fleet.RepoName, fleet.TeamName) { return o.repo, o.team }

func TestOwnerOf(t *testing.T) {
	config := &fleet.Config{Declarations: []*fleet.Declaration{
		{Spec: nil},
		{Spec: "something else"},
		{Spec: owning{"acme/ledger", "payments"}},
		{Spec: owning{"acme/ledger", "second"}},
	}}
	kind.Index(config)
	for _, c := range []struct {
		repo fleet.RepoName
		team fleet.TeamName
		ok   bool
	}{
		{"acme/ledger", "payments", true},
		{"Acme/Ledger", "payments", true},
		{"acme/other", "", false},
	} {
		if team, ok := kind.OwnerOf(config, c.repo); team != c.team || ok != c.ok {
			t.Errorf("OwnerOf(%s) = %q, %v", c.repo, team, ok)
		}
	}
}
