package plan_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/plan"
	"github.com/portreeve/portreeve/reconciler/rollout"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// onePlan is a plan that opens one pull request; change makes it another's.
func onePlan(change func(*plan.Plan)) *plan.Plan {
	id, target := fleet.ID{Kind: "migration", Name: "greet"}, fleet.Target{Repo: "acme/a"}
	p := &plan.Plan{
		Mode: fleet.Propose,
		Outcomes: []rollout.Outcome{
			{Declaration: id, Target: target, State: rollout.Change, Reason: "opens a pull request"},
			{Declaration: id, Target: fleet.Target{Repo: "acme/b"}, State: rollout.Done, Reason: "as declared"},
			{
				Declaration: id, Target: fleet.Target{Repo: "acme/c"}, State: rollout.Waiting, Reason: "daily limit",
				Next: "about 12:00 UTC", Turn: &rollout.Turn{Bound: rollout.ByDay},
			},
		},
		Steps: []rollout.Step{{
			Action: rollout.Open, Declaration: id, Repo: target.Repo, SpecHash: "1", Title: "Greet", Reason: "has hello.txt",
			Body:  "Please.\n<!-- portreeve facts=aa -->",
			Edits: []transform.Edit{{Path: "hello.txt", Content: []byte("good day\n")}},
		}},
	}
	if change != nil {
		change(p)
	}
	return p
}

// TestCompare holds each difference to its weight: what either version would
// write anew is told from what it would only say differently.
func TestCompare(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*plan.Plan)
		want   string // weight and target
	}{
		"nothing":       {nil, ""},
		"no step":       {func(p *plan.Plan) { p.Steps = nil }, "writes acme/a"},
		"another one":   {func(p *plan.Plan) { p.Steps[0].Action = rollout.Update }, "writes acme/a"},
		"bytes":         {func(p *plan.Plan) { p.Steps[0].Edits[0].Content = []byte("Good day\n") }, "writes acme/a"},
		"deletion":      {func(p *plan.Plan) { p.Steps[0].Edits[0].Delete = true }, "writes acme/a"},
		"executable":    {func(p *plan.Plan) { p.Steps[0].Edits[0].Executable = true }, "writes acme/a"},
		"path":          {func(p *plan.Plan) { p.Steps[0].Edits[0].Path = "hallo.txt" }, "writes acme/a"},
		"label":         {func(p *plan.Plan) { p.Steps[0].Labels = []string{"x"} }, "writes acme/a"},
		"commit's hash": {func(p *plan.Plan) { p.Steps[0].SpecHash = "2" }, "writes acme/a"},
		"text's hash":   {func(p *plan.Plan) { p.Steps[0].Body = "Please.\n<!-- portreeve facts=bb -->" }, "writes acme/a"},
		"a text":        {func(p *plan.Plan) { p.Steps[0].Body = "Do.\n<!-- portreeve facts=aa -->" }, "words acme/a"},
		"a header": {func(p *plan.Plan) {
			p.Steps[0].Edits[0] = transform.Edit{Path: p.Steps[0].Edits[0].Path, Content: []byte("x"), Counts: p.Steps[0].Edits[0].Content}
		}, "words acme/a"},
		"a title":      {func(p *plan.Plan) { p.Steps[0].Title = "Say hello" }, "words acme/a"},
		"a message":    {func(p *plan.Plan) { p.Steps[0].Message = "Say hello" }, "words acme/a"},
		"a step's why": {func(p *plan.Plan) { p.Steps[0].Reason = "has it" }, "reason acme/a"},
		"state":        {func(p *plan.Plan) { p.Outcomes[1].State = rollout.Review }, "state acme/b"},
		"reason":       {func(p *plan.Plan) { p.Outcomes[1].Reason = "it is as declared" }, "reason acme/b"},
		"one less":     {func(p *plan.Plan) { p.Outcomes = slices.Delete(p.Outcomes, 1, 2) }, "state acme/b"},
		"limit":        {func(p *plan.Plan) { p.Outcomes[2].Turn.Bound = rollout.ByTeam }, "state acme/c"},
		"no turn":      {func(p *plan.Plan) { p.Outcomes[2].Turn = nil }, "writes acme/c"},
		"what":         {func(p *plan.Plan) { p.Outcomes[2].What = []string{"hello.txt"} }, "reason acme/c"},
		"the clock":    {func(p *plan.Plan) { p.Outcomes[2].Next = "about 12:01 UTC" }, ""},
		"halt":         {func(p *plan.Plan) { p.Halted = "STOP" }, "state "},
	} {
		this, that := plan.Tell(onePlan(nil), "1", true), told(t, plan.Tell(onePlan(c.change), "2", false))
		for range 2 {
			var got []string
			for _, d := range plan.Compare(this, that) {
				got = append(got, string(d.Weight)+" "+d.Target.String())
			}
			if strings.Join(got, ", ") != c.want {
				t.Errorf("%s: %q, want %q", name, got, c.want)
			}
			this, that = that, this
		}
	}
}

// told is what another program reads.
func told(t *testing.T, what *plan.Told) *plan.Told {
	t.Helper()
	b, err := json.Marshal(what)
	if err != nil {
		t.Fatal(err)
	}
	back, err := plan.ReadTold(b)
	if err != nil {
		t.Fatal(err)
	}
	return back
}

// TestReadTold holds that what is no plan, or one in a form that is not
// known, is told as that.
func TestReadTold(t *testing.T) {
	for text, want := range map[string]string{
		``:                         "no plan in JSON",
		`[]`:                       "no plan in JSON",
		`{"format": 1} x`:          "no plan in JSON",
		`{}`:                       "without a format number",
		`{"format": 0}`:            "in format 0, and this version knows 1",
		`{"format": 2}`:            "let the newer one compare",
		`{"format": 1, "steps":1}`: "no plan in format 1",
		`{"format": 1}`:            "",
	} {
		_, err := plan.ReadTold([]byte(text))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func FuzzReadTold(f *testing.F) {
	b, err := json.Marshal(plan.Tell(onePlan(nil), "1", true))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"format": 1, "outcomes": [{}, {"turn": {}}], "steps": [{"edits": [{}]}, {}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		this, err := plan.ReadTold(b)
		if err != nil {
			return
		}
		if d := plan.Compare(this, this); len(d) > 0 {
			t.Errorf("a plan differs from itself: %+v", d)
		}
	})
}

// TestMoved holds that a repo which changed in any way that planning sees
// counts as moved, and no other does.
func TestMoved(t *testing.T) {
	look := func(change func(map[fleet.RepoName]*plan.Repo)) *plan.World {
		w := &plan.World{Repos: map[fleet.RepoName]*plan.Repo{}}
		for _, name := range []fleet.RepoName{"acme/a", "acme/b"} {
			w.Repos[name] = &plan.Repo{
				Listing: fleet.Repo{Name: name}, Head: fleet.Head{Commit: "c1", Branches: []fleet.Branch{{Name: "x", Commit: "c2"}}},
				Pulls: map[string]*fleet.PullRequest{"x": {Number: 1, State: fleet.PullOpen}},
			}
		}
		change(w.Repos)
		return w
	}
	for name, change := range map[string]func(map[fleet.RepoName]*plan.Repo){
		"head":    func(r map[fleet.RepoName]*plan.Repo) { r["acme/a"].Head.Commit = "c3" },
		"branch":  func(r map[fleet.RepoName]*plan.Repo) { r["acme/a"].Head.Branches[0].Commit = "c3" },
		"pull":    func(r map[fleet.RepoName]*plan.Repo) { r["acme/a"].Pulls["x"].State = fleet.PullClosed },
		"comment": func(r map[fleet.RepoName]*plan.Repo) { r["acme/a"].Pulls["x"].Comments = []fleet.Comment{{Body: "no"}} },
		"listing": func(r map[fleet.RepoName]*plan.Repo) { r["acme/a"].Listing.Topics = []string{"t"} },
		"rules":   func(r map[fleet.RepoName]*plan.Repo) { r["acme/a"].Rules = &fleet.Rules{} },
		"error":   func(r map[fleet.RepoName]*plan.Repo) { r["acme/a"].Err = "down" },
		"gone":    func(r map[fleet.RepoName]*plan.Repo) { delete(r, "acme/a") },
	} {
		still, other := look(func(map[fleet.RepoName]*plan.Repo) {}), look(change)
		for range 2 {
			if m := plan.Moved(still, other); len(m) != 1 || !m["acme/a"] {
				t.Errorf("%s: %v moved", name, m)
			}
			still, other = other, still
		}
		if m := plan.Moved(other, other); len(m) > 0 {
			t.Errorf("%s: %v moved from itself", name, m)
		}
	}
}
