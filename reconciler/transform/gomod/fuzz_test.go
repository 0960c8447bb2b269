package gomod

import (
	"bytes"
	"slices"
	"testing"

	"github.com/portreeve/portreeve/reconciler/transform/internal/values"
)

// FuzzRewrite: whatever the file, the result parses, a second time changes
// nothing, and without drops every line that the step is not about is there,
// in its order, byte for byte; comments stay also in those that it is about.
func FuzzRewrite(f *testing.F) {
	for _, text := range []string{
		"module m\n", "module m\n\ngo 1.24 // c\n\nrequire (\n\ta.b/c v1.0.0 // indirect\n\n\t// c\n\ta.b/d v1.1.0\n)\n",
		"module m\r\ngo 1.21\r\nrequire a.b/c v1.0.0\r\nreplace a.b/c => ../c", "module \"m\"\nrequire (\n)\nreplace (\n\ta.b/c v1.0.0 => `a.b/x` v1.0.0 // c\n)\n",
		"module m\ntoolchain go1.20\ngo 1.20\nrequire(\"a.b/c\" v1.0.0\n)\n", "// c\n\nmodule m\n\nretract v1.0.0 // why\n\ntool a.b/c/d\n\nreplace a.b/e => ./e\n", "go 1.24\n",
	} {
		f.Add([]byte(text), "1.26.0", "a.b/c", "v1.2.3", uint8(0xff))
		f.Add([]byte(text), "1.26", "a.b/x", "v1.0.0", uint8(0))
	}
	f.Fuzz(func(t *testing.T, text []byte, goVersion, path, v string, what uint8) {
		s := stepOf(goVersion, path, v, what)
		fields := slices.Concat(s.checkRequire(), s.checkReplace())
		if slices.ContainsFunc(fields, func(err error) bool { return err != nil }) {
			return
		}
		result, err := s.rewrite(text)
		if err != nil {
			return
		}
		if _, err := parse(result); err != nil {
			t.Fatalf("%q does not parse: %v", result, err)
		}
		again, err := s.rewrite(result)
		if err != nil || !bytes.Equal(again, result) {
			t.Errorf("%q became %q, and again %q, %v", text, result, again, err)
		}
		if s.DropReplace == nil && s.Toolchain != none && (!keepsComments(text, result) || !s.keepsLines(text, result)) {
			t.Errorf("%q became %q", text, result)
		}
	})
}

func stepOf(goVersion, path, v string, what uint8) *step {
	s := &step{Require: map[string]string{path: v}, RequireMissing: what&1 != 0, Downgrade: what&2 != 0}
	if what&4 != 0 && goVersionOK(goVersion) {
		s.Go = goVersion
	}
	if what&8 != 0 {
		s.Toolchain = "go1.26.8"
	} else if what&16 != 0 {
		s.Toolchain = none
	}
	if what&32 != 0 {
		s.Replace = []replacement{{Old: path, New: "../x"}}
	}
	if what&64 != 0 {
		s.DropReplace = []replaced{{Old: path, OldVersion: v}}
	}
	return s
}

func goVersionOK(v string) bool {
	_, err := New().Decode([]byte(`{"do":"gomod","go":"` + v + `"}`))
	return err == nil
}

// keepsLines reports whether the result has all lines of other things, and a
// final break where there was one.
func (s *step) keepsLines(text, result []byte) bool {
	lines := slices.Collect(bytes.Lines(result))
	for line := range bytes.Lines(text) {
		if s.about(line) {
			continue
		}
		i := slices.IndexFunc(lines, func(l []byte) bool {
			if !bytes.HasSuffix(line, []byte("\n")) { // the last, which may be no more
				l = bytes.TrimRight(l, "\r\n")
			}
			return bytes.Equal(l, line)
		})
		if i < 0 {
			return false
		}
		lines = lines[i+1:]
	}
	return bytes.HasSuffix(result, []byte("\n")) == bytes.HasSuffix(text, []byte("\n"))
}

// about reports whether the step may change a line, which may hold what it
// names in quotes and escapes.
func (s *step) about(line []byte) bool {
	if begins := bytes.TrimSpace(line); bytes.ContainsRune(line, '\\') || bytes.HasPrefix(begins, []byte("go")) || bytes.HasPrefix(begins, []byte("toolchain")) {
		return true
	}
	var names []string
	for path := range s.Require {
		names = append(names, path)
	}
	for _, r := range s.Replace {
		names = append(names, r.Old)
	}
	return slices.ContainsFunc(names, func(name string) bool { return bytes.Contains(line, []byte(name)) })
}

// keepsComments reports whether the result has all bytes of comments that are
// no white space, and no more lines than a step may add.
func keepsComments(text, result []byte) bool {
	var comments []byte
	for line := range bytes.Lines(text) {
		if i := bytes.Index(line, []byte("//")); i >= 0 && !bytes.ContainsAny(line[:i], "\"`") {
			comments = append(comments, line[i:]...)
		}
	}
	for _, c := range comments {
		if values.OnlyBlank([]byte{c}) {
			continue
		}
		i := bytes.IndexByte(result, c)
		if i < 0 {
			return false
		}
		result = result[i+1:]
	}
	return bytes.Count(result, []byte("\n")) <= bytes.Count(text, []byte("\n"))+8
}

// FuzzDecode: whatever the fields, no panic.
func FuzzDecode(f *testing.F) {
	f.Add(`{"do":"gomod","go":"1.26.0","toolchain":"go1.26.8","require":{"a.b/c":"v1.0.0"},"replace":[{"old":"a.b/c","new":"./c"}],"dropReplace":[{"old":"a.b/d"}]}`)
	f.Fuzz(func(_ *testing.T, fields string) { _, _ = New().Decode([]byte(fields)) })
}
