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
	data, err := json.Marshal(map[string]any{"repo": "acme/ledger", "owner": "crowd", "paths": paths})
	if err != nil {
		t.Fatal(err)
	}
	decoded, problems := decode(kind.Source{ID: fleet.ID{Kind: "ownership", Name: "ledger"}, JSON: data})
	if problems != nil {
		t.Fatal(problems)
	}
	crowd := fleet.Team{Name: "crowd"}
	for i := range 500 {
		crowd.Members = append(crowd.Members, fmt.Sprintf("member-%d", i))
	}
	pass := &kind.Pass{
		Declaration: &fleet.Declaration{Spec: decoded.Spec},
		Config:      &fleet.Config{Teams: map[fleet.TeamName]fleet.Team{"crowd": crowd}},
		Repo:        fleet.Repo{Name: "acme/ledger"},
		Tree:        fstest.MapFS{},
	}
	if w, err := want(pass); err == nil || !strings.Contains(err.Error(), "GitHub would not load it") {
		t.Errorf("%d edits, error %v", len(w.Edits), err)
	}
	pass.Config.Teams["crowd"] = fleet.Team{Name: "crowd", Members: crowd.Members[:1]}
	if w, err := want(pass); err != nil || len(w.Edits) != 1 {
		t.Errorf("%d edits, error %v", len(w.Edits), err)
	}
}
