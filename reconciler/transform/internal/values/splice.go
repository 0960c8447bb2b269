package values

import (
	"bytes"
	"slices"
)

// Cut replaces the bytes from Start to End.
type Cut struct {
	Start, End int
	Text       string
}

// Splice makes cuts in a text; ok is false where two of them overlap.
func Splice(text []byte, cuts []Cut) (out []byte, ok bool) {
	cuts = slices.Clone(cuts)
	slices.SortStableFunc(cuts, func(a, b Cut) int { return a.Start - b.Start })
	last := 0
	for _, c := range cuts {
		if c.Start < last || c.End < c.Start || c.End > len(text) {
			return nil, false
		}
		out = append(append(out, text[last:c.Start]...), c.Text...)
		last = c.End
	}
	return append(out, text[last:]...), true
}

// EOL is the line break that a text uses: its first one, LF if it has none.
func EOL(text []byte) string {
	if i := bytes.IndexByte(text, '\n'); i > 0 && text[i-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}

// LineStart is the offset at which the line of an offset begins.
func LineStart(text []byte, at int) int { return bytes.LastIndexByte(text[:at], '\n') + 1 }

// LineEnd is the offset behind the line of an offset, its break included.
func LineEnd(text []byte, at int) int {
	if i := bytes.IndexByte(text[at:], '\n'); i >= 0 {
		return at + i + 1
	}
	return len(text)
}

// Indent is the blanks at the beginning of the line of an offset.
func Indent(text []byte, at int) string {
	start := LineStart(text, at)
	end := start
	for end < at && (text[end] == ' ' || text[end] == '\t') {
		end++
	}
	return string(text[start:end])
}

// OnlyBlank reports whether a text holds nothing but white space.
func OnlyBlank(text []byte) bool { return len(bytes.TrimLeft(text, " \t\r\n")) == 0 }

// First reports whether an offset is the first of its line that is no blank;
// of the first line none is. It looks at no more than the blanks before it: a
// line may be as long as the file.
func First(text []byte, at int) bool {
	for at > 0 && (text[at-1] == ' ' || text[at-1] == '\t') {
		at--
	}
	return at > 0 && text[at-1] == '\n'
}
