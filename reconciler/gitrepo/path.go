package gitrepo

import (
	"io/fs"
	"strings"
	"unicode/utf8"
)

// readable reports whether an entry of that name is listed. Others, which
// fs.FS has no word for or which Git itself refuses to check out, stay in the
// tree as they are.
func readable(name string) bool {
	return name != "." && !strings.Contains(name, "/") && !strings.Contains(name, "\x00") &&
		fs.ValidPath(name) && !isDotGit(name)
}

// isDotGit reports whether some file system takes a name for ".git".
func isDotGit(name string) bool {
	name = strings.Map(dropIgnorable, name)
	name, _, _ = strings.Cut(name, ":")
	name = strings.TrimRight(name, " .")
	return strings.EqualFold(name, ".git") || strings.EqualFold(name, "git~1")
}

// dropIgnorable removes the runes that HFS+ does not see in a name.
func dropIgnorable(r rune) rune {
	switch {
	case r >= 0x200c && r <= 0x200f, r >= 0x202a && r <= 0x202e,
		r >= 0x206a && r <= 0x206f, r == 0xfeff:
		return -1
	}
	return r
}

// unfit is why a path must not be written or deleted; empty when it may.
func unfit(path string) string {
	switch {
	case path == "" || path == ".":
		return "is empty"
	case !utf8.ValidString(path):
		return "is not UTF-8"
	case !fs.ValidPath(path):
		return `is rooted, or holds an empty element, "." or ".."`
	case len(path) > 4096:
		return "is too long"
	}
	for name := range strings.SplitSeq(path, "/") {
		switch {
		case isDotGit(name):
			return "holds a name that Git keeps for itself"
		case len(name) > 255:
			return "holds a name that is too long"
		case strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }):
			return "holds a control character"
		case strings.ContainsRune(name, '\\'):
			return "holds a backslash"
		}
	}
	return ""
}
