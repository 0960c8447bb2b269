// Package kindtest proves members of package kind by cases that people read.
//
// A case is a txtar file. Its comment says why it is so. Its files are
//
//	declaration.json   the declaration, named "it"
//	others/NAME.json   other declarations of the kind
//	teams.json         the declared teams, by name
//	clusters.json      the declared clusters, by name; the want is of the first
//	                   that is a target
//	fleet.json         what the settings say for the kind
//	repo.json          the repo as the forge lists it
//	marks, before/PATH the repo's tree, as in transformtest
//	problems           what is wrong with the declaration, a line each
//	targets            whether the listing takes the repo in
//	want               what is wanted of the repo, a line for each field
//	after/PATH, deleted  the edits
//
// Every problem's position is given by its field. The flag -update writes
// what follows from the case into the case.
package kindtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/transform/transformtest"
)

// Run proves a member by the cases testdata/*.txtar.
func Run(t *testing.T, member kind.Kind) {
	t.Helper()
	if err := (kind.Set{member}).Validate(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases in testdata: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { runCase(t, member, file) })
	}
}

func runCase(t *testing.T, member kind.Kind, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(bytes.TrimSpace(archive.Comment)) == 0 {
		t.Error("the case does not say why")
	}
	got := outcome(t, member, archive)
	var given, want []txtar.File
	for _, f := range archive.Files {
		switch {
		case f.Name == "problems", f.Name == "targets", f.Name == "want", f.Name == "deleted", strings.HasPrefix(f.Name, "after/"):
			want = append(want, f)
		default:
			given = append(given, f)
		}
	}
	if transformtest.Update() {
		out := &txtar.Archive{Comment: archive.Comment, Files: append(given, got...)}
		if err := os.WriteFile(file, txtar.Format(out), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	g, w := txtar.Format(&txtar.Archive{Files: got}), txtar.Format(&txtar.Archive{Files: want})
	if !bytes.Equal(g, w) {
		t.Errorf("got:\n%s\nwant:\n%s", g, w)
	}
}

// outcome runs the kind's functions in the order in which planning does.
func outcome(t *testing.T, member kind.Kind, archive *txtar.Archive) []txtar.File {
	d, config, problems := load(t, member, archive)
	if len(problems) == 0 {
		problems = member.Check(d, config)
	}
	if len(problems) > 0 {
		var b strings.Builder
		for _, p := range fleet.SortProblems(problems) {
			fmt.Fprintf(&b, "%s %s (%s)\n", p.Field, strings.TrimPrefix(p.String(), p.Pos.String()+": "), p.Code)
		}
		return []txtar.File{{Name: "problems", Data: []byte(b.String())}}
	}
	repo := fleet.Repo{Name: "acme/ledger", DefaultBranch: "main"}
	read(t, archive, "repo.json", &repo)
	candidates := member.Targets(d, config, []fleet.Repo{repo})
	if len(candidates) == 0 {
		return []txtar.File{{Name: "targets", Data: []byte("none\n")}}
	}
	if out := candidates[0].Out; out != "" {
		return []txtar.File{{Name: "targets", Data: []byte("out: " + out + "\n")}}
	}
	pass := &kind.Pass{
		Declaration: d, Config: config, Repo: repo, Cluster: config.Clusters[candidates[0].Cluster], Tree: transformtest.TreeOf(t, archive),
	}
	want, err := member.Want(pass)
	proveAsking(t, member, pass, want, err)
	if err != nil {
		return []txtar.File{{Name: "want", Data: []byte("error: " + err.Error() + "\n")}}
	}
	if len(want.Edits) > 0 && want.Facts == "" {
		t.Error("there are edits, and no facts from which their words are made")
	}
	return append([]txtar.File{{Name: "want", Data: show(want)}}, transformtest.Files(want.Edits)...)
}

// proveAsking gives Want a tree without contents until it asks for no more,
// and expects the same want in the end, in few rounds.
func proveAsking(t *testing.T, member kind.Kind, pass *kind.Pass, want kind.Want, wantErr error) {
	tree := pass.Tree.(transformtest.Tree)
	var known []fleet.Path
	for range 4 {
		starved := *pass
		starved.Tree = tree.Unfetched(known...)
		got, err := member.Want(&starved)
		if errors.Is(err, fleet.ErrUnread) {
			known = append(known, transformtest.Asked(err)...)
			continue
		}
		if !reflect.DeepEqual(got, want) || fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Errorf("with contents as asked for: %v, %v; with all: %v, %v", got, err, want, wantErr)
		}
		return
	}
	t.Errorf("it keeps asking, having been told %v", known)
}

func show(w kind.Want) []byte {
	var b strings.Builder
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\n", name, value)
		}
	}
	line("out", w.Out)
	line("because", w.Because)
	line("title", w.Title)
	line("why", w.Why)
	for _, what := range w.What {
		line("what", what)
	}
	if e := w.Effect; e != nil {
		line("effect", fmt.Sprintf("%d of %d files, %d unowned", e.Changed, e.Files, e.Unowned))
		for _, m := range e.Moves {
			line("effect", fmt.Sprintf("%v → %v: %d, %v", m.From, m.To, m.Files, m.Samples))
		}
		for _, r := range e.Reviews {
			line("effect", fmt.Sprintf("%s +%d -%d", r.Owner, r.Gains, r.Loses))
		}
		line("effect: shadowed", strings.Join(e.Shadowed, " "))
	}
	for _, c := range w.Costs {
		line("cost", fmt.Sprintf("%s: %s, %s", c.Field, c.Class, c.Why))
	}
	for _, g := range w.Gates {
		asks := g.Query.Expr
		if g.Query.Behind > 0 {
			asks = fmt.Sprintf("its queues are at most %g s behind", g.Query.Behind)
		}
		line("gate", g.Query.URL+": "+asks)
	}
	line("labels", strings.Join(w.Labels, ", "))
	line("merge", string(w.Merge))
	line("decides", string(w.Decides))
	line("paused", w.Paused)
	line("body", strings.ReplaceAll(w.Body, "\n", "\n  "))
	return []byte(b.String())
}

func load(t *testing.T, member kind.Kind, archive *txtar.Archive) (*fleet.Declaration, *fleet.Config, []fleet.Problem) {
	config := &fleet.Config{Teams: map[fleet.TeamName]fleet.Team{}}
	read(t, archive, "teams.json", &config.Teams)
	for name, team := range config.Teams {
		team.Name = name
		config.Teams[name] = team
	}
	var clusters map[fleet.ClusterName]*fleet.Cluster
	read(t, archive, "clusters.json", &clusters)
	for name, c := range clusters {
		config.Declarations = append(config.Declarations, &fleet.Declaration{
			ID: fleet.ID{Kind: fleet.ClusterKind, Name: string(name)}, Owner: "platform", Cluster: c, Spec: c,
		})
	}
	var settings json.RawMessage
	read(t, archive, "fleet.json", &settings)
	config.Settings.Prometheus = string(settings)
	var it *fleet.Declaration
	var problems []fleet.Problem
	for i, f := range archive.Files {
		name, other := strings.CutPrefix(f.Name, "others/")
		if f.Name != "declaration.json" && !other {
			continue
		}
		d := &fleet.Declaration{ID: fleet.ID{Kind: member.Name, Name: "it"}, Pos: fleet.Pos{File: "fleet.cue", Line: i + 1, Column: 1}}
		if other {
			d.ID.Name = strings.TrimSuffix(name, ".json")
		}
		decoded, found := member.Decode(kind.Source{ID: d.ID, Pos: d.Pos, JSON: f.Data})
		d.Owner, d.Owns, d.Within, d.Default = decoded.Owner, decoded.Owns, decoded.Within, decoded.Default
		d.Loan, d.Cluster, d.Kept = decoded.Loan, decoded.Cluster, decoded.Kept
		d.Refs, d.Writes, d.Spec = decoded.Refs, decoded.Writes, decoded.Spec
		if !other {
			it, problems = d, found
		}
		config.Declarations = append(config.Declarations, d)
	}
	if it == nil {
		t.Fatal("the case has no declaration.json")
	}
	kind.Index(config)
	return it, config, problems
}

func read(t *testing.T, archive *txtar.Archive, name string, into any) {
	for _, f := range archive.Files {
		if f.Name == name {
			if err := json.Unmarshal(f.Data, into); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
}
