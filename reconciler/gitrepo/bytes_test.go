package gitrepo

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"strconv"
	"strings"
	"testing"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/gitrepo/gitrepotest"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// generated is a repo of n files of 200 lines, 7 KB each, as code is.
func generated(n int) map[string]string {
	files := map[string]string{}
	for i := range n {
		files[fmt.Sprintf("pkg%d/sub%d/file%d.go", i%40, i%7, i)] = lines(i)
	}
	return files
}

func lines(n int) string {
	var b strings.Builder
	for i := range 200 {
		fmt.Fprintf(&b, "func f%d() int { return g%d(%d) }\n", i, (i*n)%97, (i*7919+n*31)%100_003)
	}
	return b.String()
}

// job is a change: files that are read, and edits.
type job struct {
	read  []fleet.Path
	edits []transform.Edit
}

// generatedJob reads three files, changes one and adds one.
func generatedJob(branch string) job {
	return job{
		[]fleet.Path{"pkg1/sub1/file1.go", "pkg2/sub2/file2.go", "pkg3/sub3/file3.go"},
		[]transform.Edit{
			{Path: "pkg1/sub1/file1.go", Content: []byte(lines(1) + "// changed\n")},
			{Path: "pkg1/" + fleet.Path(branch) + ".go", Content: []byte(lines(9))},
		},
	}
}

// opening is how a job's snapshot is had: Client.Open or Client.Snapshot.
type opening func(*Client, context.Context, Remote, fleet.CommitID) (*Snapshot, error)

// do carries out a job from a commit to a branch.
func (j job) do(ctx context.Context, c *Client, open opening, r Remote, at fleet.CommitID, branch string) (*Commit, error) {
	s, err := open(c, ctx, r, at)
	if err != nil {
		return nil, err
	}
	if err := c.Load(ctx, r, s, append(CommitPaths(j.edits), j.read...)); err != nil {
		return nil, err
	}
	for _, p := range j.read {
		if _, err := fs.ReadFile(s, string(p)); err != nil {
			return nil, err
		}
	}
	made, err := c.Commit(s, j.edits, someone, say)
	if err != nil {
		return nil, err
	}
	return made, c.Push(ctx, r, made, RefUpdate{Branch: branch, New: made.ID})
}

// least is what a job can't do without, as Git packs it: the commits and the
// trees on the way to its files and these files, before it and after.
func (j job) least(srv *gitrepotest.Server, repo string, before, after fleet.CommitID) (bytes int64) {
	ask, seen := strings.Builder{}, map[string]bool{}
	want := func(commit fleet.CommitID, p string) {
		spec := string(commit) + ":" + p
		if p == "." {
			spec = string(commit) + "^{tree}"
		}
		if !seen[spec] {
			seen[spec] = true
			ask.WriteString(spec + "\n")
		}
	}
	way := func(commit fleet.CommitID, p fleet.Path) {
		for at := string(p); at != "."; at = path.Dir(at) {
			want(commit, at)
		}
		want(commit, ".")
	}
	for _, p := range j.read {
		way(before, p)
	}
	for _, e := range j.edits {
		for at := path.Dir(string(e.Path)); at != "."; at = path.Dir(at) {
			want(before, at)
		}
		way(after, e.Path)
	}
	ask.WriteString(string(before) + "\n" + string(after) + "\n")
	packed := map[string]bool{}
	for line := range strings.Lines(srv.GitIn(repo, ask.String(), "cat-file", "--batch-check=%(objectname) %(objectsize:disk)")) {
		id, size, _ := strings.Cut(strings.TrimSpace(line), " ")
		n, err := strconv.ParseInt(size, 10, 64)
		if err == nil && !packed[id] { // what is not there is missing
			packed[id] = true
			bytes += n
		}
	}
	return bytes
}

// cost carries out a job and gives what it cost on the wire, both ways and
// headers included, and how many times that is of the least.
func (j job) cost(tb testing.TB, srv *gitrepotest.Server, repo string, open opening, at fleet.CommitID, branch string) (bytes, least int64, ratio float64) {
	tb.Helper()
	wire := &gitrepotest.Wire{}
	made, err := j.do(tb.Context(), New(Options{HTTP: wire.Client()}), open, remote(srv, repo), at, branch)
	if err != nil {
		tb.Fatal(err)
	}
	least = j.least(srv, repo, at, made.ID)
	return wire.Bytes(), least, float64(wire.Bytes()) / float64(least)
}

// TestBytes holds that a change costs at most half as many bytes more than
// the trees on its way and the files that it touches, whatever else the repo
// holds: files, and refs, which a server lists to whoever begins a push.
func TestBytes(t *testing.T) {
	for _, n := range []int{50, 2000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			srv := gitrepotest.NewServer(t)
			at := srv.Create("r", generated(n))
			srv.Git("r", "repack", "-adq")
			srv.PullRefs("r", at, 5000)
			bytes, least, ratio := generatedJob("x").cost(t, srv, "r", (*Client).Open, at, "x")
			if ratio > 1.5 {
				t.Errorf("%d bytes for what is %d: %.2f times, expected at most 1.5", bytes, least, ratio)
			}
			// The measure can fail: all names of a large repo are more than that.
			if _, _, ratio := generatedJob("y").cost(t, srv, "r", (*Client).Snapshot, at, "y"); n == 2000 && ratio < 2 {
				t.Errorf("with all names it is %.2f times", ratio)
			}
		})
	}
}

// BenchmarkBytes tells what a change costs on the wire, with the names on its
// way and with all names of the repo.
func BenchmarkBytes(b *testing.B) {
	for _, n := range []int{50, 2000, 20_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			srv := gitrepotest.NewServer(b)
			at := srv.Create("r", generated(n))
			srv.Git("r", "repack", "-adq")
			benchmarkBytes(b, srv, at, generatedJob)
		})
	}
	b.Run("module", func(b *testing.B) {
		srv := gitrepotest.NewServer(b)
		at := moduleRepo(b, srv)
		const changed = "go/analysis/analysis.go"
		content := srv.Git("r", "show", string(at)+":"+changed)
		benchmarkBytes(b, srv, at, func(branch string) job {
			return job{
				[]fleet.Path{"go.mod", "README.md", changed},
				[]transform.Edit{
					{Path: changed, Content: []byte(content + "\n// changed\n")},
					{Path: "go/analysis/" + fleet.Path(branch) + ".go", Content: []byte(lines(9))},
				},
			}
		})
	})
}

func benchmarkBytes(b *testing.B, srv *gitrepotest.Server, at fleet.CommitID, of func(branch string) job) {
	for name, open := range map[string]opening{"way": (*Client).Open, "all": (*Client).Snapshot} {
		b.Run(name, func(b *testing.B) {
			var all int64
			var ratio float64
			for i := 0; b.Loop(); i++ {
				branch := fmt.Sprintf("%s-%d-%d", name, b.N, i)
				bytes, _, r := of(branch).cost(b, srv, "r", open, at, branch)
				all, ratio = all+bytes, r
			}
			b.ReportMetric(float64(all)/float64(b.N), "bytes/op")
			b.ReportMetric(ratio, "of-least")
			if name == "way" && ratio > 1.5 {
				b.Errorf("%.2f times, expected at most 1.5", ratio)
			}
		})
	}
}

// moduleRepo is the repo "r" with the released versions of a real module, one
// commit and one tag each, and thousands of further refs. The content is what
// its authors published; the history is made here.
func moduleRepo(b *testing.B, srv *gitrepotest.Server) fleet.CommitID {
	b.Helper()
	srv.Create("r", nil)
	var stream strings.Builder
	for minor := 30; minor <= 35; minor++ {
		version := fmt.Sprintf("v0.%d.0", minor)
		fmt.Fprintf(&stream, "commit refs/heads/main\ncommitter Test <test@example.com> 1700000000 +0000\ndata %d\n%s\ndeleteall\n", len(version), version)
		dir := os.DirFS(downloaded(b, "golang.org/x/tools@"+version))
		if err := fs.WalkDir(dir, ".", func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			content, err := fs.ReadFile(dir, p)
			fmt.Fprintf(&stream, "M 100644 inline %s\ndata %d\n%s\n", p, len(content), content)
			return err
		}); err != nil {
			b.Fatal(err)
		}
		fmt.Fprintf(&stream, "reset refs/tags/%s\nfrom refs/heads/main\n\n", version)
	}
	at := srv.Import("r", "main", stream.String())
	srv.Git("r", "repack", "-adq")
	srv.PullRefs("r", at, 14_700)
	return at
}

// downloaded is the folder of a module's version, as the go command keeps it.
func downloaded(b *testing.B, module string) string {
	b.Helper()
	cmd := exec.Command("go", "mod", "download", "-json", module)
	cmd.Dir = b.TempDir()
	out, err := cmd.Output()
	var got struct{ Dir, Error string }
	if json.Unmarshal(out, &got) != nil || err != nil || got.Error != "" || got.Dir == "" {
		b.Skipf("%s can't be had: %v %s", module, err, got.Error)
	}
	return got.Dir
}
