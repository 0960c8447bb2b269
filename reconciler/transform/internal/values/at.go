package values

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Part is one step down a path: a key, an index, or the element whose field
// has a value. The grammar of a path:
//
//	path     = first { "." key | bracket } .
//	first    = key | bracket .
//	key      = characters other than . [ ] " .
//	bracket  = "[" ( digits | quoted | name "=" value ) "]" .
//	quoted   = a JSON string .
//	value    = quoted | characters other than ] " .
type Part struct {
	Kind  PartKind
	Key   string // of a key, and the field's name of a selector
	Index int
	Value string // of a selector
}

// PartKind is what a part goes by.
type PartKind int

// The kinds of parts.
const (
	ByKey PartKind = iota
	ByIndex
	BySelector
)

func (p Part) String() string {
	switch p.Kind {
	case ByIndex:
		return fmt.Sprintf("[%d]", p.Index)
	case BySelector:
		return fmt.Sprintf("[%s=%s]", p.Key, p.Value)
	}
	if p.Key == "" || strings.ContainsAny(p.Key, `.[]"`) {
		return "[" + strconv.Quote(p.Key) + "]"
	}
	return p.Key
}

// PathString writes parts as a path.
func PathString(parts []Part) string {
	var b strings.Builder
	for i, p := range parts {
		s := p.String()
		if i > 0 && s[0] != '[' {
			b.WriteByte('.')
		}
		b.WriteString(s)
	}
	return b.String()
}

// ParseAt reads a path.
func ParseAt(text string) ([]Part, error) {
	if text == "" {
		return nil, errors.New("the path is empty")
	}
	var parts []Part
	rest := text
	for rest != "" {
		var p Part
		var err error
		switch {
		case rest[0] == '[':
			p, rest, err = parseBracket(rest)
		case rest[0] == '.' && len(parts) > 0:
			p, rest, err = parseKey(rest[1:])
		case len(parts) == 0:
			p, rest, err = parseKey(rest)
		default:
			err = fmt.Errorf("a dot is missing before %q", rest)
		}
		if err != nil {
			return nil, fmt.Errorf("path %q: %w", text, err)
		}
		parts = append(parts, p)
	}
	return parts, nil
}

func parseKey(rest string) (Part, string, error) {
	end := strings.IndexAny(rest, `.[]"`)
	if end < 0 {
		end = len(rest)
	}
	if end == 0 {
		return Part{}, "", errors.New(`a key is empty or holds one of . [ ] " without being written as ["key"]`)
	}
	if end < len(rest) && (rest[end] == ']' || rest[end] == '"') {
		return Part{}, "", fmt.Errorf(`write a key that holds %q as ["key"]`, rest[end])
	}
	return Part{Kind: ByKey, Key: rest[:end]}, rest[end:], nil
}

func parseBracket(rest string) (Part, string, error) {
	inner := rest[1:]
	if strings.HasPrefix(inner, `"`) {
		key, after, err := unquote(inner)
		if err != nil || !strings.HasPrefix(after, "]") {
			return Part{}, "", errors.New(`a ["key"] is left open`)
		}
		return Part{Kind: ByKey, Key: key}, after[1:], nil
	}
	name, value, ok := strings.Cut(inner, "=")
	if closing := strings.IndexByte(inner, ']'); closing >= 0 && (!ok || closing < len(name)) {
		n, err := strconv.Atoi(inner[:closing])
		if err != nil || n < 0 || n > 100_000 {
			return Part{}, "", fmt.Errorf(`[%s] is neither an index nor name=value; a key is written as ["key"]`, inner[:closing])
		}
		return Part{Kind: ByIndex, Index: n}, inner[closing+1:], nil
	}
	if !ok || name == "" {
		return Part{}, "", errors.New("a bracket is left open")
	}
	if strings.HasPrefix(value, `"`) {
		value, after, err := unquote(value)
		if err != nil || !strings.HasPrefix(after, "]") {
			return Part{}, "", errors.New("a quoted value is left open")
		}
		return Part{Kind: BySelector, Key: name, Value: value}, after[1:], nil
	}
	value, after, closed := strings.Cut(value, "]")
	if !closed || strings.Contains(value, `"`) {
		return Part{}, "", errors.New("a bracket is left open")
	}
	return Part{Kind: BySelector, Key: name, Value: value}, after, nil
}

// unquote reads a Go or JSON string at the beginning of s.
func unquote(s string) (value, after string, err error) {
	quoted, err := strconv.QuotedPrefix(s)
	if err != nil {
		return "", "", err
	}
	value, err = strconv.Unquote(quoted)
	return value, s[len(quoted):], err
}
