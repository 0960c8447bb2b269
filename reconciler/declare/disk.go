package declare

import (
	"io/fs"
	"os"
	"path"
	"strconv"
	"time"
)

// onDisk is a folder whose files are known again by what the system says of
// them.
type onDisk struct {
	fs.FS
	root *os.Root
	// entries are of folders that were read, by path: asking each file's
	// entry costs a quarter of finding the file again from the root.
	entries map[string]fs.DirEntry
}

// newOnDisk is for one reading, by one goroutine.
func newOnDisk(root *os.Root) onDisk { return onDisk{root.FS(), root, map[string]fs.DirEntry{}} }

// ReadDir implements fs.ReadDirFS.
func (d onDisk) ReadDir(dir string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(d.FS, dir)
	for _, e := range entries {
		d.entries[path.Join(dir, e.Name())] = e
	}
	return entries, err
}

// Stat implements fs.StatFS: a symlink may lead to a pipe, which can't be
// opened to ask what it is.
func (d onDisk) Stat(name string) (fs.FileInfo, error) { return d.root.Stat(name) }

// settled is how old a change must be: as long as it is younger, the file may
// change again without the system's clock showing it.
const settled = 2 * time.Second

// Fingerprint implements Fingerprinter, as Git does for its own index.
func (d onDisk) Fingerprint(name string) (string, bool) {
	e := d.entries[name]
	if e == nil {
		return "", false
	}
	info, err := e.Info()
	if err != nil || !info.Mode().IsRegular() {
		return "", false
	}
	changed, inode := changes(info)
	newest := info.ModTime()
	if changed.After(newest) {
		newest = changed
	}
	if time.Since(newest) < settled {
		return "", false
	}
	id := make([]byte, 0, 64)
	for _, n := range []int64{info.Size(), info.ModTime().UnixNano(), changed.UnixNano(), int64(inode)} {
		id = append(strconv.AppendInt(id, n, 10), ' ')
	}
	return string(id), true
}
