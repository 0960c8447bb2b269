package declare_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/portreeve/portreeve/reconciler/declare"
)

// TestMistakes runs testdata/mistakes/*.txtar, each a mistake that people
// make: the files of a config repo beside those of fleet.cue, and "problems"
// with the very words.
func TestMistakes(t *testing.T) {
	cases, err := filepath.Glob("testdata/mistakes/*.txtar")
	if err != nil || len(cases) < 75 {
		t.Fatal(len(cases), err)
	}
	for _, name := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) { mistake(t, name) })
	}
}

func mistake(t *testing.T, name string) {
	archive, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	base, err := os.ReadFile("testdata/mistakes/fleet.cue")
	if err != nil {
		t.Fatal(err)
	}
	fsys := fstest.MapFS{"fleet.cue": {Data: base}}
	last := len(archive.Files) - 1
	for _, f := range archive.Files[:last] {
		fsys[f.Name] = &fstest.MapFile{Data: f.Data}
	}
	got := problems(declare.Load(fsys, kinds()))
	if *update {
		archive.Files[last].Data = []byte(got)
		if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want := string(archive.Files[last].Data); got != want {
		t.Errorf("problems:\n%s\nwant:\n%s", got, want)
	}
}

// TestMistakesNamed holds that all of them are told likewise where declarations
// name their definitions, for the sake of editors, and where the settings hold
// each group to one: as init and new write it.
func TestMistakesNamed(t *testing.T) {
	base, err := os.ReadFile("testdata/mistakes/fleet.cue")
	if err != nil {
		t.Fatal(err)
	}
	definition := map[string]string{"ownership": "#Ownership", "migrations": "#Migration", "teams": "#Team", "loans": "#Loan", "clusters": "#Cluster", "prometheus": "#Prometheus"}
	heads := regexp.MustCompile(`(?m)^(ownership|migrations|teams|loans|clusters|prometheus): ("?[\w-]+"?): \{`)
	places := regexp.MustCompile(`\.cue:[0-9]+:[0-9]+`)
	named := func(data []byte) []byte {
		if !heads.Match(data) || !strings.HasPrefix(string(data), "package fleet\n") || strings.Contains(string(data), "import") {
			return data
		}
		data = heads.ReplaceAllFunc(data, func(head []byte) []byte {
			m := heads.FindSubmatch(head)
			return []byte(string(m[1]) + ": " + string(m[2]) + ": schema." + definition[string(m[1])] + " & {")
		})
		text := "package fleet\n\nimport \"github.com/portreeve/portreeve/schema\"\n"
		for group, d := range definition {
			text += group + ": [string]: schema." + d + "\n"
		}
		return append([]byte(text+"schema.#Config\n"), data[len("package fleet\n"):]...)
	}
	told := func(fsys fstest.MapFS) string {
		lines := strings.SplitAfter(places.ReplaceAllString(problems(declare.Load(fsys, kinds())), ".cue"), "\n")
		slices.Sort(lines)
		return strings.Join(lines, "")
	}
	cases, _ := filepath.Glob("testdata/mistakes/*.txtar")
	changed := 0
	for _, name := range cases {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		plain, with := fstest.MapFS{"fleet.cue": {Data: base}}, fstest.MapFS{"fleet.cue": {Data: base}}
		differ := false
		for _, f := range archive.Files[:len(archive.Files)-1] {
			plain[f.Name], with[f.Name] = &fstest.MapFile{Data: f.Data}, &fstest.MapFile{Data: named(f.Data)}
			differ = differ || string(with[f.Name].Data) != string(f.Data)
		}
		if !differ {
			continue
		}
		changed++
		if got, want := told(with), told(plain); got != want {
			t.Errorf("%s, with definitions:\n%s\nwithout:\n%s", filepath.Base(name), got, want)
		}
	}
	if changed < 80 {
		t.Errorf("only %d cases name a definition", changed)
	}
}

// goldens are the problems of all cases, a line each.
func goldens(t *testing.T) (lines []string) {
	t.Helper()
	for _, pattern := range []string{"testdata/*.txtar", "testdata/mistakes/*.txtar"} {
		cases, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range cases {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range archive.Files {
				if f.Name == "problems" {
					lines = append(lines, slices.Collect(strings.Lines(string(f.Data)))...)
				}
			}
		}
	}
	return lines
}

// TestWords holds that no message is in the words of CUE or of a library, and
// that each names a file, and each mistake in one its line.
func TestWords(t *testing.T) {
	foreign := regexp.MustCompile(`conflicting values|incomplete value|disjunction|field not allowed|cannot use|mismatched|out of bound|` +
		`operand|IDENT|STRING|'EOF'|structural cycle|unif|undefined|not found|literal|\bstruct\b|\bint\b|\bbool\b|#\w+\.|` +
		`schema/|error parsing|can't evaluate|executing|unexpected`)
	placed := regexp.MustCompile(`^[^ :]+\.cue:[0-9]+:[0-9]+: `)
	whole := regexp.MustCompile(`\((no-settings|schema-copy|stop-spelling|not-read|unreadable)\)\n$`)
	for _, line := range goldens(t) {
		quoted := regexp.MustCompile(`^cue.mod/[^:]*|expected one of list, math.*|"[^"]*"`).ReplaceAllString(line, "")
		if m := foreign.FindString(quoted); m != "" {
			t.Errorf("%q in %s", m, line)
		}
		if !placed.MatchString(line) && !whole.MatchString(line) {
			t.Errorf("no line and column: %s", line)
		}
	}
}

// TestCodes holds the table of codes to the goldens, both ways.
func TestCodes(t *testing.T) {
	table, err := os.ReadFile("codes.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented, seen []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\|").FindAllStringSubmatch(string(table), -1) {
		documented = append(documented, m[1])
	}
	for _, line := range goldens(t) {
		if m := regexp.MustCompile(`\(([a-z-]+)\)\n$`).FindStringSubmatch(line); m != nil {
			seen = append(seen, m[1])
		}
	}
	// What txtar can't hold.
	odd := declare.Load(fstest.MapFS{
		"link.cue": {Data: []byte("x"), Mode: fs.ModeSymlink},
	}, kinds())
	unread := declare.Load(refusing{fstest.MapFS{"a.cue": {}}}, kinds())
	for _, p := range append(odd.Problems, unread.Problems...) {
		seen = append(seen, p.Code)
	}
	slices.Sort(seen)
	if seen = slices.Compact(seen); !slices.Equal(documented, seen) {
		t.Errorf("codes.md has %q\nthe goldens have %q", documented, seen)
	}
}

// refusing is a tree whose files can't be opened.
type refusing struct{ fstest.MapFS }

func (r refusing) Open(name string) (fs.File, error) {
	if strings.HasSuffix(name, ".cue") {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return r.MapFS.Open(name)
}
