package held_test

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/portreeve/portreeve/reconciler/declare"
	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/held"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/kind/loan"
	"github.com/portreeve/portreeve/reconciler/kind/migration"
	"github.com/portreeve/portreeve/reconciler/kind/ownership"
	"github.com/portreeve/portreeve/reconciler/source"
	"github.com/portreeve/portreeve/reconciler/transform"
	"github.com/portreeve/portreeve/reconciler/transform/file"
)

var update = flag.Bool("update", false, "write what is read into testdata")

func kinds() kind.Set {
	return kind.Set{ownership.New(nil), loan.New(), migration.New(transform.Set{file.New()})}
}

func reader(s source.Source) *held.Reader {
	k := kinds()
	return &held.Reader{Source: s, Kinds: k, Load: declare.NewLoader(k).Load}
}

// TestHeld runs testdata/*.txtar. A case says why, and holds the commits of a
// config repo: "N/FILE" is a file that commit N writes, "N/-FILE" one that it
// removes, and "N/parents" its parents if it has others than N-1. What the
// last commit declares, and how it is held, is in "held"; revisions are told
// by their numbers. base.cue is in the first commit of each.
func TestHeld(t *testing.T) {
	cases, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, name := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if len(bytes.TrimSpace(archive.Comment)) == 0 {
				t.Error("the case does not say why")
			}
			given, want := archive.Files, ""
			if i := slices.IndexFunc(given, func(f txtar.File) bool { return f.Name == "held" }); i >= 0 {
				given, want = given[:i:i], string(given[i].Data)
			}
			r := newHistory(t, given)
			cold := r.read(t, reader(source.Dir(r.dir)), r.head)
			warm := reader(source.Dir(r.dir))
			for n := 1; n <= r.head; n++ {
				if got := r.read(t, warm, n); n == r.head && got != cold {
					t.Errorf("a daemon that has seen it all says:\n%s\na cold start says:\n%s", got, cold)
				}
			}
			if *update {
				archive.Files = append(given, txtar.File{Name: "held", Data: []byte(cold)})
				if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if cold != want {
				t.Errorf("got:\n%s\nwant:\n%s", cold, want)
			}
		})
	}
}

const base = `package fleet

fleet: {org: "acme", mode: "merge"}
teams: {
	payments: github: "acme/payments"
	platform: github: "acme/platform"
}
`

// history is a config repo whose commits have numbers.
type history struct {
	dir     string
	numbers map[fleet.Revision]int
	head    int
}

// newHistory makes the commits in one go: by hand they would take a second.
func newHistory(t testing.TB, files []txtar.File) *history {
	t.Helper()
	commits := map[int][]txtar.File{1: {{Name: "base.cue", Data: []byte(base)}}}
	r := &history{dir: t.TempDir(), numbers: map[fleet.Revision]int{}}
	for _, f := range files {
		number, name, ok := strings.Cut(f.Name, "/")
		n, err := strconv.Atoi(number)
		if !ok || err != nil {
			t.Fatalf("what is the file %s?", f.Name)
		}
		commits[n] = append(commits[n], txtar.File{Name: name, Data: f.Data})
		r.head = max(r.head, n)
	}
	var in bytes.Buffer
	for n := 1; n <= r.head; n++ {
		parents := strconv.Itoa(n - 1)
		var changes bytes.Buffer
		for _, f := range commits[n] {
			switch name, gone := strings.CutPrefix(f.Name, "-"); {
			case f.Name == "parents":
				parents = string(f.Data)
			case gone:
				fmt.Fprintf(&changes, "D %s\n", name)
			default:
				fmt.Fprintf(&changes, "M 100644 inline %s\ndata %d\n%s\n", f.Name, len(f.Data), f.Data)
			}
		}
		fmt.Fprintf(&in, "commit refs/heads/n%d\nmark :%d\ncommitter Ana <ana@acme.example> %d +0000\ndata 1\n.\n", n, n, 1767225600+n*60)
		for i, p := range strings.Fields(parents) {
			if p != "0" {
				fmt.Fprintf(&in, "%s :%s\n", []string{"from", "merge"}[min(i, 1)], p)
			}
		}
		in.Write(changes.Bytes())
		in.WriteString("\n")
	}
	r.git(t, nil, "init", "-q", "--bare")
	r.git(t, &in, "fast-import", "--quiet", "--export-marks=marks")
	marks, err := os.ReadFile(filepath.Join(r.dir, "marks"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(marks)) {
		mark, rev, _ := strings.Cut(strings.TrimSpace(line), " ")
		r.numbers[fleet.Revision(rev)], _ = strconv.Atoi(mark[1:])
	}
	r.git(t, nil, "symbolic-ref", "HEAD", fmt.Sprintf("refs/heads/n%d", r.head))
	return r
}

func (r *history) git(t testing.TB, in *bytes.Buffer, args ...string) {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = r.dir
	if in != nil {
		cmd.Stdin = in
	}
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func (r *history) tree(t testing.TB, s source.Source, n int) *source.Tree {
	t.Helper()
	head, err := s.Current(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for rev, number := range r.numbers {
		if number == n {
			tree, err := s.At(t.Context(), head, rev)
			if err != nil {
				t.Fatal(err)
			}
			return tree
		}
	}
	t.Fatalf("no commit %d", n)
	return nil
}

// read reads commit n and says what it declares.
func (r *history) read(t testing.TB, h *held.Reader, n int) string {
	t.Helper()
	config, err := h.Read(t.Context(), r.tree(t, h.Source, n))
	if err != nil {
		t.Fatal(err)
	}
	return r.say(config)
}

func (r *history) say(c *fleet.Config) string {
	var b strings.Builder
	fmt.Fprintf(&b, "mode %s", c.Settings.Mode)
	if len(c.Settings.Exclude) > 0 {
		fmt.Fprintf(&b, ", without %s", strings.Join(c.Settings.Exclude, " "))
	}
	if c.Settings.Invalid != nil {
		b.WriteString(", invalid")
	}
	b.WriteString("\nteams " + strings.Join(slices.Sorted(func(yield func(string) bool) {
		for name := range maps.Keys(c.Teams) {
			if !yield(string(name)) {
				return
			}
		}
	}), " ") + "\n")
	for _, d := range c.Declarations {
		teams := c.Teams
		if d.Teams != nil {
			teams = d.Teams
		}
		fmt.Fprintf(&b, "%s", d.ID)
		if d.Frozen != nil {
			b.WriteString(" frozen\n")
			continue
		}
		if repo := r.repo(c, d); repo != "" {
			fmt.Fprintf(&b, " of %s", repo)
		}
		fmt.Fprintf(&b, " for @%s, as of %d\n", teams[d.Owner].GitHub, r.numbers[d.Revision])
	}
	for i := range c.Stale {
		s := &c.Stale[i]
		how := s.How()
		if s.Revision != "" {
			how = strings.ReplaceAll(how, s.Revision.Short(), strconv.Itoa(r.numbers[s.Revision]))
		}
		fmt.Fprintf(&b, "%s: %s; %s\n", s.What(), how, s.Why())
	}
	return b.String()
}

// repo is the repo that a declaration owns by the index.
func (r *history) repo(c *fleet.Config, d *fleet.Declaration) fleet.RepoName {
	if d.Spec == nil || d.Owns == "" {
		return ""
	}
	if owners := kind.Owners(c, d.Owns); len(owners) != 1 || owners[0] != d {
		return d.Owns + " (which others own, too)"
	}
	return d.Owns
}
