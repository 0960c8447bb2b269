package dashboard_test

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/portreeve/portreeve/reconciler/dashboard"
	"github.com/portreeve/portreeve/reconciler/declare"
	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/kind/ownership"
	"github.com/portreeve/portreeve/reconciler/rollout"
)

// TestOwner: the daemon says who owns what by what it read last, also when it
// could read nothing since, and of repos by their former names.
func TestOwner(t *testing.T) {
	kinds := kind.Set{ownership.New(nil)}
	s := server(dashboard.Options{Kinds: kinds})
	get(t, s, "/api/owner?path=acme/ledger:x", 503)
	p := pass(rollout.Outcome{Declaration: fleet.ID{Kind: "ownership", Name: "ledger"}, Target: fleet.Target{Repo: "acme/ledger"}, State: rollout.Review, Reason: "waits"})
	p.Config = declare.Load(fstest.MapFS{"fleet.cue": {Data: []byte(`package fleet

fleet: {org: "acme"}
teams: {payments: github: "acme/payments", money: github: "acme/money"}
ownership: {
	ledger: {repo: "acme/book", owner: "payments", paths: "/docs/": unowned: true}
	rest: {owner: "money", default: topics: ["money"], namespaces: prod: ["bank"]}
}
`)}}, kinds)
	p.Config.Revision = "9f3c2d1aaaaaaaaa"
	p.Listings = []fleet.Repo{{Name: "acme/ledger", Formerly: []fleet.RepoName{"acme/book"}}, {Name: "acme/Bank", Topics: []string{"money"}}}
	s.Publish(p)
	later := pass()
	later.Plan, later.Err = nil, "the config repo is away"
	s.Publish(later)

	var told dashboard.Ownership
	ask := func(query string) {
		t.Helper()
		told = dashboard.Ownership{}
		if err := json.Unmarshal([]byte(get(t, s, "/api/owner?"+query, 200)), &told); err != nil {
			t.Fatal(err)
		}
		if told.Revision != p.Config.Revision || told.Trouble != later.Err || !told.Seen.Equal(p.Started) {
			t.Errorf("%+v", told)
		}
	}
	ask("path=acme/book:a/b&path=ACME/ledger:docs/&path=acme/bank:x&path=acme/none:x")
	for i, want := range []string{
		"acme/ledger a/b payments * ownership/ledger review", "acme/ledger docs/  /docs/ ownership/ledger review",
		"acme/Bank x money * ownership/rest ", "acme/none x none",
	} {
		a := told.Answers[i]
		got := string(a.Repo) + " " + string(a.Path) + " "
		if a.Line == nil {
			got += "none"
		} else {
			got += strings.Join([]string{string(a.Line.Owner), a.Line.Pattern, a.Line.Declaration.String(), string(a.State)}, " ")
		}
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if ask("all=true"); len(told.Lines) != 4 || told.Lines[len(told.Lines)-1].Namespace != "bank" {
		t.Errorf("%+v", told.Lines)
	}
	for _, query := range []string{"", "path=acme/ledger", "path=:", "path=a/b/c:x", strings.Repeat("path=a/b:c&", 201), "path=a/b:" + strings.Repeat("x", 5000)} {
		get(t, s, "/api/owner?"+query, 400)
	}
}

// FuzzParseAsked: a path that is asked for stays in its repo.
func FuzzParseAsked(f *testing.F) {
	f.Add("acme/ledger:../../x/./y/")
	f.Fuzz(func(t *testing.T, text string) {
		repo, p, ok := dashboard.ParseAsked(text)
		if ok && (strings.Count(string(repo), "/") != 1 || strings.HasPrefix(string(p), "/") || strings.Contains("/"+string(p)+"/", "/../")) {
			t.Errorf("%q: %q %q", text, repo, p)
		}
	})
}
