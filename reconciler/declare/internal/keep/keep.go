// Package keep keeps what can be made again in a folder on disk: safe to
// delete at any time, safe with several processes at once, and never trusted:
// what is read back is what was written, or nothing.
package keep

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/cache"

	"github.com/portreeve/portreeve/reconciler/disk"
)

// Folder is a folder on disk. A nil one keeps nothing.
type Folder struct {
	disk  disk.Disk
	dir   string
	cache *cache.Cache
	full  int64
}

// maxBytes is what a folder is cut to, once a day.
const maxBytes = 512 << 20

// Open opens a folder, and makes it where there is none; nil where it can't
// be, for then there is nothing to be kept.
func Open(d disk.Disk, dir string) *Folder { return open(d, dir, maxBytes) }

func open(d disk.Disk, dir string, full int64) *Folder {
	if dir == "" || d.MkdirAll(dir) != nil {
		return nil
	}
	c, err := openCache(d, dir)
	if err != nil || d.MkdirAll(filepath.Join(dir, trees)) != nil {
		return nil
	}
	f := &Folder{d, dir, c, full}
	f.trim()
	return f
}

// trees is the folder of trees, made last: where it is, all folders are.
const trees = "trees"

// openCache opens the library's part of the folder. What the library changes
// is one change each time.
func openCache(d disk.Disk, dir string) (c *cache.Cache, err error) {
	if info, err := os.Stat(filepath.Join(dir, trees)); err == nil && info.IsDir() {
		return cache.Open(dir)
	}
	err = d.Do("make", dir, func() error {
		c, err = cache.Open(dir)
		return err
	})
	return c, err
}

// Get gives the value that was put under the key.
func (f *Folder) Get(key string) ([]byte, bool) {
	if f == nil {
		return nil, false
	}
	value, _, err := f.cache.GetBytes(sha256.Sum256([]byte(key)))
	return value, err == nil
}

// Put keeps a value, if it can.
func (f *Folder) Put(key string, value []byte) {
	if f == nil {
		return
	}
	id := sha256.Sum256([]byte(key))
	_ = f.disk.Do("write", filepath.Join(f.dir, hex.EncodeToString(id[:])), func() error { return f.cache.PutBytes(id, value) })
}

// magic stands before a tree's bytes, with the sum of key and bytes.
const magic = "prt1"

// GetTree gives the value that was put last under the name with this key. It
// is read once, and summed on the way: it may be large.
func (f *Folder) GetTree(name, key string) (string, bool) {
	if f == nil {
		return "", false
	}
	file, err := os.Open(f.tree(name))
	if err != nil {
		return "", false
	}
	defer file.Close()
	info, err := file.Stat()
	head := make([]byte, len(magic)+sha256.Size)
	if err == nil {
		_, err = io.ReadFull(file, head)
	}
	if err != nil || string(head[:len(magic)]) != magic {
		return "", false
	}
	var value strings.Builder
	value.Grow(int(min(info.Size(), maxBytes)))
	h := sum(key)
	_, err = io.Copy(io.MultiWriter(&value, h), file)
	return value.String(), err == nil && string(h.Sum(nil)) == string(head[len(magic):])
}

// PutTree keeps one value for a name, in place of what was there.
func (f *Folder) PutTree(name, key string, value []byte) {
	if f == nil {
		return
	}
	h := sum(key)
	h.Write(value)
	f.write(f.tree(name), h.Sum([]byte(magic)), value)
}

// write puts a file in the place of what was there, in one.
func (f *Folder) write(path string, parts ...[]byte) {
	t, err := f.disk.WriteTemp(filepath.Join(f.dir, trees), "new-", parts...)
	if err == nil && f.disk.Rename(t, path) != nil {
		_ = f.disk.Remove(t)
	}
}

func (f *Folder) tree(name string) string {
	h := sha256.Sum256([]byte(name))
	return filepath.Join(f.dir, trees, hex.EncodeToString(h[:16]))
}

// sum begins the sum of a key and a value.
func sum(key string) hash.Hash {
	of := sha256.Sum256([]byte(key))
	h := sha256.New()
	h.Write(of[:])
	return h
}

// trim removes, once a day, what was not used for days, and then the oldest
// until there is room.
func (f *Folder) trim() {
	mark := filepath.Join(f.dir, "trimmed")
	if info, err := os.Stat(mark); err == nil && time.Since(info.ModTime()).Abs() < 24*time.Hour {
		return
	}
	// First the mark: of several processes one does the work.
	f.write(mark)
	_ = f.disk.Do("remove", f.dir, f.cache.Trim)
	f.cut()
}

func (f *Folder) cut() {
	type file struct {
		path string
		used time.Time
		size int64
	}
	var all []file
	total := int64(0)
	_ = filepath.WalkDir(f.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Dir(path) == f.dir {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return nil
		}
		if strings.HasPrefix(d.Name(), "new-") && time.Since(info.ModTime()) > time.Hour {
			_ = f.disk.Remove(path) // left by a crash
			return nil
		}
		all = append(all, file{path, info.ModTime(), info.Size()})
		total += info.Size()
		return nil
	})
	slices.SortFunc(all, func(a, b file) int {
		return cmp.Or(a.used.Compare(b.used), strings.Compare(a.path, b.path))
	})
	for _, old := range all {
		if total <= f.full {
			return
		}
		_ = f.disk.Remove(old.path)
		total -= old.size
	}
}
