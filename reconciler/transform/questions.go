package transform

import (
	"errors"
	"io/fs"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Foreseeing is a tree of which not all directories may be known. After one of
// them could not be read it is told what that was for, so that all of it can be
// asked for at once: a directory with those that lead to it, or with all below
// it, too.
type Foreseeing interface {
	Foresee(dir fleet.Path, below bool)
}

// foresee tells a tree of an error that asks for a directory, and passes the
// error on.
func foresee(tree fs.FS, dir string, below bool, err error) error {
	if f, ok := tree.(Foreseeing); ok && errors.Is(err, fleet.ErrUnread) {
		f.Foresee(fleet.Path(dir), below)
	}
	return err
}

// Questions collects the contents that a pure function lacks, so that all of
// them are asked for at once. The zero value has none.
type Questions struct{ asked []error }

// Ask takes err if it asks for content, and reports whether it did.
func (q *Questions) Ask(err error) bool {
	if !errors.Is(err, fleet.ErrUnread) {
		return false
	}
	q.asked = append(q.asked, err)
	return true
}

// Err joins what was asked; nil when nothing was.
func (q *Questions) Err() error { return errors.Join(q.asked...) }
