package fleet

import (
	"errors"
	"time"
)

// Class is what a caller may do about a failure of the outside world. Only
// the room that talks to the outside classifies, by type and never by text.
type Class string

const (
	// Transient may pass by itself; the next pass tries again.
	Transient Class = "transient"
	// Permanent is the target's: it stays until something there changes.
	Permanent Class = "permanent"
	// Moved means that the world is no longer what was planned on: plan again.
	Moved Class = "moved"
	// Limited means that the forge asks to wait until Failure.Until.
	Limited Class = "limited"
)

// Failure is an error of the outside world with its class. Its text never
// holds a secret, nor a URL with one.
type Failure struct {
	Class Class
	Op    string    // "open pull request"
	On    string    // its subject: "acme/ledger"
	Until time.Time // of Limited
	Err   error
}

func (f *Failure) Error() string { return f.On + ": " + f.Op + ": " + f.Err.Error() }

func (f *Failure) Unwrap() error { return f.Err }

// ClassOf is the class of an error; of one that nobody classified, Transient.
func ClassOf(err error) Class {
	if f := (*Failure)(nil); errors.As(err, &f) {
		return f.Class
	}
	return Transient
}
