package declare

import (
	"maps"
	"runtime"
	"slices"
	"sync"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/build"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/token"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/schema"
)

// definitions are the schema's names for what stands in the top-level fields.
var definitions = map[string]string{
	"fleet": "#Fleet", "teams": "#Team", "ownership": "#Ownership", "migrations": "#Migration",
}

// value is what evaluating a declaration gave: plain data, so that it may
// come from another process.
type value struct {
	field, name string
	pos         fleet.Pos
	end         int
	fields      map[string]fleet.Pos
	owner       fleet.TeamName // as far as the text tells
	json        []byte         // nil when there are problems
	problems    []fleet.Problem
}

// fresh is how many files a cue.Context serves: it only ever grows.
const fresh = 50

// evaluatePlain evaluates each file by itself, in parallel.
func evaluatePlain(files []*file) []value {
	batches := make(chan []*file)
	var mu sync.Mutex
	var all []value
	var workers sync.WaitGroup
	for range min(2, runtime.GOMAXPROCS(0)) {
		workers.Go(func() {
			for batch := range batches {
				e := newEvaluator()
				var got []value
				for _, f := range batch {
					got = append(got, e.evaluate([]*file{f}, f.entries, false)...)
				}
				mu.Lock()
				all = append(all, got...)
				mu.Unlock()
			}
		})
	}
	for len(files) > 0 {
		n := min(fresh, len(files))
		batches <- files[:n]
		files = files[n:]
	}
	close(batches)
	workers.Wait()
	return all
}

// evaluator evaluates files in one cue.Context. It is of one goroutine.
type evaluator struct {
	ctx    *cue.Context
	schema *build.Instance
	defs   cue.Value
}

func newEvaluator() *evaluator {
	e := &evaluator{ctx: cuecontext.New()}
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

// evaluate makes one package of files and gives the values of entries, and,
// if generated is set, of what else the package declares.
//
// A mistake that keeps the package from being built is taken out, with the
// declaration that holds it, and the rest is built again.
func (e *evaluator) evaluate(files []*file, entries []*entry, generated bool) []value {
	var out []value
	for round := 0; ; round++ {
		inst := build.NewContext(build.Loader(e.load)).NewInstance("", e.load)
		for _, f := range files {
			if !f.broken {
				_ = inst.AddSyntax(f.ast) // reported by Complete
			}
		}
		root, err := e.build(inst)
		if err == nil {
			return append(out, e.values(root, files, entries, generated)...)
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

// build builds an instance. An error keeps it from being built at all;
// mistakes in single values are in the value.
func (e *evaluator) build(inst *build.Instance) (cue.Value, error) {
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
	for _, one := range errors.Errors(err) {
		at, in := blame(one, files)
		switch {
		case in == nil:
		case in.broken:
		default:
			if hit := in.entryAt(at); hit != nil && hit.empty() {
				hit.taken = true
				if contains(entries, hit) {
					*out = append(*out, value{
						field: hit.field, name: hit.name, pos: hit.pos, end: hit.end, owner: hit.owner(),
						problems: []fleet.Problem{buildProblem(hit, one, at)},
					})
				}
			} else {
				in.breakDown(one)
			}
			mended = true
		}
	}
	return mended
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

func contains(entries []*entry, e *entry) bool {
	for _, x := range entries {
		if x == e {
			return true
		}
	}
	return false
}

// values takes the declarations out of a built package.
func (e *evaluator) values(root cue.Value, files []*file, entries []*entry, generated bool) []value {
	var out []value
	for _, entry := range entries {
		if entry.taken || entry.file.broken {
			continue
		}
		path := []cue.Selector{cue.Str(entry.field)}
		if entry.name != "" {
			path = append(path, cue.Str(entry.name))
		}
		v := root.LookupPath(cue.MakePath(path...))
		out = append(out, e.one(entry, v))
	}
	if !generated {
		return out
	}
	known := map[[2]string]bool{}
	for _, f := range files {
		for _, entry := range f.entries {
			known[[2]string{entry.field, entry.name}] = true
		}
	}
	out = append(out, unknownGroups(root, files)...)
	for field := range definitions {
		group := root.LookupPath(cue.MakePath(cue.Str(field)))
		if field == "fleet" {
			if group.Exists() && !known[[2]string{field, ""}] {
				out = append(out, e.one(&entry{field: field, pos: position(group.Pos())}, group))
			}
			continue
		}
		iter, err := group.Fields()
		for err == nil && iter.Next() {
			name := iter.Selector().Unquoted()
			if !known[[2]string{field, name}] {
				out = append(out, e.one(&entry{field: field, name: name, pos: position(iter.Value().Pos())}, iter.Value()))
			}
		}
	}
	return out
}

// unknownGroups reports what the language made at the top that nothing is
// known of. What stands there as text is reported with its file.
func unknownGroups(root cue.Value, files []*file) []value {
	var out []value
	iter, err := root.Fields()
	for err == nil && iter.Next() {
		name := iter.Selector().Unquoted()
		written := func(f *file) bool {
			return slices.ContainsFunc(f.ast.Decls, func(d ast.Decl) bool { return isField(d, name) })
		}
		if _, ok := definitions[name]; ok || slices.ContainsFunc(files, written) {
			continue
		}
		pos := position(iter.Value().Pos())
		out = append(out, value{pos: pos, problems: []fleet.Problem{unknownGroup(name, pos, slices.Collect(maps.Keys(definitions)))}})
	}
	return out
}

func isField(d ast.Decl, name string) bool {
	f, ok := d.(*ast.Field)
	return ok && labelName(f.Label) == name
}

// one holds one declaration against its definition.
func (e *evaluator) one(at *entry, v cue.Value) value {
	r := newReporter(at, v)
	out := value{field: at.field, name: at.name, pos: at.pos, end: max(at.end, at.pos.Line), fields: r.positions(), owner: r.owner()}
	u := e.defs.LookupPath(cue.MakePath(cue.Def(definitions[at.field]))).Unify(v)
	err := u.Validate(cue.Concrete(true), cue.All())
	if err == nil {
		out.json, err = u.MarshalJSON()
	}
	if err != nil {
		out.problems = r.report(err)
	}
	return out
}
