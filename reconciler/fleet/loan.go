package fleet

import (
	"fmt"
	"time"
)

// Loan is an engineer whom one team lends to another until a day.
type Loan struct {
	// Engineer is the login, without "@"; empty where a team asks for somebody.
	Engineer string
	From, To TeamName // From may be empty where a team asks for somebody
	// Repos are those in which the engineer is lent; none are all in which To
	// owns something.
	Repos []RepoName
	// Since and Until are the first and the last day, as "2026-12-18", in the
	// time zone of From.
	Since, Until string
	Access       AccessPolicy
	Goal         string // as it was written
}

// AccessPolicy says what is done about the write access that a code owner needs.
type AccessPolicy string

const (
	AccessRequire AccessPolicy = "require" // the engineer has it, or is no owner; the default
	AccessGrant   AccessPolicy = "grant"   // it is given for the time of the loan
)

// Span is when a loan begins, and when it is over: where its last day ends in
// the lending team's time zone, which is UTC if it is none. An error is of a day
// that there is not.
func (l *Loan) Span(lender Team) (begins, over time.Time, err error) {
	zone, err := time.LoadLocation(lender.Timezone)
	if err != nil || lender.Timezone == "Local" {
		zone = time.UTC // what is not valid is not loaded
	}
	if begins, err = day(l.Since, zone); err != nil {
		return begins, over, err
	}
	last, err := day(l.Until, zone)
	if err != nil {
		return begins, over, err
	}
	y, m, d := last.Date()
	return begins, time.Date(y, m, d+1, 0, 0, 0, 0, zone), nil
}

func day(text string, zone *time.Location) (time.Time, error) {
	t, err := time.ParseInLocation(time.DateOnly, text, zone)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is no day that there is", text)
	}
	return t, nil
}

// SinceDay is the first day as people read it.
func (l *Loan) SinceDay() string { return readable(l.Since) }

// UntilDay is the last day as people read it.
func (l *Loan) UntilDay() string { return readable(l.Until) }

func readable(text string) string {
	t, err := day(text, time.UTC)
	if err != nil {
		return text
	}
	return t.Format("2 January 2006")
}

// Lent is a loan whose time has come.
type Lent struct {
	*Declaration
	// Over says that the time has passed, too.
	Over bool
	// Without says, by repo, why the engineer is no owner there all the same.
	Without map[RepoName]string
}
