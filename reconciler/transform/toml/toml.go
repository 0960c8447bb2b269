// Package toml is the transform "toml": values set and removed by path in
// TOML files. It parses a file for places only and splices bytes, so
// comments, order, quoting, line breaks and the byte order mark stay. A new
// key goes to the end of its table, a new table to the end of the file. What
// it made it reads again and holds against what it meant to make; a file that
// does not come out so is refused, and never changed.
package toml

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/portreeve/portreeve/reconciler/transform"
	"github.com/portreeve/portreeve/reconciler/transform/internal/values"
)

// New is the member.
func New() transform.Transform {
	return transform.Transform{
		Name: "toml",
		Doc:  "Sets and removes values by path in TOML files, and leaves every other byte as it is.",
		Decode: func(fields json.RawMessage) (transform.Step, error) {
			return values.Decode(fields, check, rewrite)
		},
	}
}

// check says what of JSON there is not in TOML.
func check(v *values.Value) error {
	switch v.Kind {
	case values.Null:
		return errors.New("is or holds null, which TOML lacks; remove takes a value out")
	case values.Number:
		if _, err := numberOf(v.Text); err != nil {
			return err
		}
	}
	for _, item := range v.Items {
		if err := check(item); err != nil {
			return err
		}
	}
	return nil
}

// numberOf is a number as a reader of TOML gets it.
func numberOf(text string) (any, error) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || !isFloat(text) {
		return nil, fmt.Errorf("%s is beyond the numbers of TOML", text)
	}
	return f, nil
}

func rewrite(s *values.Step, text []byte) ([]byte, error) {
	src, err := parse(text)
	if err != nil {
		return nil, err
	}
	for _, st := range s.Set {
		if src, err = set(src, st.Parts, st.Wanted); err != nil {
			return nil, fmt.Errorf("can't set %s: %w", st.At, err)
		}
	}
	for i, at := range s.Removals {
		if src, err = remove(src, at); err != nil {
			return nil, fmt.Errorf("can't remove %s: %w", s.Remove[i], err)
		}
	}
	return src.text, nil
}
