package transform

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// DecodeFields reads JSON into the struct that into points to, strictly: a
// field that the struct's json tags don't name is a *FieldError, with the
// name that was probably meant. So is a value of the wrong sort.
func DecodeFields(fields json.RawMessage, into any) error {
	dec := json.NewDecoder(bytes.NewReader(fields))
	dec.UseNumber()
	var value any
	if err := dec.Decode(&value); err != nil {
		return fmt.Errorf("not JSON: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("not JSON: more than one value")
	}
	if err := checkShape(value, reflect.TypeOf(into).Elem(), ""); err != nil {
		return err
	}
	if err := json.Unmarshal(fields, into); err != nil {
		if e := (*json.UnmarshalTypeError)(nil); errors.As(err, &e) {
			return &FieldError{Field: e.Field, Message: fmt.Sprintf("is a JSON %s where %s is expected", e.Value, sortOf(e.Type))}
		}
		return err
	}
	return nil
}

// checkShape walks value and type together; it looks only for names that the
// type lacks and for values of the wrong sort. Types that decode themselves
// are left to do so.
func checkShape(value any, t reflect.Type, at string) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if value == nil || reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()) {
		return nil
	}
	switch v := value.(type) {
	case map[string]any:
		if t.Kind() == reflect.Struct {
			return checkStruct(v, t, at)
		}
		if t.Kind() == reflect.Map {
			for _, name := range slices.Sorted(maps.Keys(v)) {
				if err := checkShape(v[name], t.Elem(), join(at, name)); err != nil {
					return err
				}
			}
		}
	case []any:
		if t.Kind() == reflect.Slice {
			for i, item := range v {
				if err := checkShape(item, t.Elem(), fmt.Sprintf("%s[%d]", at, i)); err != nil {
					return err
				}
			}
		}
	}
	if got := reflect.TypeOf(value); !fits(got, t) {
		return &FieldError{Field: at, Message: fmt.Sprintf("is %s where %s is expected", sortOf(got), sortOf(t))}
	}
	return nil
}

func checkStruct(v map[string]any, t reflect.Type, at string) error {
	types := map[string]reflect.Type{}
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name != "" && name != "-" {
			types[name] = t.Field(i).Type
		}
	}
	known := slices.Sorted(maps.Keys(types))
	for _, name := range slices.Sorted(maps.Keys(v)) {
		of, ok := types[name]
		if !ok {
			return &FieldError{Field: join(at, name), Message: "unknown field", Hint: hint(name, known)}
		}
		if err := checkShape(v[name], of, join(at, name)); err != nil {
			return err
		}
	}
	return nil
}

func hint(name string, known []string) string {
	if near := fleet.DidYouMean(name, known); near != "" {
		return near
	}
	return "known fields: " + strings.Join(known, ", ")
}

func join(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}

func fits(got, want reflect.Type) bool {
	if got == reflect.TypeFor[json.Number]() {
		return want.Kind() >= reflect.Int && want.Kind() <= reflect.Float64 || want.Kind() == reflect.Interface
	}
	return got.Kind() == want.Kind() || want.Kind() == reflect.Interface ||
		got.Kind() == reflect.Map && want.Kind() == reflect.Struct
}

// sortOf is a type's sort as people say it.
func sortOf(t reflect.Type) string {
	switch k := t.Kind(); {
	case t == reflect.TypeFor[json.Number]() || k >= reflect.Int && k <= reflect.Float64:
		return "a number"
	case k == reflect.String:
		return "a text"
	case k == reflect.Bool:
		return "true or false"
	case k == reflect.Slice:
		return "a list"
	}
	return "an object"
}

// FieldErrorf is a *FieldError without a hint.
func FieldErrorf(field, format string, args ...any) *FieldError {
	return &FieldError{Field: field, Message: fmt.Sprintf(format, args...)}
}
