package ownership

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
)

// TestTooLarge holds that no file is written that GitHub would not load.
func TestTooLarge(t *testing.T) {
	paths := map[string]Entry{}
	for i := range 600 {
		paths[fmt.Sprintf("/%d/", i)] = Entry{Owner: "crowd"}
	}
	data, err := json.Marshal(map[string]any{"repo": "acme/ledger", "owner": "one", "paths": paths})
	if err != nil {
		t.Fatal(err)
	}
	decoded, problems := member{}.decode(kind.Source{ID: fleet.ID{Kind: "ownership", Name: "ledger"}, JSON: data})
	if problems != nil {
		t.Fatal(problems)
	}
	one, crowd := fleet.Team{Name: "one", GitHub: "acme/one"}, fleet.Team{Name: "crowd"}
	for i := range 500 {
		crowd.Members = append(crowd.Members, fmt.Sprintf("member-%d", i))
	}
	if problems := check(&fleet.Declaration{Refs: decoded.Refs, Owns: decoded.Owns}, &fleet.Config{Teams: map[fleet.TeamName]fleet.Team{"one": one, "crowd": crowd}}); len(problems) != 1 || problems[0].Code != "too-large" {
		t.Errorf("check finds %v", problems)
	}
	pass := &kind.Pass{
		Declaration: &fleet.Declaration{Spec: decoded.Spec},
		Config:      &fleet.Config{Teams: map[fleet.TeamName]fleet.Team{"one": one, "crowd": crowd}},
		Repo:        fleet.Repo{Name: "acme/ledger"},
		Tree:        fstest.MapFS{},
	}
	if w, err := (member{}).want(pass); err == nil || !strings.Contains(err.Error(), "GitHub would not load it") {
		t.Errorf("%d edits, error %v", len(w.Edits), err)
	}
	pass.Config.Teams["crowd"] = fleet.Team{Name: "crowd", Members: crowd.Members[:1]}
	if w, err := (member{}).want(pass); err != nil || len(w.Edits) != 1 {
		t.Errorf("%d edits, error %v", len(w.Edits), err)
	}
}
