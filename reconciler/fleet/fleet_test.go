package fleet_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

func TestRepoName(t *testing.T) {
	for name, want := range map[fleet.RepoName][2]string{
		"acme/ledger": {"acme", "ledger"},
		"ledger":      {"ledger", ""},
		"":            {"", ""},
	} {
		if got := [2]string{name.Owner(), name.Short()}; got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestRevisionShort(t *testing.T) {
	for revision, want := range map[fleet.Revision]string{"": "uncommitted", "9f3c": "9f3c", "9f3c2d1aa": "9f3c2d1"} {
		if got := revision.Short(); got != want {
			t.Errorf("%q: %q, want %q", revision, got, want)
		}
	}
}

func TestID(t *testing.T) {
	for text, ok := range map[string]bool{"migration/go-1-26": true, "migration": false, "/x": false, "migration/": false, "": false} {
		id, got := fleet.ParseID(text)
		if got != ok || ok && id.String() != text {
			t.Errorf("ParseID(%q) = %v, %v", text, id, got)
		}
	}
	b, err := json.Marshal(map[string]fleet.ID{"id": {Kind: "migration", Name: "x"}})
	if err != nil || string(b) != `{"id":"migration/x"}` {
		t.Errorf("%s, %v", b, err)
	}
	var back map[string]fleet.ID
	if err := json.Unmarshal(b, &back); err != nil || back["id"].Name != "x" {
		t.Errorf("%v, %v", back, err)
	}
	if err := json.Unmarshal([]byte(`{"id":"x"}`), &back); err == nil {
		t.Error("an ID without a kind is read")
	}
}

func TestBranchName(t *testing.T) {
	id := fleet.ID{Kind: "prometheus", Name: "k8s-eu"}
	for lane, want := range map[fleet.Lane]string{"": "portreeve/prometheus/k8s-eu", "prod-1": "portreeve/prometheus/k8s-eu--prod-1"} {
		if got := fleet.BranchName(id, lane); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestShare(t *testing.T) {
	for text, want := range map[string]map[int]int{
		"5%":   {0: 1, 1: 1, 19: 1, 20: 1, 40: 2, 1000: 50},
		"100%": {0: 1, 7: 7},
		"0%":   {100: 0},
		"12":   {0: 12, 100: 12},
		"0":    {100: 0},
	} {
		s, err := fleet.ParseShare(text)
		if err != nil || s.String() != text {
			t.Fatalf("%q: %v, %v", text, s, err)
		}
		for total, of := range want {
			if got := s.Of(total); got != of {
				t.Errorf("%s of %d: %d, want %d", text, total, got, of)
			}
		}
	}
	for _, text := range []string{"", "%", "101%", "-1", "1.5%", "5 %", "five", "99999999999999999999", "5%%"} {
		if s, err := fleet.ParseShare(text); err == nil {
			t.Errorf("%q is read as %v", text, s)
		}
	}
}

func TestExcludes(t *testing.T) {
	for name, c := range map[string]struct {
		settings fleet.Settings
		want     string
	}{
		"all":                   {fleet.Settings{}, ""},
		"included":              {fleet.Settings{Include: []string{"web-*", "led*"}}, ""},
		"not included":          {fleet.Settings{Include: []string{"web-*"}}, "not included (fleet.include)"},
		"excluded":              {fleet.Settings{Exclude: []string{"led*"}}, `excluded by "led*" (fleet.exclude)`},
		"excluded by owner":     {fleet.Settings{Exclude: []string{"acme/*"}}, `excluded by "acme/*" (fleet.exclude)`},
		"excluded wins":         {fleet.Settings{Include: []string{"*"}, Exclude: []string{"ledger"}}, `excluded by "ledger" (fleet.exclude)`},
		"another is excluded":   {fleet.Settings{Exclude: []string{"ledge"}}, ""},
		"a broken glob is none": {fleet.Settings{Exclude: []string{"[led"}}, ""},
	} {
		if got := c.settings.Excludes("acme/ledger"); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestFieldPos(t *testing.T) {
	at := func(line int) fleet.Pos { return fleet.Pos{File: "fleet.cue", Line: line, Column: 1} }
	d := fleet.Declaration{Pos: at(1), Fields: map[string]fleet.Pos{"steps": at(2), "steps[0]": at(3), "steps[0].path": at(4)}}
	for path, want := range map[string]fleet.Pos{
		"steps[0].path": at(4), "steps[0].path.x": at(4), "steps[0].with": at(3), "steps[1]": at(2), "owner": at(1), "": at(1), "a.b[2].c": at(1),
	} {
		if got := d.FieldPos(path); got != want {
			t.Errorf("%q: %v, want %v", path, got, want)
		}
	}
}

func TestFailure(t *testing.T) {
	inner := errors.New("connection reset")
	err := fmt.Errorf("observe: %w", &fleet.Failure{Class: fleet.Moved, Op: "open pull request", On: "acme/ledger", Err: inner})
	if got := err.Error(); got != "observe: acme/ledger: open pull request: connection reset" || !errors.Is(err, inner) {
		t.Errorf("%q", got)
	}
	if fleet.ClassOf(err) != fleet.Moved || fleet.ClassOf(inner) != fleet.Transient || fleet.ClassOf(nil) != fleet.Transient {
		t.Error("the class is lost")
	}
}
