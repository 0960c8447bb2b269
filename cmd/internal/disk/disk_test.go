package disk_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/portreeve/portreeve/cmd/internal/disk"
)

// TestWrite holds that a file is written whole, keeps its mode, and that no
// symlink leads a write elsewhere.
func TestWrite(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for name, to := range map[string]string{"link": filepath.Join(elsewhere, "file"), "folder": elsewhere} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Skip(err)
		}
	}
	for _, name := range []string{"link", "folder/file", "../file", "."} {
		if err := disk.Write(root, name, []byte("x")); err == nil {
			t.Errorf("wrote to %s", name)
		}
	}
	if left, _ := os.ReadDir(elsewhere); len(left) > 0 {
		t.Errorf("wrote elsewhere: %v", left)
	}
	for _, text := range []string{"one", "two"} {
		if err := disk.Write(root, "a/b/c.sh", []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, _ := root.ReadFile("a/b/c.sh"); string(got) != text {
			t.Errorf("%q", got)
		}
		if err := root.Chmod("a/b/c.sh", 0o700); err != nil {
			t.Fatal(err)
		}
	}
	info, err := root.Stat("a/b/c.sh")
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Error(info, err)
	}
	if left, _ := os.ReadDir(filepath.Join(dir, "a/b")); len(left) != 1 {
		t.Errorf("left beside it: %v", left)
	}
}
