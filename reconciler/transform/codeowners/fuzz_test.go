package codeowners

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/portreeve/portreeve/reconciler/transform"
)

// FuzzBlock: a block that was put in is there once, putting it in again
// changes nothing, all else stands as it did, and taking it out gives the
// file that was.
func FuzzBlock(f *testing.F) {
	for _, text := range []string{
		"", "* @a", "* @a\r\n# c\r\n", "\xef\xbb\xbf* @a\n", "# portreeve:begin b\n* @x\n# portreeve:end b\n", "# portreeve:begin b\n",
		"x @a\n# portreeve:begin b\n# portreeve:end b", "#portreeve:begin o\n# portreeve:end o\n", "\n\n",
	} {
		f.Add(text, "docs/a b", "@acme/docs", "start")
		f.Add(text, "*", "a@example.org", "end")
	}
	f.Fuzz(func(t *testing.T, text, pattern, owner, at string) {
		fields, err := json.Marshal(map[string]any{"do": "codeowners", "block": "b", "at": at, "lines": []any{map[string]any{"pattern": pattern, "owners": []string{owner}}}})
		if err != nil {
			t.Fatal(err)
		}
		decoded, err := New().Decode(fields)
		if err != nil {
			return
		}
		s := decoded.(*step)
		if strings.ContainsAny(s.render("\n"), "\r") || strings.Count(s.render("\n"), "\n") != 3 {
			t.Fatalf("a line breaks: %q", s.render("\n"))
		}
		_, _, had, err := find(strings.TrimPrefix(text, bom), "b")
		result, errNow := s.rewrite(text)
		if err != nil && errNow == nil {
			t.Fatalf("%v was not refused", err)
		}
		if err != nil || errNow != nil {
			return
		}
		if again, err := s.rewrite(result); err != nil || again != result {
			t.Errorf("%q, and again %q, %v", result, again, err)
		}
		if !s.besideStands(text, result) {
			t.Errorf("put into %q: something else changed: %q", text, result)
		}
		out := &step{Block: "b", Lines: []line{}}
		without, err := out.rewrite(result)
		if err != nil {
			t.Fatal(err)
		}
		// What held nothing but the block is no file any more, mark or not.
		if want, _ := out.rewrite(text); without != want && !(want == bom && without == "") {
			t.Errorf("taken out of %q: %q, want %q (had: %v)", result, without, want, had)
		}
	})
}

// besideStands reports whether a file is beside the block as it was, byte for
// byte; a line that was the last and open may have got its break.
func (s *step) besideStands(text, result string) bool {
	start, end, had, _ := find(strings.TrimPrefix(text, bom), s.Block)
	from, to, _, err := find(strings.TrimPrefix(result, bom), s.Block)
	if err != nil || strings.HasPrefix(text, bom) != strings.HasPrefix(result, bom) {
		return false
	}
	text, result = strings.TrimPrefix(text, bom), strings.TrimPrefix(result, bom)
	if !had && s.At != "start" {
		start, end = len(text), len(text)
	}
	before, after := text[:start], text[end:]
	if grown := result[:from]; grown != before && (strings.HasSuffix(before, "\n") || strings.TrimRight(grown, "\r\n") != before) {
		return false
	}
	return result[to:] == after && (text == "" || strings.HasSuffix(text, "\n") == strings.HasSuffix(result, "\n"))
}

// FuzzDecode: whatever the fields, no panic, and no line that GitHub skips.
func FuzzDecode(f *testing.F) {
	f.Add(`{"do":"codeowners","block":"b","lines":[{"pattern":"*","owners":["@a","@o/t","a@b.c"]}]}`)
	f.Fuzz(func(t *testing.T, fields string) {
		decoded, err := New().Decode([]byte(fields))
		if err != nil {
			return
		}
		for _, l := range decoded.(*step).Lines {
			if err := transform.CheckOwnersPattern(l.Pattern); err != nil {
				t.Error(err)
			}
		}
	})
}
