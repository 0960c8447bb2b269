package dashboard

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"sync"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/plan"
	"github.com/portreeve/portreeve/reconciler/rollout"
	"github.com/portreeve/portreeve/reconciler/store"
)

// view is a pass, prepared for being asked. It never changes.
type view struct {
	pass *store.Pass
	// found is the newest pass with a plan, most often pass itself; nil if
	// there has been none.
	found        *store.Pass
	outcomes     []*rollout.Outcome // those that need a person first
	targets      map[string][]*rollout.Outcome
	declarations map[fleet.ID][]*rollout.Outcome
	repos        map[string]bool // of the fleet, in lower case
	states       map[rollout.State]int
	teams        []string // those that decide something, sorted
	owners       *owners  // nil before the config repo could be read

	encode sync.Once
	json   []byte
	etag   string
}

func newView(p *store.Pass, before *view) *view {
	v := &view{pass: p, found: p}
	if p.Plan == nil {
		v.found = nil
		if before != nil {
			v.found = before.found
		}
	}
	v.owners = newOwners(p, before)
	v.targets = map[string][]*rollout.Outcome{}
	v.declarations = map[fleet.ID][]*rollout.Outcome{}
	v.states, v.repos = map[rollout.State]int{}, map[string]bool{}
	teams := map[string]bool{}
	outcomes := v.plan().Outcomes
	for i := range outcomes {
		o := &outcomes[i]
		v.outcomes = append(v.outcomes, o)
		v.states[o.State]++
		v.repos[strings.ToLower(string(o.Target.Repo))] = true
		if o.Decides != "" {
			teams[string(o.Decides)] = true
		}
	}
	for i := range v.plan().Steps {
		v.repos[strings.ToLower(string(v.plan().Steps[i].Repo))] = true // a cluster's, too
	}
	slices.SortStableFunc(v.outcomes, func(a, b *rollout.Outcome) int {
		return cmp.Or(
			cmp.Compare(rank(a.State), rank(b.State)),
			strings.Compare(a.Target.String(), b.Target.String()),
			a.Declaration.Compare(b.Declaration),
			strings.Compare(string(a.Lane), string(b.Lane)))
	})
	for _, o := range v.outcomes {
		v.targets[o.Target.String()] = append(v.targets[o.Target.String()], o)
		if o.Lane != "" { // a cluster, through a repo
			v.targets[string(o.Lane)] = append(v.targets[string(o.Lane)], o)
		}
		v.declarations[o.Declaration] = append(v.declarations[o.Declaration], o)
	}
	for team := range teams {
		v.teams = append(v.teams, team)
	}
	slices.Sort(v.teams)
	return v
}

// plan is the newest there has been, never nil.
func (v *view) plan() *plan.Plan {
	if v.found == nil {
		return &plan.Plan{}
	}
	return v.found.Plan
}

// rank orders states; one that is not known needs a person most.
func rank(s rollout.State) int { return slices.Index(rollout.States, s) }

// status is the pass as JSON, and its ETag. It is made when someone asks:
// for a large fleet it takes long.
func (v *view) status() ([]byte, string) {
	v.encode.Do(func() {
		v.json, _ = json.Marshal(v.pass) // has no value that can't be encoded
		sum := sha256.Sum256(v.json)
		v.etag = `"` + hex.EncodeToString(sum[:16]) + `"`
	})
	return v.json, v.etag
}

// problems are those of the declaration, or all if it is empty, errors first.
func (v *view) problems(declaration string) []fleet.Problem {
	var some []fleet.Problem
	for _, p := range v.pass.Problems {
		if declaration == "" || p.Declaration == declaration {
			some = append(some, p)
		}
	}
	slices.SortStableFunc(some, func(a, b fleet.Problem) int {
		return cmp.Compare(weight(a.Severity), weight(b.Severity))
	})
	return some
}

func weight(s fleet.Severity) int {
	if s == fleet.Warning {
		return 1
	}
	return 0
}
