package plan_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/rogpeppe/go-internal/txtar"
	"go.yaml.in/yaml/v4"

	"github.com/portreeve/portreeve/reconciler/declare"
	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/plan"
	"github.com/portreeve/portreeve/reconciler/rollout"
)

var update = flag.Bool("update", false, "write the plans into testdata")

// rounds bounds the needs loop, below what the reconciler allows.
const rounds = 8

// TestPlan runs testdata/*.txtar. A case says why, and holds the config repo
// ("*.cue"), what the repos hold ("acme/NAME/PATH"), what else is known of
// them ("world", see repoFile), and the plan with the needs of each round.
func TestPlan(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if len(bytes.TrimSpace(archive.Comment)) == 0 {
				t.Error("the case does not say why")
			}
			given, want := archive.Files, ""
			if i := slices.IndexFunc(given, func(f txtar.File) bool { return f.Name == "plan" }); i >= 0 {
				given, want = given[:i:i], string(given[i].Data)
			}
			got := planned(t, given)
			if *update {
				archive.Files = append(given, txtar.File{Name: "plan", Data: []byte(got)})
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != want {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

// base is in every config repo that does not hold a base.cue of its own.
const base = `package fleet

fleet: {org: "acme", mode: "merge"}
teams: {
	payments: {title: "Payments", github: "acme/payments"}
	platform: {title: "Platform", github: "acme/platform", contact: "#platform"}
}
`

// load makes the world of a case, with nothing read but the heads.
func load(t testing.TB, files []txtar.File) (*plan.World, *teller) {
	config := fstest.MapFS{"base.cue": {Data: []byte(base)}}
	w := &plan.World{Now: now, Repos: map[fleet.RepoName]*plan.Repo{}, Renamed: map[fleet.RepoName]fleet.RepoName{}}
	a := &teller{
		trees: map[fleet.RepoName]*snapshot{}, rules: map[fleet.RepoName]fleet.Rules{},
		pulls: map[fleet.RepoName]map[string]*fleet.PullRequest{}, may: map[fleet.RepoName]map[string]accessFile{},
		wrong: map[fleet.RepoName][]fleet.OwnersError{}, editions: map[fleet.RepoName][]editionFile{},
	}
	said := map[fleet.RepoName]repoFile{}
	for _, f := range files {
		switch parts := strings.SplitN(f.Name, "/", 3); {
		case strings.HasSuffix(f.Name, ".cue") && len(parts) == 1, f.Name == fleet.StopFile:
			config[f.Name] = &fstest.MapFile{Data: f.Data}
		case f.Name == "config-repo":
			w.ConfigRepo = fleet.RepoName(strings.TrimSpace(string(f.Data)))
		case f.Name == "running": // with what Prometheuses run, by their address; others don't answer
			if err := yaml.Unmarshal(f.Data, &a.running); err != nil {
				t.Fatal(err)
			}
		case f.Name == "answers": // of queries, by their expressions; others return nothing
			if err := yaml.Unmarshal(f.Data, &a.answers); err != nil {
				t.Fatal(err)
			}
		case f.Name == "clusters": // that are reached through no repo; see clusterFile
			if err := yaml.Unmarshal(f.Data, &a.clusters); err != nil {
				t.Fatal(err)
			}
		case f.Name == "world":
			d := yaml.NewDecoder(bytes.NewReader(f.Data))
			d.KnownFields(true)
			if err := d.Decode(&said); err != nil && !errors.Is(err, io.EOF) {
				t.Fatal(err)
			}
		case len(parts) == 3:
			name := fleet.RepoName(parts[0] + "/" + parts[1])
			if a.trees[name] == nil {
				a.trees[name] = newSnapshot()
			}
			a.trees[name].files[parts[2]] = &fstest.MapFile{Data: f.Data, Mode: 0o644}
		default:
			t.Fatalf("what is the file %s?", f.Name)
		}
	}
	w.Config = declare.Load(config, kinds())
	w.Config.Revision = "9f3c2d1"
	w.Judge = declare.Judge(w.Config)
	for _, d := range w.Config.Declarations {
		d.Revision = "9f3c2d1"
	}
	for name := range said {
		if a.trees[name] == nil {
			a.trees[name] = newSnapshot()
		}
	}
	for name, tree := range a.trees {
		s := said[name]
		for _, link := range s.Links {
			tree.files[link] = &fstest.MapFile{Data: []byte("elsewhere"), Mode: fs.ModeSymlink}
		}
		r := &plan.Repo{
			Listing: fleet.Repo{Name: name, DefaultBranch: "main", Topics: s.Topics, Language: s.Language, Archived: s.Archived},
			Out:     w.Config.Settings.Excludes(name), Pulls: map[string]*fleet.PullRequest{}, Err: s.Err, Permanent: s.Permanent,
		}
		if !s.Empty && r.Out == "" {
			r.Head = fleet.Head{Commit: tree.Commit(), Tree: tree.Tree(), Checked: s.Checked}
		}
		for _, former := range s.Formerly {
			w.Renamed[former] = name
		}
		w.Repos[name] = r
		rules := fleet.Rules{MergeMethods: []fleet.MergeMethod{fleet.MergeCommit}, Queue: s.Rules.Queue}
		for _, check := range s.Rules.Required {
			rules.RequiredChecks = append(rules.RequiredChecks, fleet.RequiredCheck{Name: check})
		}
		a.rules[name] = rules
		a.may[name], a.wrong[name], a.editions[name] = s.Access, s.Wrong, s.Editions
	}
	populate(w, a, said)
	return w, a
}

// populate adds the branches and pull requests that an earlier pass left.
func populate(w *plan.World, a *teller, said map[fleet.RepoName]repoFile) {
	earlier, _ := settle(w, a, newMemo())
	forget(w, a)
	for name, s := range said {
		r := w.Repos[name]
		a.pulls[name] = map[string]*fleet.PullRequest{}
		step := func(branch string) *rollout.Step {
			for n := range earlier.Steps {
				if s := &earlier.Steps[n]; s.Repo == name && s.Branch == branch {
					return s
				}
			}
			return nil
		}
		for _, id := range slices.Sorted(maps.Keys(s.Branches)) {
			branch := fleet.BranchPrefix + id
			r.Head.Branches = append(r.Head.Branches, made(branch, s.Branches[id], r, step(branch)))
		}
		for _, id := range slices.Sorted(maps.Keys(s.Pulls)) {
			branch := fleet.BranchPrefix + id
			b := made(branch, s.Pulls[id].Head, r, step(branch))
			a.pulls[name][branch] = s.Pulls[id].pull(r, b, step(branch))
			if a.pulls[name][branch].State == fleet.PullOpen {
				r.Head.Branches = append(r.Head.Branches, b)
			}
		}
	}
}

// forget drops from a world all that was read for needs.
func forget(w *plan.World, a *teller) {
	for _, r := range w.Repos {
		r.Collaborators = nil
		r.Tree, r.Rules, r.Ready, r.Pulls = nil, nil, nil, map[string]*fleet.PullRequest{}
		r.Histories, r.Replays, r.Access, r.Wrong, r.Editions = nil, nil, nil, nil, nil
	}
	for _, tree := range a.trees {
		tree.loaded = map[string]bool{}
	}
	w.OpenedToday, w.Issues, w.Queries, w.Running, w.Clusters, w.Trials = nil, nil, nil, nil, nil, nil
}

// settle answers needs until there are none.
func settle(w *plan.World, a *teller, m plan.Memo) (p *plan.Plan, asked []string) {
	for {
		p, needs := plan.Compute(w, kinds(), m)
		if len(needs) == 0 || len(asked) == rounds {
			return p, asked
		}
		asked = append(asked, inWords(needs))
		a.answer(w, needs)
	}
}

func planned(t *testing.T, files []txtar.File) string {
	w, a := load(t, files)
	m := newMemo()
	p, asked := settle(w, a, m)
	if len(asked) == rounds {
		t.Error("the needs loop does not end")
	}
	promises(t, w, p)
	var b strings.Builder
	for n, words := range asked {
		fmt.Fprintf(&b, "asks %d: %s\n", n+1, words)
	}
	if p.Halted != "" {
		fmt.Fprintf(&b, "halted: %s\n", p.Halted)
	}
	for _, problem := range p.Problems {
		fmt.Fprintf(&b, "%s\n", problem)
	}
	for _, o := range p.Outcomes {
		id := ""
		if o.Declaration.Kind != "" {
			id = " " + o.Declaration.String()
			if o.Lane != "" {
				id += " (" + string(o.Lane) + ")"
			}
		}
		fmt.Fprintf(&b, "%s%s %s: %s\n", o.Target, id, o.State, o.Reason)
		if o.Next != "" {
			fmt.Fprintf(&b, "  next: %s\n", o.Next)
		}
	}
	for _, s := range p.Steps {
		b.WriteString(stepInWords(s, a.trees[s.Repo]))
	}
	return b.String()
}

// stepInWords is a step with its edits as a diff.
func stepInWords(s rollout.Step, tree *snapshot) string {
	var b strings.Builder
	if s.Cluster != "" {
		return fmt.Sprintf("%s %s %s: %s\n", s.Action, s.Cluster, s.Declaration, s.Reason)
	}
	if s.Branch == "" {
		return fmt.Sprintf("%s %s: %s\n", s.Action, s.Repo, s.Title)
	}
	fmt.Fprintf(&b, "%s %s %s: %s\n", s.Action, s.Repo, s.Branch, s.Reason)
	for _, e := range s.Edits {
		old := []byte{}
		if f := tree.files[string(e.Path)]; f != nil {
			old = f.Data
		}
		how := "write"
		if e.Delete {
			how = "delete"
		}
		fmt.Fprintf(&b, "  %s %s\n", how, e.Path)
		lines := strings.SplitAfter(string(diff.Diff("", old, "", e.Content)), "\n")
		for _, line := range lines {
			if line != "" && !e.Delete && !strings.HasPrefix(line, "diff ") && !strings.HasPrefix(line, "---") && !strings.HasPrefix(line, "+++") && !strings.HasPrefix(line, "@@") {
				b.WriteString(strings.TrimRight("    "+line, " \n") + "\n")
			}
		}
	}
	return b.String()
}

// promises holds a plan to what Compute promises of every plan.
func promises(t *testing.T, w *plan.World, p *plan.Plan) {
	t.Helper()
	type target struct {
		id   fleet.ID
		at   fleet.Target
		lane fleet.Lane
	}
	seen := map[target]int{}
	for _, o := range p.Outcomes {
		seen[target{o.Declaration, o.Target, o.Lane}]++
		if !slices.Contains(rollout.States, o.State) || o.Reason == "" {
			t.Errorf("an outcome without state or reason: %+v", o)
		}
	}
	for at, n := range seen {
		if n != 1 {
			t.Errorf("%v has %d outcomes", at, n)
		}
	}
	for _, s := range p.Steps {
		if seen[target{s.Declaration, s.Target(), s.Lane}] == 0 {
			t.Errorf("a step without an outcome: %s %s", s.Action, s.Branch)
		}
		if s.Branch != "" && (w.Repos[s.Repo].Out != "" || w.Repos[s.Repo].Err != "") {
			t.Errorf("a step in %s, which is %s%s", s.Repo, w.Repos[s.Repo].Out, w.Repos[s.Repo].Err)
		}
	}
	for _, r := range w.Repos {
		for _, b := range r.Head.Branches {
			name, lane, _ := strings.Cut(strings.TrimPrefix(b.Name, fleet.BranchPrefix), "--")
			id, _ := fleet.ParseID(name)
			if r.Out == "" && seen[target{id, fleet.Target{Repo: r.Listing.Name}, fleet.Lane(lane)}] == 0 {
				t.Errorf("%s: the branch %s has no outcome", r.Listing.Name, b.Name)
			}
		}
	}
}
