package declare

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/token"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// syntax reports what keeps the file from being parsed.
func (f *file) syntax(err error) {
	named := f.problems
	f.problems = nil
	for _, e := range errors.Errors(err) {
		format, args := e.Msg()
		s := f.stumble(e.Position(), strings.TrimPrefix(fmt.Sprintf(format, args...), "syntax error: "))
		f.refuse("syntax", s.pos, s.hint, "%s", s.words)
	}
	f.problems = fleet.SortProblems(f.problems)
	// One mistake makes the parser stumble again: on each line its first
	// word is the one that helps.
	f.problems = slices.CompactFunc(f.problems, func(a, b fleet.Problem) bool { return a.Pos.Line == b.Pos.Line })
	first := f.problems[0]
	f.problems = slices.DeleteFunc(f.problems, func(p fleet.Problem) bool {
		return p != first && (strings.HasSuffix(p.Message, "is not closed") || f.closes(p, first))
	})
	const enough = 10
	f.problems = f.problems[:min(len(f.problems), enough)]
	// What was read after the first stumble may not be what is meant.
	for _, p := range named {
		if p.Pos.Line < first.Pos.Line {
			f.problems = append(f.problems, p)
		}
	}
}

// closes reports whether a quote that seems to open a string is the one that
// an earlier line's string lacks.
func (f *file) closes(p, first fleet.Problem) bool {
	rest := strings.TrimLeft(f.after(p.Pos), `"`)
	return strings.Contains(first.Message, "string") && p.Message == noEnd && strings.Trim(rest, " \t,}])") == ""
}

const noEnd = "the string has no end on its line"

// line is a line of the file, counted from 1.
func (f *file) line(n int) string {
	lines := bytes.Split(f.data, []byte("\n"))
	if n < 1 || n > len(lines) {
		return ""
	}
	return strings.TrimRight(string(lines[n-1]), "\r")
}

// after is the rest of a position's line.
func (f *file) after(p fleet.Pos) string {
	line := f.line(p.Line)
	if p.Column < 1 || p.Column > len(line) {
		return ""
	}
	return line[p.Column-1:]
}

// stumbled is where the parser could not go on, in a person's words.
type stumbled struct {
	pos         token.Pos
	words, hint string
}

// habit is a way of writing that other languages have and CUE has not. at is
// matched against a line without its strings; group 1 is what is wrong.
type habit struct {
	at          *regexp.Regexp
	words, hint string // "$1" stands for group 1
}

var habits = []habit{
	{regexp.MustCompile(`([“”„‟«»])`), "found the quote $1", `write "`},
	{regexp.MustCompile(`([‘’‚])`), "found the quote $1", `write "`},
	{regexp.MustCompile(`^\s*(#)(?: |$|!)`), `"#" does not begin a comment`, "write // before it"},
	{regexp.MustCompile(`(/\*)`), `"/*" does not begin a comment`, "write // before it; it ends with the line"},
	{regexp.MustCompile(`^\s*package\s+(")`), "the package's name stands in quotes", "write package fleet"},
	{regexp.MustCompile(`(;)`), `found ";"`, `write ","`},
	{regexp.MustCompile(`[\w"]\s*(:?=)(?:[^=~]|$)`), `found "$1" after a name, expected ":"`, "write NAME: VALUE"},
	{regexp.MustCompile(`(?:^|[\s{,:])([A-Za-z0-9_]+(?:-[A-Za-z0-9_]+)+)\s*:`), `the name $1 needs quotes, for its "-"`, `write "$1":`},
	{regexp.MustCompile(`(?:^|[\s{,:])([0-9]+[A-Za-z_][A-Za-z0-9_]*)\s*:`), `the name $1 needs quotes, for the digit that it begins with`, `write "$1":`},
	{regexp.MustCompile(`(?:^|[\s{,])([\w.*-]*[/*][\w./*-]*)\s*:`), "the pattern $1 needs quotes", `write "$1":`},
	{regexp.MustCompile(`([0-9]+%)`), "a percentage needs quotes", `write "$1"`},
}

// stumble words a place where the parser could not go on. The mistake is
// often before it: on its line, or on the one above.
func (f *file) stumble(pos token.Pos, message string) stumbled {
	if m := conflict.FindSubmatchIndex(f.data); m != nil {
		line := bytes.Count(f.data[:m[2]], []byte("\n")) + 1
		return stumbled{
			f.posAt(line, 1), fmt.Sprintf("found %q, the mark of a merge that was not finished", f.data[m[2]:m[3]]),
			"keep what is right of both sides, and remove the marks",
		}
	}
	line := position(pos).Line
	for _, n := range []int{line, line - 1} {
		if s, ok := f.habit(n); ok && !strings.HasPrefix(message, "string literal") {
			return s
		}
	}
	found := foundWords(message)
	switch rest := f.after(position(pos)); {
	case strings.HasPrefix(message, "string literal not terminated"):
		return stumbled{pos, noEnd, `close it with ", write a new line as \n, or put it in """ … """`}
	case strings.HasPrefix(message, "expected newline after multiline quote"):
		return stumbled{pos, `the string begins on the line of its """`, "begin it on the next line"}
	case strings.HasPrefix(message, "unknown escape sequence"):
		return stumbled{pos, fmt.Sprintf("found the escape %s in a string, which there is not", firstRunes(f.before(pos)+rest, 2)), `write \\ for a backslash`}
	case strings.HasPrefix(message, "expected '}', found 'EOF'"), strings.HasPrefix(message, "expected '}', found newline"):
		return stumbled{pos, `a "{" is not closed`, `add the missing "}"`}
	case strings.HasPrefix(message, "expected ']', found 'EOF'"), strings.HasPrefix(message, "missing ',' in list literal") && strings.HasPrefix(rest, "}"),
		strings.HasPrefix(message, "expected operand, found '}'") && f.inList(pos):
		return stumbled{pos, `a "[" is not closed`, `add the missing "]"`}
	case strings.HasPrefix(message, "missing ',' in list literal"), strings.HasPrefix(message, "missing ',' before newline in list"):
		return stumbled{pos, "a list's element is not followed by a comma", `add the missing ","`}
	case strings.HasPrefix(message, "missing ',' in struct literal"):
		if word := loneWord.FindString(rest); word != "" {
			return stumbled{pos, fmt.Sprintf("found %q after a value", word), `end the value with ","; a string has quotes around all of it`}
		}
		return stumbled{pos, "two fields on one line have no comma between them", `add the missing ","`}
	case strings.HasPrefix(message, "expected 'EOF', found '}'"):
		return stumbled{pos, `found "}" where no "{" is open`, "remove it"}
	case strings.HasPrefix(f.line(line), "package ") && strings.HasPrefix(message, "expected label"):
		return stumbled{f.posAt(line, 1), "the package clause stands below declarations", "move it to the first line"}
	case strings.HasPrefix(message, "expected label or ':'"):
		return stumbled{pos, fmt.Sprintf(`found %s, expected ":" after the name before it`, found), "write NAME: VALUE"}
	case strings.HasPrefix(message, "expected operand"):
		return stumbled{pos, fmt.Sprintf("found %s, expected a value", found), `a string stands in quotes, "…"`}
	case strings.HasPrefix(message, "illegal character"):
		return stumbled{pos, fmt.Sprintf("found %s, which stands in strings alone", quote(firstRunes(rest, 1))), "put the string in quotes"}
	}
	return stumbled{pos, kindOfToken.ReplaceAllString(message, ""), "is something before it left open?"}
}

// conflict is a mark that Git leaves where a merge found two sides.
var conflict = regexp.MustCompile(`(?m)^(<<<<<<<|=======|>>>>>>>)(?: |\r?$)`)

// loneWord begins a text in which a word or more stand alone, up to the end.
var loneWord = regexp.MustCompile(`^[\pL\d_.-]+(?:\s+[\pL\d_.-]+)*\s*$`)

// kindOfToken is what the parser says of a token before the token itself.
var kindOfToken = regexp.MustCompile(`'(IDENT|STRING|INT|FLOAT|EOF)' ?`)

// foundWords is what the parser found, of its message.
func foundWords(message string) string {
	_, found, _ := strings.Cut(message, "found ")
	found = strings.Trim(kindOfToken.ReplaceAllString(found, ""), `'"`)
	switch found {
	case "":
		return "the end of the file"
	case "newline":
		return "the end of the line"
	}
	return quote(found)
}

// habit looks for a habit in a line.
func (f *file) habit(n int) (stumbled, bool) {
	bare := withoutStrings(f.line(n))
	for _, h := range habits {
		m := h.at.FindStringSubmatchIndex(bare)
		if m == nil {
			continue
		}
		text := f.line(n)[m[2]:m[3]]
		fill := strings.NewReplacer("$1", text)
		return stumbled{f.posAt(n, m[2]+1), fill.Replace(h.words), fill.Replace(h.hint)}, true
	}
	return stumbled{}, false
}

// posAt is a position of the file by line and column.
func (f *file) posAt(line, column int) token.Pos {
	offset := column - 1
	for _, l := range bytes.SplitAfter(f.data, []byte("\n"))[:line-1] {
		offset += len(l)
	}
	tf := token.NewFile(f.path, -1, len(f.data))
	tf.SetLinesForContent(f.data)
	return tf.Pos(offset, token.NoRelPos)
}

// withoutStrings blanks what stands in quotes, and comments.
func withoutStrings(line string) string {
	out := []byte(line)
	open := false
	for i := 0; i < len(out); i++ {
		switch c := out[i]; {
		case c == '"':
			open = !open
		case open && c == '\\' && i+1 < len(out):
			out[i], out[i+1] = ' ', ' '
			i++
		case open:
			out[i] = ' '
		case c == '/' && i+1 < len(out) && out[i+1] == '/' && (i == 0 || out[i-1] == ' ' || out[i-1] == '\t'):
			return string(out[:i])
		}
	}
	return string(out)
}

// before is the backslash that stands before a position, if one does.
func (f *file) before(pos token.Pos) string {
	if offset := pos.Offset(); offset > 0 && offset <= len(f.data) && f.data[offset-1] == '\\' {
		return `\`
	}
	return ""
}

func firstRunes(s string, n int) string {
	runes := []rune(s)
	return string(runes[:min(n, len(runes))])
}

// inList reports whether the innermost bracket that is open at pos is "[".
func (f *file) inList(pos token.Pos) bool {
	l := newLabels(source{path: f.path, data: f.data[:min(pos.Offset(), len(f.data))]})
	for tok := token.ILLEGAL; tok != token.EOF; {
		tok, _, _ = l.token()
	}
	return l.depth > 0 && l.open[l.depth-1] == token.LBRACK
}

// indented refuses a file whose author nested by indentation: the first field
// counts as nested, those below it stand at the top.
func (f *file) indented(groups []string) {
	var before *ast.Field
	for _, d := range f.ast.Decls {
		field, ok := d.(*ast.Field)
		if !ok {
			continue
		}
		name := labelName(field.Label)
		if label := chain(before); label != nil && field.Label.Pos().Column() > 1 && name != "fleet" && !slices.Contains(groups, name) {
			outer := labelName(label.Label)
			f.problems = slices.DeleteFunc(f.problems, func(p fleet.Problem) bool { return p.Field == name })
			f.refuse("syntax", label.Label.Pos(), fmt.Sprintf("write %s: {…}", outer), "the fields below %q have no braces around them, and indentation does not nest", outer)
			return
		}
		before = field
	}
}

// chain is the innermost of nested fields without braces, on lines of their
// own, that has fields.
func chain(field *ast.Field) *ast.Field {
	for found := (*ast.Field)(nil); ; {
		if field == nil {
			return found
		}
		inner := unbraced(field.Value)
		if inner != nil && inner.Pos().Line() > field.Pos().Line() {
			found = field
		}
		field = inner
	}
}

// unbraced is the one field of a struct without braces.
func unbraced(e ast.Expr) *ast.Field {
	if s, ok := e.(*ast.StructLit); ok && !s.Lbrace.IsValid() && len(s.Elts) == 1 {
		field, _ := s.Elts[0].(*ast.Field)
		return field
	}
	return nil
}
