package source

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// errNotFollowed is why a symlink or a submodule can't be opened.
var errNotFollowed = errors.New("not a regular file: symlinks are not followed")

// Files reads the folder at dir as it lies on disk, for people who try
// something before they commit it. Its revision is empty, and what comes
// before is the commit that the folder's work tree stands at, as it would be
// if it were committed. Folders named .git are left out, as a commit would.
func Files(dir string) Source {
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	return &files{dir: dir, name: dir, repo: &local{dir: dir, memory: newRecall()}}
}

type files struct {
	dir, name string
	repo      *local // that the folder lies in, if it does

	mu   sync.Mutex
	last *Tree
}

func (s *files) Current(ctx context.Context) (*Tree, error) {
	if err := ctx.Err(); err != nil {
		return nil, failed("read", s.name, fleet.Transient, err)
	}
	// Opened each time: the folder may have been replaced. A root that nobody
	// reads any more is closed by the garbage collector.
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return nil, failed("read", s.name, fleet.Permanent, plain(err))
	}
	tree := &Tree{Files: &onDisk{root: root, fs: root.FS()}, Name: s.name}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = tree
	return tree, nil
}

func (s *files) Last() *Tree {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

func (s *files) Watch(ctx context.Context, changed func()) error {
	return watcher{
		folders: func() []string { return foldersBelow(s.dir, false) },
		stamp:   s.stamp, quiet: settle, poll: lookOver,
	}.run(ctx, changed)
}

func (s *files) LastChanged(ctx context.Context, tree *Tree, file string, from, to int) (fleet.Revision, error) {
	return lastChanged(ctx, tree, file, from, to)
}

// Before has no history where the folder lies in no repo.
func (s *files) Before(ctx context.Context, _ *Tree, rev fleet.Revision) (fleet.Revision, int, error) {
	tree, err := s.repo.Current(ctx)
	switch {
	case err != nil && fleet.ClassOf(err) == fleet.Permanent:
		return "", 0, nil
	case err != nil:
		return "", 0, err
	case rev == "":
		return tree.Revision, 1, nil
	}
	return before(ctx, tree, rev)
}

func (s *files) At(ctx context.Context, _ *Tree, rev fleet.Revision) (*Tree, error) {
	tree, err := s.repo.Current(ctx)
	if err != nil {
		return nil, err
	}
	return at(ctx, tree, rev)
}

// stamp covers names, sizes and times, not content.
func (s *files) stamp() string {
	sum := sha256.New()
	_ = filepath.WalkDir(s.dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			fmt.Fprintf(sum, "%q unreadable\n", p)
			return nil
		}
		if d.Name() == ".git" {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if info, err := d.Info(); err == nil && !d.IsDir() {
			fmt.Fprintf(sum, "%q %d %d %o\n", p, info.Size(), info.ModTime().UnixNano(), info.Mode())
		}
		return nil
	})
	return hex.EncodeToString(sum.Sum(nil))
}

// onDisk is a folder as fs.FS that neither leaves its root nor follows a
// symlink inside of it.
type onDisk struct {
	root *os.Root
	fs   fs.FS
}

func (o *onDisk) Open(name string) (fs.File, error) {
	if err := o.check("open", name); err != nil {
		return nil, err
	}
	f, err := o.fs.Open(name)
	if err != nil {
		return nil, err
	}
	if dir, ok := f.(fs.ReadDirFile); ok {
		return &diskFolder{dir}, nil
	}
	return f, nil
}

// ReadDir lists a folder, sorted, without .git.
func (o *onDisk) ReadDir(name string) ([]fs.DirEntry, error) {
	if err := o.check("readdir", name); err != nil {
		return nil, err
	}
	entries, err := fs.ReadDir(o.fs, name)
	return withoutGit(entries), err
}

func (o *onDisk) check(op, name string) error {
	if !fs.ValidPath(name) {
		return &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	for p := name; p != "."; p = path.Dir(p) {
		if path.Base(p) == ".git" {
			return &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
		}
		info, err := o.root.Lstat(filepath.FromSlash(p))
		if err != nil {
			return err
		}
		if !info.IsDir() && !info.Mode().IsRegular() {
			return &fs.PathError{Op: op, Path: name, Err: errNotFollowed}
		}
	}
	return nil
}

type diskFolder struct{ fs.ReadDirFile }

func (f *diskFolder) ReadDir(n int) ([]fs.DirEntry, error) {
	for {
		entries, err := f.ReadDirFile.ReadDir(n)
		if kept := withoutGit(entries); len(kept) > 0 || len(entries) == 0 || err != nil || n <= 0 {
			return kept, err
		}
	}
}

func withoutGit(entries []fs.DirEntry) []fs.DirEntry {
	return slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return e.Name() == ".git" })
}

func failed(op, on string, class fleet.Class, err error) *fleet.Failure {
	return &fleet.Failure{Class: class, Op: op, On: on, Err: err}
}

// plain drops a path error's operation and path, which the failure names.
func plain(err error) error {
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		return p.Err
	}
	return err
}

// oneLine bounds what a server may put into an error's text.
func oneLine(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > 300 {
		text = strings.ToValidUTF8(text[:300], "") + "…"
	}
	return text
}
