package toml

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/portreeve/portreeve/reconciler/transform/internal/values"
)

// What a file says, whatever its layout, as go-toml reads it: map[string]any,
// []any and single values. It decides what there is to do, and is what a
// result is held against.

// find goes down a path as far as there is something.
func find(data any, at []values.Part) (found any, rest []values.Part, err error) {
	for i, p := range at {
		table, isTable := data.(map[string]any)
		list, isList := data.([]any)
		if p.Kind == values.ByKey && !isTable || p.Kind != values.ByKey && !isList {
			want := "a table"
			if p.Kind != values.ByKey {
				want = "a list"
			}
			return nil, nil, fmt.Errorf("%s is %s where %s is expected", spot(at[:i]), sortOf(data), want)
		}
		if isTable {
			below, ok := table[p.Key]
			if !ok {
				return data, at[i:], nil
			}
			data = below
			continue
		}
		j := indexOf(list, p)
		if j < 0 {
			return data, at[i:], nil
		}
		data = list[j]
	}
	return data, nil, nil
}

func spot(at []values.Part) string {
	if len(at) == 0 {
		return "the file"
	}
	return values.PathString(at)
}

func sortOf(data any) string {
	switch data.(type) {
	case map[string]any:
		return "a table"
	case []any:
		return "a list"
	}
	return "a single value"
}

// indexOf is the index of the element that a part names, or -1.
func indexOf(list []any, p values.Part) int {
	if p.Kind == values.ByIndex {
		if p.Index < len(list) {
			return p.Index
		}
		return -1
	}
	return slices.IndexFunc(list, func(item any) bool {
		table, ok := item.(map[string]any)
		if !ok {
			return false
		}
		switch v := table[p.Key].(type) {
		case string:
			return v == p.Value
		case bool, int64:
			return fmt.Sprint(v) == p.Value
		}
		return false
	})
}

// dataOf is a declaration's value as a reader of TOML gets it.
func dataOf(v *values.Value) any {
	switch v.Kind {
	case values.Object:
		table := map[string]any{}
		for i, name := range v.Keys {
			table[name] = dataOf(v.Items[i])
		}
		return table
	case values.List:
		list := []any{}
		for _, item := range v.Items {
			list = append(list, dataOf(item))
		}
		return list
	case values.Number:
		n, _ := numberOf(v.Text) // checked when it was decoded
		return n
	case values.Bool:
		return v.Text == "true"
	}
	return v.Text
}

// with is a copy of data with the value at a path replaced; absent removes.
// A part that is missing is made.
func with(data any, at []values.Part, value any) any {
	if len(at) == 0 {
		return value
	}
	p := at[0]
	if p.Kind == values.ByKey {
		table := map[string]any{}
		old, _ := data.(map[string]any)
		for name, item := range old {
			table[name] = item
		}
		if table[p.Key] = with(table[p.Key], at[1:], value); table[p.Key] == absent {
			delete(table, p.Key)
		}
		return table
	}
	old, _ := data.([]any)
	list := slices.Clone(old)
	i := indexOf(list, p)
	switch {
	case i < 0:
		return append(list, with(nil, at[1:], value))
	case len(at) == 1 && value == any(absent):
		return slices.Delete(list, i, i+1)
	}
	list[i] = with(list[i], at[1:], value)
	return list
}

type nothing struct{}

// absent is the value of what is to be removed.
var absent any = nothing{}

// pruned is a copy of data without the tables along a path that are empty:
// a table that no header names is gone with its last key.
func pruned(data any, at []values.Part) any {
	if len(at) == 0 || at[0].Kind != values.ByKey {
		return data
	}
	table, ok := data.(map[string]any)
	if !ok {
		return data
	}
	below, ok := table[at[0].Key]
	if !ok {
		return data
	}
	below = pruned(below, at[1:])
	if t, ok := below.(map[string]any); ok && len(t) == 0 {
		return with(data, at[:1], absent)
	}
	return with(data, at[:1], below)
}

// equal compares what two files say.
func equal(a, b any) bool {
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for name, item := range x {
			other, ok := y[name]
			if !ok || !equal(item, other) {
				return false
			}
		}
		return true
	case []any:
		y, ok := b.([]any)
		return ok && slices.EqualFunc(x, y, equal)
	case float64:
		y, ok := b.(float64)
		return ok && (x == y || math.IsNaN(x) && math.IsNaN(y))
	case time.Time:
		y, ok := b.(time.Time)
		return ok && x.Equal(y)
	}
	return reflect.DeepEqual(a, b)
}

func isFloat(text string) bool { return strings.ContainsAny(text, ".eE") }
