package report

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

var update = flag.Bool("update", false, "write the texts into testdata")

var migration = Pull{
	Declaration: fleet.ID{Kind: "migration", Name: "go-1-26"},
	Title:       "Build with Go 1.26",
	Why:         "Go 1.24 gets no security fixes, see https://go.dev/doc/devel/release#policy.",
	What:        []string{"replace in **/go.mod: go.mod", "replace in Dockerfile: Dockerfile"},
	Body:        "Try it with `go get go@1.26`. @acme/platform helps.\n\n```sh\ngo install golang.org/dl/go1.26.0@latest\n```\n",
	Because:     "has go.mod",
	Labels:      []string{"dependencies"},
	Decides:     "Payments", Asks: "Platform", Contact: "#platform",
	Merge: fleet.MergeChecksPass, Mode: fleet.Merge, Revision: "9f3c2d1aa",
	Pos: fleet.Pos{File: "fleet.cue", Line: 34, Column: 13},
}

var ownership = Pull{
	Declaration: fleet.ID{Kind: "ownership", Name: "ledger"},
	Title:       "Owners of /deploy/: Payments → Platform, with Payments",
	Why:         "The platform team took over in March.",
	What:        []string{"/deploy/: payments → platform, payments"},
	Because:     "named by its declaration",
	Decides:     "Payments", Asks: "Payments",
	Merge: fleet.MergeManual, Mode: fleet.Merge, Revision: "9f3c2d1aa",
	Pos: fleet.Pos{File: "fleet.cue", Line: 16, Column: 13},
}

// TestTexts compares all that people read of a pull request.
func TestTexts(t *testing.T) {
	bare := Pull{Declaration: fleet.ID{Kind: "migration", Name: "bare"}, Title: "Bare"}
	closed := Closing(migration.Declaration, "no file go.mod", migration.Revision)
	for name, got := range map[string]string{
		"migration.md":          "# " + migration.Heading() + "\n\n" + migration.Text(),
		"ownership.md":          "# " + ownership.Heading() + "\n\n" + ownership.Text(),
		"bare.md":               "# " + bare.Heading() + "\n\n" + bare.Text(),
		"migration_closing.md":  closed + "\n",
		"migration_message.txt": migration.CommitMessage(),
	} {
		file := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(file)
		if err != nil || got != string(want) {
			t.Errorf("%s (%v):\n%s", name, err, got)
		}
	}
}

func TestTextHash(t *testing.T) {
	body, hash := migration.Text(), migration.Hash()
	for name, c := range map[string]struct{ body, want string }{
		"as written":            {body, hash},
		"as the forge keeps it": {strings.ReplaceAll(strings.TrimSpace(body), "\n", "\r\n"), hash},
		"with a person's words": {"Please look!\n\n" + body, hash},
		"marker not last":       {body + "\nMore.\n", ""},
		"marker gone":           {"Mine now.", ""},
		"empty":                 {"", ""},
		"half a marker":         {markerPrefix + "facts=abc", ""},
	} {
		if got := TextHash(c.body); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestShown proves which bodies say what they should, those of the versions
// whose markers were for words among them.
func TestShown(t *testing.T) {
	const former = "Please.\n\n<!-- portreeve text=%s -->\n" // as the first version wrote it
	for name, c := range map[string]struct {
		body string
		want bool
	}{
		"as written":       {migration.Text(), true},
		"of other facts":   {ownership.Text(), false},
		"marker gone":      {"Mine now.", true},
		"former":           {fmt.Sprintf(former, "b921c923fa8c"), true},
		"former, of other": {fmt.Sprintf(former, "ab512de50cef"), false},
	} {
		if got := migration.Shown(c.body); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// TestHash proves what rewords a pull request, and what does not.
func TestHash(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Pull)
		same   bool
	}{
		"another place in the file": {func(p *Pull) { p.Pos.Line++ }, true},
		"another file":              {func(p *Pull) { p.Pos.File = "x.cue" }, true},
		"another revision":          {func(p *Pull) { p.Revision = "x" }, false},
		"another title":             {func(p *Pull) { p.Title = "x" }, true},
		"another reason":            {func(p *Pull) { p.Why = "x" }, false},
		"another word for an edit":  {func(p *Pull) { p.What = p.What[:1] }, true},
		"another body":              {func(p *Pull) { p.Body = "x" }, true},
		"another word for because":  {func(p *Pull) { p.Because = "x" }, true},
		"other facts":               {func(p *Pull) { p.Facts = "x" }, false},
		"another team":              {func(p *Pull) { p.Decides = "x" }, false},
		"another contact":           {func(p *Pull) { p.Contact = "x" }, false},
		"another policy":            {func(p *Pull) { p.Merge = fleet.MergeManual }, false},
		"another mode":              {func(p *Pull) { p.Mode = fleet.Propose }, false},
		"another label":             {func(p *Pull) { p.Labels = nil }, false},
	} {
		p := migration
		c.change(&p)
		if same := p.Hash() == migration.Hash(); same != c.same {
			t.Errorf("%s: same hash %v, want %v", name, same, c.same)
		}
	}
}

func TestMerges(t *testing.T) {
	for _, c := range []struct {
		mode  fleet.Mode
		merge fleet.MergePolicy
		want  string
	}{
		{fleet.Merge, fleet.MergeManual, "Portreeve will not"},
		{fleet.Merge, "", "Portreeve will not"},
		{fleet.Propose, fleet.MergeChecksPass, "Portreeve will not"},
		{fleet.Merge, fleet.MergeChecksPass, "its checks are green"},
		{fleet.Merge, fleet.MergeAlways, "no check is red or running"},
	} {
		if got := (Pull{Mode: c.mode, Merge: c.merge}).merges(); !strings.Contains(got, c.want) {
			t.Errorf("%s, %s: %q", c.mode, c.merge, got)
		}
	}
}

func TestWrap(t *testing.T) {
	for in, want := range map[string]string{
		"":                      "",
		"one two three":         "one two\nthree",
		"averylongwordindeed x": "averylongwordindeed\nx",
		"ää ää ää ää":           "ää ää ää\nää",
	} {
		if got := wrap(in, 8); got != want {
			t.Errorf("wrap(%q) = %q, want %q", in, got, want)
		}
	}
}

func BenchmarkText(b *testing.B) {
	p := migration
	p.Body = strings.Repeat("Say `x@y` to @kim, see https://forge.example/a/b/issues/1 and #12.\n", 200)
	for b.Loop() {
		_ = p.Text()
	}
}
