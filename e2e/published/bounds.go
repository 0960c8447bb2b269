package published

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// What GitHub documents beside its schema: each connection says how many of
// its nodes are wanted, and a query asks for a bounded number in all.
const (
	maxPage  = 100
	maxNodes = 500_000
)

// bounds says where a query leaves GitHub's documented bounds.
func bounds(asked ast.SelectionSet, fragments ast.FragmentDefinitionList, vars map[string]any) []string {
	var faults []string
	total := 0
	var walk func(at string, asked ast.SelectionSet, times int)
	walk = func(at string, asked ast.SelectionSet, times int) {
		for _, s := range asked {
			switch s := s.(type) {
			case *ast.InlineFragment:
				walk(at, s.SelectionSet, times)
			case *ast.FragmentSpread:
				walk(at, fragments.ForName(s.Name).SelectionSet, times)
			case *ast.Field:
				here, each := at+"."+s.Alias, times
				if paged(s, fragments) {
					n, ok := page(s, vars)
					if !ok {
						faults = append(faults, fmt.Sprintf("%s: a connection takes first or last, from 1 to %d", here, maxPage))
						n = 1
					}
					each *= n
					total += each
				}
				walk(here, s.SelectionSet, each)
			}
		}
	}
	walk("query", asked, 1)
	if total > maxNodes {
		faults = append(faults, fmt.Sprintf("the query asks for %d nodes, of at most %d", total, maxNodes))
	}
	return faults
}

// paged reports whether a field is a connection whose nodes are asked for.
func paged(f *ast.Field, fragments ast.FragmentDefinitionList) bool {
	if f.Definition == nil || !strings.HasSuffix(f.Definition.Type.Name(), "Connection") {
		return false
	}
	var asks func(ast.SelectionSet) bool
	asks = func(asked ast.SelectionSet) bool {
		for _, s := range asked {
			switch s := s.(type) {
			case *ast.Field:
				if s.Name == "nodes" || s.Name == "edges" {
					return true
				}
			case *ast.InlineFragment:
				if asks(s.SelectionSet) {
					return true
				}
			case *ast.FragmentSpread:
				if asks(fragments.ForName(s.Name).SelectionSet) {
					return true
				}
			}
		}
		return false
	}
	return asks(f.SelectionSet)
}

func page(f *ast.Field, vars map[string]any) (int, bool) {
	args := f.ArgumentMap(vars)
	for _, name := range []string{"first", "last"} {
		if n, ok := integer(args[name]); ok {
			return n, n >= 1 && n <= maxPage
		}
	}
	return 0, false
}

func integer(v any) (int, bool) {
	switch v := v.(type) {
	case int64:
		return int(v), true
	case int:
		return v, true
	case float64:
		return int(v), v == math.Trunc(v)
	case json.Number:
		n, err := v.Int64()
		return int(n), err == nil
	}
	return 0, false
}
