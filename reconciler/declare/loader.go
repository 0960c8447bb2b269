package declare

import (
	"io/fs"
	"slices"

	"github.com/portreeve/portreeve/reconciler/disk"
	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
)

// Loader loads config repos, and keeps what it made of their files: loading a
// revision costs what differs from revisions before. It may be used by
// several goroutines.
type Loader struct {
	kinds  kind.Set
	memory memory
	// Dir is a folder on disk for what is kept between runs; it is made when
	// it is needed, and may be deleted at any time. Empty keeps nothing there.
	Dir string
	// Disk makes the changes there.
	Disk disk.Disk
	// Limits are on evaluation; those that are zero have a default.
	Limits Limits
}

// NewLoader makes a loader of declarations of these kinds.
func NewLoader(kinds kind.Set) *Loader { return &Loader{kinds: kinds} }

// Fingerprinter may be implemented by an fs.FS that knows of a file whether
// it is as it was, without reading it.
type Fingerprinter interface {
	// Fingerprint is a text that is the same only if the file's content is,
	// also at another time and for another process; ok is false where there
	// is none.
	Fingerprint(name string) (id string, ok bool)
}

// Load reads all that a config repo declares. Mistakes are in the result's
// Problems, each once and sorted; a declaration that holds one is Frozen, and
// the others are as if it were not there. Revision is left to the caller.
func Load(fsys fs.FS, kinds kind.Set) *fleet.Config { return NewLoader(kinds).Load(fsys) }

// Load is the function Load, and costs less than that.
func (l *Loader) Load(fsys fs.FS) *fleet.Config {
	r := l.reading(fsys)
	r.shelf = &library{&l.memory}
	r.full = true
	config, _ := r.load() // all that it looks at can be judged
	return config
}

// Problems are those of Load, for which no declaration has to be decoded that
// is as it was when the tree of that name was looked at before: an index of
// what declarations refer to is kept in Dir.
func (l *Loader) Problems(fsys fs.FS, name string) []fleet.Problem {
	return l.lean(fsys, name).Problems
}

// lean is what Load gives, without what declarations say.
func (l *Loader) lean(fsys fs.FS, name string) *fleet.Config {
	r := l.reading(fsys)
	index := openIndex(r.folder, name)
	r.shelf = index
	config, stale := r.load()
	if stale != nil {
		index.forget(stale)
		r = l.reading(fsys)
		r.shelf = index
		config, _ = r.load()
	}
	index.close()
	return config
}

// reading is one Load.
type reading struct {
	kinds  kind.Set
	full   bool // wants declarations, not their problems alone
	groups []string
	find   finder
	shelf  shelf
	folder *folder
	crew   crew
}

func (l *Loader) reading(fsys fs.FS) *reading {
	groups := []string{"teams"}
	for _, k := range l.kinds {
		groups = append(groups, k.Field)
	}
	slices.Sort(groups)
	return &reading{
		kinds: l.kinds, groups: groups, find: finder{fsys: fsys},
		folder: openFolder(l.Disk, l.Dir, groups),
		crew:   crew{groups: groups, limits: l.Limits.orDefault()},
	}
}

// load loads. It ends early with the files that have to be looked at again, for
// what is known of their declarations was judged by other policies.
func (r *reading) load() (config *fleet.Config, stale []string) {
	defer r.crew.process.Close()
	r.find.folder(".", 0)
	r.find.vendored()
	own := r.ownPolicies()
	var members []*member
	for _, s := range r.gather() {
		members = append(members, newMember(s))
	}
	values := r.evaluate(members)
	loseNames(members)
	b := newBuilder(r.kinds, len(values))
	b.config.Stop = r.find.stop
	b.config.Problems = r.find.problems
	b.config.Unreadable = r.find.unreadable
	b.take(values)
	for _, m := range members {
		b.file(m)
	}
	b.duplicates(members)
	b.sort()
	if stale := r.policies(b, own); stale != nil {
		return nil, stale
	}
	config = b.finish()
	r.asks(config, members)
	return config, nil
}
