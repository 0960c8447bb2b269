package declare

import (
	"bytes"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/format"
	"cuelang.org/go/cue/parser"
	"cuelang.org/go/cue/token"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Formatted is a file that the formatter would write otherwise.
type Formatted struct {
	File string
	Data []byte
	// Pos is where the first line that differs begins.
	Pos fleet.Pos
}

// FormatTree formats the files that Load reads, and gives those that it would
// change. What can't be read or parsed is a problem, and stays as it is.
func FormatTree(fsys fs.FS) ([]Formatted, []fleet.Problem) {
	find := finder{fsys: fsys}
	find.folder(".", 0)
	return formatAll(find)
}

// FormatFile formats one file of a tree, as FormatTree does.
func FormatFile(fsys fs.FS, name string) ([]Formatted, []fleet.Problem) {
	find := finder{fsys: fsys}
	info, err := fs.Lstat(fsys, name)
	if err != nil {
		find.refuse(name, "unreadable", "can't be read: "+reason(err), "")
	} else {
		find.entry(name, fs.FileInfoToDirEntry(info), 0)
	}
	return formatAll(find)
}

func formatAll(find finder) ([]Formatted, []fleet.Problem) {
	changed, problems := []Formatted{}, []fleet.Problem(nil)
	for _, name := range find.files {
		src, ok := find.read(name)
		if !ok {
			continue
		}
		data, more := Format(src.path, src.data)
		problems = append(problems, more...)
		if len(more) == 0 && !bytes.Equal(data, src.data) {
			changed = append(changed, Formatted{src.path, data, firstDifference(src, data)})
		}
	}
	return changed, fleet.SortProblems(append(problems, find.problems...))
}

// Format writes a file in CUE's standard format: what "cue fmt" does. The
// result says the same, comments included, and formatting it again changes
// nothing; where that can't be had, it is a problem.
func Format(name string, data []byte) ([]byte, []fleet.Problem) {
	tree, err := parser.ParseFile(name, data, parser.ParseComments)
	if err != nil {
		f := &file{source: source{path: name, data: data}}
		f.syntax(err)
		return nil, f.problems
	}
	said := parts(tree)
	out := data
	const enough = 4 // the formatter needs a second look at some comments
	for range enough {
		next, err := format.Node(tree)
		if err == nil {
			tree, err = parser.ParseFile(name, next, parser.ParseComments)
		}
		if err != nil || !slices.Equal(parts(tree), said) {
			break
		}
		if bytes.Equal(next, out) {
			return out, nil
		}
		out = next
	}
	return nil, []fleet.Problem{{
		Severity: fleet.Error, Code: "format", Pos: fleet.Pos{File: name},
		Message: "can't be formatted without changing what it says",
		Hint:    "move its comments to lines of their own",
	}}
}

// parts are the words of a file, in no order: the formatter may sort imports,
// and may change white space, nothing else.
func parts(tree *ast.File) []string {
	var all []string
	ast.Walk(tree, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.BasicLit:
			all = append(all, trimmed(x.Value))
		case *ast.Ident:
			all = append(all, x.Name)
		case *ast.Comment:
			all = append(all, trimmed(x.Text))
		case *ast.Attribute:
			all = append(all, trimmed(x.Text))
		case *ast.BinaryExpr:
			all = append(all, x.Op.String())
		case *ast.UnaryExpr:
			all = append(all, x.Op.String())
		case *ast.Field:
			if x.Constraint != token.ILLEGAL {
				all = append(all, x.Constraint.String())
			}
		default:
			all = append(all, fmt.Sprintf("%T", n))
		}
		return true
	}, nil)
	slices.Sort(all)
	return all
}

// trimmed is a text whose lines may be indented otherwise.
func trimmed(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSpace(line)
	}
	return strings.Join(lines, "\n")
}

func firstDifference(src source, data []byte) fleet.Pos {
	old, new := bytes.Split(src.data, []byte("\n")), bytes.Split(data, []byte("\n"))
	line := 0
	for line < min(len(old), len(new)) && bytes.Equal(old[line], new[line]) {
		line++
	}
	return fleet.Pos{File: src.path, Line: line + 1, Column: 1}
}
