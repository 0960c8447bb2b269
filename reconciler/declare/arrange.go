package declare

import (
	"maps"
	"path"
	"slices"
	"strings"
)

// member is a file of the tree that is read.
type member struct {
	*sheet
	// fate is the sheet's, and what evaluating it with others added.
	fate
	marks []mark
}

func newMember(s *sheet) *member { return &member{sheet: s, fate: s.fate} }

// declares are the names that the file's text gives at the top.
func (m *member) declares() []string {
	names := slices.Clone(m.makes)
	for _, e := range m.entries {
		names = append(names, e.field)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (m *member) mark(k mark) {
	m.marks = append(m.marks, k)
	m.broken = m.broken || k.broken
	m.partial = m.partial || k.partial
}

// bundle is what is evaluated together: files of a folder and of those above
// it, for what the asked ones declare.
type bundle struct {
	files []*member
	asked []string
}

// arrange tells which files count by themselves and which are evaluated
// together. A file that uses more of the language needs those that it refers
// to; where one constrains others, those need it.
func arrange(files []*member) (plain []*member, bundles []bundle) {
	folders := map[string][]*member{}
	for _, f := range files {
		if !f.broken {
			dir := path.Dir(f.path)
			folders[dir] = append(folders[dir], f)
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(folders)) {
		reached := reachesInto(folders, dir)
		var asked []*member
		for _, f := range folders[dir] {
			if f.plain && !reached {
				plain = append(plain, f)
			} else {
				asked = append(asked, f)
			}
		}
		if len(asked) == 0 {
			continue // as in most folders
		}
		v := newView(withAbove(folders, dir))
		for _, group := range v.apart(asked) {
			bundles = append(bundles, v.bundle(group))
		}
	}
	return plain, bundles
}

// reachesInto reports whether a file of a folder, or of one above it, constrains
// what the folder's files declare.
func reachesInto(folders map[string][]*member, dir string) bool {
	return slices.ContainsFunc(withAbove(folders, dir), func(f *member) bool { return f.reaches })
}

// withAbove are the files of a folder and of those above it.
func withAbove(folders map[string][]*member, dir string) []*member {
	var all []*member
	for {
		all = append(all, folders[dir]...)
		if dir == "." {
			return all
		}
		dir = path.Dir(dir)
	}
}

// loseNames marks files that make declarations of what other files hold,
// where one of those can't be read: what they make may then lack something.
func loseNames(files []*member) {
	broken := map[string]bool{}
	for _, f := range files {
		if f.broken {
			broken[path.Dir(f.path)] = true
		}
	}
	for _, f := range files {
		for dir := range broken {
			f.partial = f.partial || f.reaches && (within(path.Dir(f.path), dir) || within(dir, path.Dir(f.path)))
		}
	}
}

// within reports whether a folder is another or lies in it.
func within(dir, other string) bool {
	return other == "." || dir == other || strings.HasPrefix(dir, other+"/")
}
