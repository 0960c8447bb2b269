package kind_test

import (
	"testing"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
)

func TestOwnerOf(t *testing.T) {
	config := &fleet.Config{Declarations: []*fleet.Declaration{
		{Owner: "first", Owns: "acme/ledger", Frozen: []fleet.Problem{{}}},
		{Owner: "payments"},
		{Owner: "payments", Owns: "acme/ledger"},
		{Owner: "second", Owns: "acme/ledger"},
		{Owner: "part", Within: "acme/shop"},
		{Owner: "none", Default: &fleet.Selection{Topics: []string{"none"}}},
		{Owner: "rest", Default: &fleet.Selection{Names: []string{"?*"}}},
		{Owner: "tagged", Default: &fleet.Selection{Topics: []string{"search", "index"}}},
		{Owner: "services", Default: &fleet.Selection{Names: []string{"svc-*"}, Topics: []string{"search"}}},
	}}
	kind.Index(config)
	for _, c := range []struct {
		repo  fleet.RepoName
		topic string
		team  fleet.TeamName
		ok    bool
	}{
		{"acme/ledger", "search", "payments", true},
		{"Acme/Ledger", "", "payments", true},
		{"acme/shop", "", "rest", true},
		{"acme/svc-a", "search", "services", true},
		{"acme/svc-a", "index", "rest", true},
		{"acme/", "index", "tagged", true},
		{"acme/", "other", "", false},
	} {
		if team, ok := kind.OwnerOf(config, fleet.Repo{Name: c.repo, Topics: []string{c.topic}}); team != c.team || ok != c.ok {
			t.Errorf("OwnerOf(%s) = %q, %v", c.repo, team, ok)
		}
	}
}

func TestAskAgain(t *testing.T) {
	for text, want := range map[string]string{
		"":                          "0001-01-01T00:00:00Z",
		"2026-12-01":                "2026-12-01T00:00:00Z",
		"2026-12-01T09:30:00Z":      "2026-12-01T09:30:00Z",
		"2026-12-01T00:30:00+02:00": "2026-11-30T22:30:00Z",
		"2026-02-30":                "",
		"2026-12-01 09:30":          "",
		"2026-12-01T25:00:00Z":      "",
		"soon":                      "",
		"1. Dezember":               "",
	} {
		at, problems := kind.Source{}.AskAgain(kind.Kind{Field: "migrations"}, text)
		if got := at.Format(time.RFC3339); want != got && want != "" || (want == "") != (problems != nil) {
			t.Errorf("%q: %s, %v", text, got, problems)
		}
	}
}
