package store

import (
	"os"
	"path/filepath"
	"strings"
	"time"
)

// unused is how long a cache may lie before Sweep removes it.
const unused = 7 * 24 * time.Hour

// Sweep removes the caches whose names begin with prefix, except keep, to which
// nobody has added for a week: those of earlier builds.
func (s *Store) Sweep(prefix, keep string, now time.Time) {
	if s.dir == "" {
		return
	}
	root := filepath.Join(s.dir, "cache")
	entries, err := os.ReadDir(root)
	if err != nil {
		return // there is none yet
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !e.IsDir() || e.Name() == keep || !strings.HasPrefix(e.Name(), prefix) || now.Sub(info.ModTime()) < unused {
			continue
		}
		s.note(s.disk.RemoveAll(filepath.Join(root, e.Name())))
	}
}
