// Package values is what the transforms that set and remove values by path
// have in common: the grammar of paths, the values of a declaration, and a
// step's fields. It knows no file format.
package values

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Kind is a value's sort.
type Kind int

// The sorts of values.
const (
	Null Kind = iota
	Bool
	Number
	String
	List
	Object
)

func (k Kind) String() string {
	return [...]string{"null", "true or false", "a number", "a text", "a list", "an object"}[k]
}

// Value is a value of a declaration. Numbers stay as they were written, and
// the fields of objects in their order.
type Value struct {
	Kind  Kind
	Text  string // of a String decoded, of the other single values as written
	Keys  []string
	Items []*Value // of a List, and of an Object beside Keys
}

// maxDepth bounds how deep a declaration's value nests.
const maxDepth = 100

// Read reads JSON.
func Read(raw json.RawMessage) (*Value, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	return read(dec, 0)
}

func read(dec *json.Decoder, depth int) (*Value, error) {
	token, err := dec.Token()
	if err != nil {
		return nil, err
	}
	delim, ok := token.(json.Delim)
	if !ok {
		return single(token), nil
	}
	if depth > maxDepth {
		return nil, fmt.Errorf("nests deeper than %d levels", maxDepth)
	}
	v := &Value{Kind: List}
	if delim == '{' {
		v.Kind = Object
	}
	for dec.More() {
		if v.Kind == Object {
			key, err := dec.Token()
			if err != nil {
				return nil, err
			}
			name := key.(string)
			if slices.Contains(v.Keys, name) {
				return nil, fmt.Errorf("holds %q twice", name)
			}
			v.Keys = append(v.Keys, name)
		}
		item, err := read(dec, depth+1)
		if err != nil {
			return nil, err
		}
		v.Items = append(v.Items, item)
	}
	_, err = dec.Token()
	return v, err
}

func single(token json.Token) *Value {
	switch t := token.(type) {
	case string:
		return &Value{Kind: String, Text: t}
	case bool:
		return &Value{Kind: Bool, Text: strconv.FormatBool(t)}
	case json.Number:
		return &Value{Kind: Number, Text: t.String()}
	}
	return &Value{Kind: Null, Text: "null"}
}

// Flat reports whether a value is single or empty.
func (v *Value) Flat() bool { return len(v.Items) == 0 }

// Field is the value of an object's field, or nil.
func (v *Value) Field(name string) *Value {
	if i := slices.Index(v.Keys, name); i >= 0 && v.Kind == Object {
		return v.Items[i]
	}
	return nil
}

// Has reports whether a value is, or holds, one of a kind.
func (v *Value) Has(k Kind) bool {
	return v.Kind == k || slices.ContainsFunc(v.Items, func(item *Value) bool { return item.Has(k) })
}

// Wrap builds the value of which parts are the path and v the leaf.
func Wrap(parts []Part, v *Value) (*Value, error) {
	if len(parts) == 0 {
		return v, nil
	}
	item, err := WrapBelow(parts, v)
	if err != nil {
		return nil, err
	}
	switch p := parts[0]; {
	case p.Kind == ByKey:
		return &Value{Kind: Object, Keys: []string{p.Key}, Items: []*Value{item}}, nil
	case p.Kind == ByIndex && p.Index > 0:
		return nil, fmt.Errorf("%s: there is no list yet, so only [0] can be made", PathString(parts))
	}
	return &Value{Kind: List, Items: []*Value{item}}, nil
}

// WrapBelow builds what parts[0] leads to: for a selector the whole element,
// its name included.
func WrapBelow(parts []Part, v *Value) (*Value, error) {
	item, err := Wrap(parts[1:], v)
	if err != nil || parts[0].Kind != BySelector {
		return item, err
	}
	p := parts[0]
	if item.Kind != Object {
		return nil, fmt.Errorf("%s does not exist, and can only be made with an object as value", p)
	}
	if name := item.Field(p.Key); name != nil {
		if name.Text != p.Value || !name.Flat() {
			return nil, fmt.Errorf("%s would be made with another %s", p, p.Key)
		}
		return item, nil
	}
	name := &Value{Kind: String, Text: p.Value}
	return &Value{Kind: Object, Keys: append([]string{p.Key}, item.Keys...), Items: append([]*Value{name}, item.Items...)}, nil
}

// Named is the value to set at a path: where the path ends in [name=value],
// an element that the path still finds when it is set.
func Named(parts []Part, v *Value) (*Value, error) {
	p := parts[len(parts)-1]
	if p.Kind != BySelector {
		return v, nil
	}
	if v.Kind != Object {
		return nil, fmt.Errorf("is %s, and %s would not find it again", v.Kind, p)
	}
	if name := v.Field(p.Key); name != nil && (name.Text != p.Value || !name.Flat()) {
		return nil, fmt.Errorf("has another %s, and %s would not find it again", p.Key, p)
	}
	return WrapBelow(parts[len(parts)-1:], v)
}

// SameNumber reports whether two numbers, as written, are one: 1.50 and
// 15e-1 are, 1 and 1.0 are not, as readers tell them apart.
func SameNumber(a, b string) bool {
	if a == b {
		return true
	}
	if !strings.ContainsAny(a, ".eE") || !strings.ContainsAny(b, ".eE") {
		return false
	}
	x, okX := decimal(a)
	y, okY := decimal(b)
	return okX && okY && x == y
}

type number struct {
	negative bool
	digits   string // without zeros at either end
	exponent int
}

func decimal(s string) (number, bool) {
	var n number
	s, n.negative = strings.CutPrefix(s, "-")
	mantissa, exponent, _ := strings.Cut(strings.ToLower(s), "e")
	if exponent != "" {
		var err error
		if n.exponent, err = strconv.Atoi(exponent); err != nil {
			return n, false
		}
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	n.exponent -= len(fraction)
	n.digits = strings.TrimLeft(whole+fraction, "0")
	trimmed := strings.TrimRight(n.digits, "0")
	n.exponent += len(n.digits) - len(trimmed)
	if n.digits = trimmed; n.digits == "" {
		n.exponent = 0
	}
	return n, true
}
