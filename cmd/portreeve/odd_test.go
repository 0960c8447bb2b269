package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/portreeve/portreeve/reconciler/forge/sandbox"
	"github.com/portreeve/portreeve/reconciler/rollout"
)

const oddConfig = `package fleet

fleet: {repos: ["acme/odd", "acme/twins", "acme/plain"], mode: "propose"}
teams: platform: github: "acme/platform"
migrations: [string]: {why: "Guests ask for it.", owner: "platform"}
migrations: greet: {title: "Greet", steps: [{do: "replace", paths: ["**"], pattern: "good day", with: "good evening"}]}
migrations: out: {title: "Lead out", select: name: "odd", steps: [{do: "file", path: "out/hello.txt", content: "hi"}]}
migrations: sub: {title: "Lead into a submodule", select: name: "odd", steps: [{do: "file", path: "sub/hello.txt", content: "hi"}]}
migrations: large: {title: "Track the dump", select: name: "odd", steps: [{do: "file", path: "dump.bin", content: "hi"}]}
migrations: case: {title: "Greet louder", select: name: "twins", steps: [{do: "file", path: "README.MD", content: "hi"}]}
`

// oddFiles are a tree with what trees can hold besides plain files: mode, name
// as git fast-import writes it, and content.
var oddFiles = [][3]string{
	{"100755", "run.sh", "echo good day\n"},
	{"100644", "crlf.txt", "good day\r\nand\r\n"},
	{"120000", "out", "../../../etc"},
	{"120000", "link.txt", "crlf.txt"},
	{"100644", "dir/Grüße.txt", "good day\n"},
	{"100644", `"dir/bad\377name"`, "good day\n"},
	{"100644", "data.bin", "good day, says a pointer\n"},
	{"100644", "dump.bin", "good day, says another\n"},
	{"100644", ".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n"},
}

// TestOdd has a daemon change repos that hold everything that Git can: what is
// declared is done where it can be and told where it can't, and all else stays
// as it is. What no forge takes, as a forged tree, is tried in gitrepo.
func TestOdd(t *testing.T) {
	f := newStage(t, map[string]string{"fleet.cue": oddConfig},
		sandbox.Spec{Name: "acme/odd", Files: map[string]sandbox.File{"x": {Content: "x\n"}}},
		sandbox.Spec{Name: "acme/twins", Files: map[string]sandbox.File{"README.md": {Content: "good day\n"}, "Readme.md": {Content: "twin\n"}}},
		sandbox.Spec{Name: "acme/plain", Files: map[string]sandbox.File{"hello.txt": {Content: "good day\n"}}},
	)
	repo := oddRepo{t, filepath.Join(f.dir, "forge", "acme", "odd.git")}
	repo.fill()

	e := f.engine(t)
	states := map[string]*rollout.Outcome{}
	for range 3 { // a step that is refused ends those of its repo for this pass
		pass := e.Once(t.Context())
		for i := range pass.Plan.Outcomes {
			o := &pass.Plan.Outcomes[i]
			states[o.Declaration.Name+" in "+o.Target.Repo.Short()] = o
		}
	}
	for what, want := range map[string]struct {
		state  rollout.State
		reason string
	}{
		"greet in odd":   {rollout.Blocked, "filter"},
		"out in odd":     {rollout.Failed, "symbolic link"},
		"sub in odd":     {rollout.Failed, "submodule"},
		"large in odd":   {rollout.Blocked, "filter"},
		"greet in twins": {rollout.Review, ""},
		"case in twins":  {rollout.Blocked, "letter case"},
		"greet in plain": {rollout.Review, ""},
	} {
		if o := states[what]; o == nil || o.State != want.state || !strings.Contains(o.Reason, want.reason) {
			t.Errorf("%s is told as %+v, expected %s because of %q", what, o, want.state, want.reason)
		}
	}

	// Without the files of the filter all others are changed, and as they were.
	_, err := f.Person("kim").CommitFile("acme/config", "main", "fleet.cue", strings.Replace(oddConfig, `["**"]`, `["*.txt", "*.sh", "dir/**"]`, 1), "Leave them")
	must(t, err)
	e.Once(t.Context())
	repo.changed("portreeve/migration/greet")
	pulls, err := f.Pulls("acme/odd")
	must(t, err)
	if len(pulls) != 1 {
		t.Errorf("%d pull requests in acme/odd: %+v", len(pulls), pulls)
	}
}

// oddRepo is a bare repo on the forge's disk.
type oddRepo struct {
	t   *testing.T
	dir string
}

func (r oddRepo) git(stdin string, args ...string) string {
	r.t.Helper()
	cmd := exec.Command("git", append([]string{"-c", "core.quotePath=true"}, args...)...)
	cmd.Dir, cmd.Stdin = r.dir, strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// fill commits the odd files and a submodule.
func (r oddRepo) fill() {
	var in strings.Builder
	in.WriteString("commit refs/heads/main\ncommitter Test <test@example.com> 1700000000 +0000\ndata 3\nodd\nfrom refs/heads/main^0\n" +
		"M 160000 1111111111111111111111111111111111111111 sub\n")
	for _, f := range oddFiles {
		fmt.Fprintf(&in, "M %s inline %s\ndata %d\n%s\n", f[0], f[1], len(f[2]), f[2])
	}
	r.git(in.String(), "fast-import", "--quiet")
}

// changed holds that a branch changes those files that say good day and can be
// read, and nothing of how they are.
func (r oddRepo) changed(branch string) {
	r.t.Helper()
	want := ":100644 100644 M\tcrlf.txt\n:100644 100644 M\t\"dir/Gr\\303\\274\\303\\237e.txt\"\n:100755 100755 M\trun.sh\n"
	var got strings.Builder
	for line := range strings.Lines(r.git("", "diff", "--raw", "--no-renames", "main", branch)) {
		fields := strings.Fields(line)
		_, name, _ := strings.Cut(line, "\t")
		fmt.Fprintf(&got, "%s %s %s\t%s", fields[0], fields[1], fields[4], name)
	}
	if got.String() != want {
		r.t.Errorf("changed:\n%swant:\n%s", got.String(), want)
	}
	if text := r.git("", "show", branch+":crlf.txt"); text != "good evening\r\nand\r\n" {
		r.t.Errorf("%q", text)
	}
}
