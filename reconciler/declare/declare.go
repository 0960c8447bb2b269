// Package declare reads the declarations of a config repo: an fs.FS of CUE
// files in, declarations and problems out. It is the only room that knows
// CUE, and what leaves it are the words of package fleet.
//
// Every file named *.cue is read, in whatever folder, except under cue.mod
// and folders whose names begin with a dot. A file is of "package fleet" and
// holds fields of the schema:
//
//	fleet: {…}
//	teams: NAME: {…}
//	ownership: NAME: {…}
//	migrations: NAME: {…}
//
// A file that is data alone is evaluated by itself, in parallel with others;
// a file that uses more of the language is evaluated together with the files
// of its folder and the folders above. It can't be told how long CUE's
// evaluation takes, nor can it be stopped, so what a file may cost is bounded
// by a look at its syntax first.
//
// Nothing here reads a clock, a network or an environment.
package declare

import (
	"io/fs"
	"maps"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
)

// Load reads all that a config repo declares. Mistakes are in the result's
// Problems, each once and sorted; a declaration that holds one is Frozen, and
// the others are as if it were not there. Revision is left to the caller.
func Load(fsys fs.FS, kinds kind.Set) *fleet.Config {
	find := finder{fsys: fsys}
	find.folder(".", 0)
	find.vendored()
	groups := []string{"teams"}
	for _, k := range kinds {
		groups = append(groups, k.Field)
	}
	slices.Sort(groups)
	files := parseAll(find.files, groups)

	l := newLoader(kinds)
	l.config.Stop = find.stop
	l.config.Problems = find.problems
	l.config.Unreadable = find.unreadable
	l.take(evaluateAll(files))
	for _, f := range files {
		l.file(f)
	}
	l.duplicates(files)
	config := l.finish()
	l.asks(files)
	return config
}

func parseAll(sources []source, groups []string) []*file {
	files := make([]*file, len(sources))
	inTwo(len(sources), func(i int) {
		files[i] = parse(sources[i], groups)
		sortEntries(files[i].entries)
	})
	return files
}

// inTwo calls do for each of n, in two goroutines where there are two
// processors.
func inTwo(n int, do func(i int)) {
	var workers sync.WaitGroup
	step := min(2, runtime.GOMAXPROCS(0))
	for w := range step {
		workers.Go(func() {
			for i := w; i < n; i += step {
				do(i)
			}
		})
	}
	workers.Wait()
}

// evaluateAll evaluates what can be.
func evaluateAll(files []*file) []value {
	plain, packages, ok := arrange(files)
	for !ok { // without the files that were refused
		plain, packages, ok = arrange(files)
	}
	values := evaluatePlain(plain)
	for _, p := range packages {
		values = append(values, newEvaluator().evaluate(p.files, p.entries, true)...)
	}
	// Whichever worker was first, the first of two that share a name is the
	// same one each time.
	slices.SortStableFunc(values, func(a, b value) int { return a.pos.Compare(b.pos) })
	return values
}

// bundle is what is evaluated together: the files of a folder and of those
// above it, for the entries of the folder's own.
type bundle struct {
	files   []*file
	entries []*entry
}

// arrange tells which files are evaluated alone and which together. A file
// that uses more of the language needs the others of its package; where one
// constrains others, those need it. It reports false if a file was refused
// for what it may cost, and so changed what others see.
func arrange(files []*file) (plain []*file, bundles []bundle, ok bool) {
	ok = true
	folders := map[string][]*file{}
	for _, f := range files {
		if !f.broken {
			folders[path.Dir(f.path)] = append(folders[path.Dir(f.path)], f)
		}
	}
	loseNames(files, folders)
	for _, dir := range slices.Sorted(maps.Keys(folders)) {
		var b bundle
		reached := false
		for up := dir; ; up = path.Dir(up) {
			b.files = append(b.files, folders[up]...)
			reached = reached || slices.ContainsFunc(folders[up], func(f *file) bool { return f.reaches })
			if up == "." {
				break
			}
		}
		for _, f := range folders[dir] {
			if f.plain && !reached {
				plain = append(plain, f)
			} else {
				b.entries = append(b.entries, f.entries...)
			}
		}
		rich := slices.ContainsFunc(folders[dir], func(f *file) bool { return !f.plain })
		if rich || len(b.entries) > 0 {
			ok = bounded(b.files) && ok
			bundles = append(bundles, b)
		}
	}
	return plain, bundles, ok
}

// loseNames marks files that make declarations of what other files hold,
// where one of those can't be read: what they make may then lack something.
func loseNames(files []*file, folders map[string][]*file) {
	broken := map[string]bool{}
	for _, f := range files {
		broken[path.Dir(f.path)] = broken[path.Dir(f.path)] || f.broken
	}
	for dir, here := range folders {
		lost := false
		for up := dir; !lost; up = path.Dir(up) {
			lost = broken[up]
			if up == "." {
				break
			}
		}
		for _, f := range here {
			f.partial = f.partial || lost && f.reaches
		}
	}
}

// owner is the "owner" that a declaration's text gives, also where the
// declaration is invalid.
func (e *entry) owner() fleet.TeamName {
	for _, n := range e.nodes {
		p := places{}
		p.expr(nil, n.Value)
		if owner, ok := p["owner"]; ok {
			if text, ok := literalString(owner.expr); ok {
				return fleet.TeamName(strings.TrimSpace(text))
			}
		}
	}
	return ""
}
