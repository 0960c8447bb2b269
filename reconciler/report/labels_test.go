package report

import (
	"slices"
	"strings"
	"testing"
)

func TestNewLabels(t *testing.T) {
	labelled := func(labels ...string) string {
		p := migration
		p.Labels = labels
		return p.Text()
	}
	for name, c := range map[string]struct {
		body   string
		labels []string
		want   []string
	}{
		"named before":    {labelled("a", "b"), []string{"a", "b"}, nil},
		"one is new":      {labelled("a"), []string{"a", "b"}, []string{"b"}},
		"named again":     {labelled("b"), []string{"a"}, []string{"a"}},
		"none before":     {labelled(), []string{"a"}, []string{"a"}},
		"an older text":   {"Why\n\n<!-- portreeve text=0123 -->\n", []string{"a"}, []string{"a"}},
		"edited away":     {"Mine now.", []string{"a"}, []string{"a"}},
		"hostile names":   {labelled("-->", "a,b", "\n"), []string{"-->", "a,b", "\n", "b"}, []string{"b"}},
		"quoted in above": {"<!-- portreeve labels=ca978112 -->\n\nx\n<!-- portreeve text=0123 -->\n", []string{"a"}, []string{"a"}},
		"returns":         {strings.ReplaceAll(labelled("a"), "\n", "\r\n"), []string{"a", "b"}, []string{"b"}},
	} {
		if got := NewLabels(c.body, c.labels); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestUnlabelled(t *testing.T) {
	p := Pull{Title: "Greet", Labels: []string{"polite", "new"}}
	bare := p
	bare.Labels = nil
	whole, opened := p.Text(), Unlabelled(p.Text())
	if whole == opened || len(NewLabels(opened, p.Labels)) != 2 || !p.Shown(opened) {
		t.Errorf("opened with %q", opened)
	}
	if Labelled(opened, p.Labels) || !Labelled(whole, p.Labels) || !Labelled("a person's own text", p.Labels) || !Labelled(bare.Text(), nil) {
		t.Error("whether a body tells of its labels")
	}
	if quoted := "<!-- portreeve labels=00112233 -->\n\ntext"; Unlabelled(quoted) != quoted || Unlabelled(bare.Text()) != bare.Text() {
		t.Error("more than the marker is taken out")
	}
}
