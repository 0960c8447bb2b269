// Package disk makes the changes to files of the data directory. Each goes
// through one place, at which a test can end the program: before a change, in
// the middle of it, or after. Reading is not its affair, nor what the files
// are for.
package disk

import (
	"errors"
	"io"
	"os"
)

// Change is a change of one file or folder that is about to be made.
type Change struct {
	Do      string // "make", "write", "touch", "rename", "remove"
	Path    string // what is changed; of a rename, where it leads
	Content []byte // of a write
	// Make makes the change; a write is given what it is to write, which is
	// less than Content when it is torn.
	Make func(content []byte) error
}

// Disk makes changes. The zero value makes each as it comes.
type Disk struct {
	// Guard is handed each change, to make it or not, and its error is that of
	// the change. Many may come at once.
	Guard func(Change) error
}

// Do makes a change that is not a write.
func (d Disk) Do(what, path string, change func() error) error {
	return d.guard(Change{Do: what, Path: path, Make: func([]byte) error { return change() }})
}

// Write writes content through w, which leads to the file at path.
func (d Disk) Write(path string, w io.Writer, content []byte) (n int, err error) {
	err = d.guard(Change{Do: "write", Path: path, Content: content, Make: func(content []byte) error {
		n, err = w.Write(content)
		return err
	}})
	return n, err
}

func (d Disk) guard(c Change) error {
	if d.Guard == nil {
		return c.Make(c.Content)
	}
	return d.Guard(c)
}

// MkdirAll makes a folder, and those above it, for this user alone.
func (d Disk) MkdirAll(path string) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil // no change
	}
	return d.Do("make", path, func() error { return os.MkdirAll(path, 0o700) })
}

// MkdirTemp makes a folder of a new name, which begins with prefix.
func (d Disk) MkdirTemp(dir, prefix string) (path string, err error) {
	err = d.Do("make", dir, func() error {
		path, err = os.MkdirTemp(dir, prefix)
		return err
	})
	return path, err
}

// WriteTemp writes parts, one after the other, to a file of a new name, which
// begins with prefix; what could not be written whole is removed.
func (d Disk) WriteTemp(dir, prefix string, parts ...[]byte) (path string, err error) {
	var f *os.File
	err = d.Do("make", dir, func() error {
		f, err = os.CreateTemp(dir, prefix)
		return err
	})
	if err != nil {
		return "", err
	}
	for _, part := range parts {
		if err == nil {
			_, err = d.Write(f.Name(), f, part)
		}
	}
	if err = errors.Join(err, f.Close()); err != nil {
		_ = d.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}

// Append adds content to the end of a file, and makes it if there is none.
func (d Disk) Append(path string, content []byte) error {
	return d.guard(Change{Do: "write", Path: path, Content: content, Make: func(content []byte) error {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
		if err != nil {
			return err
		}
		_, err = f.Write(content)
		return errors.Join(err, f.Close())
	}})
}

// Rename gives a file or a folder another name. A file of that name is
// replaced, in one.
func (d Disk) Rename(from, to string) error {
	return d.Do("rename", to, func() error { return os.Rename(from, to) })
}

// Remove removes a file.
func (d Disk) Remove(path string) error {
	return d.Do("remove", path, func() error { return os.Remove(path) })
}

// RemoveAll removes a folder with all that is in it; that there is none is no
// error.
func (d Disk) RemoveAll(path string) error {
	if _, err := os.Lstat(path); errors.Is(err, os.ErrNotExist) {
		return nil // no change
	}
	return d.Do("remove", path, func() error { return os.RemoveAll(path) })
}
