package gomod

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"

	"github.com/portreeve/portreeve/reconciler/transform/internal/values"
)

// file is a go.mod file in one operation: what it parses to, the cuts to
// make, and what it should say then.
type file struct {
	text []byte
	eol  string
	mod  *modfile.File
	want []string
	cuts []values.Cut
}

// errRefused is the reason where the result does not read back as it should.
var errRefused = errors.New("it is laid out so that it can't be edited safely")

func parse(text []byte) (*file, error) {
	if bytes.Count(text, []byte("\r")) != bytes.Count(text, []byte("\r\n")) {
		return nil, errors.New("it holds line breaks other than LF and CRLF")
	}
	mod, err := modfile.Parse("go.mod", text, nil)
	if err != nil {
		first, _, _ := strings.Cut(err.Error(), "\n")
		return nil, fmt.Errorf("it is not valid: %s", strings.TrimPrefix(first, "go.mod:"))
	}
	return &file{text: text, eol: values.EOL(text), mod: mod, want: says(mod)}, nil
}

// operate makes the cuts of one operation and holds the result against what
// the operation wants.
func (f *file) operate(op func(f *file) error) (*file, error) {
	if err := op(f); err != nil {
		return nil, err
	}
	if len(f.cuts) == 0 {
		return f, nil
	}
	text, ok := values.Splice(f.text, f.cuts)
	if !ok {
		return nil, errRefused
	}
	after, err := parse(text)
	if err != nil {
		return nil, errRefused
	}
	slices.Sort(f.want)
	if !slices.Equal(after.want, f.want) {
		return nil, errRefused
	}
	return after, nil
}

// expect notes that one statement becomes another, none if to is empty.
func (f *file) expect(from, to string) {
	i := slices.Index(f.want, from)
	switch {
	case i < 0: // the comparison will tell
		f.want = append(f.want, from)
	case to == "":
		f.want = slices.Delete(f.want, i, i+1)
	default:
		f.want[i] = to
	}
}

// says is all that a file says, sorted, so that two can be compared.
func says(mod *modfile.File) []string {
	var all []string
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if mod.Module != nil {
		add("module %s %q", mod.Module.Mod, mod.Module.Deprecated)
	}
	if mod.Go != nil {
		add("go %s", mod.Go.Version)
	}
	if mod.Toolchain != nil {
		add("toolchain %s", mod.Toolchain.Name)
	}
	for _, g := range mod.Godebug {
		add("godebug %s=%s", g.Key, g.Value)
	}
	for _, r := range mod.Require {
		all = append(all, requirement(r))
	}
	for _, e := range mod.Exclude {
		add("exclude %s", e.Mod)
	}
	for _, r := range mod.Replace {
		add("replace %s => %s", r.Old, r.New)
	}
	for _, r := range mod.Retract {
		add("retract %s %s %q", r.Low, r.High, r.Rationale)
	}
	for _, t := range mod.Tool {
		add("tool %s", t.Path)
	}
	for _, i := range mod.Ignore {
		add("ignore %s", i.Path)
	}
	slices.Sort(all)
	return all
}

func requirement(r *modfile.Require) string {
	return fmt.Sprintf("require %s %v", r.Mod, r.Indirect)
}

func (f *file) cut(start, end int, text string) {
	f.cuts = append(f.cuts, values.Cut{Start: start, End: end, Text: text})
}

// token is a token's place on a line.
type token struct{ start, end int }

// tokens finds a line's tokens anew: the parser keeps no places, and writes
// quoted ones differently.
func (f *file) tokens(l *modfile.Line) []token {
	var all []token
	for at, end := l.Start.Byte, l.End.Byte; at < end; {
		start := at
		switch c := f.text[at]; c {
		case ' ', '\t', '\r':
			at++
			continue
		case '"', '`':
			for at++; at < end && f.text[at] != c; at++ {
				if c == '"' && f.text[at] == '\\' {
					at++
				}
			}
			at = min(at+1, end)
		default:
			for at < end && f.text[at] != ' ' && f.text[at] != '\t' && f.text[at] != '\r' {
				at++
			}
		}
		all = append(all, token{start, at})
	}
	return all
}

// setToken replaces a line's token; a negative index counts from the end.
func (f *file) setToken(l *modfile.Line, i int, text string) error {
	all := f.tokens(l)
	if len(all) != len(l.Token) {
		return errRefused
	}
	if i < 0 {
		i += len(all)
	}
	f.cut(all[i].start, all[i].end, text)
	return nil
}

// statement is the statement that a line is, or the block that it stands in.
func (f *file) statement(l *modfile.Line) modfile.Expr {
	for _, stmt := range f.mod.Syntax.Stmt {
		if b, ok := stmt.(*modfile.LineBlock); ok && slices.Contains(b.Line, l) {
			return b
		}
	}
	return l
}

// insertStatement adds a statement behind another, a blank line between.
func (f *file) insertStatement(after modfile.Expr, text string) {
	_, end := after.Span()
	f.insertLine(values.LineEnd(f.text, end.Byte), f.eol, text)
}

// insertLine adds a line at the end of another, with what stands before it;
// a file without a final break stays without one.
func (f *file) insertLine(at int, before, text string) {
	if at > 0 && f.text[at-1] != '\n' {
		f.cut(at, at, f.eol+before+text)
		return
	}
	f.cut(at, at, before+text+f.eol)
}

// cutStatement removes a line, with its block if nothing else stands there.
func (f *file) cutStatement(l *modfile.Line) {
	start, end := values.LineStart(f.text, l.Start.Byte), values.LineEnd(f.text, l.End.Byte)
	if b, ok := f.statement(l).(*modfile.LineBlock); ok {
		inside := values.LineEnd(f.text, b.LParen.Pos.Byte)
		if len(b.Line) == 1 && start >= inside && values.OnlyBlank(f.text[inside:start]) && values.OnlyBlank(f.text[end:b.RParen.Pos.Byte]) {
			start, end = values.LineStart(f.text, b.Start.Byte), values.LineEnd(f.text, b.RParen.Pos.Byte)
		} else {
			f.cut(start, end, "")
			return
		}
	}
	// Of the blank lines on both sides one goes too.
	blank := func(at int) bool {
		return values.OnlyBlank(f.text[values.LineStart(f.text, at):values.LineEnd(f.text, at)])
	}
	switch {
	case end < len(f.text) && start > 0 && blank(end) && blank(start-1):
		end = values.LineEnd(f.text, end)
	case end == len(f.text) && start > 0 && blank(start-1):
		start = values.LineStart(f.text, start-1)
	}
	if end == len(f.text) && start > 0 && !bytes.HasSuffix(f.text, []byte("\n")) {
		start -= len(f.eol)
	}
	f.cut(start, end, "")
}
