package fleet

import (
	"regexp"
	"strings"
	"time"
)

// Kinds of a Stale's ID beside those of declarations.
const (
	TeamKind     = "team"  // "team/payments"
	SettingsKind = "fleet" // "fleet", without a name
)

// Stale marks what stands in the config repo and is invalid at its newest
// revision: it is enforced as it was when it was last valid, or frozen.
type Stale struct {
	Kind string `json:"kind"` // of a declaration, or TeamKind or SettingsKind
	Name string `json:"name,omitempty"`
	// Held says that it is enforced as it was at Revision; else it is frozen.
	Held bool `json:"held"`
	// Revision is the last in which it was valid, and Time is of its commit.
	// Both are empty where there is none, and Never then says what is known.
	Revision Revision  `json:"revision,omitempty"`
	Time     time.Time `json:"time,omitzero"`
	Never    string    `json:"never,omitempty"`
	// Problem is what is wrong with it now.
	Problem Problem `json:"problem"`
}

// What is what the mark is on, as people write it.
func (s *Stale) What() string {
	if s.Name == "" {
		return s.Kind
	}
	return s.Kind + "/" + s.Name
}

// How says in a few words what holds for what is marked: "enforced at
// 77ab01e".
func (s *Stale) How() string {
	switch {
	case s.Held:
		return "enforced at " + s.Revision.Short()
	case s.Revision != "":
		return "last valid at " + s.Revision.Short()
	}
	return s.Never
}

// Why is what is wrong now, with its place where it has one.
func (s *Stale) Why() string {
	if s.Problem.Pos == (Pos{}) {
		return s.Problem.Message
	}
	return s.Problem.String()
}

// makesNames is what a text has that declares what is not written out in it:
// a loop, an interpolation, an escape.
var makesNames = regexp.MustCompile(`\bfor\b|\\`)

// MayHold names an Unreadable file that may hold a declaration of that name.
// What a text does not say it does not declare, unless it makes names or can't
// be had.
func (c *Config) MayHold(name string) (file string, may bool) {
	for _, file := range c.Unreadable {
		text, ok := c.Texts[file]
		if !ok || strings.Contains(text, name) || makesNames.MatchString(text) {
			return file, true
		}
	}
	return "", false
}

// FirstError is the first of the problems that is an error, zero if none is.
func FirstError(problems []Problem) Problem {
	for _, p := range problems {
		if p.Severity != Warning {
			return p
		}
	}
	return Problem{}
}
