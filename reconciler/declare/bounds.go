package declare

import (
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/token"
)

// Bounds on files that use more of the language than plain data. Evaluation
// can't be cancelled, so what it may grow to is estimated from the syntax
// beforehand, always too high rather than too low.
const (
	maxWeight  = 200_000  // values that a package may come to
	maxChoices = 64       // "|" in a package's files
	maxBundle  = 16 << 20 // bytes of the files of one package
	// A choice between structs counts this much: those that meet multiply.
	structChoice = 10
)

// forbidden are functions of the allowed packages whose result does not
// depend on the size of what they are given.
var forbidden = map[string]bool{
	"strings.Repeat": true, "list.Range": true, "list.Repeat": true,
	"math.Pow": true, "math.Exp": true, "math.Exp2": true, "math.Pow10": true,
}

// squaring are functions whose result may be as large as one argument times
// another.
var squaring = []string{"Join", "Replace", "ReplaceAll", "ReplaceAllLiteral", "Sort", "SortStable", "Map"}

// bounded reports whether a package may be evaluated; the files that may not
// be are marked.
func bounded(files []*file) bool {
	w := weigher{roots: map[string][]ast.Node{}, memo: map[ast.Node]float64{}, busy: map[ast.Node]bool{}}
	size, choices := 0, 0
	for _, f := range files {
		size += len(f.data)
		w.entries += float64(len(f.entries))
		w.add(f)
	}
	ok, total := true, 0.0
	for _, f := range files {
		if f.plain {
			continue
		}
		w.file, w.refused = f, false
		weight := 0.0
		for _, d := range f.ast.Decls {
			weight += w.decl(d)
		}
		switch {
		case w.refused:
		case total+weight > maxWeight:
			f.tooMuch(token.NoPos, "may come to more than %d values", maxWeight)
		case choices+w.choices > maxChoices:
			f.tooMuch(token.NoPos, `holds more than %d "|"`, maxChoices)
		case size > maxBundle:
			f.tooMuch(token.NoPos, "and the files it is evaluated with are larger than %d MiB", maxBundle>>20)
		}
		if f.broken {
			ok = false
		} else {
			total, choices = total+weight, choices+w.choices
		}
		w.choices = 0
	}
	return ok
}

// tooMuch refuses what may cost too much to evaluate.
func (f *file) tooMuch(pos token.Pos, format string, args ...any) {
	f.partial = f.partial || f.reaches
	f.refuse("too-large", pos, "write it out, or split it", format, args...)
}
