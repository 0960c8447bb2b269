package keep

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/portreeve/portreeve/reconciler/disk"
)

// TestKeep holds that what is read back is what was written, or nothing:
// whatever becomes of the files in between.
func TestKeep(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "cache")
	f := Open(disk.Disk{}, dir)
	f.Put("key", []byte("value"))
	f.PutTree("tree", "build 1", []byte("index"))
	again := Open(disk.Disk{}, dir)
	if v, ok := again.Get("key"); !ok || string(v) != "value" {
		t.Errorf("got %q, %v", v, ok)
	}
	if v, ok := again.GetTree("tree", "build 1"); !ok || string(v) != "index" {
		t.Errorf("got %q, %v", v, ok)
	}
	if v, ok := again.GetTree("tree", "build 2"); ok {
		t.Errorf("of another build: %q", v)
	}
	damage := map[string]func(b []byte) []byte{
		"cut":     func(b []byte) []byte { return b[:len(b)/2] },
		"empty":   func(b []byte) []byte { return nil },
		"changed": func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("inde"), []byte("xxxx")) },
		"longer":  func(b []byte) []byte { return append(b, 'x') },
	}
	for name, change := range damage {
		f.Put("key", []byte("value"))
		f.PutTree("tree", "build 1", []byte("index"))
		each(t, dir, func(path string, b []byte) {
			if err := os.WriteFile(path, bytes.ReplaceAll(change(b), []byte("valu"), []byte("xxxx")), 0o600); err != nil {
				t.Fatal(err)
			}
		})
		if v, ok := f.Get("key"); ok {
			t.Errorf("%s: got %q", name, v)
		}
		if v, ok := f.GetTree("tree", "build 1"); ok {
			t.Errorf("%s: got %q of a tree", name, v)
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	f.Put("key", []byte("value")) // nowhere
	f.PutTree("tree", "build 1", []byte("index"))
	if _, ok := f.Get("key"); ok {
		t.Error("kept in a folder that is gone")
	}
	var none *Folder
	none.Put("key", nil)
	if _, ok := none.Get("key"); ok || Open(disk.Disk{}, "") != nil || Open(disk.Disk{}, "/dev/null/x") != nil {
		t.Error("no folder keeps something")
	}
}

func each(t *testing.T, dir string, do func(path string, b []byte)) {
	t.Helper()
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() {
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			do(path, b)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestTogether holds that many may write and read one folder at once.
func TestTogether(t *testing.T) {
	dir := t.TempDir()
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			f := Open(disk.Disk{}, dir)
			for i := range 20 {
				key := fmt.Sprint(i % 5)
				f.Put(key, []byte("value of "+key))
				f.PutTree("tree", "build", fmt.Append(nil, n))
				if v, ok := f.Get(key); ok && string(v) != "value of "+key {
					t.Errorf("got %q", v)
				}
				if v, ok := f.GetTree("tree", "build"); !ok || len(v) != 1 {
					t.Errorf("tree %q, %v", v, ok)
				}
			}
		})
	}
	all.Wait()
}

// TestCut holds that the oldest go when there is too much.
func TestCut(t *testing.T) {
	dir := t.TempDir()
	f := Open(disk.Disk{}, dir)
	value := bytes.Repeat([]byte("x"), 10_000)
	for i := range 10 {
		f.PutTree(fmt.Sprint(i), "build", value)
		old := time.Now().Add(time.Duration(i-20) * time.Hour)
		if err := os.Chtimes(f.tree(fmt.Sprint(i)), old, old); err != nil {
			t.Fatal(err)
		}
	}
	left := filepath.Join(dir, "trees", "new-1")
	if err := os.WriteFile(left, value, 0o600); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-2 * time.Hour)
	if err := os.Chtimes(left, old, old); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(filepath.Join(dir, "trimmed"), old.Add(-24*time.Hour), old.Add(-24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	f = open(disk.Disk{}, dir, 35_000)
	for i := range 10 {
		if _, ok := f.GetTree(fmt.Sprint(i), "build"); ok != (i >= 7) {
			t.Errorf("%d is there: %v", i, ok)
		}
	}
	if _, err := os.Stat(left); err == nil {
		t.Error("what a crash left is there still")
	}
}
