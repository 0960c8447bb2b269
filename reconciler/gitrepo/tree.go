package gitrepo

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// Git's modes, without the permissions of regular files.
const (
	modeType    = 0o170000
	modeTree    = 0o040000
	modeRegular = 0o100000
	modeSymlink = 0o120000
	modeGitlink = 0o160000
)

// entry is one line of a tree. Its raw bytes are kept, so that a tree that is
// edited keeps what it held in whatever odd form it held it.
type entry struct {
	name string
	mode uint32
	id   plumbing.Hash
	raw  string
}

func newEntry(name string, mode uint32, id plumbing.Hash) entry {
	return entry{name, mode, id, fmt.Sprintf("%o %s\x00%s", mode, name, id[:])}
}

func (e entry) is(kind uint32) bool { return e.mode&modeType == kind }

// describe names the entry's kind for people.
func (e entry) describe() string {
	switch e.mode & modeType {
	case modeTree:
		return "a directory"
	case modeRegular:
		return "a file"
	case modeSymlink:
		return "a symbolic link"
	case modeGitlink:
		return "a submodule"
	}
	return "of unknown kind"
}

var errTree = errors.New("not a Git tree")

// parseTree reads the entries of a tree in the order that they have there.
func parseTree(data []byte) ([]entry, error) {
	rest := string(data)
	entries := make([]entry, 0, len(data)/32)
	for rest != "" {
		digits, tail, ok := strings.Cut(rest, " ")
		if !ok || digits == "" || len(digits) > 7 {
			return nil, errTree
		}
		e := entry{}
		for _, d := range []byte(digits) {
			if d < '0' || d > '7' {
				return nil, errTree
			}
			e.mode = e.mode<<3 | uint32(d-'0')
		}
		e.name, tail, ok = strings.Cut(tail, "\x00")
		if !ok || len(tail) < len(e.id) {
			return nil, errTree
		}
		copy(e.id[:], tail)
		tail = tail[len(e.id):]
		e.raw, rest = rest[:len(rest)-len(tail)], tail
		entries = append(entries, e)
	}
	return entries, nil
}

// encodeTree is the inverse of parseTree.
func encodeTree(entries []entry) []byte {
	size := 0
	for _, e := range entries {
		size += len(e.raw)
	}
	data := make([]byte, 0, size)
	for _, e := range entries {
		data = append(data, e.raw...)
	}
	return data
}

// sortsBefore is Git's order of entries: a directory sorts as if its name
// ended with a slash.
func sortsBefore(a, b entry) bool {
	n := min(len(a.name), len(b.name))
	if c := strings.Compare(a.name[:n], b.name[:n]); c != 0 {
		return c < 0
	}
	return a.byteAt(n) < b.byteAt(n)
}

func (e entry) byteAt(i int) byte {
	switch {
	case i < len(e.name):
		return e.name[i]
	case e.is(modeTree):
		return '/'
	}
	return 0
}
