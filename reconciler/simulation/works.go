package simulation

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge/sandbox"
)

// work is a commit of a person's on a branch of ours.
type work struct {
	id      fleet.CommitID // today's: it is another when it has been made again
	login   string
	path    string
	mark    string // a line that only this commit adds to the file
	message string // empty for one that was amended, and has another's
	covered bool   // the file has been written over by people since
}

// begin is a work on a file, not committed yet.
func (a *actor) begin(path string) work {
	return work{login: a.login, path: path, mark: fmt.Sprintf("# by %s, %d\n", a.login, a.result.Acts)}
}

// push commits to a file of a branch of ours.
func (a *actor) push(branch, path string) (string, error) {
	w := a.begin(path)
	w.message = fmt.Sprintf("Work on %s, %d", path, a.result.Acts)
	id, err := a.CommitFile(a.repo, branch, path, a.content(path)+w.mark, w.message)
	if w.id = id; err == nil {
		a.book.hold(a.repo, branch, w)
	}
	return fmt.Sprintf("pushes %.7s to %s", id, branch), err
}

// hold notes a commit of a person's on a branch of ours.
func (b *book) hold(repo fleet.RepoName, branch string, w work) {
	key := branchKey{repo, branch}
	b.held[key] = append(b.held[key], w)
}

// overwritten forgets the commits that a person has just thrown away.
func (b *book) overwritten(repo fleet.RepoName, branch string) {
	key := branchKey{repo, branch}
	// Whoever amends a commit keeps what it did to other files.
	covered := map[string]bool{}
	b.held[key] = slices.DeleteFunc(b.held[key], func(w work) bool {
		gone := !b.reaches(repo, branch, w.id)
		covered[w.path] = covered[w.path] || gone
		return gone
	})
	for i := range b.held[key] {
		b.held[key][i].covered = b.held[key][i].covered || covered[b.held[key][i].path]
	}
}

func (b *book) dropAll(repo fleet.RepoName, branch string) { delete(b.held, branchKey{repo, branch}) }

func (b *book) reaches(repo fleet.RepoName, branch string, id fleet.CommitID) bool {
	held, err := b.p.forge.Reaches(repo, branch, id)
	if err != nil {
		b.breaks(repo, "read %s: %v", branch, err)
	}
	return held
}

// kept holds that no commit of a person's is lost: it stands on the branch, or
// on the base, or it has been made again with its author, its message and its
// change. And what was last written to a file is in it.
func (b *book) kept(key branchKey) {
	newest := map[string]work{}
	for i := range b.held[key] {
		w := &b.held[key][i]
		if !b.reaches(key.repo, key.branch, w.id) && !b.reaches(key.repo, "main", w.id) && !b.again(key, w) {
			b.breaks(key.repo, "the commit %.7s of %s on %s is lost", w.id, w.login, key.branch)
		}
		newest[w.path] = *w
	}
	for _, path := range slices.Sorted(maps.Keys(newest)) {
		w := newest[path]
		if w.covered {
			continue
		}
		content, err := b.p.forge.ReadFile(key.repo, key.branch, w.path)
		if !strings.Contains(content, w.mark) && !b.reaches(key.repo, "main", w.id) {
			b.breaks(key.repo, "%s has no line %q on %s any more: %v", w.path, w.mark, key.branch, err)
		}
	}
}

// again looks for a work that has been made again, and notes what it is now.
func (b *book) again(key branchKey, w *work) bool {
	log, err := b.p.forge.Log(key.repo, key.branch)
	if err != nil {
		b.breaks(key.repo, "read the commits of %s: %v", key.branch, err)
	}
	for _, c := range slices.Backward(log) {
		if w.is(c) {
			w.id = c.ID
			b.p.result.Again++
			return true
		}
	}
	return false
}

// is reports whether a commit is the work, made again.
func (w *work) is(c sandbox.Logged) bool {
	same := w.message == "" || c.Author == w.login && strings.TrimSpace(c.Message) == w.message
	return same && c.Author != "Portreeve" && strings.Contains(c.Read(w.path), w.mark)
}
