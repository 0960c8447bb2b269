//go:build unix

package store

import (
	"syscall"
	"testing"

	"github.com/portreeve/portreeve/reconciler/disk"
)

// TestLockOfChild holds that a lock is given back also while a child that is
// being started has its file.
func TestLockOfChild(t *testing.T) {
	dir := t.TempDir()
	one, err := Open(dir, disk.Disk{})
	if err != nil {
		t.Fatal(err)
	}
	if err := one.Lock(); err != nil {
		t.Fatal(err)
	}
	childs, err := syscall.Dup(int(one.lock.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(childs)
	if err := one.Close(); err != nil {
		t.Fatal(err)
	}
	two, err := Open(dir, disk.Disk{})
	if err != nil {
		t.Fatal(err)
	}
	defer two.Close()
	if err := two.Lock(); err != nil {
		t.Error(err)
	}
}
