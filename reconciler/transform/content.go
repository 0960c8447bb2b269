package transform

import (
	"bytes"
	"io/fs"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// MaxText bounds, in bytes, the files that a step looks into; larger ones are
// no text that people wrote.
const MaxText = 1 << 20

// ReadText is a file's content; ok is false for one that is larger than
// MaxText or binary, that is, holds a NUL.
func ReadText(tree fs.FS, p fleet.Path) (content []byte, ok bool, err error) {
	content, err = fs.ReadFile(tree, string(p))
	if err != nil {
		return nil, false, err
	}
	return content, len(content) <= MaxText && bytes.IndexByte(content, 0) < 0, nil
}

// Rewrite makes a step's edits out of a function from one file's content to
// what it should be. It asks for every content that is missing, skips what
// ReadText calls no text, and keeps a file's mode. An error of rewrite is
// returned as it is.
func Rewrite(tree fs.FS, paths []fleet.Path, rewrite func(p fleet.Path, content []byte) ([]byte, error)) ([]Edit, error) {
	var edits []Edit
	var unread Questions
	for _, p := range paths {
		content, ok, err := ReadText(tree, p)
		if unread.Ask(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		after, err := rewrite(p, content)
		if err != nil {
			return nil, err
		}
		if bytes.Equal(after, content) {
			continue
		}
		entry, err := Lookup(tree, p)
		if err != nil {
			return nil, err
		}
		edits = append(edits, Edit{Path: p, Content: after, Executable: entry != nil && IsExecutable(entry)})
	}
	if err := unread.Err(); err != nil {
		return nil, err
	}
	return edits, nil
}
