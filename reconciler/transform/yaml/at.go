package yaml

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// part is one step down a path: a key, an index, or the element whose field
// has a value. The grammar of a path:
//
//	path     = first { "." key | bracket } .
//	first    = key | bracket .
//	key      = characters other than . [ ] " .
//	bracket  = "[" ( digits | quoted | name "=" value ) "]" .
//	quoted   = a JSON string .
//	value    = quoted | characters other than ] " .
type part struct {
	kind  partKind
	key   string // of a key, and the field's name of a selector
	index int
	value string // of a selector
}

type partKind int

const (
	byKey partKind = iota
	byIndex
	bySelector
)

func (p part) String() string {
	switch p.kind {
	case byIndex:
		return fmt.Sprintf("[%d]", p.index)
	case bySelector:
		return fmt.Sprintf("[%s=%s]", p.key, p.value)
	}
	if p.key == "" || strings.ContainsAny(p.key, `.[]"`) {
		return "[" + strconv.Quote(p.key) + "]"
	}
	return p.key
}

// pathString writes parts as a path.
func pathString(parts []part) string {
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

// parseAt reads a path.
func parseAt(text string) ([]part, error) {
	if text == "" {
		return nil, errors.New("the path is empty")
	}
	var parts []part
	rest := text
	for rest != "" {
		var p part
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

func parseKey(rest string) (part, string, error) {
	end := strings.IndexAny(rest, `.[]"`)
	if end < 0 {
		end = len(rest)
	}
	if end == 0 {
		return part{}, "", errors.New(`a key is empty or holds one of . [ ] " without being written as ["key"]`)
	}
	if end < len(rest) && (rest[end] == ']' || rest[end] == '"') {
		return part{}, "", fmt.Errorf(`write a key that holds %q as ["key"]`, rest[end])
	}
	return part{kind: byKey, key: rest[:end]}, rest[end:], nil
}

func parseBracket(rest string) (part, string, error) {
	inner := rest[1:]
	if strings.HasPrefix(inner, `"`) {
		key, after, err := unquote(inner)
		if err != nil || !strings.HasPrefix(after, "]") {
			return part{}, "", errors.New(`a ["key"] is left open`)
		}
		return part{kind: byKey, key: key}, after[1:], nil
	}
	name, value, ok := strings.Cut(inner, "=")
	if closing := strings.IndexByte(inner, ']'); closing >= 0 && (!ok || closing < len(name)) {
		n, err := strconv.Atoi(inner[:closing])
		if err != nil || n < 0 || n > 100_000 {
			return part{}, "", fmt.Errorf(`[%s] is neither an index nor name=value; a key is written as ["key"]`, inner[:closing])
		}
		return part{kind: byIndex, index: n}, inner[closing+1:], nil
	}
	if !ok || name == "" {
		return part{}, "", errors.New("a bracket is left open")
	}
	if strings.HasPrefix(value, `"`) {
		value, after, err := unquote(value)
		if err != nil || !strings.HasPrefix(after, "]") {
			return part{}, "", errors.New("a quoted value is left open")
		}
		return part{kind: bySelector, key: name, value: value}, after[1:], nil
	}
	value, after, closed := strings.Cut(value, "]")
	if !closed || strings.Contains(value, `"`) {
		return part{}, "", errors.New("a bracket is left open")
	}
	return part{kind: bySelector, key: name, value: value}, after, nil
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
