// Package disk writes files so that nobody ever sees one half-written.
package disk

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
)

// Write writes a file below root, with the folders above it: first under
// another name beside it, then by renaming. A file that stands there keeps
// its mode; a symlink is not written through, but refused.
func Write(root *os.Root, name string, data []byte) error {
	var mode fs.FileMode
	switch info, err := root.Lstat(name); {
	case err == nil && !info.Mode().IsRegular():
		return fmt.Errorf("%s: is no plain file", name)
	case err == nil:
		mode = info.Mode().Perm()
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if dir := path.Dir(name); dir != "." {
		if err := root.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	temp := path.Join(path.Dir(name), "."+path.Base(name)+"-"+rand.Text()[:8])
	if err := writeNew(root, temp, data, mode); err != nil {
		return err
	}
	err := root.Rename(temp, name)
	if err != nil {
		_ = root.Remove(temp) // beside the point by now
	}
	return err
}

// writeNew writes a file that is not there yet; a mode of 0 is the usual one.
func writeNew(root *os.Root, name string, data []byte, mode fs.FileMode) error {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil && mode != 0 {
		err = f.Chmod(mode)
	}
	err = errors.Join(err, f.Close())
	if err != nil {
		_ = root.Remove(name)
	}
	return err
}
