package declare

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"github.com/portreeve/portreeve/reconciler/declare/internal/keep"
	"github.com/portreeve/portreeve/reconciler/disk"
	"github.com/portreeve/portreeve/schema"
)

// folder keeps sheets and outcomes on disk, by content: those of this build
// of this program alone.
type folder struct {
	keep   *keep.Folder
	prefix string
}

// CacheDir is the folder in the user's cache directory for Loader.Dir; empty
// where the system has no such place.
func CacheDir() string {
	base, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(base, "portreeve", "declarations")
}

func openFolder(d disk.Disk, dir string, groups []string) *folder {
	return &folder{keep.Open(d, dir), program() + strings.Join(groups, " ") + "\x00"}
}

// program tells one build of this program from others, and with it the schema
// and the kinds.
var program = sync.OnceValue(func() string {
	var e encoder
	if name, err := os.Executable(); err == nil {
		if info, err := os.Stat(name); err == nil {
			e.text(fmt.Sprint(info.Size(), info.ModTime().UnixNano()))
		}
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		e.text(info.String())
	}
	names, _ := schema.FS.ReadDir(".")
	for _, n := range names {
		data, _ := schema.FS.ReadFile(n.Name())
		e.text(string(data))
	}
	return contentID(e.b)
})

func (f *folder) sheet(path, id string) *sheet {
	b, ok := f.keep.Get(f.prefix + "file\x00" + path + "\x00" + id)
	if !ok {
		return nil
	}
	d := &decoder{s: string(b)}
	if s := d.sheet(); !d.bad && s.path == path && s.id == id {
		return s
	}
	return nil
}

func (f *folder) putSheet(s *sheet) {
	if f.keep != nil {
		var e encoder
		e.sheet(s)
		f.keep.Put(f.prefix+"file\x00"+s.path+"\x00"+s.id, e.b)
	}
}

func (f *folder) outcome(key string) *outcome {
	b, ok := f.keep.Get(f.prefix + "together\x00" + key)
	if !ok {
		return nil
	}
	d := &decoder{s: string(b)}
	if o := d.outcome(); !d.bad {
		return o
	}
	return nil
}

func (f *folder) putOutcome(key string, o *outcome) {
	if f.keep != nil && !o.passing {
		var e encoder
		e.outcome(o)
		f.keep.Put(f.prefix+"together\x00"+key, e.b)
	}
}

// index is the shelf for a tree's problems: what the tree was when it was
// looked at before, without what its declarations say.
type index struct {
	folder *folder
	name   string
	was    string // as it stands on disk

	files    map[string]*indexed
	outcomes map[string]*outcome

	nowFiles    []indexed
	nowOutcomes []keyed
}

type indexed struct {
	*sheet
	fingerprint string
	text        string // of the sheet, as it stands in the index; empty where it does not
}

type keyed struct {
	key string
	*outcome
}

// written is the text of the sheet, which is made where there is none, or
// where policies have judged anew.
func (f indexed) written(e *encoder) {
	if f.text == "" || slices.ContainsFunc(f.values, func(v value) bool { return v.ruled.anew() }) {
		e.sheet(f.sheet)
		return
	}
	e.b = append(e.b, f.text...)
}

func openIndex(f *folder, name string) *index {
	x := &index{folder: f, name: name, files: map[string]*indexed{}, outcomes: map[string]*outcome{}}
	text, ok := f.keep.GetTree(name, f.prefix)
	if !ok {
		return x
	}
	d := &decoder{s: text}
	files := list(d, func() indexed {
		f := indexed{fingerprint: d.text()}
		from := d.at
		f.sheet = d.sheet()
		f.text = d.s[from:d.at]
		return f
	})
	outcomes := list(d, func() keyed { return keyed{d.text(), d.outcome()} })
	if d.bad || d.left() > 0 {
		return x
	}
	x.was = text
	x.nowFiles = make([]indexed, 0, len(files)+10)
	x.files = make(map[string]*indexed, len(files))
	for i := range files {
		x.files[files[i].path] = &files[i]
	}
	for _, o := range outcomes {
		x.outcomes[o.key] = o.outcome
	}
	return x
}

func (x *index) seen(path, fingerprint string) *sheet {
	if f := x.files[path]; f != nil && f.fingerprint == fingerprint {
		return f.sheet
	}
	return nil
}

func (x *index) sheet(path, id string) *sheet {
	if f := x.files[path]; f != nil && f.id == id {
		return f.sheet
	}
	return nil
}

// forget drops what is known of files, and of all that is evaluated together.
func (x *index) forget(paths []string) {
	for _, path := range paths {
		delete(x.files, path)
	}
	x.outcomes = map[string]*outcome{}
	x.nowFiles, x.nowOutcomes = x.nowFiles[:0], nil
}

func (x *index) outcome(key string) *outcome { return x.outcomes[key] }

func (x *index) keep(s *sheet, fingerprint string) {
	f := indexed{sheet: s, fingerprint: fingerprint}
	if was := x.files[s.path]; was != nil && was.sheet == s {
		f.text = was.text
	}
	x.nowFiles = append(x.nowFiles, f)
}

func (x *index) keepOutcome(key string, o *outcome) {
	if !o.passing && !slices.ContainsFunc(x.nowOutcomes, func(k keyed) bool { return k.key == key }) {
		x.nowOutcomes = append(x.nowOutcomes, keyed{key, o})
	}
}

// close writes the index, if it is another than before.
func (x *index) close() {
	if x.folder.keep == nil {
		return
	}
	e := encoder{b: make([]byte, 0, len(x.was)+4096), lean: true}
	e.int(len(x.nowFiles))
	for _, f := range x.nowFiles {
		e.text(f.fingerprint)
		f.written(&e)
	}
	e.int(len(x.nowOutcomes))
	for _, o := range x.nowOutcomes {
		e.text(o.key)
		e.outcome(o.outcome)
	}
	if string(e.b) != x.was {
		x.folder.keep.PutTree(x.name, x.folder.prefix, e.b)
	}
}
