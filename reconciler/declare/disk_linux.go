package declare

import (
	"io/fs"
	"syscall"
	"time"
)

// changes is when the file or what is said of it changed last, which no
// program can set, and which file it is.
func changes(info fs.FileInfo) (at time.Time, inode uint64) {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return time.Unix(int64(s.Ctim.Sec), int64(s.Ctim.Nsec)), s.Ino
	}
	return time.Time{}, 0
}
