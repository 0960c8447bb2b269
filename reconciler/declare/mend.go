package declare

import (
	"encoding/json"
	"strconv"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"
)

// mended is the declaration as JSON in which each value with a problem is
// another one, which the schema takes: so that the rest can be looked at, too.
// It is nil where too little of the declaration is there.
func (r *reporter) mended() []byte {
	tree, ok := r.mend(nil, r.shape)
	if !ok {
		return nil
	}
	data, err := json.Marshal(tree)
	if err != nil {
		return nil
	}
	return data
}

func (r *reporter) mend(path []string, s *shape) (any, bool) {
	if s == nil {
		return nil, false
	}
	if len(path) > 0 && r.said(pathText(path)) {
		return s.sample()
	}
	s = s.variant(func() string { return r.do(path) })
	switch kind := r.kind(path); {
	case kind == cue.StructKind && s.kind == "struct":
		return r.mendStruct(path, s)
	case kind == cue.ListKind && s.kind == "list" && s.elem != nil:
		list := make([]any, r.length(path))
		for i := range list {
			var ok bool
			if list[i], ok = r.mend(append(path[:len(path):len(path)], strconv.Itoa(i)), s.elem); !ok {
				return nil, false
			}
		}
		return list, true
	}
	data, err := r.lookup(path).MarshalJSON()
	if err != nil {
		return s.sample()
	}
	return json.RawMessage(data), true
}

func (r *reporter) mendStruct(path []string, s *shape) (any, bool) {
	if s.variants != nil { // no step that there is
		return s.sample()
	}
	tree := map[string]any{}
	for _, name := range r.names(path) {
		element := name
		if !isIdent(name) {
			element = strconv.Quote(name)
		}
		below := append(path[:len(path):len(path)], element)
		next := s.fields[name]
		if next == nil {
			if next = s.elem; r.said(pathText(below)) {
				continue // one of many may be left out
			}
		}
		if value, ok := r.mend(below, next); ok {
			tree[name] = value
		}
	}
	for _, name := range s.order {
		if _, there := tree[name]; !there && s.required[name] {
			value, ok := s.fields[name].sample()
			if !ok {
				return nil, false
			}
			tree[name] = value
		}
	}
	return tree, true
}

// sample is a value that the schema takes: its own example where it has one.
func (s *shape) sample() (any, bool) {
	if s.example != "" {
		if data, err := cuecontext.New().CompileString(s.example).MarshalJSON(); err == nil {
			return json.RawMessage(data), true
		}
	}
	switch {
	case s.variants["delete"] != nil:
		return map[string]any{"do": "delete", "paths": []string{"x"}}, true
	case len(s.enum) > 0:
		return s.enum[0], true
	case s.kind == "string":
		return "x", true
	case s.kind == "int":
		return 1, true
	case s.kind == "bool":
		return false, true
	case s.kind == "list" && !s.nonEmpty:
		return []any{}, true
	}
	return nil, false
}
