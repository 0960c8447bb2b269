package transform

import (
	"errors"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

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
