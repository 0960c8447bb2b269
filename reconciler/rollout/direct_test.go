package rollout

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// TestDirect: what is done on a cluster that is reached through no repo.
func TestDirect(t *testing.T) {
	edits := []transform.Edit{{Path: "prometheus.yml", Content: []byte("x")}}
	put := func(wants string) *fleet.Standing { return &fleet.Standing{Wants: wants, At: at.Add(-time.Hour)} }
	restart, begun, refused, touched := put("w"), put("w"), put("w"), put("w")
	unwell := func(since time.Duration) *fleet.Standing {
		return &fleet.Standing{Wants: "w", At: at.Add(-since), Unwell: "it is not available"}
	}
	fought := func(times, hours int) *fleet.Standing {
		s := put("w")
		for range times {
			s.PutBack = append(s.PutBack, at.Add(-time.Duration(hours)*time.Hour))
		}
		return s
	}
	asDeclared := func(i *Item) { i.Want.Edits = nil }
	gone := func(i *Item) { i.Declaration, i.Want, i.Direct.Removes = nil, kind.Want{}, true }
	shared := put("w")
	shared.Shared = "kubectl-edit"
	restart.Restart, begun.Begun, refused.Refused, touched.Refused, touched.Touched = true, true, "bad shards", "bad shards", true
	cases := map[string]struct {
		mode     fleet.Mode // merge if empty
		change   func(*Item)
		standing *fleet.Standing
		state    State
		action   Action // empty for none
		reason   string
	}{
		"new":                     {state: Change, action: Apply, reason: "writes it: named"},
		"only proposing":          {mode: fleet.Propose, state: Blocked, reason: "fleet.mode is propose"},
		"changed":                 {standing: put("before"), state: Change, action: Apply, reason: "writes it: named"},
		"as declared":             {change: func(i *Item) { i.Want.Edits = nil }, standing: put("w"), state: Done, reason: "as declared"},
		"as declared by chance":   {change: func(i *Item) { i.Want.Edits = nil }, state: Done, reason: "as declared"},
		"as declared by others":   {change: asDeclared, standing: put("before"), state: Change, action: Apply, reason: "others have made it as declared"},
		"so, only proposing":      {mode: fleet.Propose, change: asDeclared, standing: put("before"), state: Done},
		"so, applied":             {change: func(i *Item) { i.Want.Edits, i.Direct.Removes = nil, true }, standing: put("before"), state: Done},
		"so, and paused":          {change: func(i *Item) { i.Want.Edits, i.Want.Paused = nil, "paused" }, standing: put("before"), state: Done},
		"to be restarted":         {change: func(i *Item) { i.Want.Edits = nil }, standing: restart, state: Done, reason: "it takes effect with a restart, since 26 November 11:00 UTC"},
		"begun":                   {standing: begun, state: Change, action: Apply, reason: "did not come to its end"},
		"begun, and as declared":  {change: func(i *Item) { i.Want.Edits = nil }, standing: begun, state: Change, action: Apply, reason: "did not come to its end"},
		"begun, and held":         {change: func(i *Item) { i.Hold = i.Hold.With("p", "r", fleet.Acknowledge) }, standing: begun, state: Change, action: Apply},
		"refused":                 {standing: refused, state: Failed, reason: "did not take it, and has again what it had: bad shards"},
		"refused, and changed":    {standing: touched, state: Change, action: Apply},
		"refused before":          {change: func(i *Item) { i.Want.All = "v" }, standing: refused, state: Change, action: Apply},
		"drifted":                 {standing: put("w"), state: Change, action: Apply, reason: "somebody has changed it"},
		"drifted, to be told":     {change: func(i *Item) { i.Want.OnDrift = fleet.DriftReport }, standing: put("w"), state: Blocked, reason: "drift: somebody has changed what was written on 26 November"},
		"drifted, to be adopted":  {change: func(i *Item) { i.Want.OnDrift, i.Want.Unsafe = fleet.DriftAdopt, "lost" }, standing: put("w"), state: Blocked, reason: "drift: somebody has changed what was written on 26 November"},
		"drifted, not so often":   {standing: fought(3, 31*24), state: Change, action: Apply, reason: "somebody has changed it"},
		"drifted once more":       {standing: fought(2, 24), state: Change, action: Apply, reason: "somebody has changed it"},
		"drifted, told, and held": {change: func(i *Item) { i.Want.OnDrift, i.Hold = fleet.DriftReport, i.Hold.With("p", "r", fleet.Acknowledge) }, standing: put("w"), state: Blocked, reason: "drift: "},
		"drifted, and paused":     {change: func(i *Item) { i.Want.OnDrift, i.Want.Paused = fleet.DriftAdopt, "paused" }, standing: put("w"), state: Frozen, reason: "paused"},
		"a war":                   {standing: fought(3, 24), state: Blocked, reason: "an edit war: somebody has changed what was written on 26 November, the 4th time in 30 days"},
		"a war, asked again":      {change: func(i *Item) { i.Want.AskAgain = at.Add(-time.Hour) }, standing: fought(3, 24), state: Change, action: Apply, reason: "somebody has changed it"},
		"a war, asked later":      {change: func(i *Item) { i.Want.AskAgain = at.Add(time.Hour) }, standing: fought(3, 24), state: Blocked, reason: "an edit war"},
		"a war, and changed":      {change: func(i *Item) { i.Want.All = "v" }, standing: fought(3, 24), state: Change, action: Apply, reason: "writes it: named"},
		"objects to let go of":    {change: func(i *Item) { i.Want.Edits, i.Direct.Gone = nil, []fleet.Path{"x"} }, standing: put("before"), state: Change, action: Apply, reason: "writes it: named"},
		"so, and objects left":    {change: func(i *Item) { i.Want.Edits, i.Direct.Gone, i.Want.OnDrift = nil, []fleet.Path{"x"}, fleet.DriftReport }, standing: put("w"), state: Change, action: Apply},
		"unsafe":                  {change: func(i *Item) { i.Want.Unsafe = "lost" }, state: Failed, reason: "lost"},
		"drifted, unsafe to undo": {change: func(i *Item) { i.Want.Unsafe = "lost" }, standing: put("w"), state: Failed, reason: "lost"},
		"held":                    {change: func(i *Item) { i.Hold = i.Hold.With("p", "r", fleet.Acknowledge) }, state: Blocked},
		"clash":                   {change: func(i *Item) { i.Clash = "c" }, state: Blocked, reason: "c"},
		"paused":                  {change: func(i *Item) { i.Want.Paused = "paused" }, state: Frozen, reason: "paused"},
		"frozen":                  {change: func(i *Item) { i.Declaration.Frozen = []fleet.Problem{{Message: "wrong"}} }, standing: put("w"), state: Frozen, reason: "wrong"},
		"not well yet":            {change: asDeclared, standing: unwell(29 * time.Minute), state: Waiting, reason: "is not well yet: it is not available"},
		"not well by it":          {change: asDeclared, standing: unwell(30 * time.Minute), state: Failed, reason: "did not get well"},
		"not well, later":         {change: asDeclared, standing: unwell(24 * time.Hour), state: Blocked, reason: "is not well: it is not available"},
		"not well, and changed":   {change: func(i *Item) { i.Want.All = "v" }, standing: unwell(time.Hour), state: Change, action: Apply},
		"gone, and removed":       {change: gone, standing: put("w"), state: Change, action: LetGo, reason: "removes it: its declaration is gone"},
		"gone, and shared":        {change: gone, standing: shared, state: Change, action: LetGo, reason: "leaves the rest, of which kubectl-edit manages a part"},
		"gone":                    {change: func(i *Item) { i.Declaration, i.Want = nil, kind.Want{} }, standing: put("w"), state: Change, action: LetGo, reason: "leaves what is there"},
		"gone, only proposing":    {mode: fleet.Propose, change: func(i *Item) { i.Declaration, i.Want = nil, kind.Want{} }, standing: put("w"), state: Blocked},
		"not about it":            {change: func(i *Item) { i.Want = kind.Want{Out: "not about it"} }, standing: put("w"), state: Change, action: LetGo},
		"never about it":          {change: func(i *Item) { i.Want = kind.Want{Out: "not about it"} }, state: Out},
	}
	for name, c := range cases {
		d := &fleet.Declaration{ID: fleet.ID{Kind: "prometheus", Name: "k8s"}}
		i := &Item{
			ID: d.ID, Lane: "host-1", Declaration: d, Direct: &Direct{Cluster: "host-1", Seen: "t", Standing: c.standing},
			Want: kind.Want{Because: "named", Edits: edits, All: "w", Runs: &kind.Runs{API: "http://p"}, Restarts: []fleet.Path{"prometheus.env"}},
		}
		if c.change != nil {
			c.change(i)
		}
		if c.mode == "" {
			c.mode = fleet.Merge
		}
		got := Decide(Settings{Now: at, Mode: c.mode}, i)
		action := Action("")
		if len(got.Steps) > 0 {
			action = got.Steps[0].Action
		}
		if got.Outcome.State != c.state || action != c.action || !strings.Contains(got.Outcome.Reason, c.reason) {
			t.Errorf("%s: %s by %q: %s; want %s by %q: %s", name, got.Outcome.State, action, got.Outcome.Reason, c.state, c.action, c.reason)
		}
		if ours := c.reason == "somebody has changed it"; len(got.Steps) > 0 && got.Steps[0].Ours != ours {
			t.Errorf("%s: what others set is put back: %t", name, !ours)
		}
		if action == Apply && !slices.Equal(got.Steps[0].Gone, i.Direct.Gone) {
			t.Errorf("%s: it lets go of %v", name, got.Steps[0].Gone)
		}
		if got.Outcome.Target != (fleet.Target{Cluster: "host-1"}) || got.Outcome.Lane != "" {
			t.Errorf("%s: it is told of %v (%s)", name, got.Outcome.Target, got.Outcome.Lane)
		}
		if action == Apply && (got.Steps[0].Target() != got.Outcome.Target || got.Steps[0].Reload != "http://p" || got.Steps[0].Wants != i.Want.All) {
			t.Errorf("%s: the step is %+v", name, got.Steps[0])
		}
	}
}

// TestRollDirect: since when a wave soaks is known of a cluster without a repo, too.
func TestRollDirect(t *testing.T) {
	d := &fleet.Declaration{ID: fleet.ID{Kind: "prometheus", Name: "k8s"}}
	r := &fleet.Rollout{Waves: []fleet.Wave{{Share: 50}}, Soak: time.Hour}
	for _, c := range []struct {
		ago  time.Duration
		want State
	}{{30 * time.Minute, Waiting}, {time.Hour, Change}} {
		make := func(name fleet.ClusterName, wave int, edits []transform.Edit) *Item {
			return &Item{
				ID: d.ID, Lane: fleet.Lane(name), Declaration: d, Rollout: r, Wave: wave, Want: kind.Want{All: "w", Edits: edits},
				Direct: &Direct{Cluster: name},
			}
		}
		first, second := make("host-1", 1, nil), make("host-2", 2, []transform.Edit{{Path: "prometheus.yml"}})
		first.Direct.Standing = &fleet.Standing{Wants: "w", At: at.Add(-c.ago)}
		s := Settings{Now: at, Mode: fleet.Merge}
		decisions := []Decision{Decide(s, first), Decide(s, second)}
		Roll(s, []*Item{first, second}, decisions, nil, func(*fleet.Declaration) string { return "" })
		if got := decisions[1].Outcome; got.State != c.want {
			t.Errorf("%v after the first wave: %s: %s", c.ago, got.State, got.Reason)
		}
	}
}
