package schema_test

import (
	"path"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/portreeve/portreeve/schema"
)

// copied is a config repo with the copy that a version wrote, and what change
// made of it afterwards.
func copied(version string, change func(fstest.MapFS)) fstest.MapFS {
	repo := fstest.MapFS{}
	for name, data := range schema.Files(version) {
		repo[path.Join(schema.CopyDir, name)] = &fstest.MapFile{Data: data}
	}
	if change != nil {
		change(repo)
	}
	return repo
}

// other is the copy of a version whose definitions were others.
func other(version string) fstest.MapFS {
	old := copied(version, nil)
	stamp := old[path.Join(schema.CopyDir, "VERSION")]
	team := old[path.Join(schema.CopyDir, "team.cue")]
	team.Data = append([]byte("// Once.\n"), team.Data...)
	lines := strings.Split(string(stamp.Data), "\n")
	for i, line := range lines {
		if strings.HasSuffix(line, "  team.cue") {
			lines[i] = sha256Of(team.Data) + "  team.cue"
		}
	}
	stamp.Data = []byte(strings.Join(lines, "\n"))
	return old
}

func TestCompare(t *testing.T) {
	const team = schema.CopyDir + "/team.cue"
	cases := []struct {
		name  string
		repo  fstest.MapFS
		state schema.State
		files string
	}{
		{"none", fstest.MapFS{}, schema.Missing, ""},
		{"the same", copied("v1.2.0", nil), schema.Current, ""},
		{"the same of an older version", copied("v1.0.0", nil), schema.Current, ""},
		{"older", other("v1.1.9"), schema.Older, team},
		{"older by commits", other("v1.1.10-0.20260101000000-0123456789ab"), schema.Older, team},
		{"newer", other("v1.10.0"), schema.Newer, team},
		{"unknown version", other(""), schema.Other, team},
		{"another build of this version", other("v1.2.0"), schema.Other, team},
		{"edited", copied("v1.2.0", func(r fstest.MapFS) { r[team].Data = []byte("package schema\n") }), schema.Edited, team},
		{"file added", copied("v1.2.0", func(r fstest.MapFS) {
			r[schema.CopyDir+"/mine.cue"] = &fstest.MapFile{Data: []byte("package schema\n")}
		}), schema.Edited, schema.CopyDir + "/mine.cue"},
		{"file removed", copied("v1.2.0", func(r fstest.MapFS) { delete(r, team) }), schema.Edited, team},
		{"no stamp, the same", copied("", func(r fstest.MapFS) { delete(r, schema.CopyDir+"/VERSION") }), schema.Current, ""},
		{"no stamp, another", copied("", func(r fstest.MapFS) {
			delete(r, schema.CopyDir+"/VERSION")
			delete(r, team)
		}), schema.Other, team},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := schema.Compare(c.repo, "v1.2.0")
			if err != nil || got.State != c.state || strings.Join(got.Files, " ") != c.files {
				t.Errorf("%+v, %v", got, err)
			}
			if what, hint := got.Words(); (what == "") != (c.state == schema.Current) || (hint == "") != (what == "") {
				t.Errorf("%q, %q", what, hint)
			}
		})
	}
}

// TestCompareHostile holds that what is no plain small file is not read.
func TestCompareHostile(t *testing.T) {
	large := copied("v1.2.0", func(r fstest.MapFS) { r[schema.CopyDir+"/team.cue"].Data = make([]byte, 2<<20) })
	link := copied("v1.2.0", func(r fstest.MapFS) { r[schema.CopyDir+"/team.cue"].Mode = 0o777 | 1<<27 })
	for _, repo := range []fstest.MapFS{large, link} {
		if got, err := schema.Compare(repo, "v1.2.0"); err == nil {
			t.Errorf("%+v", got)
		}
	}
}
