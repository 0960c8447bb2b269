package fleet

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Pos is a place in a file of the config repo; Line and Column count from 1.
// A zero Line is the file as a whole.
type Pos struct {
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
}

func (p Pos) String() string {
	switch {
	case p.File == "":
		return "-"
	case p.Line == 0:
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Top is where a file begins: the place of what is wrong with all of its text.
func Top(file string) Pos { return Pos{File: file, Line: 1, Column: 1} }

// Compare orders by file, line, column.
func (p Pos) Compare(other Pos) int {
	return cmp.Or(
		strings.Compare(p.File, other.File),
		cmp.Compare(p.Line, other.Line),
		cmp.Compare(p.Column, other.Column),
	)
}

// Severity is how much a problem weighs.
type Severity string

const (
	Error   Severity = "error"   // the declaration is not used
	Warning Severity = "warning" // it is used, and someone should look
	// Acknowledge: it is valid, and nothing new is done for it until someone
	// acknowledges in it what a policy found.
	Acknowledge Severity = "acknowledge"
	// Off is the severity of a policy that is not heard; no problem has it.
	Off Severity = "off"
)

// Problem is a mistake of the person who wrote a declaration. It stays until
// the commit changes, so it is never retried.
type Problem struct {
	Severity Severity `json:"severity"`
	// Code is the problem's stable name: "unknown-field".
	Code string `json:"code"`
	Pos  Pos    `json:"pos"`
	// Declaration is empty for a problem of a file or of the settings.
	Declaration string `json:"declaration,omitempty"`
	// Field is the path of the value: "migrations.go-1-26.steps[0].path".
	Field string `json:"field,omitempty"`
	// Message says what was found and what was expected.
	Message string `json:"message"`
	// Hint says how to mend it, "did you mean" included; may be empty.
	Hint string `json:"hint,omitempty"`
}

func (p Problem) String() string {
	s := p.Pos.String() + ": "
	switch p.Severity {
	case Warning:
		s += "warning: "
	case Acknowledge:
		s += "needs acknowledgement: "
	}
	s += p.Message
	if p.Hint != "" {
		s += "; " + p.Hint
	}
	return s
}

// SortProblems sorts by position and drops repetitions.
func SortProblems(problems []Problem) []Problem {
	slices.SortFunc(problems, func(a, b Problem) int {
		return cmp.Or(a.Pos.Compare(b.Pos), strings.Compare(a.Field, b.Field),
			strings.Compare(a.Message, b.Message), strings.Compare(a.Code, b.Code))
	})
	return slices.CompactFunc(problems, func(a, b Problem) bool {
		return a.Pos == b.Pos && a.Message == b.Message
	})
}

// HasErrors reports whether one of the problems has to be mended or
// acknowledged.
func HasErrors(problems []Problem) bool {
	return slices.ContainsFunc(problems, func(p Problem) bool { return p.Severity != Warning })
}

// Nearest is the candidate that word was probably meant to be, by edit
// distance with transpositions; empty when none is near.
func Nearest(word string, candidates []string) string {
	best, bound := "", max(1, len(word)/3)+1
	for _, c := range slices.Sorted(slices.Values(candidates)) {
		if d := distance(strings.ToLower(word), strings.ToLower(c), bound); d < bound {
			best, bound = c, d
		}
	}
	return best
}

// DidYouMean is the hint for a near candidate, or empty.
func DidYouMean(word string, candidates []string) string {
	if near := Nearest(word, candidates); near != "" && near != word {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return ""
}

// distance is the optimal string alignment distance, or bound when it is at
// least that.
func distance(a, b string, bound int) int {
	if len(a)-len(b) >= bound || len(b)-len(a) >= bound {
		return bound
	}
	before, prev, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, prev, row = prev, row, before
	}
	return min(prev[len(b)], bound)
}
