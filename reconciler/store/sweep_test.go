package store

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/portreeve/portreeve/reconciler/disk"
)

func TestSweep(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, disk.Disk{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, name := range []string{"wants-now", "wants-old", "wants-lately", "other-old"} {
		s.Cache(name, 10, 1000).Put("k", []byte("v"))
	}
	now := time.Now()
	for _, name := range []string{"wants-now", "wants-old", "other-old"} {
		if err := os.Chtimes(filepath.Join(dir, "cache", name), now, now.Add(-8*24*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	s.Sweep("wants-", "wants-now", now)
	for name, stays := range map[string]bool{"wants-now": true, "wants-old": false, "wants-lately": true, "other-old": true} {
		if _, err := os.Stat(filepath.Join(dir, "cache", name)); (err == nil) != stays {
			t.Errorf("%s: %v", name, err)
		}
	}
}
