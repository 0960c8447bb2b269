package simulation

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing/fstest"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/source"
)

// configs is the config repo as the reconciler reads it.
type configs struct {
	p         *play
	now       declared // to be committed, or committed
	revisions []*revision
	read      *source.Tree
}

type revision struct {
	tree  *source.Tree
	files map[string]string
	says  declared
}

var _ source.Source = (*configs)(nil)

func newConfigs(p *play) *configs { return &configs{p: p, now: p.firstDeclared()} }

func newRevision(id fleet.Revision, at time.Time, files map[string]string, says declared) *revision {
	fsys := fstest.MapFS{}
	for path, content := range files {
		fsys[path] = &fstest.MapFile{Data: []byte(content), Mode: 0o644}
	}
	return &revision{tree: &source.Tree{Revision: id, Time: at, Files: fsys, Name: string(configRepo)}, files: files, says: says}
}

func (c *configs) newest() *revision { return c.revisions[len(c.revisions)-1] }

// at is what a revision says.
func (c *configs) at(id fleet.Revision) (declared, bool) {
	for _, r := range c.revisions {
		if r.tree.Revision == id {
			return r.says, true
		}
	}
	return declared{}, false
}

// Current fails as often as any other request does.
func (c *configs) Current(context.Context) (*source.Tree, error) {
	c.p.result.Requests++
	if c.p.trouble && c.p.chance(c.p.faults) {
		c.p.result.Faults++
		return nil, &fleet.Failure{Class: fleet.Transient, Op: "read", On: string(configRepo), Err: errors.New("connection reset")}
	}
	c.read = c.newest().tree
	return c.read, nil
}

// Last is what was read last.
func (c *configs) Last() *source.Tree { return c.read }

// Watch is not used: the simulation makes the passes itself.
func (c *configs) Watch(ctx context.Context, _ func()) error {
	<-ctx.Done()
	return nil
}

// LastChanged goes back as long as the lines stand together in the file.
func (c *configs) LastChanged(_ context.Context, tree *source.Tree, file string, from, to int) (fleet.Revision, error) {
	last, lines := tree.Revision, ""
	for i := len(c.revisions) - 1; i >= 0; i-- {
		r := c.revisions[i]
		switch {
		case r.tree.Revision == tree.Revision:
			all := strings.SplitAfter(r.files[file], "\n")
			lines = strings.Join(all[min(from, len(all))-1:min(to, len(all))], "")
		case lines == "":
			continue // newer than what is asked about
		case !strings.Contains(r.files[file], lines):
			return last, nil
		}
		last = r.tree.Revision
	}
	return last, nil
}

// Before is the commit before.
func (c *configs) Before(_ context.Context, _ *source.Tree, rev fleet.Revision) (fleet.Revision, int, error) {
	if i := c.index(rev); i > 0 {
		return c.revisions[i-1].tree.Revision, 1, nil
	}
	return "", 0, nil
}

// At is the tree of a commit.
func (c *configs) At(_ context.Context, _ *source.Tree, rev fleet.Revision) (*source.Tree, error) {
	return c.revisions[c.index(rev)].tree, nil
}

func (c *configs) index(rev fleet.Revision) int {
	return slices.IndexFunc(c.revisions, func(r *revision) bool { return r.tree.Revision == rev })
}
