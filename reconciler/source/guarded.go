package source

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/go-git/go-billy/v5"
	"github.com/go-git/go-billy/v5/osfs"

	"github.com/portreeve/portreeve/reconciler/disk"
)

// guardedFS is a folder as go-git writes to it, each change by way of a Disk.
type guardedFS struct {
	billy.Filesystem
	disk disk.Disk
}

// guarded is the folder at dir, which nothing leaves.
func guarded(d disk.Disk, dir string) billy.Filesystem {
	return &guardedFS{osfs.New(dir, osfs.WithBoundOS()), d}
}

// full is a path as others name it; go-git uses both sorts.
func (g *guardedFS) full(path string) string {
	if strings.HasPrefix(path, g.Root()+string(filepath.Separator)) {
		return path
	}
	return filepath.Join(g.Root(), path)
}

func (g *guardedFS) Create(name string) (billy.File, error) {
	return g.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o666)
}

// OpenFile changes something only where a file is made or emptied.
func (g *guardedFS) OpenFile(name string, flag int, perm os.FileMode) (f billy.File, err error) {
	open := func() error {
		f, err = g.Filesystem.OpenFile(name, flag, perm)
		return err
	}
	if flag&(os.O_CREATE|os.O_TRUNC) == 0 {
		err = open()
	} else {
		err = g.disk.Do("make", g.full(name), open)
	}
	return g.file(name, f, err)
}

func (g *guardedFS) TempFile(dir, prefix string) (f billy.File, err error) {
	err = g.disk.Do("make", g.full(dir), func() error {
		f, err = g.Filesystem.TempFile(dir, prefix)
		return err
	})
	return g.file(filepath.Join(dir, prefix), f, err)
}

func (g *guardedFS) Rename(from, to string) error {
	return g.disk.Do("rename", g.full(to), func() error { return g.Filesystem.Rename(from, to) })
}

func (g *guardedFS) Remove(name string) error {
	return g.disk.Do("remove", g.full(name), func() error { return g.Filesystem.Remove(name) })
}

func (g *guardedFS) MkdirAll(name string, perm os.FileMode) error {
	return g.disk.Do("make", g.full(name), func() error { return g.Filesystem.MkdirAll(name, perm) })
}

func (g *guardedFS) Symlink(target, link string) error {
	return g.disk.Do("make", g.full(link), func() error { return g.Filesystem.Symlink(target, link) })
}

func (g *guardedFS) Chroot(path string) (billy.Filesystem, error) {
	inner, err := g.Filesystem.Chroot(path)
	return &guardedFS{inner, g.disk}, err
}

func (g *guardedFS) file(name string, f billy.File, err error) (billy.File, error) {
	if err != nil {
		return nil, err
	}
	return &guardedFile{f, g.full(name), g.disk}, nil
}

type guardedFile struct {
	billy.File
	path string
	disk disk.Disk
}

func (f *guardedFile) Write(content []byte) (int, error) {
	return f.disk.Write(f.path, f.File, content)
}

func (f *guardedFile) Truncate(size int64) error {
	return f.disk.Do("write", f.path, func() error { return f.File.Truncate(size) })
}
