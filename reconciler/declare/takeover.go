package declare

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/format"
	"cuelang.org/go/cue/literal"
	"cuelang.org/go/cue/parser"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// TakeOver edits ownership where it is declared, so that it says what lines say;
// pos is where its name stands in the file with that text. What is not edited
// stays byte for byte, comments too. The error says why it can't be done, for
// people: then the declaration is written in a way that only they can edit.
func TakeOver(text []byte, pos fleet.Pos, lines []fleet.OwnedLine) ([]byte, error) {
	if !slices.ContainsFunc(lines, func(l fleet.OwnedLine) bool { return !utf8.ValidString(l.Pattern) }) {
		return takeLines(text, pos, lines)
	}
	return nil, errors.New("a pattern is not UTF-8")
}

func takeLines(text []byte, pos fleet.Pos, lines []fleet.OwnedLine) ([]byte, error) {
	formatted, err := format.Source(text)
	neat := err == nil && bytes.Equal(formatted, text)
	for _, line := range lines {
		if text, err = takeLine(text, pos, line); err != nil {
			return nil, err
		}
	}
	if formatted, err := format.Source(text); err != nil {
		return nil, fmt.Errorf("the edit would leave %s unreadable", pos.File)
	} else if neat {
		text = formatted
	}
	return text, nil
}

// takeLine makes one edit, and looks for its place anew: the declaration's name
// stays where it was, for all edits are behind it.
func takeLine(text []byte, pos fleet.Pos, line fleet.OwnedLine) ([]byte, error) {
	tree, err := parser.ParseFile(pos.File, text, parser.ParseComments)
	if err != nil {
		return nil, fmt.Errorf("%s can't be read", pos.File)
	}
	e := &editing{text: text}
	var at *ast.Field
	ast.Walk(tree, func(n ast.Node) bool {
		if f, ok := n.(*ast.Field); ok && position(f.Label.Pos()) == pos {
			at = f
		}
		return at == nil
	}, nil)
	if at == nil {
		return nil, fmt.Errorf("no declaration begins at %s any more", pos)
	}
	body, ok := at.Value.(*ast.StructLit)
	if !ok || !body.Lbrace.IsValid() {
		return nil, fmt.Errorf("the declaration at %s is not one struct", pos)
	}
	if line.Pattern == "*" {
		return e.owners(body, line, "the top")
	}
	entries := fields(body, "paths")
	for _, f := range entries {
		paths, ok := f.Value.(*ast.StructLit)
		if !ok {
			return nil, fmt.Errorf("paths at %s are not one struct", position(f.Pos()))
		}
		for _, entry := range fields(paths, line.Pattern) {
			switch own, ok := entry.Value.(*ast.StructLit); {
			case line.Gone && paths.Lbrace.IsValid():
				return e.cut(entry)
			case line.Gone:
				return e.cut(f)
			case ok && own.Lbrace.IsValid():
				return e.owners(own, line, line.Pattern)
			default:
				return e.put(entry.Value.Pos().Offset(), entry.Value.End().Offset(), "{"+ownersText(line)+"}"), nil
			}
		}
	}
	if line.Gone {
		return nil, fmt.Errorf("%q is not written in the declaration at %s", line.Pattern, pos)
	}
	as := literal.String.Quote(line.Pattern) + ": {" + ownersText(line) + "}"
	for _, f := range entries {
		if paths := f.Value.(*ast.StructLit); paths.Lbrace.IsValid() {
			return e.add(paths, as), nil
		}
	}
	return e.add(body, "paths: "+as), nil
}

// fields are those of a struct with a name.
func fields(s *ast.StructLit, name string) (found []*ast.Field) {
	for _, d := range s.Elts {
		if f, ok := d.(*ast.Field); ok && labelName(f.Label) == name {
			found = append(found, f)
		}
	}
	return found
}

// ownersText are the fields that say who owns something.
func ownersText(line fleet.OwnedLine) string {
	if len(line.Owners) == 0 {
		return "unowned: true"
	}
	text := field("owner", string(line.Owners[0]))
	if len(line.Owners) > 1 {
		text += ", coOwners: " + teamList(line.Owners[1:])
	}
	return text
}

func teamList(teams []fleet.TeamName) string {
	quoted := make([]string, len(teams))
	for i, t := range teams {
		quoted[i] = literal.String.Quote(string(t))
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// editing splices a text.
type editing struct{ text []byte }

func (e *editing) put(from, to int, text string) []byte {
	return slices.Concat(e.text[:from], []byte(text), e.text[to:])
}

// owners sets the fields of a struct that say who owns something. They are
// edited from the last on, so that places stay.
func (e *editing) owners(s *ast.StructLit, line fleet.OwnedLine, what string) ([]byte, error) {
	if line.Gone || what == "the top" && len(line.Owners) == 0 {
		return nil, errors.New("a repo of nobody is declared by a person: it is a decision")
	}
	wanted := map[string]string{}
	if len(line.Owners) == 0 {
		wanted["unowned"] = "true"
	} else {
		wanted["owner"] = literal.String.Quote(string(line.Owners[0]))
	}
	if len(line.Owners) > 1 {
		wanted["coOwners"] = teamList(line.Owners[1:])
	}
	for _, name := range []string{"unowned", "coOwners", "owner"} {
		if len(fields(s, name)) > 1 {
			return nil, fmt.Errorf("%s stands twice at %s", name, position(s.Pos()))
		}
	}
	// What is missing is added first, at the end.
	var adds []string
	for _, name := range []string{"owner", "coOwners", "unowned"} {
		if text, ok := wanted[name]; ok && len(fields(s, name)) == 0 {
			adds = append(adds, name+": "+text)
		}
	}
	var all []*ast.Field
	for _, name := range []string{"owner", "coOwners", "unowned"} {
		all = append(all, fields(s, name)...)
	}
	slices.SortFunc(all, func(a, b *ast.Field) int { return b.Pos().Offset() - a.Pos().Offset() })
	if len(adds) > 0 {
		e.text = e.add(s, strings.Join(adds, ", "))
	}
	for _, f := range all {
		text, ok := wanted[labelName(f.Label)]
		if !ok {
			cut, err := e.cut(f)
			if err != nil {
				return nil, err
			}
			e.text = cut
			continue
		}
		from, to := f.Value.Pos().Offset(), f.Value.End().Offset()
		if string(e.text[from:to]) != text {
			e.text = e.put(from, to, text)
		}
	}
	return e.text, nil
}

// add adds a field at the end of a struct: on a line of its own, as the others
// are, or behind them on their one line.
func (e *editing) add(s *ast.StructLit, text string) []byte {
	end := s.Rbrace.Offset()
	inside := e.text[s.Lbrace.Offset()+1 : end]
	if !bytes.Contains(inside, []byte("\n")) {
		if len(bytes.TrimSpace(inside)) > 0 {
			text = ", " + text
		}
		at := s.Lbrace.Offset() + 1 + len(bytes.TrimRight(inside, " \t,"))
		return e.put(at, end, text)
	}
	begin := bytes.LastIndexByte(e.text[:end], '\n') + 1 // of the brace's line
	indent := e.text[begin:end]
	if len(bytes.TrimSpace(indent)) > 0 { // something stands before the brace
		return e.put(end, end, "\n"+text+"\n")
	}
	return e.put(begin, begin, string(indent)+"\t"+text+"\n")
}

// cut takes a field out, with its line where it has one of its own.
func (e *editing) cut(f *ast.Field) ([]byte, error) {
	from, to := f.Pos().Offset(), f.End().Offset()
	begin := bytes.LastIndexByte(e.text[:from], '\n') + 1
	rest := e.text[to:]
	after := bytes.IndexByte(rest, '\n')
	if after < 0 {
		after = len(rest)
	}
	own := len(bytes.TrimSpace(e.text[begin:from])) == 0
	switch tail := strings.TrimSpace(string(rest[:after])); {
	case own && (tail == "" || tail == ",") && to+after < len(e.text):
		return e.put(begin, to+after+1, ""), nil
	case strings.HasPrefix(tail, ","):
		return e.put(from, to+bytes.IndexByte(rest, ',')+1, ""), nil
	}
	// The last of its line: what goes is the comma before it.
	before := bytes.TrimRight(e.text[:from], " \t")
	if bytes.HasSuffix(before, []byte(",")) {
		return e.put(len(before)-1, to, ""), nil
	}
	return e.put(from, to, ""), nil
}
