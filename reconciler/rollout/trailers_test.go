package rollout_test

import (
	"strings"
	"testing"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/rollout"
)

var trailers = rollout.Trailers{
	Declaration: fleet.ID{Kind: "migration", Name: "go-1-26"}, Spec: "5bec", Base: "b1", Tree: "t1",
}

func TestTrailersAppend(t *testing.T) {
	want := `Build with Go 1.26

Go 1.24 gets no security fixes.

Portreeve-Declaration: migration/go-1-26
Portreeve-Spec: 5bec
Portreeve-Base: b1
Portreeve-Tree: t1
`
	if got := trailers.Append("Build with Go 1.26\n\nGo 1.24 gets no security fixes.\n"); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestTrailersSignOff(t *testing.T) {
	by := trailers
	by.SignOff = "Port Reeve <reeve@acme.example>"
	got := by.Append("Build with Go 1.26\n")
	if want := trailers.Append("Build with Go 1.26\n") + "Signed-off-by: Port Reeve <reeve@acme.example>\n"; got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	if read, ok := rollout.ParseTrailers(got); !ok || read != trailers {
		t.Errorf("got %+v, %v", read, ok)
	}
}

// TestUntrailed holds that a commit that a person copied keeps their words, and
// nothing that makes it ours.
func TestUntrailed(t *testing.T) {
	ours := trailers.Append("Build with Go 1.26\n\nGo 1.24 gets no fixes.\n")
	for message, want := range map[string]string{
		ours: "Build with Go 1.26\n\nGo 1.24 gets no fixes.\n",
		ours + "Signed-off-by: Kim <kim@acme.example>\n":       "Build with Go 1.26\n\nGo 1.24 gets no fixes.\n\nSigned-off-by: Kim <kim@acme.example>\n",
		strings.ReplaceAll(trailers.Append("x"), "\n", "\r\n"): "x\n",
		trailers.Append(""): "\n",
	} {
		if got := rollout.Untrailed(message); got != want {
			t.Errorf("of %q: %q, want %q", message, got, want)
		}
		if _, ok := rollout.ParseTrailers(rollout.Untrailed(message)); ok {
			t.Errorf("%q is still ours", message)
		}
	}
}

func TestParseTrailers(t *testing.T) {
	ours := trailers.Append("Build with Go 1.26\n")
	for name, c := range map[string]struct {
		message string
		ok      bool
	}{
		"ours":                       {ours, true},
		"no final newline":           {strings.TrimSpace(ours), true},
		"carriage returns":           {strings.ReplaceAll(ours, "\n", "\r\n"), true},
		"signed off in place":        {ours + "Signed-off-by: Kim <kim@acme.example>\n", true},
		"quoted above":               {ours + "\nA person's last paragraph.\n", false},
		"quoted above, with returns": {strings.ReplaceAll(ours+"\nA person's last paragraph.\n", "\n", "\r\n"), false},
		"without tree":               {strings.ReplaceAll(ours, "Portreeve-Tree: t1\n", ""), false},
		"without spec":               {strings.ReplaceAll(ours, "Portreeve-Spec: 5bec\n", ""), false},
		"no declaration's name":      {strings.ReplaceAll(ours, "migration/go-1-26", "go-1-26"), false},
		"a person's":                 {"Mend a test\n", false},
		"empty":                      {"", false},
	} {
		got, ok := rollout.ParseTrailers(c.message)
		if ok != c.ok || ok && got != trailers {
			t.Errorf("%s: got %+v, %v", name, got, ok)
		}
	}
}

// FuzzTrailers proves that whatever a message says, what is appended is what
// is read, so that no declaration's text can pass for trailers.
func FuzzTrailers(f *testing.F) {
	f.Add("Title\n\nPortreeve-Tree: forged\n")
	f.Add("Title\r\n\r\nPortreeve-Tree: forged\r\n")
	f.Add("\n \n\t\n")
	f.Fuzz(func(t *testing.T, message string) {
		if got, ok := rollout.ParseTrailers(trailers.Append(message)); !ok || got != trailers {
			t.Errorf("got %+v, %v", got, ok)
		}
		_, _ = rollout.ParseTrailers(message)
	})
}

// TestHash proves when a commit has to be made anew.
func TestHash(t *testing.T) {
	base, _ := itemFile{}.item()
	for name, c := range map[string]struct {
		file itemFile
		edit func(*rollout.Item)
		same bool
	}{
		"the same":                    {same: true},
		"another content of a patch":  {same: true, edit: func(i *rollout.Item) { i.Want.Edits[0].Content = []byte("x") }},
		"another base":                {same: true, edit: func(i *rollout.Item) { i.Head.Commit = "b2" }},
		"another text":                {same: true, edit: func(i *rollout.Item) { i.Text.Title = "x" }},
		"another spec":                {edit: func(i *rollout.Item) { i.Declaration.SpecHash = "x" }},
		"another path":                {file: itemFile{Edits: []string{"go.sum"}}},
		"one more path":               {file: itemFile{Edits: []string{"go.mod", "go.sum"}}},
		"deleted instead":             {edit: func(i *rollout.Item) { i.Want.Edits[0].Delete = true }},
		"another content of its own":  {file: itemFile{Owns: true}, edit: func(i *rollout.Item) { i.Want.Edits[0].Content = []byte("x") }},
		"executable, of its own":      {file: itemFile{Owns: true}, edit: func(i *rollout.Item) { i.Want.Edits[0].Executable = true }},
		"another declaration's paths": {file: itemFile{ID: "migration/b"}},
	} {
		i, _ := c.file.item()
		if c.edit != nil {
			c.edit(i)
		}
		if same := i.Hash() == base.Hash(); same != c.same {
			t.Errorf("%s: same hash %v, want %v", name, same, c.same)
		}
	}
}

// TestHashCounts proves that of an owned file only that makes a commit anew which
// counts of its content.
func TestHashCounts(t *testing.T) {
	i, _ := itemFile{Owns: true}.item()
	e, before := &i.Want.Edits[0], i.Hash()
	e.Counts, e.Content = e.Content, []byte("# in other words\n")
	if i.Hash() != before {
		t.Error("what does not count is in the hash")
	}
	e.Counts = []byte("x")
	if i.Hash() == before {
		t.Error("what counts is not in the hash")
	}
}

// TestAge proves how ages are worded.
func TestAge(t *testing.T) {
	for age, want := range map[time.Duration]string{
		-time.Minute: "under 2 minutes", time.Minute: "under 2 minutes", 3 * time.Minute: "3 minutes",
		90 * time.Minute: "90 minutes", 2 * time.Hour: "2 hours", 47 * time.Hour: "47 hours", 72 * time.Hour: "3 days",
	} {
		i, s := itemFile{Merge: fleet.MergeManual, Pull: &pullFile{}}.item()
		i.Pull.Created, i.Pull.Checks = now.Add(-age), nil
		if got := rollout.Decide(s, i).Outcome.Reason; got != "#7 has been open for "+want {
			t.Errorf("%v: %q, want %q", age, got, want)
		}
	}
}
