package declare

import (
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/literal"
	"cuelang.org/go/cue/scanner"
	"cuelang.org/go/cue/token"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// recover finds the names that a file with a syntax error declares, from its
// tokens: a name stands two brackets deep at most, before a colon. Where
// brackets don't match, a name may have been missed, and the file says so.
func (f *file) recover(groups []string) {
	s := newLabels(f.source)
	for s.next() {
		switch {
		case len(s.path) == 1 && s.path[0] == "fleet":
			f.found("fleet", "", s)
		case len(s.path) == 1 && !slices.Contains(groups, s.path[0]):
			f.partial = true
		case len(s.path) == 2 && slices.Contains(groups, s.path[0]):
			f.found(s.path[0], s.path[1], s)
		}
	}
	f.partial = f.partial || s.unclear || s.depth != 0
}

func (f *file) found(group, name string, s *labels) {
	if f.named[[2]string{group, name}] == nil {
		pos := position(s.at)
		pos.File = f.path
		node := &ast.Field{Label: ast.NewIdent("_"), Value: ast.NewIdent("_")}
		f.enter(&entry{spot: spot{field: group, name: name, pos: pos, end: pos.Line}, nodes: []*ast.Field{node}})
	}
}

// labels reads the labels of a file from its tokens.
type labels struct {
	scan    scanner.Scanner
	path    []string  // of the label just read
	at      token.Pos // where it stands
	depth   int       // of brackets
	lengths []int     // of path, at each open bracket
	open    []token.Token
	word    string // the last token, if it may be a label
	wordAt  token.Pos
	unclear bool
}

func newLabels(src source) *labels {
	l := &labels{}
	l.scan.Init(token.NewFile(src.path, -1, len(src.data)), src.data, func(token.Pos, string, []interface{}) {
		l.unclear = true
	}, 0)
	return l
}

// next goes to the next label.
func (l *labels) next() bool {
	for {
		switch tok, _, label := l.token(); {
		case label:
			return true
		case tok == token.EOF:
			return false
		}
	}
}

// literals are the strings and numbers of the value that follows a label, as
// they are written: one, or those of a list.
func (l *labels) literals() (all []string) {
	for depth := l.depth; ; {
		tok, lit, label := l.token()
		if tok == token.STRING || tok == token.INT {
			all = append(all, lit)
		}
		if tok == token.EOF || label || l.depth <= depth {
			return all
		}
	}
}

// token reads one token, and reports whether it ends a label.
func (l *labels) token() (tok token.Token, lit string, label bool) {
	pos, tok, lit := l.scan.Scan()
	switch tok {
	case token.EOF:
		return tok, lit, false
	case token.IDENT, token.STRING:
		l.word, l.wordAt = lit, pos
		return tok, lit, false
	case token.COLON:
		if l.label() {
			return tok, lit, true
		}
	case token.LBRACE, token.LBRACK, token.LPAREN:
		l.push(tok)
	case token.INTERPOLATION:
		l.push(tok)
		l.scan.Scan() // its opening parenthesis
	case token.RBRACE, token.RBRACK, token.RPAREN:
		l.pop()
	case token.COMMA:
		l.path = l.path[:l.base()]
	}
	l.word = ""
	return tok, lit, false
}

func (l *labels) label() bool {
	name := l.word
	if l.word == "" {
		return false
	}
	if unquoted, err := literal.Unquote(name); strings.HasPrefix(name, `"`) && err == nil {
		name = unquoted
	}
	l.path, l.at, l.word = append(l.path, name), l.wordAt, ""
	return true
}

func (l *labels) base() int {
	if l.depth == 0 {
		return 0
	}
	return l.lengths[l.depth-1]
}

func (l *labels) push(tok token.Token) {
	l.depth++
	l.lengths, l.open = append(l.lengths, len(l.path)), append(l.open, tok)
}

func (l *labels) pop() {
	if l.depth == 0 {
		l.unclear = true
		return
	}
	l.depth--
	if l.open[l.depth] == token.INTERPOLATION {
		if rest := l.scan.ResumeInterpolation(); strings.HasSuffix(rest, "(") {
			l.depth++
			l.scan.Scan()
			return
		}
	}
	l.path = l.path[:min(l.lengths[l.depth], len(l.path))]
	l.lengths, l.open = l.lengths[:l.depth], l.open[:l.depth]
}

// sortEntries orders what a file declares as it is written.
func sortEntries(entries []*entry) {
	slices.SortFunc(entries, func(a, b *entry) int { return fleet.Pos.Compare(a.pos, b.pos) })
}
