package transform

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"unicode"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// OwnersFiles are the places where GitHub looks for CODEOWNERS, in its order:
// the first found is the only one read.
var OwnersFiles = []fleet.Path{".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"}

// MaxOwners is the size in bytes from which GitHub does not load CODEOWNERS.
const MaxOwners = 3 << 20

// OwnersFile is the CODEOWNERS that GitHub reads in a tree, the first of
// OwnersFiles where there is none.
func OwnersFile(tree fs.FS) (p fleet.Path, exists bool, err error) {
	for _, p := range OwnersFiles {
		entry, err := Lookup(tree, p)
		if err != nil {
			return "", false, err
		}
		if entry != nil && !entry.IsDir() {
			return p, true, nil
		}
	}
	return OwnersFiles[0], false, nil
}

var (
	ownersHandle = regexp.MustCompile(`^@[A-Za-z0-9][A-Za-z0-9_-]*(/[A-Za-z0-9._-]+)?$`)
	ownersEmail  = regexp.MustCompile(`^[^\s@#\\]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$`)
)

// IsOwner reports whether GitHub takes a word for an owner, be there one or not: a
// user, a team, or an email address.
func IsOwner(word string) bool {
	return ownersHandle.MatchString(word) || ownersEmail.MatchString(word)
}

// maxOwnersPattern bounds a pattern in bytes; longer ones are no path that
// people wrote.
const maxOwnersPattern = 1024

// CheckOwnersPattern says why GitHub would skip a line of CODEOWNERS with
// this pattern, which silently revives an earlier, broader owner.
func CheckOwnersPattern(p string) error {
	switch {
	case p == "":
		return errors.New("the pattern is empty")
	case len(p) > maxOwnersPattern:
		return fmt.Errorf("the pattern is longer than %d bytes", maxOwnersPattern)
	case p == "/":
		return errors.New(`pattern "/" matches nothing, ever; what owner says holds for everything`)
	case strings.HasPrefix(p, "!"):
		return errors.New("CODEOWNERS knows no negation; give the paths to be left out an entry of their own")
	case strings.ContainsAny(p, "[]"):
		return errors.New("CODEOWNERS knows no [ ] ranges; write an entry for each")
	case strings.Contains(p, "#"):
		return errors.New(`"#" begins a comment in CODEOWNERS and can't be escaped; use "?" in its place`)
	case strings.Contains(p, "***"):
		return errors.New("three asterisks in a row mean nothing")
	case strings.Contains(p, "**/**") || strings.Trim(p, "/") == "**" && strings.HasSuffix(p, "/"):
		return errors.New(`"**" with nothing beside it says no more than "*"; leave it out`)
	case strings.Contains(p, "//"):
		return errors.New("an empty path element matches nothing")
	case strings.ContainsFunc(p, func(r rune) bool { return r != ' ' && (unicode.IsControl(r) || unicode.IsSpace(r)) }):
		return errors.New("the pattern holds a control character or a blank other than a space")
	case strings.HasPrefix(p, " ") || strings.HasSuffix(p, " "):
		return errors.New("the pattern begins or ends with a space")
	case strings.HasSuffix(UnescapeOwnersPattern(p), `\`):
		return errors.New("a backslash at the end escapes nothing")
	}
	return nil
}

// UnescapeOwnersPattern drops each backslash together with what it escapes; one that is
// left over stays.
func UnescapeOwnersPattern(p string) string {
	var b strings.Builder
	for i := 0; i < len(p); i++ {
		if p[i] == '\\' && i+1 < len(p) {
			i++
			continue
		}
		b.WriteByte(p[i])
	}
	return b.String()
}

// EscapeOwnersPattern writes a pattern as a line of CODEOWNERS needs it:
// spaces escaped.
func EscapeOwnersPattern(p string) string {
	var b strings.Builder
	for i := 0; i < len(p); i++ {
		switch {
		case p[i] == '\\' && i+1 < len(p):
			b.WriteByte('\\')
			i++
		case p[i] == ' ':
			b.WriteByte('\\')
		}
		b.WriteByte(p[i])
	}
	return b.String()
}
