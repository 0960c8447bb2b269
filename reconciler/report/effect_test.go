package report

import (
	"slices"
	"strings"
	"testing"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
)

func TestEffect(t *testing.T) {
	e := &kind.Effect{
		Files: 120, Changed: 41, Unowned: 1,
		Moves: []kind.Move{
			{From: []string{"payments"}, To: []string{"platform", "payments"}, Files: 40, Samples: []fleet.Path{"a", "b"}},
			{From: []string{"web"}, Files: 1, Samples: []fleet.Path{"c`@all\n# x"}},
		},
		Reviews: []kind.Review{{Owner: "platform", Gains: 40}, {Owner: "web", Gains: 2, Loses: 1}}, Shadowed: []string{"/x/", "*.y"},
	}
	want := []string{
		"41 of 120 files change owner; 1 becomes unowned",
		"payments → platform, payments: 40 files (a, b, …)",
		"web → nobody: 1 file (c`@all # x)",
		"files to review: platform +40, web +2 −1",
		"lines to which later ones leave no file: /x/ *.y",
	}
	if got := Effect(e); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if got := EffectInShort(e); got != "41 of 120 files change owner, 1 becomes unowned" {
		t.Error(got)
	}
	if got := EffectInShort(&kind.Effect{Files: 1, Changed: 1}); got != "1 of 1 file changes owner" {
		t.Error(got)
	}
	with, without := Pull{Title: "x", Effect: e}, Pull{Title: "x"}
	if with.Hash() != without.Hash() {
		t.Error("an effect would reword pull requests")
	}
	if text := with.Text(); strings.Contains(text, "\n# x") || !strings.Contains(text, "``web → nobody: 1 file (c`@all # x)``") || !strings.Contains(text, "**Effect:** 41 of 120 files") {
		t.Error(text)
	}
}
