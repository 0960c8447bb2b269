package reconciler_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// module is this module's path; rooms are named by their path below it.
const module = "github.com/portreeve/portreeve"

// layer is a row of the table of rooms: the rooms in it may import the rows
// before it and nothing else of this module.
type layer struct {
	rooms  []string
	job    string // completes "…, whose job is"
	member bool   // each subfolder is a member of the contract at the root
	pure   bool   // see impure
}

// layers is the table of rooms, the bottom first.
var layers = []layer{
	{rooms: []string{"reconciler/fleet"}, job: "the words, as types", pure: true},
	{rooms: []string{"reconciler/internal/promise"}, job: "holding benchmarks to what was promised"},
	{rooms: []string{"reconciler/disk"}, job: "changing files of the data directory"},
	{rooms: []string{"schema", "policies", "examples"}, job: "CUE text, embedded"},
	{rooms: []string{"reconciler/transform"}, job: "file edits", member: true, pure: true},
	{rooms: []string{"reconciler/kind"}, job: "what a declaration wants of a target, whatever the time", member: true, pure: true},
	{rooms: []string{"reconciler/advice"}, job: "what history says that settings should be", pure: true},
	{rooms: []string{"reconciler/rollout"}, job: "what happens now, and why", pure: true},
	{rooms: []string{"reconciler/report"}, job: "texts for people", pure: true},
	{rooms: []string{"reconciler/plan"}, job: "a plan, computed from the world alone", pure: true},
	{rooms: []string{"reconciler/declare"}, job: "files in, declarations or problems out"},
	{rooms: []string{"cmd/internal"}, job: "what the commands share, and no more than the lean one may link"},
	{rooms: []string{"reconciler/gitrepo"}, job: "snapshots, commits and pushes"},
	{rooms: []string{"reconciler/source"}, job: "revisions of the config repo"},
	{rooms: []string{"reconciler/held"}, job: "a revision's declarations, the invalid ones as they were when last valid"},
	{rooms: []string{"reconciler/forge"}, job: "a forge, in batches", member: true},
	{rooms: []string{"reconciler/cluster"}, job: "a cluster's objects", member: true},
	{rooms: []string{"reconciler/executor"}, job: "script and snapshot in, patch out", member: true},
	{rooms: []string{"reconciler/catalog", "reconciler/metrics"}, job: "one foreign API each"},
	{rooms: []string{"reconciler/observe"}, job: "the world, in batches"},
	{rooms: []string{"reconciler/apply"}, job: "carrying out a plan, repeatably"},
	{rooms: []string{"reconciler/store"}, job: "caches and history on disk"},
	{rooms: []string{"reconciler/dashboard"}, job: "showing the last pass"},
	{rooms: []string{"reconciler"}, job: "the pass"},
	{rooms: []string{"reconciler/simulation"}, job: "a fleet with its people and its troubles, played from a seed, for tests"},
	{rooms: []string{"cmd/portreeve", "cmd/portreeve-validate"}, job: "flags and wiring"},
}

// importers are the packages that may import members, by the members' room.
// The explicit list of members is written once, where the program is wired;
// an import anywhere else would be a second list.
var importers = map[string][]string{
	"reconciler/transform": {"cmd/internal"},
	"reconciler/kind":      {"cmd/internal"},
	// The simulation plays on the sandbox, whose people and faults no contract has.
	"reconciler/forge":    {"cmd/portreeve", "reconciler/simulation"},
	"reconciler/cluster":  {"cmd/portreeve"},
	"reconciler/executor": {"cmd/portreeve"},
}

// impure are the imports and functions that no pure room has, with the reason.
var impure = map[string]string{
	"context":      "what can be cancelled waits for something, and a pure room waits for nothing",
	"crypto/rand":  "the same world gives the same plan, byte for byte",
	"log":          "the shell logs; a pure room says what it found in what it returns",
	"log/slog":     "the shell logs; a pure room says what it found in what it returns",
	"math/rand":    "the same world gives the same plan, byte for byte",
	"math/rand/v2": "the same world gives the same plan, byte for byte",
	"net":          "all that planning may know is handed to it",
	"net/http":     "all that planning may know is handed to it",
	"os":           "all that planning may know is handed to it; a tree comes as an fs.FS",
	"os/exec":      "scripts run in an executor, outside planning",

	"time.After":     "a pure room waits for nothing",
	"time.AfterFunc": "a pure room waits for nothing",
	"time.NewTicker": "a pure room waits for nothing",
	"time.NewTimer":  "a pure room waits for nothing",
	"time.Now":       "the clock is part of the world",
	"time.Since":     "the clock is part of the world",
	"time.Sleep":     "a pure room waits for nothing",
	"time.Tick":      "a pure room waits for nothing",
	"time.Until":     "the clock is part of the world",
}

// onDisk are the rooms that keep files in the data directory, and changes the
// functions with which they would change them past reconciler/disk.
var (
	onDisk  = []string{"reconciler/store", "reconciler/source", "reconciler/declare/internal/keep"}
	changes = []string{
		"os.Create", "os.CreateTemp", "os.Link", "os.Mkdir", "os.MkdirAll", "os.MkdirTemp",
		"os.Remove", "os.RemoveAll", "os.Rename", "os.Symlink", "os.Truncate", "os.WriteFile",
	}
)

const changesReason = "changes of the data directory are made by reconciler/disk, where a kill at each of them is tried"

// border keeps a library behind the packages that translate it into our words.
type border struct {
	library string // a path, with all that is below it
	within  []string
	reason  string
}

// borders are looked up in order: the first that covers an import decides.
var borders = []border{
	{"cuelang.org", []string{"reconciler/declare", "schema"}, "CUE's types end at declare: past it a declaration is a Go value with positions"},
	{"github.com/fluxcd/pkg/ssa", []string{"reconciler/cluster/kube"}, "Kubernetes types end at cluster/kube"},
	{"k8s.io", []string{"reconciler/cluster/kube", "reconciler/executor/job"}, "Kubernetes types end at cluster/kube and executor/job"},
	{"sigs.k8s.io", []string{"reconciler/cluster/kube", "reconciler/executor/job"}, "Kubernetes types end at cluster/kube and executor/job"},
	{"github.com/go-git", []string{"reconciler/gitrepo", "reconciler/source", "reconciler/forge/sandbox"}, "Git's objects and protocols are read in one place: past it a tree is an fs.FS"},
	{"github.com/fluxcd", []string{"reconciler/gitrepo", "reconciler/source", "reconciler/forge/sandbox"}, "Git's objects and protocols are read in one place: past it a tree is an fs.FS"},
	{"github.com/aymanbagabas/go-udiff", []string{"reconciler/gitrepo"}, "text is merged where trees are"},
	{"github.com/aymanbagabas/go-udiff", []string{"reconciler/gitrepo"}, "files are merged where trees are"},
	{"github.com/hmarr/codeowners", []string{"reconciler/forge/sandbox"}, "it judges as a forge does what we write by our own reading"},
	{"github.com/google/go-github", []string{"reconciler/forge/github"}, "another forge must be able to stand where GitHub stands"},
	{"github.com/golang-jwt", []string{"reconciler/forge/github", "reconciler/forge/sandbox"}, "how an App proves who it is concerns GitHub and who plays it"},
	{"github.com/graph-gophers/graphql-go", []string{"reconciler/forge/sandbox"}, "only the sandbox serves GraphQL"},
	{"github.com/prometheus/client_golang/api", []string{"reconciler/metrics"}, "one room asks Prometheuses; the others have numbers"},
	{"github.com/prometheus/common", []string{"reconciler/metrics"}, "one room asks Prometheuses; the others have numbers"},
	{"github.com/prometheus/client_golang", []string{"reconciler/dashboard"}, "one room exposes metrics; the others return numbers"},
	{"github.com/spf13/cobra", []string{"cmd/portreeve"}, "flags end in cmd: the packages below are used by tests and by portreeve-validate"},
	{"modernc.org/sqlite", []string{"reconciler/store"}, "history is kept in one place, and only the daemon links it"},
}

// validateLinks is the highest room that cmd/portreeve-validate may link, and
// validateNever are libraries that its build must not contain.
const validateLinks = "cmd/internal"

var validateNever = []string{
	"github.com/go-git", "github.com/google/go-github", "github.com/spf13/cobra",
	"github.com/prometheus/client_golang", "modernc.org/sqlite", "k8s.io",
}

// pkg is what the rules see of a package, its tests left out.
type pkg struct {
	path    string            // below the module
	imports map[string]string // path to the file that has it
	calls   map[string]string // "time.Now", likewise
}

// TestImports holds the tree to the table of rooms.
func TestImports(t *testing.T) {
	for _, v := range violations(tree(t)) {
		t.Error(v)
	}
}

// violations names each breach of a rule with the rule's reason.
func violations(pkgs []pkg) []string {
	var found []string
	for _, p := range pkgs {
		level, room := place(p.path)
		if level < 0 {
			found = append(found, fmt.Sprintf("%s: no row in the table of rooms: give each package a place in design and table before it gets code", p.path))
			continue
		}
		for _, imp := range slices.Sorted(maps.Keys(p.imports)) {
			for _, why := range broken(p.path, level, room, imp) {
				found = append(found, fmt.Sprintf("%s imports %s: %s", p.imports[imp], imp, why))
			}
		}
		for _, call := range changes {
			if file, ok := p.calls[call]; ok && slices.Contains(onDisk, p.path) {
				found = append(found, fmt.Sprintf("%s uses %s: %s", file, call, changesReason))
			}
		}
		if layers[level].pure && !isTest(p.path) {
			for _, call := range slices.Sorted(maps.Keys(p.calls)) {
				if why, ok := impure[call]; ok {
					found = append(found, fmt.Sprintf("%s uses %s: %s is pure: %s", p.calls[call], call, room, why))
				}
			}
		}
	}
	return found
}

// broken are the rules that one import of a package breaks.
func broken(from string, level int, room, imp string) (why []string) {
	why = outside(from, level, room, imp)
	to, ours := strings.CutPrefix(imp, module+"/")
	if !ours {
		return why
	}
	toLevel, toRoom := place(to)
	switch {
	case toLevel < 0: // reported where it stands
	case isTest(to) && !isTest(from):
		why = append(why, "packages named *test prove members; only tests import them")
	case toRoom == room:
		if a, b := member(from), member(to); b != "" && a != b {
			why = append(why, fmt.Sprintf("members of %s never import one another, nor its root a member: each can be read, replaced and deleted alone", room))
		}
	case toLevel >= level:
		why = append(why, fmt.Sprintf("imports go down the table of rooms only: %s (%s) knows nothing of %s (%s)", room, layers[level].job, toRoom, layers[toLevel].job))
	case member(to) != "" && !slices.Contains(importers[toRoom], room):
		why = append(why, fmt.Sprintf("members of %s are listed once, in %s: import the contract at its root", toRoom, strings.Join(importers[toRoom], " and ")))
	}
	return why
}

// outside are the rules on what is not of this module.
func outside(from string, level int, room, imp string) (why []string) {
	if reason, ok := impure[imp]; ok && layers[level].pure && !isTest(from) {
		why = append(why, fmt.Sprintf("%s is pure: %s", room, reason))
	}
	if first, _, _ := strings.Cut(imp, "/"); room == layers[0].rooms[0] && strings.Contains(first, ".") && !below(imp, module) {
		why = append(why, fmt.Sprintf("%s imports the standard library alone: every room depends on it, so nothing may come in through it", room))
	}
	i := slices.IndexFunc(borders, func(b border) bool { return below(imp, b.library) })
	if i >= 0 && !slices.ContainsFunc(borders[i].within, func(p string) bool { return below(from, p) }) {
		why = append(why, fmt.Sprintf("%s is for %s only: %s", borders[i].library, strings.Join(borders[i].within, ", "), borders[i].reason))
	}
	return why
}

// TestValidateLinksLittle holds cmd/portreeve-validate, which pre-commit
// builds on people's machines, to a small build.
func TestValidateLinksLittle(t *testing.T) {
	const root = "cmd/portreeve-validate"
	pkgs := tree(t)
	reached, foreign := closure(pkgs, root)
	if len(reached) == 0 {
		t.Skipf("%s is not there yet", root)
	}
	limit, _ := place(validateLinks)
	for _, p := range reached {
		if level, _ := place(p); p != root && level > limit {
			t.Errorf("%s links %s: pre-commit builds it, so it is quick to build: nothing above %s", root, p, validateLinks)
		}
	}
	// Read here, so that a cached result of this test ends with a new go.mod.
	if _, err := os.ReadFile("../go.mod"); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", append([]string{"list", "-deps"}, foreign...)...)
	cmd.Stderr = new(bytes.Buffer)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, cmd.Stderr)
	}
	for _, dep := range strings.Fields(string(out)) {
		for _, never := range validateNever {
			if below(dep, never) {
				t.Errorf("%s links %s: pre-commit builds it, so it is quick to build: never %s", root, dep, never)
			}
		}
	}
}

// closure is what root reaches: packages of the module, and foreign ones that
// those import.
func closure(pkgs []pkg, root string) (reached, foreign []string) {
	byPath := map[string]pkg{}
	for _, p := range pkgs {
		byPath[p.path] = p
	}
	seen := map[string]bool{}
	var visit func(string)
	visit = func(at string) {
		p, there := byPath[at]
		if !there || seen[at] {
			return
		}
		seen[at] = true
		reached = append(reached, at)
		for imp := range p.imports {
			if to, ours := strings.CutPrefix(imp, module+"/"); ours {
				visit(to)
			} else if imp != "C" {
				foreign = append(foreign, imp)
			}
		}
	}
	visit(root)
	slices.Sort(foreign)
	return reached, slices.Compact(foreign)
}

// place is the row of a package, and its room; -1 if it has none.
func place(p string) (level int, room string) {
	level = -1
	for i, l := range layers {
		for _, r := range l.rooms {
			// The module's root room has no subfolders of its own.
			if p == r || r != "reconciler" && below(p, r) {
				level, room = i, r
			}
		}
	}
	return level, room
}

// member is the member of its room that a package belongs to: none at the
// root, in a test package, in what the room's members share under internal.
func member(p string) string {
	level, room := place(p)
	if level < 0 || !layers[level].member || p == room || isTest(p) {
		return ""
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(p, room+"/"), "/")
	if name == "internal" {
		return ""
	}
	return name
}

func isTest(p string) bool { return strings.HasSuffix(path.Base(p), "test") }

func below(p, root string) bool { return p == root || strings.HasPrefix(p, root+"/") }

// tree reads the packages of this module, whatever their build constraints.
// It parses in this process and runs no go list: so the go command knows what
// was read, and caches the result of the test no longer than it holds.
func tree(t *testing.T) []pkg {
	byPath := map[string]*pkg{}
	err := filepath.WalkDir("..", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel := strings.TrimPrefix(filepath.ToSlash(name), "../")
		if d.IsDir() {
			_, err := os.Stat(filepath.Join(name, "go.mod"))
			if base := d.Name(); name != ".." && (err == nil || base == "testdata" || base[0] == '.' || base[0] == '_') {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(rel, ".go") || strings.HasSuffix(rel, "_test.go") {
			return nil
		}
		src, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		dir := path.Dir(rel)
		if byPath[dir] == nil {
			byPath[dir] = &pkg{path: dir, imports: map[string]string{}, calls: map[string]string{}}
		}
		read(byPath[dir], rel, src)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var pkgs []pkg
	for _, dir := range slices.Sorted(maps.Keys(byPath)) {
		pkgs = append(pkgs, *byPath[dir])
	}
	return pkgs
}

// read adds a file to a package. What can't be parsed doesn't build either:
// the compiler reports it better.
func read(p *pkg, name string, src []byte) {
	file, _ := parser.ParseFile(token.NewFileSet(), name, src, parser.SkipObjectResolution)
	if file == nil {
		return
	}
	local := map[string]string{} // the name in the file to the import's path
	for _, spec := range file.Imports {
		imp, _ := strconv.Unquote(spec.Path.Value)
		p.imports[imp] = name
		local[path.Base(imp)] = imp
		if spec.Name != nil {
			local[spec.Name.Name] = imp
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok && local[x.Name] != "" {
				p.calls[local[x.Name]+"."+sel.Sel.Name] = name
			}
		}
		return true
	})
}
