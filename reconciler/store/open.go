package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/portreeve/portreeve/reconciler/disk"
)

// Store is a data directory, or the memory of a process.
type Store struct {
	dir  string // empty: memory only
	disk disk.Disk

	mu      sync.Mutex
	caches  map[string]*Cache
	history []Summary // of a store in memory
	lock    *os.File
	err     error
}

// Open opens the data directory dir and makes it if there is none. An empty
// dir keeps everything in memory. Several processes may open one directory.
// All changes of it go through d.
func Open(dir string, d disk.Disk) (*Store, error) {
	s := &Store{dir: dir, disk: d, caches: map[string]*Cache{}}
	if dir == "" {
		return s, nil
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	s.dir = abs
	if err := s.disk.MkdirAll(abs); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	return s, nil
}

// Dir is the path of the folder name in the data directory, for what keeps
// files of its own; of a store in memory it is empty.
func (s *Store) Dir(name string) string {
	if s.dir == "" {
		return ""
	}
	return filepath.Join(s.dir, name)
}

// errLocked is what lockFile says when another process holds the lock.
var errLocked = errors.New("locked")

// Lock makes this process the only daemon of the data directory, until Close
// or its end, however that comes. It fails if there is another.
func (s *Store) Lock() error {
	if s.dir == "" {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lock != nil {
		return nil
	}
	var f *os.File
	path := filepath.Join(s.dir, "lock")
	err := s.disk.Do("make", path, func() (err error) {
		f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		return err
	})
	if err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	if err := lockFile(f); err != nil {
		holder := make([]byte, 32)
		n, _ := f.Read(holder)
		f.Close()
		if !errors.Is(err, errLocked) {
			return fmt.Errorf("lock data directory %s: %w", s.dir, err)
		}
		who := "another portreeve"
		if pid := strings.TrimSpace(string(holder[:n])); pid != "" {
			who += " (process " + pid + ")"
		}
		return fmt.Errorf("data directory %s is in use by %s; stop it, or give this one a directory of its own", s.dir, who)
	}
	// For people only: what counts is the lock, which a crash leaves to nobody.
	_ = s.disk.Do("write", f.Name(), func() error { return f.Truncate(0) })
	_, _ = s.disk.Write(f.Name(), f, fmt.Appendln(nil, os.Getpid()))
	s.lock = f
	return nil
}

// Close gives up the lock.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lock == nil {
		return nil
	}
	err := errors.Join(unlockFile(s.lock), s.lock.Close())
	s.lock = nil
	return err
}

// Err is why the last write failed, nil if it went well. A store that can't
// write, on a full disk for instance, costs time and changes nothing else.
func (s *Store) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

func (s *Store) note(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}
