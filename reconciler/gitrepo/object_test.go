package gitrepo

import (
	"errors"
	"strings"
	"testing"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// FuzzParseCommit proves that no commit object harms the reader, and that what
// we write is read back whatever its message holds.
func FuzzParseCommit(f *testing.F) {
	f.Add("tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nparent x\n\n")
	f.Add("tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor A <a> 1 +0000\ncommitter B <b> 1 +0000\ngpgsig x\n tree 0\n author C\n\nm")
	f.Fuzz(func(t *testing.T, text string) {
		if h, err := parseCommit([]byte(text)); err == nil {
			h.commit(h.tree)
		} else if !errors.Is(err, errCommit) {
			t.Error(err)
		}
		tree, parent := fleet.TreeID(emptyTree.String()), fleet.CommitID(strings.Repeat("1", 40))
		h, err := parseCommit(commitText(tree, parent, Signature{Name: text, Email: text, When: someone.When}, text))
		if err != nil || h.tree != emptyTree || len(h.parents) != 1 || h.encoding != "" || h.author != h.committer {
			t.Errorf("read %+v: %v", h, err)
		}
	})
}
