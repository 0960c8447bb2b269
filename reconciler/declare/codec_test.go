package declare

import (
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// whole is a sheet with everything in it.
func whole() *sheet {
	at := func(file string, line int) fleet.Pos { return fleet.Pos{File: file, Line: line, Column: 3} }
	problem := fleet.Problem{
		Severity: fleet.Warning, Code: "c", Pos: at("b.cue", 3), Declaration: "ownership/a",
		Field: "ownership.a", Message: "m", Hint: "h",
	}
	spot := spot{field: "ownership", name: "a", pos: at("a.cue", 1), end: 4, owner: "o"}
	v := value{
		spot: spot, problems: []fleet.Problem{problem}, fields: map[string]fleet.Pos{"a": at("a.cue", 2), "b": at("", 0)},
		json: []byte(`{"a":1}`), judged: true, owns: "acme/a", within: "acme/b",
		defaults: &fleet.Selection{Names: []string{"svc-*"}, Topics: []string{"t"}},
		loan: &fleet.Loan{
			Engineer: "e", From: "f", To: "t", Repos: []fleet.RepoName{"acme/a"}, Since: "s", Until: "u", Access: "a", Goal: "g",
		},
		cluster: &fleet.Cluster{
			Labels:   map[string]string{"l": "v"},
			Delivery: fleet.Delivery{PullRequest: &fleet.PullDelivery{Repo: "acme/a", Folder: "f"}},
		},
		kept:  "kept",
		ruled: &ruled{known: &rulings{"key", []charge{{"policy", at("a.cue", 7), found{"f", "r"}}}}},
		acknowledged: map[string]fleet.Acknowledgement{
			"policy": {Pos: at("a.cue", 8), Field: "f", Reason: "r", Until: time.Date(2026, time.December, 18, 0, 0, 0, 0, time.UTC)},
		},
		refs: []fleet.Ref{{Field: "owner", Pos: at("a.cue", 9), Team: "o"}, {Field: "repo", Pos: at("b.cue", 1<<40), Repo: "acme/a"}, {Field: "only[0]", Pos: at("a.cue", 2), Claim: "c"}},
	}
	s := &sheet{path: "a.cue", id: "\x00\xff", size: 300, problems: []fleet.Problem{problem}, plain: true, reaches: true, makes: []string{"x"}, refers: []string{"y", "z"}}
	s.entries, s.values, s.fate = append(s.entries, spot), append(s.values, v), fate{broken: true, partial: true}
	return s
}

// TestCodec holds that what was written is read back.
func TestCodec(t *testing.T) {
	s := whole()
	o := &outcome{values: s.values, refused: true, marks: []mark{{"a.cue", s.problems, fate{partial: true}}}}
	var e encoder
	e.sheet(s)
	e.outcome(o)
	d := &decoder{s: string(e.b)}
	if got := d.sheet(); !reflect.DeepEqual(got, s) {
		t.Errorf("got  %+v\nwant %+v", got, s)
	}
	if got := d.outcome(); !reflect.DeepEqual(got, o) || d.bad || d.left() > 0 {
		t.Errorf("got  %+v\nwant %+v", got, o)
	}
}

// FuzzCodec holds that no bytes make reading panic, or take more memory than
// there are bytes for; and that what is read well is written and read again.
func FuzzCodec(f *testing.F) {
	var e encoder
	e.sheet(whole())
	f.Add(e.b)
	for n := range len(e.b) {
		f.Add(e.b[:n])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d := &decoder{s: string(b)}
		s := d.sheet()
		if d.bad {
			return
		}
		var e encoder
		e.sheet(s)
		again := &decoder{s: string(e.b)}
		if got := again.sheet(); again.bad || !reflect.DeepEqual(got, s) {
			t.Errorf("got  %+v\nwant %+v", got, s)
		}
	})
}

// TestIndexWritesAgain holds that an index copies what it knows of a file, and
// writes anew what policies have judged since.
func TestIndexWritesAgain(t *testing.T) {
	var first, again, anew encoder
	first.sheet(whole())
	d := &decoder{s: string(first.b)}
	f := indexed{sheet: d.sheet(), text: string(first.b)}
	f.written(&again)
	if string(again.b) != f.text {
		t.Errorf("got  %q\nwant %q", again.b, f.text)
	}
	f.values[0].ruled.set(&rulings{key: "other"})
	f.written(&anew)
	d = &decoder{s: string(anew.b)}
	if _, known := d.sheet().values[0].ruled.by("other"); d.bad || !known {
		t.Errorf("what was judged anew is lost: %q", anew.b)
	}
}
