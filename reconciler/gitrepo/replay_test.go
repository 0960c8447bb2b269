package gitrepo

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/gitrepo/gitrepotest"
	"github.com/portreeve/portreeve/reconciler/transform"
)

const (
	repoName = "ledger"
	ourName  = "portreeve/x"
)

// replayBench is a repo with a branch of ours, and what replays it.
type replayBench struct {
	*gitrepotest.Server
	t      *testing.T
	c      *Client
	remote Remote
}

func newReplayBench(t *testing.T, o gitrepotest.Options) *replayBench {
	b := &replayBench{Server: gitrepotest.NewServerWith(t, o), t: t, c: New(Options{})}
	b.Create(repoName, map[string]string{"a": "1\n2\n3\n4\n5\n", "other": "x\n"})
	b.remote = Remote{Name: "acme/ledger", URL: b.RepoURL(repoName)}
	b.ours(b.Head(repoName, "main"), "", "1\n2\n3\n4\nours\n")
	return b
}

func edit(content string) []transform.Edit {
	return []transform.Edit{{Path: "a", Content: []byte(content)}}
}

// ours pushes our commit, over old.
func (b *replayBench) ours(base, old fleet.CommitID, content string) *Commit {
	b.t.Helper()
	return b.pushed(base, old, edit(content))
}

func (b *replayBench) pushed(base, old fleet.CommitID, edits []transform.Edit) *Commit {
	b.t.Helper()
	s, err := b.c.Snapshot(b.t.Context(), b.remote, base)
	b.must(err)
	b.must(b.c.Load(b.t.Context(), b.remote, s, CommitPaths(edits)))
	made, err := b.c.Commit(s, edits, someone, say)
	b.must(err)
	b.must(b.c.Push(b.t.Context(), b.remote, made, RefUpdate{Branch: ourName, Old: old, New: made.ID}))
	return made
}

func (b *replayBench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *replayBench) history() *fleet.History {
	b.t.Helper()
	h, err := b.c.History(b.t.Context(), b.remote, b.Head(repoName, "main"), b.Head(repoName, ourName))
	b.must(err)
	return h
}

// replay makes the branch anew and pushes it.
func (b *replayBench) replay(content string, picks ...fleet.Pick) *fleet.Stop {
	b.t.Helper()
	return b.anew(edit(content), picks...)
}

func (b *replayBench) anew(edits []transform.Edit, picks ...fleet.Pick) *fleet.Stop {
	b.t.Helper()
	old := b.Head(repoName, ourName)
	base, err := b.c.Snapshot(b.t.Context(), b.remote, b.Head(repoName, "main"))
	b.must(err)
	r, stop, err := b.c.Replay(b.t.Context(), b.remote, base, edits, picks)
	b.must(err)
	if stop != nil {
		return stop
	}
	made, err := b.c.CommitReplayed(r, someone, say)
	b.must(err)
	b.must(b.c.Push(b.t.Context(), b.remote, made, RefUpdate{Branch: ourName, Old: old, New: made.ID}))
	b.Git(repoName, "fsck", "--strict", "--no-dangling")
	return nil
}

func (b *replayBench) show(path string) string { return b.Git(repoName, "show", ourName+":"+path) }

// TestReplay holds it on each sort of server: ours is made anew on the newest
// base, and the commits of people stand on it with all that makes them theirs.
func TestReplay(t *testing.T) {
	for name, o := range map[string]gitrepotest.Options{"like GitHub's": {}, "version 0": {V0: true}, "that leaves nothing out": {NoFilter: true}} {
		t.Run(name, func(t *testing.T) {
			b := newReplayBench(t, o)
			message := "Mend it\n\nFirst \xe4.\n\n  indented\n\nSigned-off-by: Kim <kim@example.com>\n"
			b.Import(repoName, ourName, fmt.Sprintf("commit refs/heads/%[1]s\nauthor Kim Orr <kim@example.com> 1600000000 +0230\n"+
				"committer Kim <kim@example.com> 1600000009 +0000\nencoding ISO-8859-1\ndata %[2]d\n%[3]s\nfrom refs/heads/%[1]s^0\nM 100644 inline a\ndata 15\nkim\n2\n3\n4\nours\n"+
				"M 100755 inline tool.sh\ndata 3\n#!\n\nM 120000 inline link\ndata 1\na\n", ourName, len(message), message))
			first := b.Head(repoName, ourName)
			b.Commit(repoName, ourName, map[string]string{"note": "n\n"})
			b.Commit(repoName, "main", map[string]string{"other": "y\n"})
			h := b.history()
			if len(h.Commits) != 3 || h.Commits[1].ID != first || h.Commits[1].Author != "Kim Orr" || h.TooMany {
				t.Fatalf("%+v", h)
			}
			if stop := b.replay("1\n2\n3\n4\nanew\n", fleet.Pick{Commit: h.Commits[1].ID}, fleet.Pick{Commit: h.Commits[2].ID}); stop != nil {
				t.Fatal(stop)
			}
			if got := b.show("a") + b.show("other") + b.show("note"); got != "kim\n2\n3\n4\nanewyn" {
				t.Errorf("got %q", got)
			}
			if got := b.Git(repoName, "log", "--format=%an %ae %ad|%cn", "--date=raw", "main.."+ourName); got !=
				"Test test@example.com 1700000000 +0000|Portreeve\nKim Orr kim@example.com 1600000000 +0230|Portreeve\nPortreeve bot@example.com 1800000000 +0000|Portreeve" {
				t.Errorf("got %s", got)
			}
			body := func(id fleet.CommitID) string {
				_, text, _ := strings.Cut(b.Git(repoName, "cat-file", "commit", string(id)), "\nencoding ")
				return text
			}
			if again := fleet.CommitID(b.Git(repoName, "rev-parse", ourName+"~1")); again == first || body(again) != body(first) || body(first) == "" {
				t.Errorf("got %q, want %q", body(again), body(first))
			}
			if got := b.Git(repoName, "ls-tree", ourName, "tool.sh", "link"); !strings.HasPrefix(got, "120000 ") || !strings.Contains(got, "\n100755 ") {
				t.Errorf("got %s", got)
			}
		})
	}
}

func TestReplayStopsAtAConflict(t *testing.T) {
	b := newReplayBench(t, gitrepotest.Options{})
	id := b.Commit(repoName, ourName, map[string]string{"a": "1\n2\n3\n4\nkim\n"})
	stop := b.replay("1\n2\n3\n4\nanew\n", fleet.Pick{Commit: id})
	if stop == nil || stop.Commit != id || stop.Path != "a" || !strings.Contains(stop.Why, "same lines") {
		t.Errorf("%+v", stop)
	}
	if b.Head(repoName, ourName) != id {
		t.Error("the branch was written")
	}
}

// TestReplayFollowsRenames holds that what a person changed in a file which we
// rename is in it under its new name, and what we change in one that they
// rename as well.
func TestReplayFollowsRenames(t *testing.T) {
	const was = "1\n2\n3\n4\n5\n"
	gone := transform.Edit{Path: "a", Delete: true}
	kims := "commit refs/heads/%[1]s\ncommitter Kim <kim@example.com> 1600000009 +0000\ndata 4\nkim\nfrom refs/heads/%[1]s^0\n"
	for name, c := range map[string]struct {
		first []transform.Edit // what ours was, and what it is now
		now   []transform.Edit
		does  string
		path  string
		want  string
	}{
		"we rename, they edit": {
			[]transform.Edit{{Path: "other", Content: []byte("y\n")}},
			[]transform.Edit{gone, {Path: "dir/sub/b", Content: []byte(was)}},
			"M 100755 inline a\ndata 12\nkim\n2\n3\n4\n5\n\n", "dir/sub/b", "kim\n2\n3\n4\n5",
		},
		"they rename, we edit": {edit("1\n2\n3\n4\nours\n"), edit("1\n2\n3\n4\nanew\n"), "R a sub/b\n", "sub/b", "1\n2\n3\n4\nanew"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newReplayBench(t, gitrepotest.Options{})
			b.Git(repoName, "branch", "-D", ourName)
			b.pushed(b.Head(repoName, "main"), "", c.first)
			id := b.Import(repoName, ourName, fmt.Sprintf(kims, ourName)+c.does)
			if stop := b.anew(c.now, fleet.Pick{Commit: id}); stop != nil {
				t.Fatalf("%+v", stop)
			}
			if got := b.show(c.path); got != c.want {
				t.Errorf("got %q", got)
			}
			if got := b.Git(repoName, "ls-tree", "-r", "--name-only", ourName); got != strings.Join([]string{c.path, "other"}, "\n") && got != strings.Join([]string{"other", c.path}, "\n") {
				t.Errorf("files: %s", got)
			}
		})
	}
}

// TestReplayStopsWhereOursTakesTheFileAway holds that what a person changed in
// a file that we delete, or rename with a change, is told and stays.
func TestReplayStopsWhereOursTakesTheFileAway(t *testing.T) {
	const was = "1\n2\n3\n4\n5\n"
	gone := transform.Edit{Path: "a", Delete: true}
	kims := "commit refs/heads/%[1]s\ncommitter Kim <kim@example.com> 1600000009 +0000\ndata 4\nkim\nfrom refs/heads/%[1]s^0\n"
	for name, c := range map[string]struct {
		edits []transform.Edit
		does  string     // the person's commit
		path  fleet.Path // of the file that is told
	}{
		"we delete, they edit":       {[]transform.Edit{gone}, "M 100644 inline a\ndata 15\nkim\n2\n3\n4\nours\n", "a"},
		"we rename and change it":    {[]transform.Edit{gone, {Path: "dir/a", Content: []byte("0\n" + was)}}, "M 100644 inline a\ndata 15\nkim\n2\n3\n4\nours\n", "a"},
		"they delete, we edit":       {edit("1\n2\n3\n4\nanew\n"), "D a\n", "a"},
		"they put a directory there": {edit("1\n2\n3\n4\nanew\n"), "D a\nM 100644 inline a/b\ndata 2\nb\n", "a"},
		"we both rename":             {[]transform.Edit{gone, {Path: "b", Content: []byte(was)}}, "R a b\n", "b"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newReplayBench(t, gitrepotest.Options{})
			id := b.Import(repoName, ourName, fmt.Sprintf(kims, ourName)+c.does)
			stop := b.anew(c.edits, fleet.Pick{Commit: id})
			if stop == nil || stop.Commit != id || stop.Path != c.path || stop.Why == "" {
				t.Errorf("%+v", stop)
			}
			if b.Head(repoName, ourName) != id {
				t.Error("the branch was written")
			}
		})
	}
}

// TestReplayOfAnAmendedCommit holds that what a person amended is what they
// changed of ours, and not what we had made.
func TestReplayOfAnAmendedCommit(t *testing.T) {
	b := newReplayBench(t, gitrepotest.Options{})
	base, was := b.Head(repoName, "main"), b.Head(repoName, ourName)
	made := &fleet.Made{Base: base, Tree: fleet.TreeID(b.Git(repoName, "rev-parse", ourName+"^{tree}"))}
	amended := func(from, content string) fleet.CommitID {
		return b.Import(repoName, ourName, fmt.Sprintf("commit refs/heads/%s\nauthor Portreeve <bot@example.com> 1600000000 +0000\n"+
			"committer Kim <kim@example.com> 1600000009 +0100\ndata 5\nours\n\nfrom %s\nM 100644 inline a\ndata %d\n%s\n", ourName, from, len(content), content))
	}
	id := amended(string(base), "kim\n2\n3\n4\nours\n")
	if stop := b.replay("1\n2\n3\n4\nanew\n", fleet.Pick{Commit: id, Made: made, Message: "theirs\n"}); stop != nil {
		t.Fatal(stop)
	}
	if got := b.show("a"); got != "kim\n2\n3\n4\nanew" {
		t.Errorf("got %q", got)
	}
	if got := b.Git(repoName, "log", "-1", "--format=%an %ad|%cn|%s", "--date=raw", ourName); got != "Kim 1600000009 +0100|Portreeve|theirs" {
		t.Errorf("got %s", got)
	}

	// Put on a newer base and else the same, it is ours alone.
	b.Commit(repoName, "main", map[string]string{"other": "y\n"})
	id = amended("refs/heads/main^0", "1\n2\n3\n4\nours\n")
	if stop := b.replay("1\n2\n3\n4\nanew again\n", fleet.Pick{Commit: id, Made: made}); stop != nil {
		t.Fatal(stop)
	}
	if got := b.Git(repoName, "rev-list", "--count", "main.."+ourName); got != "1" {
		t.Errorf("%s commits", got)
	}

	// What we had made is gone from the server.
	id = amended(string(base), "kim\n2\n3\n4\nours\n")
	b.Git(repoName, "reflog", "expire", "--expire=now", "--all")
	b.Git(repoName, "prune", "--expire=now")
	b.Git(repoName, "repack", "-adq")
	b.Git(repoName, "prune", "--expire=now")
	stop := b.replay("1\n2\n3\n4\nanew\n", fleet.Pick{Commit: id, Made: made})
	if stop == nil || stop.Commit != id || !strings.Contains(stop.Why, "does not keep") {
		t.Errorf("%+v (%s)", stop, was)
	}
}

// TestReplayOfMerges holds that a merge of the base is left out if it is that
// alone, and stops all else.
func TestReplayOfMerges(t *testing.T) {
	b := newReplayBench(t, gitrepotest.Options{})
	since := b.Head(repoName, "main")
	merge := func(into, of, content string) fleet.CommitID {
		return b.Import(repoName, ourName, fmt.Sprintf("commit refs/heads/%s\ncommitter Kim <kim@example.com> 1600000009 +0100\ndata 6\nmerge\n\nfrom %s\nmerge %s\n"+
			"M 100644 inline other\ndata %d\n%s\n", ourName, into, of, len(content), content))
	}
	on := b.Commit(repoName, ourName, map[string]string{"note": "n\n"})
	b.Commit(repoName, "main", map[string]string{"other": "y\n"})
	merged := merge(string(on), "refs/heads/main^0", "y\n")
	after := b.Commit(repoName, ourName, map[string]string{"note": "m\n"})
	h := b.history()
	if len(h.Commits) != 4 || !h.Commits[2].FromBase || h.Commits[2].ID != merged || h.Commits[1].FromBase {
		t.Fatalf("%+v", h.Commits)
	}
	picks := []fleet.Pick{{Commit: on}, {Commit: merged, Since: since}, {Commit: after}}
	if stop := b.replay("1\n2\n3\n4\nanew\n", picks...); stop != nil {
		t.Fatal(stop)
	}
	if got := b.Git(repoName, "rev-list", "--count", "main.."+ourName) + b.show("note") + b.show("other"); got != "3my" {
		t.Errorf("got %s", got)
	}

	evil := merge(string(on), "refs/heads/main^0", "y and more\n")
	if stop := b.replay("1\n2\n3\n4\nanew\n", fleet.Pick{Commit: on}, fleet.Pick{Commit: evil, Since: since}); stop == nil || stop.Commit != evil {
		t.Errorf("%+v", stop)
	}
	b.Git(repoName, "branch", "side", string(since))
	side := b.Commit(repoName, "side", map[string]string{"side": "s\n"})
	merge(string(on), string(side), "x\n")
	if h := b.history(); h.Commits[len(h.Commits)-1].FromBase {
		t.Error("a merge of another branch counts as one of the base")
	}
}

func TestHistoryIsBounded(t *testing.T) {
	b := newReplayBench(t, gitrepotest.Options{})
	var in strings.Builder
	for n := range fleet.MaxHistory {
		fmt.Fprintf(&in, "commit refs/heads/%s\ncommitter Kim <kim@example.com> %d +0100\ndata 2\nx\n\n", ourName, 1600000000+n)
		if n == 0 {
			fmt.Fprintf(&in, "from refs/heads/%s^0\n", ourName)
		}
	}
	b.Import(repoName, ourName, in.String())
	if h := b.history(); !h.TooMany || h.Commits != nil {
		t.Errorf("%d commits", len(h.Commits))
	}
	_, err := b.c.History(t.Context(), b.remote, b.Head(repoName, "main"), fleet.CommitID(strings.Repeat("1", 40)))
	if fleet.ClassOf(err) != fleet.Moved {
		t.Errorf("of a commit that is not there: %v", err)
	}
}

// TestReplaySigned holds that each commit that is made again has a signature
// of ours.
func TestReplaySigned(t *testing.T) {
	b := newReplayBench(t, gitrepotest.Options{})
	id := b.Commit(repoName, ourName, map[string]string{"note": "n\n"})
	base, err := b.c.Snapshot(t.Context(), b.remote, b.Head(repoName, "main"))
	b.must(err)
	r, stop, err := b.c.Replay(t.Context(), b.remote, base, edit("1\n"), []fleet.Pick{{Commit: id}})
	if b.must(err); stop != nil {
		t.Fatal(stop)
	}
	signing := New(Options{Signer: brokenSigner{sig: []byte("-----BEGIN X-----\nsigned\n-----END X-----")}})
	made, err := signing.CommitReplayed(r, Signature{"P", "p@example.com", time.Unix(1, 0)}, say)
	b.must(err)
	signed := 0
	for _, o := range made.objects {
		if strings.Contains(string(o.data), "\ngpgsig -----BEGIN X-----\n signed\n") {
			signed++
		}
	}
	if signed != 2 {
		t.Errorf("%d commits are signed", signed)
	}
	if _, err := New(Options{Signer: brokenSigner{}}).CommitReplayed(r, someone, say); fleet.ClassOf(err) != fleet.Permanent || errors.Is(err, ErrNoChange) {
		t.Errorf("without a signature: %v", err)
	}
}
