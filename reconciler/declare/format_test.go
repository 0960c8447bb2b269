package declare_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/portreeve/portreeve/reconciler/declare"
)

func TestFormat(t *testing.T) {
	cases := []struct{ name, text, want string }{
		{"spaces", "package fleet\nteams:a:{title:\"A\",github :   \"acme/a\"}\n", "package fleet\n\nteams: a: {title: \"A\", github: \"acme/a\"}\n"},
		{"comments", "package fleet\n// One.\nteams: a: {\n title: \"A\"   // Two.\n // Three.\n}\n", "package fleet\n\n// One.\nteams: a: {\n\ttitle: \"A\" // Two.\n\n\t// Three.\n}\n"},
		{"imports", "package fleet\nimport   \"strings\"\n", "package fleet\n\nimport \"strings\"\n"},
		{"empty", "", ""},
		{"text of many lines", "package fleet\nmigrations: a: body: \"\"\"\n    one\n      two\n    \"\"\"\n", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, problems := declare.Format("a.cue", []byte(c.text))
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			t.Logf("%s", got)
			if c.want != "" && string(got) != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// TestFormatTree holds that the formatter sees what Load sees, and tells a
// mistake as validate does.
func TestFormatTree(t *testing.T) {
	changed, problems := declare.FormatTree(fstest.MapFS{
		"good.cue":                 {Data: []byte("package fleet\n\nteams: a: github: \"acme/a\"\n")},
		"sub/loose.cue":            {Data: []byte("package fleet\n\nteams: b:   github: \"acme/b\"\n")},
		"bad.cue":                  {Data: []byte("package fleet\nteams: c: {\n")},
		"link.cue":                 {Data: []byte("good.cue"), Mode: 1 << 27},
		"cue.mod/pkg/x/schema.cue": {Data: []byte("package   schema")},
		".git/x.cue":               {Data: []byte("package   x")},
		"notes.txt":                {Data: []byte("x   y")},
	})
	if len(changed) != 1 || changed[0].Pos.String() != "sub/loose.cue:3:1" || string(changed[0].Data) != "package fleet\n\nteams: b: github: \"acme/b\"\n" {
		t.Errorf("%+v", changed)
	}
	var told []string
	for _, p := range problems {
		told = append(told, p.String())
	}
	const want = "bad.cue:2:13: a \"{\" is not closed; add the missing \"}\"\n" +
		"link.cue: is a symlink, which is not followed; put the file itself here"
	if got := strings.Join(told, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// FuzzFormat holds that formatting says the same, comes to rest at once, and
// never makes of a file that can be read one that can't.
func FuzzFormat(f *testing.F) {
	cases, _ := filepath.Glob("testdata/*.txtar")
	for _, name := range cases {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			f.Add(file.Data)
		}
	}
	examples, _ := filepath.Glob("../../examples/*/*.cue")
	for _, name := range examples {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		once, problems := declare.Format("x.cue", data)
		if len(problems) > 0 {
			if once != nil {
				t.Error("a result beside problems")
			}
			return
		}
		twice, problems := declare.Format("x.cue", once)
		if len(problems) > 0 || !bytes.Equal(once, twice) {
			t.Errorf("again: %v\n%s\n%s", problems, once, twice)
		}
	})
}
