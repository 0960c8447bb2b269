package declare_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"testing/fstest"

	"github.com/portreeve/portreeve/reconciler/declare"
	"github.com/portreeve/portreeve/reconciler/fleet"
)

// known is a tree that knows its files' contents without their being read, as
// Git does; it counts what is read all the same.
type known struct {
	fstest.MapFS
	read map[string]int
}

func (k known) Fingerprint(name string) (string, bool) {
	f, ok := k.MapFS[name]
	if !ok {
		return "", false
	}
	sum := sha256.Sum256(f.Data)
	return "git:" + hex.EncodeToString(sum[:]), true
}

func (k known) Open(name string) (fs.File, error) {
	if f, ok := k.MapFS[name]; ok && !f.Mode.IsDir() {
		k.read[name]++
	}
	return k.MapFS.Open(name)
}

// texts are what files of a config repo may hold, right and wrong, plain and
// not, of consequence for others and not.
var texts = []string{
	"fleet: org: \"acme\"\n",
	"fleet: {org: \"acme\", limits: newPerDay: 7}\n",
	"fleet: {org: \"acme\", policies: {\"short-name\": bounds: max: 3, \"team-unreachable\": severity: \"error\"}}\n",
	"ownership: eight: {repo: \"acme/eight\", owner: \"a\", acknowledge: \"short-name\": {reason: \"x\", until: \"2026-12-18\"}}\n",
	"teams: a: github: \"acme/a\"\n",
	"teams: {a: members: [\"x\"], b: github: \"acme/b\"}\n",
	"teams: b: github: \"elsewhere/b\"\n",
	"teams: c: {githb: \"acme/c\"}\n",
	"teams: b: timezone: \"Nowhere/Never\"\n",
	"ownership: one: {repo: \"acme/one\", owner: \"a\", coOwners: [\"b\", \"c\"]}\n",
	"ownership: one: {repo: \"acme/one\", owner: \"b\", paths: \"/x/\": owner: \"c\"}\n",
	"ownership: two: {repo: \"acme/one\", owner: \"a\"}\n",
	"ownership: {two: {repo: \"acme/two\", owner: \"c\"}, three: {repo: \"three\", owner: \"a\"}}\n",
	"ownership: \"four--x\": {repo: \"acme/four\", owner: \"a\"}\n",
	"migrations: one: {title: \"t\", why: \"w\", owner: \"b\", steps: [{do: \"delete\", paths: [\"x\"]}]}\n",
	"migrations: two: {title: \"{{.Nope}}\", why: \"w\", owner: \"b\", steps: [{do: \"delete\", paths: [\"x\"]}]}\n",
	"_template: owner: \"a\"\n",
	"_template: owner: \"c\"\n",
	"ownership: five: _template & {repo: \"acme/five\"}\n",
	"ownership: six: {repo: \"acme/six\", owner: ownership.one.owner}\n",
	"for n, _ in teams {ownership: \"home-\\(n)\": {repo: \"acme/home-\\(n)\", owner: n}}\n",
	"ownership: [string]: merge: \"checks-pass\"\n",
	"ownership: seven: {repo: \"acme/seven\", owner: \"a\"\n",
	"other: 1\n",
	"",
}

// rules are what the file of policies may be.
var rules = []string{
	"",
	"\"short-name\": {on: \"ownership\", severity: \"error\", why: \"x\", bounds: max: 4, subject: {name: string, repo: string}, findings: [if len(subject.name) > bounds.max {field: \"repo\", reason: \"\\(subject.name) is long\"}]}\n",
	"\"short-name\": {on: \"ownership\", severity: \"acknowledge\", why: \"x\", subject: _, findings: [{reason: \"\\(subject.repo) is seen\"}]}\n",
	"\"team-name\": {on: \"team\", severity: \"error\", why: \"x\", subject: name: string, findings: [if subject.name == \"c\" {reason: \"is c\"}]}\n",
	"\"team-name\": {on: \"team\", severity: \"eror\"}\n",
	"\"open: {\n",
}

// TestIncremental holds that however a config repo came to be what it is, its
// problems are the same, byte for byte: found in one go, found with what is
// kept on disk, and found with what is kept in memory; the declarations too.
func TestIncremental(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	dir := t.TempDir()
	lasting := declare.NewLoader(kinds())
	tree := known{fstest.MapFS{}, map[string]int{}}
	names := []string{"fleet.cue", "a.cue", "b.cue", "c.cue", "sub/a.cue", "sub/b.cue", "sub/deep/a.cue", "other/a.cue"}
	problems := 0
	for step := range 60 {
		for range 1 + random.IntN(3) {
			name := names[random.IntN(len(names))]
			if text := texts[random.IntN(len(texts))]; text == "" {
				delete(tree.MapFS, name)
			} else {
				tree.MapFS[name] = &fstest.MapFile{Data: []byte("package fleet\n" + text)}
			}
		}
		if random.IntN(4) == 0 {
			tree.MapFS["policies/p.cue"] = &fstest.MapFile{Data: []byte("package policies\n" + rules[random.IntN(len(rules))])}
		}
		if step == 40 { // which may be at any time
			if err := os.RemoveAll(filepath.Join(dir, "trees")); err != nil {
				t.Fatal(err)
			}
		}
		cold := declare.Load(tree, kinds())
		kept := declare.NewLoader(kinds())
		kept.Dir = dir
		same(t, tree, "with an index", kept.Problems(tree, "the tree"), cold.Problems)
		warm := lasting.Load(tree)
		same(t, tree, "with what was loaded before", warm.Problems, cold.Problems)
		same(t, tree, "declarations", warm.Declarations, cold.Declarations)
		same(t, tree, "owners", warm.Owners, cold.Owners)
		same(t, tree, "unreadable", warm.Unreadable, cold.Unreadable)
		problems += len(cold.Problems)
	}
	if problems < 100 {
		t.Errorf("%d problems in all: too little was tried", problems)
	}
}

func same(t *testing.T, tree known, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		for name, f := range tree.MapFS {
			t.Logf("%s:\n%s", name, f.Data)
		}
		t.Fatalf("%s:\n%+v\ncold:\n%+v", what, got, want)
	}
}

// TestReadsLittle holds that with an index only what changed is read, and what
// refers to it judged anew.
func TestReadsLittle(t *testing.T) {
	tree := known{fstest.MapFS{}, map[string]int{}}
	put := func(name, text string) { tree.MapFS[name] = &fstest.MapFile{Data: []byte("package fleet\n" + text)} }
	put("fleet.cue", "fleet: org: \"acme\"\n")
	put("teams.cue", "teams: {a: github: \"acme/a\", b: github: \"acme/b\"}\n")
	for i := range 30 {
		put(fmt.Sprintf("ownership/%d.cue", i), fmt.Sprintf("ownership: \"r-%d\": {repo: \"acme/r-%d\", owner: \"a\"}\n", i, i))
	}
	dir := t.TempDir()
	look := func() []fleet.Problem {
		l := declare.NewLoader(kinds())
		l.Dir = dir
		clear(tree.read)
		return l.Problems(tree, "tree")
	}
	if p := look(); len(p) > 0 || len(tree.read) != 32 {
		t.Fatalf("at first: %d files read, %v", len(tree.read), p)
	}
	if p := look(); len(p) > 0 || len(tree.read) != 0 {
		t.Errorf("unchanged: %v read, %v", tree.read, p)
	}
	put("teams.cue", "teams: b: github: \"acme/b\"\n")
	if p := look(); len(p) != 30 || len(tree.read) != 1 || p[0].String() != `ownership/0.cue:2:45: unknown team "a"; did you mean "b"?` {
		t.Errorf("with a team taken away: %v read, %v", tree.read, p)
	}
	put("ownership/31.cue", "ownership: \"r-31\": {repo: \"acme/r-7\", owner: \"b\"}\n")
	if p := look(); len(p) != 32 || len(tree.read) != 1 {
		t.Errorf("with a second owner of a repo: %v read, %d problems: %v", tree.read, len(p), p)
	}
}
