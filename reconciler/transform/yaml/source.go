package yaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	y "go.yaml.in/yaml/v4"
)

// source is a YAML file: its bytes without the byte order mark, and what they
// parse to. The parser gives places as line and column in characters, which
// source turns into byte offsets; ends it finds by itself.
type source struct {
	text  []byte
	lines []int // offset at which each line begins
	docs  []*y.Node
	eol   string
}

var errPlace = errors.New("its layout can't be followed safely")

func parse(text []byte) (*source, error) {
	if !utf8.Valid(text) {
		return nil, errors.New("it is not UTF-8")
	}
	// The parser takes these for line breaks, and no editor does.
	if bytes.ContainsAny(text, "\u0085\u2028\u2029") || bytes.Count(text, []byte("\r")) != bytes.Count(text, []byte("\r\n")) {
		return nil, errors.New("it holds line breaks other than LF and CRLF")
	}
	s := &source{text: text, lines: []int{0}, eol: "\n"}
	for i, c := range text {
		if c == '\n' {
			s.lines = append(s.lines, i+1)
		}
	}
	if i := bytes.IndexByte(text, '\n'); i > 0 && text[i-1] == '\r' {
		s.eol = "\r\n"
	}
	loader, err := y.NewLoader(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	for {
		doc := new(y.Node)
		err := loader.Load(doc)
		if errors.Is(err, io.EOF) {
			return s, nil
		}
		if err != nil {
			return nil, fmt.Errorf("it is not valid YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
		}
		s.docs = append(s.docs, doc)
	}
}

// offset is where a node begins.
func (s *source) offset(n *y.Node) (int, error) {
	if n.Line < 1 || n.Line > len(s.lines) || n.Column < 1 {
		return 0, errPlace
	}
	at := s.lines[n.Line-1]
	for range n.Column - 1 {
		_, size := utf8.DecodeRune(s.text[at:])
		if size == 0 {
			return 0, errPlace
		}
		at += size
	}
	return at, nil
}

// lineStart is the offset at which the line of an offset begins.
func (s *source) lineStart(at int) int { return bytes.LastIndexByte(s.text[:at], '\n') + 1 }

// lineEnd is the offset just behind the line of an offset, its break included.
func (s *source) lineEnd(at int) int {
	if i := bytes.IndexByte(s.text[at:], '\n'); i >= 0 {
		return at + i + 1
	}
	return len(s.text)
}

// end is the offset just behind a node's last character.
func (s *source) end(n *y.Node) (int, error) {
	at, err := s.offset(n)
	if err != nil {
		return 0, err
	}
	if n.Anchor != "" || n.Style&y.TaggedStyle != 0 && n.Kind != y.AliasNode {
		if at, err = s.skipProperties(at); err != nil {
			return 0, err
		}
	}
	switch {
	case n.Kind == y.AliasNode:
		return at + 1 + len(n.Value), nil
	case n.Kind == y.ScalarNode:
		return s.scalarEnd(n, at)
	case n.Style&y.FlowStyle != 0:
		return s.flowEnd(n, at)
	case len(n.Content) == 0:
		return 0, errPlace
	}
	return s.end(n.Content[len(n.Content)-1])
}

// skipProperties moves behind anchor and tag.
func (s *source) skipProperties(at int) (int, error) {
	for at < len(s.text) && (s.text[at] == '&' || s.text[at] == '!') {
		i := bytes.IndexAny(s.text[at:], " \t\r\n")
		if i < 0 {
			return 0, errPlace
		}
		at += i
		for at < len(s.text) && strings.IndexByte(" \t\r\n", s.text[at]) >= 0 {
			at++
		}
	}
	return at, nil
}

func (s *source) scalarEnd(n *y.Node, at int) (int, error) {
	switch {
	case n.Style&y.SingleQuotedStyle != 0:
		return s.quotedEnd(at, '\'')
	case n.Style&y.DoubleQuotedStyle != 0:
		return s.quotedEnd(at, '"')
	case n.Style&(y.LiteralStyle|y.FoldedStyle) != 0:
		return s.blockEnd(at)
	}
	// A plain scalar: its value stands there as it is, but for breaks and
	// the blanks around them, which were folded.
	for rest := n.Value; rest != ""; {
		if c := rest[0]; c == ' ' || c == '\n' || c == '\t' {
			trimmed := strings.TrimLeft(rest, " \t\n")
			moved := len(s.text[at:]) - len(bytes.TrimLeft(s.text[at:], " \t\r\n"))
			if moved == 0 {
				return 0, errPlace
			}
			rest, at = trimmed, at+moved
			continue
		}
		if at >= len(s.text) || s.text[at] != rest[0] {
			return 0, errPlace
		}
		rest, at = rest[1:], at+1
	}
	return at, nil
}

func (s *source) quotedEnd(at int, quote byte) (int, error) {
	if at >= len(s.text) || s.text[at] != quote {
		return 0, errPlace
	}
	for at++; at < len(s.text); at++ {
		switch c := s.text[at]; {
		case c == '\\' && quote == '"':
			at++
		case c == quote && quote == '\'' && at+1 < len(s.text) && s.text[at+1] == quote:
			at++
		case c == quote:
			return at + 1, nil
		}
	}
	return 0, errPlace
}

// blockEnd is the end of the last line of a literal or folded scalar whose
// header is at an offset, its break excluded. Blank lines at its end belong
// to it if the header says to keep them.
func (s *source) blockEnd(at int) (int, error) {
	header := s.text[at:s.lineEnd(at)]
	keep := bytes.IndexByte(header[:max(1, bytes.IndexAny(append(header[:len(header):len(header)], '\n'), " \t\r\n"))], '+') >= 0
	parent := s.parentIndent(at)
	last := s.contentEnd(at)
	for line := s.lineEnd(at); line < len(s.text); line = s.lineEnd(line) {
		content := bytes.TrimRight(s.text[line:s.lineEnd(line)], "\r\n")
		blank := len(bytes.TrimLeft(content, " ")) == 0
		indent := len(content) - len(bytes.TrimLeft(content, " "))
		if !blank && indent <= parent {
			break
		}
		if !blank || keep {
			last = line + len(content)
		}
	}
	return last, nil
}

// parentIndent is the indentation of the mapping or sequence in which the
// block scalar at an offset stands: what is not deeper ends the scalar.
func (s *source) parentIndent(at int) int {
	line := s.text[s.lineStart(at):at]
	indent := 0
	for {
		trimmed := bytes.TrimLeft(line[indent:], " ")
		start := len(line) - len(trimmed)
		if !bytes.HasPrefix(trimmed, []byte("- ")) {
			if len(trimmed) == 0 { // a scalar straight in a sequence
				return max(0, bytes.LastIndexByte(line, '-'))
			}
			if bytes.HasPrefix(trimmed, []byte("--- ")) {
				return -1
			}
			return start
		}
		indent = start + 2
	}
}

// contentEnd is the end of an offset's line without its break.
func (s *source) contentEnd(at int) int {
	return s.lineStart(at) + len(bytes.TrimRight(s.text[s.lineStart(at):s.lineEnd(at)], "\r\n"))
}

// flowEnd is just behind the closing bracket of a flow collection.
func (s *source) flowEnd(n *y.Node, at int) (int, error) {
	if at >= len(s.text) || s.text[at] != '{' && s.text[at] != '[' {
		return 0, errPlace
	}
	closing := byte('}')
	if s.text[at] == '[' {
		closing = ']'
	}
	at++
	if len(n.Content) > 0 {
		var err error
		if at, err = s.end(n.Content[len(n.Content)-1]); err != nil {
			return 0, err
		}
	}
	for ; at < len(s.text); at++ {
		switch c := s.text[at]; {
		case c == closing:
			return at + 1, nil
		case c == '#':
			at = s.contentEnd(at)
		case strings.IndexByte(", \t\r\n", c) < 0:
			return 0, errPlace
		}
	}
	return 0, errPlace
}
