package transform

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
)

// CompilePattern compiles a regular expression that a field holds. An error
// is a *FieldError that says what of it can't be read.
func CompilePattern(field, pattern string) (*regexp.Regexp, error) {
	if pattern == "" {
		return nil, FieldErrorf(field, "is required")
	}
	re, err := regexp.Compile(pattern)
	if err == nil {
		return re, nil
	}
	e := &FieldError{Field: field, Message: err.Error(), Hint: "the syntax is RE2's"}
	if s := (*syntax.Error)(nil); errors.As(err, &s) {
		e.Message = "can't be read at " + strconv.Quote(s.Expr) + ": " + string(s.Code)
		if strings.HasPrefix(s.Expr, "(?<=") || strings.HasPrefix(s.Expr, "(?<!") || strings.HasPrefix(s.Expr, "(?=") || strings.HasPrefix(s.Expr, "(?!") {
			e.Message = "can't be read at " + strconv.Quote(s.Expr) + ": there is no looking ahead or behind"
			e.Hint = "the syntax is RE2's; match what stands around it, too, and keep it by a group"
		}
	}
	return nil, e
}
