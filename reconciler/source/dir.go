package source

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Dir reads the commit that HEAD of a local repo stands at; what lies about
// uncommitted is not seen. If dir is a folder inside of a work tree, that
// folder is the root of declarations.
func Dir(dir string) Source {
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	return &local{dir: dir, memory: newRecall()}
}

type local struct {
	dir    string
	memory *recall

	mu   sync.Mutex
	last *Tree
}

func (s *local) Current(ctx context.Context) (*Tree, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, failed("read", s.dir, fleet.Transient, err)
	}
	// Opened each time: a repack makes what was known of packs stale.
	repo, head, sub, err := s.open()
	if err != nil {
		return nil, failed("read", s.dir, classLocal(err), plain(err))
	}
	if s.last != nil && s.last.Revision == fleet.Revision(head.String()) {
		s.memory.mu.Lock()
		s.last.past.repo, s.last.past.trees = repo, trees{}
		s.memory.mu.Unlock()
		return s.last, nil
	}
	tree, err := treeAt(repo, head, sub, s.memory, func() (*git.Repository, error) {
		repo, _, _, err := s.open()
		return repo, err
	})
	if err != nil {
		// Git writes objects before refs, so this is damage and not a race.
		return nil, failed("read", s.dir, fleet.Transient, err)
	}
	tree.Name = s.dir
	s.last = tree
	return tree, nil
}

// treeAt is the tree of a commit of an open repo; again opens it anew.
func treeAt(repo *git.Repository, at plumbing.Hash, sub string, m *recall, again func() (*git.Repository, error)) (*Tree, error) {
	c, err := repo.CommitObject(at)
	if err != nil {
		return nil, fmt.Errorf("read commit %s: %w", at, err)
	}
	files, err := readObjects(c, sub, lateBlobs(again))
	if err != nil {
		return nil, err
	}
	return &Tree{
		Revision: fleet.Revision(at.String()),
		Time:     c.Committer.When.UTC(),
		Files:    files,
		past:     &past{memory: m, repo: repo, sub: sub, again: again},
	}, nil
}

// keepOpen lets a repo keep its packs open, which blame would otherwise open
// for each object; they are closed when the repo is garbage. It also finds the
// objects that a clone shares with another on this disk.
func keepOpen(repo *git.Repository) (*git.Repository, error) {
	files, ok := repo.Storer.(*filesystem.Storage)
	if !ok {
		return repo, nil
	}
	return git.Open(filesystem.NewStorageWithOptions(files.Filesystem(), cache.NewObjectLRUDefault(),
		filesystem.Options{KeepDescriptors: true, AlternatesFS: osfs.New("/")}), nil)
}

// Reasons why a folder has no revision, each for a person to mend.
var (
	errNoRepo   = errors.New("not in a Git repo; `git init` and commit, since only commits are declarations")
	errNoCommit = errors.New("the branch has no commit yet")
)

func classLocal(err error) fleet.Class {
	for _, permanent := range []error{errNoRepo, errNoCommit, os.ErrNotExist, os.ErrPermission} {
		if errors.Is(err, permanent) {
			return fleet.Permanent
		}
	}
	return fleet.Transient
}

// open gives the repo, its head, and dir's place below the work tree's root.
func (s *local) open() (repo *git.Repository, head plumbing.Hash, sub string, err error) {
	dir, err := filepath.EvalSymlinks(s.dir)
	if err != nil {
		return nil, head, "", err
	}
	repo, err = git.PlainOpenWithOptions(dir, &git.PlainOpenOptions{DetectDotGit: true, EnableDotGitCommonDir: true})
	if errors.Is(err, git.ErrRepositoryNotExists) {
		repo, err = git.PlainOpen(dir) // a bare one
	}
	if errors.Is(err, git.ErrRepositoryNotExists) {
		return nil, head, "", errNoRepo
	}
	if err != nil {
		return nil, head, "", err
	}
	ref, err := repo.Head()
	if errors.Is(err, plumbing.ErrReferenceNotFound) {
		return nil, head, "", errNoCommit
	}
	if err != nil {
		return nil, head, "", err
	}
	if work, err := repo.Worktree(); err == nil {
		if root, err := filepath.EvalSymlinks(work.Filesystem.Root()); err == nil {
			if rel, err := filepath.Rel(root, dir); err == nil && rel != "." && !strings.HasPrefix(rel, "..") {
				sub = filepath.ToSlash(rel)
			}
		}
	}
	repo, err = keepOpen(repo)
	return repo, ref.Hash(), sub, err
}

func (s *local) Last() *Tree {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

func (s *local) Watch(ctx context.Context, changed func()) error {
	return watcher{folders: s.folders, stamp: s.stamp, quiet: settle, poll: lookOver}.run(ctx, changed)
}

func (s *local) LastChanged(ctx context.Context, tree *Tree, file string, from, to int) (fleet.Revision, error) {
	return lastChanged(ctx, tree, file, from, to)
}

func (s *local) Before(ctx context.Context, tree *Tree, rev fleet.Revision) (fleet.Revision, int, error) {
	return before(ctx, tree, rev)
}

func (s *local) At(ctx context.Context, tree *Tree, rev fleet.Revision) (*Tree, error) {
	return at(ctx, tree, rev)
}

func (s *local) stamp() string {
	_, head, _, err := s.open()
	if err != nil {
		return err.Error()
	}
	return head.String()
}

// folders are those in which Git writes when HEAD moves: HEAD, packed-refs,
// the loose refs and the reflogs.
func (s *local) folders() []string {
	return append(s.gitFolders(), filepath.Dir(s.dir))
}

func (s *local) gitFolders() []string {
	for dir := s.dir; ; dir = filepath.Dir(dir) {
		dot := filepath.Join(dir, ".git")
		if info, err := os.Stat(dot); err == nil {
			if !info.IsDir() {
				dot = linked(dot)
			}
			return append(gitFolders(dot), dir, s.dir)
		}
		if _, err := os.Stat(filepath.Join(dir, "HEAD")); err == nil && dir == s.dir {
			return gitFolders(dir)
		}
		if dir == filepath.Dir(dir) {
			return []string{s.dir}
		}
	}
}

func gitFolders(gitDir string) []string {
	folders := []string{gitDir, filepath.Join(gitDir, "logs")}
	if text, err := os.ReadFile(filepath.Join(gitDir, "commondir")); err == nil {
		gitDir = resolve(gitDir, string(text))
		folders = append(folders, gitDir)
	}
	return append(folders, foldersBelow(filepath.Join(gitDir, "refs"), true)...)
}

// linked is the Git folder that a file named .git points to.
func linked(dot string) string {
	text, err := os.ReadFile(dot)
	if err != nil {
		return dot
	}
	return resolve(filepath.Dir(dot), strings.TrimPrefix(string(text), "gitdir:"))
}

func resolve(base, to string) string {
	to = strings.TrimSpace(to)
	if filepath.IsAbs(to) {
		return to
	}
	return filepath.Join(base, to)
}
