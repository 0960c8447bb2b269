package declare

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/build"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/literal"
	"cuelang.org/go/cue/parser"
	"cuelang.org/go/cue/token"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/schema"
)

// definitions are the schema's names for what stands in the top-level fields.
var definitions = map[string]string{
	"fleet": "#Fleet", "teams": "#Team", "ownership": "#Ownership", "migrations": "#Migration",
	"loans": "#Loan", "clusters": "#Cluster", "prometheus": "#Prometheus",
}

// evaluator evaluates files in one cue.Context. It is of one goroutine.
type evaluator struct {
	ctx    *cue.Context
	schema *build.Instance
	defs   cue.Value
}

// fresh is how many files an evaluator serves: a cue.Context only ever grows.
const fresh = 50

// started makes the context, if there is none yet.
func (e *evaluator) started() *evaluator {
	if e.ctx != nil {
		return e
	}
	e.ctx = cuecontext.New()
	e.schema = build.NewContext().NewInstance("", nil)
	e.schema.ImportPath = schema.ImportPath
	for _, f := range schemaFiles() {
		if err := e.schema.AddSyntax(f); err != nil {
			panic("declare: embedded schema: " + err.Error())
		}
	}
	if err := e.schema.Complete(); err != nil {
		panic("declare: embedded schema: " + err.Error())
	}
	e.defs = e.ctx.BuildInstance(e.schema)
	if err := e.defs.Err(); err != nil {
		panic("declare: embedded schema: " + err.Error())
	}
	return e
}

func (e *evaluator) load(_ token.Pos, importPath string) *build.Instance {
	if importPath == schema.ImportPath {
		return e.schema
	}
	return nil // a standard package
}

// net is the text of a file that holds all of a package to the schema at once.
// It is written as patterns: a definition that is embedded lets what stands
// beside it have more fields.
var net = sync.OnceValue(func() string {
	var b strings.Builder
	fmt.Fprintf(&b, "package %s\nimport %q\n", packageName, schema.ImportPath)
	for _, field := range slices.Sorted(maps.Keys(definitions)) {
		if field == "fleet" {
			fmt.Fprintf(&b, "%s?: schema.%s\n", field, definitions[field])
		} else {
			fmt.Fprintf(&b, "%s?: [string]: schema.%s\n", field, definitions[field])
		}
	}
	return b.String()
})

// checks are what "cue vet -c" looks for.
var checks = []cue.Option{cue.Attributes(true), cue.Definitions(true), cue.Hidden(true), cue.Concrete(true)}

// evaluate makes one package of files and gives the values of entries, and,
// if generated is set, of what else the package declares.
//
// Most packages are right, which is found out at once. Where one is not, each
// entry is held against its definition apart. A mistake that keeps the
// package from being built is taken out, with the declaration that holds it,
// and the rest is built again.
func (e *evaluator) evaluate(files []*file, entries []*entry, generated bool) []value {
	if root, err := e.build(files, net()); err == nil && root.Validate(checks...) == nil {
		if out, ok := e.right(root, files, entries, generated); ok {
			return out
		}
	}
	var out []value
	for _, f := range files {
		f.bare()
	}
	for round := 0; ; round++ {
		root, err := e.build(files, "")
		if err == nil {
			out = append(out, e.values(root, files, entries, generated)...)
			e.others(root, files, out)
			return out
		}
		const enough = 100
		mended := e.takeOut(err, files, entries, &out)
		if !mended || round >= enough {
			for _, f := range files {
				f.breakDown(err)
			}
			return out
		}
	}
}

// build builds an instance of files, and of one more with the text extra. An
// error keeps it from being built at all; mistakes in single values are in
// the value.
func (e *evaluator) build(files []*file, extra string) (cue.Value, error) {
	inst := build.NewContext(build.Loader(e.load)).NewInstance("", e.load)
	for _, f := range files {
		if !f.broken {
			_ = inst.AddSyntax(f.ast) // reported by Complete
		}
	}
	if extra != "" {
		f, err := parser.ParseFile(schemaDir+"net.cue", extra)
		if err != nil {
			panic("declare: net: " + err.Error())
		}
		_ = inst.AddSyntax(f)
	}
	if err := inst.Complete(); err != nil {
		return cue.Value{}, err
	}
	v := e.ctx.BuildInstance(inst)
	if v.Err() != nil && v.IncompleteKind() == cue.BottomKind && inst.Err != nil {
		return v, inst.Err
	}
	return v, nil
}

// takeOut replaces each entry that holds an error by an empty one, and marks
// files whose error is in none. It reports whether it did anything.
func (e *evaluator) takeOut(err error, files []*file, entries []*entry, out *[]value) bool {
	mended := false
	lacking := map[*file]bool{} // of which an entry was taken out before
	for _, f := range files {
		lacking[f] = slices.ContainsFunc(f.entries, func(e *entry) bool { return e.taken })
	}
	for _, one := range errors.Errors(err) {
		at, in := blame(one, files)
		switch {
		case in == nil:
		case in.broken:
		case in.dropImport(one, at, lacking[in]):
			mended = true
		default:
			if hit := in.entryAt(at); hit != nil && hit.empty() {
				hit.taken = true
				for _, f := range files { // what they make of it is lost
					f.partial = f.partial || f.reaches
				}
				if slices.Contains(entries, hit) {
					hit.owner = hit.writtenOwner()
					*out = append(*out, value{spot: hit.spot, problems: []fleet.Problem{buildProblem(hit, one, at)}})
				}
			} else {
				in.breakDown(one)
			}
			mended = true
		}
	}
	return mended
}

// bare takes out of a file the definitions that its declarations name, and the
// patterns that hold all of a group to one: each is held to its definition apart.
// Of a value in which both are one CUE tells less, and in its own words.
func (f *file) bare() {
	strip := func(field *ast.Field, definition string) {
		both, ok := field.Value.(*ast.BinaryExpr)
		switch {
		case definition == "": // a group that the schema does not know
		case ok && both.Op == token.AND && f.isDefinition(both.X, definition):
			field.Value, f.bared = both.Y, true
		case !ok && f.isDefinition(field.Value, definition):
			field.Value, f.bared = ast.NewIdent("_"), true
		}
	}
	for _, e := range f.entries {
		for _, n := range e.nodes {
			if _, ok := n.Value.(*ast.BinaryExpr); ok {
				strip(n, definitions[e.field])
			}
		}
	}
	f.ast.Decls = slices.DeleteFunc(f.ast.Decls, func(d ast.Decl) bool {
		embedded, ok := d.(*ast.EmbedDecl)
		did := ok && f.isDefinition(embedded.Expr, "#Config")
		f.bared = f.bared || did
		return did
	})
	for _, d := range f.ast.Decls {
		group, ok := d.(*ast.Field)
		if !ok {
			continue
		}
		if lit, ok := group.Value.(*ast.StructLit); ok {
			for _, d := range lit.Elts {
				if pattern, ok := d.(*ast.Field); ok && isPattern(pattern) {
					strip(pattern, definitions[labelName(group.Label)])
				}
			}
		}
	}
}

func isPattern(field *ast.Field) bool {
	_, ok := field.Label.(*ast.ListLit)
	return ok
}

// dropImport takes an import out of the file if the error is that nothing uses
// it, which harms nothing else. It is told, unless what did use it may be what was
// taken out: an entry, which may have used any, or the definitions that bare
// takes out.
func (f *file) dropImport(err errors.Error, at token.Pos, lacking bool) (did bool) {
	if format, _ := err.Msg(); !strings.HasPrefix(format, "imported and not used") {
		return false
	}
	for _, d := range f.ast.Decls {
		i, ok := d.(*ast.ImportDecl)
		if !ok {
			continue
		}
		i.Specs = slices.DeleteFunc(i.Specs, func(s *ast.ImportSpec) bool {
			if s.Pos() != at && s.Path.Pos() != at {
				return false
			}
			did = true
			if path, _ := literal.Unquote(s.Path.Value); !lacking && !(f.bared && path == schema.ImportPath) {
				code, words, hint := worded(err)
				p := problem(code, position(at), "", hint, "%s", words)
				p.Pos.File = f.path
				f.problems = append(f.problems, p)
			}
			return true
		})
	}
	return did
}

// blame is the first position of an error that lies in one of the files.
func blame(err errors.Error, files []*file) (token.Pos, *file) {
	for _, pos := range append([]token.Pos{err.Position()}, err.InputPositions()...) {
		for _, f := range files {
			if pos.IsValid() && pos.Filename() == f.path {
				return pos, f
			}
		}
	}
	return token.NoPos, nil
}

func (f *file) entryAt(pos token.Pos) *entry {
	for _, e := range f.entries {
		if e.holds(pos) {
			return e
		}
	}
	return nil
}

// empty takes the entry's content out of its file. It reports false if there
// was none left.
func (e *entry) empty() bool {
	did := false
	for _, n := range e.nodes {
		if lit, ok := n.Value.(*ast.StructLit); !ok || len(lit.Elts) > 0 {
			n.Value, did = &ast.StructLit{}, true
		}
	}
	return did
}
