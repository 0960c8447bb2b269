// Package json is the transform "json": values set and removed by path in
// JSON files, those with comments and trailing commas too. It parses a file
// for places only and splices bytes, so comments, order, indentation, line
// breaks, the spelling of numbers and the byte order mark stay. What it made
// it parses again and holds against what it meant to make; a file that does
// not come out so is refused, and never changed.
package json

import (
	"encoding/json"
	"fmt"

	"github.com/portreeve/portreeve/reconciler/transform"
	"github.com/portreeve/portreeve/reconciler/transform/internal/values"
)

// New is the member.
func New() transform.Transform {
	return transform.Transform{
		Name: "json",
		Doc:  "Sets and removes values by path in JSON files, with comments or without, and leaves every other byte as it is.",
		Decode: func(fields json.RawMessage) (transform.Step, error) {
			return values.Decode(fields, nil, rewrite)
		},
	}
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
