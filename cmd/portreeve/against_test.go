package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/portreeve/portreeve/reconciler"
	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/plan"
	"github.com/portreeve/portreeve/reconciler/rollout"
)

// TestAgainstMoves holds that the plans for a repo are compared only where it
// stood still while the other version looked, that what moved is looked at
// again a bounded number of times, and that what was found stands.
func TestAgainstMoves(t *testing.T) {
	for name, c := range map[string]struct {
		heads     string // of acme/a and acme/b at each look, and after a colon the revision
		that      string // the other version's revision
		want      string
		wantError string
	}{
		"still":             {"11:r 11:r", "r", "acme/a acme/b asked 1", ""},
		"one moved once":    {"11:r 12:r 12:r", "r", "acme/a acme/b asked 2", ""},
		"one keeps moving":  {"11:r 12:r 13:r 14:r", "r", "acme/a moved acme/b asked 3", ""},
		"in turns":          {"11:r 12:r 22:r", "r", "acme/a acme/b asked 2", ""},
		"a newer revision":  {"11:q 11:r 11:r", "r", "acme/a acme/b asked 2", ""},
		"always another":    {"11:r 11:s 11:r 11:s", "r", "", "moved at each of 3 tries"},
		"theirs is another": {"11:r 11:r 11:r 11:r", "q", "", "moved at each of 3 tries"},
	} {
		looks, asked := strings.Fields(c.heads), 0
		a := &against{
			look: func(context.Context) (*reconciler.Look, error) {
				heads, revision, _ := strings.Cut(looks[0], ":")
				looks = looks[1:]
				return lookOf(heads, fleet.Revision(revision), rollout.Done), nil
			},
			ask: func(context.Context, time.Duration) (*plan.Told, error) {
				asked++
				return plan.Tell(lookOf("11", fleet.Revision(c.that), rollout.Review).Plan, "2", false), nil
			},
		}
		found, err := a.compare(t.Context())
		if (err != nil) != (c.wantError != "") || err != nil && !strings.Contains(err.Error(), c.wantError) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil {
			continue
		}
		var got []string
		for i := range found.Differences {
			got = append(got, found.Differences[i].Target.String())
		}
		for _, r := range found.Moved {
			got = append(got, "moved", string(r))
		}
		got = append(got, fmt.Sprint("asked ", asked))
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		if exit := (*exitError)(nil); len(found.Moved) > 0 != (errors.As(found.status(true), &exit) && exit.status == exitOutside) {
			t.Errorf("%s: ends with %v", name, found.status(true))
		}
	}
}

// lookOf is a look at acme/a and acme/b, each at a head of one character.
func lookOf(heads string, revision fleet.Revision, state rollout.State) *reconciler.Look {
	w, p := &plan.World{Repos: map[fleet.RepoName]*plan.Repo{}}, &plan.Plan{Revision: revision}
	for i, name := range []fleet.RepoName{"acme/a", "acme/b"} {
		w.Repos[name] = &plan.Repo{Head: fleet.Head{Commit: fleet.CommitID(heads[i : i+1])}}
		p.Outcomes = append(p.Outcomes, rollout.Outcome{Target: fleet.Target{Repo: name}, State: state})
	}
	return &reconciler.Look{World: w, Plan: p}
}

// TestRivalIsBounded holds that a program which is no other version of this
// one is told as what it does, soon, and that what it says leaks nothing.
func TestRivalIsBounded(t *testing.T) {
	odd, err := exec.LookPath("portreeve-odd")
	must(t, err)
	for how, want := range map[string]string{
		"hangs":   "has not answered within",
		"endless": "answers with more than 1 MB",
		"fails":   "gives no plan: no \ufffd[31m(the token) here",
		"older":   "from before plans could be compared",
		"newer":   "let the newer one compare",
		"page":    "answers with no plan in JSON",
	} {
		within := time.Minute
		if how == "hangs" {
			within = 200 * time.Millisecond
		}
		r := &rival{program: odd, args: []string{how}, secrets: []string{"secret-token"}, most: 1 << 20}
		began := time.Now()
		_, err := r.plan(t.Context(), within)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), odd) {
			t.Errorf("%s: %v, want %q", how, err, want)
		}
		if took := time.Since(began); took > 30*time.Second {
			t.Errorf("%s: told after %s", how, took)
		}
	}
}

// TestRivalGetsLittle holds that the other version gets the flags and what
// leads to the forge, the token only in a file that is gone afterwards, and
// nothing else of the environment.
func TestRivalGetsLittle(t *testing.T) {
	t.Setenv("PORTREEVE_TOKEN", "secret-token")
	t.Setenv("GITHUB_TOKEN", "secret-token-2")
	t.Setenv("SOME_PASSWORD", "secret-password")
	t.Setenv(passphraseEnv, "secret-phrase")
	t.Setenv("PORTREEVE_FORGE_URL", "http://127.0.0.1:1")
	var c connection
	cmd := planCommand()
	must(t, cmd.ParseFlags([]string{"--settle=1s", "--against=portreeve-odd", "--exit-code", "--author=A <a@b>"}))
	cmd.SetContext(t.Context())
	c.forgeURL = os.Getenv("PORTREEVE_FORGE_URL")
	r, err := newRival(cmd, &c, "portreeve-odd", "config", true)
	must(t, err)
	told, err := r.plan(t.Context(), time.Minute)
	must(t, err)
	if strings.Contains(told.Version, "secret") {
		t.Errorf("it got a secret:\n%s", told.Version)
	}
	for _, want := range []string{
		"PORTREEVE_FORGE_URL=http://127.0.0.1:1\n", "\nplan\n", "\n--diff\n", "\n--settle=1s\n", "\n--author=A <a@b>\n",
		"\n--token-file=" + r.dir, "\n--data=" + r.dir, "\n--\nconfig",
	} {
		if !strings.Contains(told.Version, want) {
			t.Errorf("it did not get %q:\n%s", want, told.Version)
		}
	}
	for _, not := range []string{"--against", "--exit-code"} {
		if strings.Contains(told.Version, not) {
			t.Errorf("it got %q", not)
		}
	}
	token, err := os.ReadFile(r.dir + "/token")
	if must(t, err); !bytes.Equal(token, []byte("secret-token")) {
		t.Errorf("the token file holds %q", token)
	}
	r.Close()
	if _, err := os.Stat(r.dir); !os.IsNotExist(err) {
		t.Errorf("its folder is left: %v", err)
	}
}
