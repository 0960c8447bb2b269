package gitrepo

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/transform"
)

const attributesFile = ".gitattributes"

// CommitPaths are what has to be loaded before edits can be committed: the
// .gitattributes files, existing or not, that say whether the files that are
// written may be written as they are, and the directories of those that are
// deleted. Sorted.
func CommitPaths(edits []transform.Edit) []fleet.Path {
	var paths []fleet.Path
	for _, e := range edits {
		if e.Delete {
			paths = append(paths, fleet.Path(path.Dir(string(e.Path))))
		} else {
			paths = append(paths, attributesOf(string(e.Path))...)
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// attributesOf are the .gitattributes files of a path's directories, from the
// root inwards.
func attributesOf(file string) []fleet.Path {
	paths := []fleet.Path{attributesFile}
	for i, c := range []byte(file) {
		if c == '/' {
			paths = append(paths, fleet.Path(file[:i+1]+attributesFile))
		}
	}
	return paths
}

// refuseFiltered refuses to write what a clean filter would have to make: the
// blob of such a file is not its content.
func refuseFiltered(base *Snapshot, edits []transform.Edit) error {
	byPath := map[fleet.Path]*transform.Edit{}
	for i := range edits {
		byPath[edits[i].Path] = &edits[i]
	}
	parsed := map[fleet.Path]*attributes{}
	for _, e := range edits {
		if e.Delete {
			continue
		}
		var chain []*attributes
		for _, at := range attributesOf(string(e.Path)) {
			if parsed[at] == nil {
				text, err := attributesText(base, byPath[at], at)
				if err != nil {
					return err
				}
				parsed[at] = parseAttributes(text, path.Dir(string(at)))
			}
			chain = append(chain, parsed[at])
		}
		if filter := filterOf(chain, string(e.Path)); filter != "" {
			return refuse(e.Path, "a .gitattributes file gives it to the filter %q, so its content can't be written directly", filter)
		}
	}
	return nil
}

// attributesText is a .gitattributes file as it will be.
func attributesText(base *Snapshot, edit *transform.Edit, at fleet.Path) (string, error) {
	if edit != nil {
		return string(edit.Content), nil
	}
	data, err := base.ReadFile(string(at))
	switch {
	case errors.Is(err, fleet.ErrUnread):
		return "", fmt.Errorf("whether it may be written can't be told: %w", err)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, errNotRegular), errors.Is(err, errIsDir):
		// Git follows no links here either.
		return "", nil
	case err != nil:
		return "", refuse(at, "it can't be read: %w", err)
	}
	return string(data), nil
}

// attributes are the rules of one .gitattributes file, as far as they may
// touch the attribute "filter".
type attributes struct {
	dir    string // "." for the root
	rules  []attributeRule
	macros map[string][]string
}

type attributeRule struct {
	pattern  string // for doublestar
	baseName bool   // matched against the last element alone
	settings []string
}

func parseAttributes(text, dir string) *attributes {
	a := &attributes{dir: dir, macros: map[string][]string{}}
	text = strings.TrimPrefix(text, "\uFEFF")
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimLeft(line, " \t\r")
		if line == "" || line[0] == '#' {
			continue
		}
		pattern, rest := cutPattern(line)
		settings := strings.Fields(rest)
		if name, ok := strings.CutPrefix(pattern, "[attr]"); ok {
			if dir == "." {
				a.macros[name] = settings
			}
			continue
		}
		// Git ignores negated patterns, and those of directories give files
		// nothing.
		if pattern == "" || pattern[0] == '!' || strings.HasSuffix(pattern, "/") {
			continue
		}
		a.rules = append(a.rules, newRule(pattern, settings))
	}
	return a
}

func newRule(pattern string, settings []string) attributeRule {
	r := attributeRule{baseName: !strings.Contains(pattern, "/"), settings: settings}
	pattern = strings.TrimPrefix(pattern, "/")
	// Braces are ordinary to Git.
	r.pattern = strings.NewReplacer(`\{`, `\{`, `\}`, `\}`, `{`, `\{`, `}`, `\}`).Replace(pattern)
	if strings.HasSuffix(r.pattern, "/**") {
		r.pattern += "/*"
	}
	return r
}

// cutPattern takes the pattern, which may be quoted, from a line.
func cutPattern(line string) (pattern, rest string) {
	if line[0] != '"' {
		if i := strings.IndexAny(line, " \t\r"); i >= 0 {
			return line[:i], line[i:]
		}
		return line, ""
	}
	var b strings.Builder
	for i := 1; i < len(line); i++ {
		switch c := line[i]; {
		case c == '"':
			return b.String(), line[i+1:]
		case c == '\\' && i+1 < len(line):
			i++
			b.WriteByte(line[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", ""
}

// matches reports whether a rule of a's file is about a file.
func (a *attributes) matches(r attributeRule, file string) bool {
	name := path.Base(file)
	if !r.baseName {
		name = file
		if a.dir != "." {
			name = strings.TrimPrefix(file, a.dir+"/")
		}
	}
	ok, _ := doublestar.Match(r.pattern, name)
	return ok
}

// filterOf is the value of a file's attribute "filter", the last rule of the
// innermost directory winning.
func filterOf(chain []*attributes, file string) string {
	filter := ""
	for _, a := range chain {
		for _, r := range a.rules {
			if a.matches(r, file) {
				filter = setFilter(filter, r.settings, chain[0].macros, 0)
			}
		}
	}
	return filter
}

func setFilter(filter string, settings []string, macros map[string][]string, depth int) string {
	for _, setting := range settings {
		value, ok := strings.CutPrefix(setting, "filter=")
		switch {
		case ok:
			filter = value
		case setting == "-filter" || setting == "!filter" || setting == "filter":
			filter = ""
		case macros[setting] != nil && depth < 8:
			filter = setFilter(filter, macros[setting], macros, depth+1)
		}
	}
	return filter
}
