package declare

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/literal"
	"cuelang.org/go/cue/token"
)

// emptyList is a list without elements, in words.
const emptyList = "empty list"

// found is the user's value at path in words.
func (r *reporter) found(path []string) (text string, kind cue.Kind, ok bool) {
	if p, in := r.places[pathText(path)]; in {
		if lit, isLit := p.expr.(*ast.BasicLit); isLit {
			return literalWords(lit)
		}
	}
	v := r.lookup(path)
	switch kind = v.Kind(); kind {
	case cue.BottomKind:
		kind = r.kind(path)
	case cue.StringKind:
		s, _ := v.String()
		return quote(s), kind, true
	case cue.ListKind:
		if r.length(path) == 0 {
			return emptyList, kind, true
		}
	case cue.StructKind:
	default:
		return fmt.Sprint(v), kind, true
	}
	return kindWords(kind), kind, kind != cue.BottomKind
}

func literalWords(lit *ast.BasicLit) (string, cue.Kind, bool) {
	switch lit.Kind {
	case token.STRING:
		if strings.HasPrefix(strings.TrimLeft(lit.Value, "#"), "'") {
			return lit.Value, cue.BytesKind, true
		}
		s, err := literal.Unquote(lit.Value)
		return quote(s), cue.StringKind, err == nil
	case token.INT:
		return lit.Value, cue.IntKind, true
	case token.FLOAT:
		return lit.Value, cue.FloatKind, true
	case token.TRUE, token.FALSE:
		return lit.Value, cue.BoolKind, true
	}
	return lit.Value, cue.NullKind, true
}

// credentials are what stands before the host in an address.
var credentials = regexp.MustCompile(`://[^/\s]*@`)

// quote quotes a text, and its beginning alone if it is long. What may be a
// password stays out: a problem goes into logs.
func quote(s string) string {
	const enough = 60
	s = credentials.ReplaceAllString(s, "://…@")
	if runes := []rune(s); len(runes) > enough {
		s = string(runes[:enough]) + "…"
	}
	return strconv.Quote(s)
}

func withKind(kind cue.Kind, found string) string {
	switch kind {
	case cue.StringKind, cue.IntKind, cue.FloatKind, cue.NumberKind, cue.BytesKind:
		return kindWords(kind) + " " + found
	}
	return found
}

// kindWords is a kind of value in words.
func kindWords(kind cue.Kind) string {
	switch kind {
	case cue.IntKind, cue.FloatKind, cue.NumberKind:
		return "number"
	case cue.BoolKind:
		return "true or false"
	case cue.StructKind:
		return "fields in { }"
	}
	return kind.String()
}

func fits(kind cue.Kind, want string) bool {
	return kind.String() == want || want == "number" && kind&cue.NumberKind != 0
}

// takes reports whether a shape by itself has nothing against a value.
func (s *shape) takes(found string, kind cue.Kind) bool {
	switch {
	case s.kind == "" || !fits(kind, s.kind) || s.form != "" || s.matches || len(s.bounds) > 0:
		return false
	case len(s.enum) > 0:
		return slices.Contains(s.enum, plainName(found))
	}
	return !s.nonEmpty || found != `""` && found != emptyList
}
