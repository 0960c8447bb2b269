//go:build unix

package files

import (
	"os"
	"syscall"
)

// keepOwner has a file belong to whom the one that it takes the place of does: what
// runs by it may be let read it as its group alone.
func keepOwner(root *os.Root, name string, out *os.File) error {
	before, err := root.Lstat(name)
	if err != nil {
		return nil // there is none
	}
	was, ok := before.Sys().(*syscall.Stat_t)
	after, err := out.Stat()
	if err != nil {
		return err
	}
	is, too := after.Sys().(*syscall.Stat_t)
	if !ok || !too || was.Uid == is.Uid && was.Gid == is.Gid {
		return nil
	}
	return out.Chown(int(was.Uid), int(was.Gid))
}
