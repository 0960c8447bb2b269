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
)

// Folder is a folder on disk. A nil one keeps nothing.
type Folder struct {
	dir   string
	cache *cache.Cache
	full  int64
}

// maxBytes is what a folder is cut to, once a day.
const maxBytes = 512 << 20

// Open opens a folder, and makes it where there is none; nil where it can't
// be, for then there is nothing to be kept.
func Open(dir string) *Folder { return open(dir, maxBytes) }

func open(dir string, full int64) *Folder {
	if dir == "" || os.MkdirAll(filepath.Join(dir, "trees"), 0o700) != nil {
		return nil
	}
	c, err := cache.Open(dir)
	if err != nil {
		return nil
	}
	f := &Folder{dir, c, full}
	f.trim()
	return f
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
	if f != nil {
		_ = f.cache.PutBytes(sha256.Sum256([]byte(key)), value)
	}
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
	t, err := os.CreateTemp(filepath.Join(f.dir, "trees"), "new-")
	if err != nil {
		return
	}
	h := sum(key)
	h.Write(value)
	if _, err = t.Write(h.Sum([]byte(magic))); err == nil {
		_, err = t.Write(value)
	}
	if closed := t.Close(); err != nil || closed != nil || os.Rename(t.Name(), f.tree(name)) != nil {
		_ = os.Remove(t.Name())
	}
}

func (f *Folder) tree(name string) string {
	h := sha256.Sum256([]byte(name))
	return filepath.Join(f.dir, "trees", hex.EncodeToString(h[:16]))
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
	const mark = "trimmed"
	if info, err := os.Stat(filepath.Join(f.dir, mark)); err == nil && time.Since(info.ModTime()).Abs() < 24*time.Hour {
		return
	}
	// First the mark: of several processes one does the work.
	_ = os.WriteFile(filepath.Join(f.dir, mark), nil, 0o600)
	_ = f.cache.Trim()
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
			_ = os.Remove(path) // left by a crash
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
		_ = os.Remove(old.path)
		total -= old.size
	}
}
