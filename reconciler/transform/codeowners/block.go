package codeowners

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

const (
	beginMarker = "# portreeve:begin "
	endMarker   = "# portreeve:end "
	bom         = "\xef\xbb\xbf"
)

// marker is a line that begins or ends a block, or looks as if it should.
var marker = regexp.MustCompile(`^[ \t]*#[ \t]*portreeve:(begin|end)(?:[ \t]+(.*?))?[ \t]*$`)

// find gives the extent of a block, its markers' lines included.
func find(text, name string) (start, end int, found bool, err error) {
	open, openLine, openAt := "", 0, 0
	at, number := 0, 0
	for line := range strings.Lines(text) {
		number++
		begin := at
		at += len(line)
		m := marker.FindStringSubmatch(strings.TrimRight(line, "\r\n"))
		switch {
		case m == nil:
		case m[2] == "":
			return 0, 0, false, fmt.Errorf("line %d: the marker names no block", number)
		case m[1] == "begin" && open != "":
			return 0, 0, false, fmt.Errorf("line %d: block %s begins inside block %s, which begins in line %d", number, m[2], open, openLine)
		case m[1] == "begin" && m[2] == name && found:
			return 0, 0, false, fmt.Errorf("line %d: block %s begins a second time", number, name)
		case m[1] == "begin":
			open, openLine, openAt = m[2], number, begin
		case open != m[2]:
			return 0, 0, false, fmt.Errorf("line %d: block %s ends and has not begun", number, m[2])
		default:
			if open == name {
				start, end, found = openAt, at, true
			}
			open = ""
		}
	}
	if open != "" {
		return 0, 0, false, fmt.Errorf("line %d: block %s begins and does not end", openLine, open)
	}
	return start, end, found, nil
}

// rewrite is a file's content as the step wants it. A block that is there
// stays in its place; putting one in and taking it out again gives the
// content that was.
func (s *step) rewrite(content string) (string, error) {
	text, marked := strings.CutPrefix(content, bom)
	if strings.Count(text, "\r") != strings.Count(text, "\r\n") {
		return "", errors.New("it holds line breaks other than LF and CRLF")
	}
	start, end, found, err := find(text, s.Block)
	if err != nil {
		return "", err
	}
	eol := "\n"
	if i := strings.IndexByte(text, '\n'); i > 0 && text[i-1] == '\r' {
		eol = "\r\n"
	}
	before, after := text[:start], text[end:]
	switch {
	case !found && len(s.Lines) == 0:
		return content, nil
	case !found && s.At == "start":
		before, after = "", text
	case !found:
		before, after = text, ""
	}
	open := text != "" && !strings.HasSuffix(text, "\n")
	block := s.render(eol)
	if len(s.Lines) == 0 {
		block = ""
		if open && after == "" {
			before = strings.TrimSuffix(strings.TrimSuffix(before, "\n"), "\r")
		}
	} else if open && after == "" {
		block = strings.TrimSuffix(block, eol)
		if before != "" && !strings.HasSuffix(before, "\n") {
			block = eol + block
		}
	}
	result := before + block + after
	if marked && result != "" {
		result = bom + result
	}
	return result, nil
}
