package simulation_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/kind/cluster"
	"github.com/portreeve/portreeve/reconciler/kind/migration"
	"github.com/portreeve/portreeve/reconciler/kind/ownership"
	"github.com/portreeve/portreeve/reconciler/kind/prometheus"
	"github.com/portreeve/portreeve/reconciler/rollout"
	"github.com/portreeve/portreeve/reconciler/simulation"
	"github.com/portreeve/portreeve/reconciler/transform"
	"github.com/portreeve/portreeve/reconciler/transform/delete"
	"github.com/portreeve/portreeve/reconciler/transform/file"
	"github.com/portreeve/portreeve/reconciler/transform/replace"
	"github.com/portreeve/portreeve/reconciler/transform/yaml"
)

var (
	seed  = flag.Uint64("seed", 0, "play this one seed")
	seeds = flag.Uint64("seeds", 5, "play so many seeds")
	repos = flag.Int("repos", 100, "how many repos TestFleet plays")
	logTo = flag.String("log", "", "write the log of what is played to this file")
)

// kinds are those that the simulation's declarations use.
func kinds() kind.Set {
	return kind.Set{ownership.New(nil), cluster.New(), prometheus.New(transform.Set{yaml.New()}), migration.New(transform.Set{replace.New(), file.New(), delete.New(), yaml.New()})}
}

// TestSeeds plays small fleets long, where much happens to each repo, and
// plays the first ones again: one seed gives one log.
func TestSeeds(t *testing.T) {
	if *seed != 0 {
		play(t, simulation.Options{Seed: *seed, Repos: 12, Passes: 120, Weather: true})
		return
	}
	again, asked, behind := 0, 0, 0
	for n := range *seeds {
		t.Run(fmt.Sprint(n+1), func(t *testing.T) {
			o := simulation.Options{Seed: n + 1, Repos: 12, Passes: 120, Weather: true}
			first := play(t, o)
			again, asked, behind = again+first.Again, asked+first.Asked, behind+first.Behind
			if n < 2 {
				if second := play(t, o); !bytes.Equal(first.Log, second.Log) {
					t.Error(difference(first.Log, second.Log))
				}
			}
		})
	}
	if again == 0 && *seeds > 2 {
		t.Error("no commit by people was made again: their loss would not be seen")
	}
	if asked == 0 && *seeds > 2 {
		t.Error("nothing was asked once more")
	}
	if behind == 0 {
		t.Error("no read was behind the writes")
	}
}

// TestALookThatIsLeftOutIsFound makes the look before a step see nothing new,
// as if the step did not look at all: one of ten seeds must come to what it would
// have prevented. (Tried also with asPlanned itself
// leaving an action out: the same seeds find it.)
func TestALookThatIsLeftOutIsFound(t *testing.T) {
	for _, action := range []rollout.Action{rollout.Open, rollout.Update, rollout.Close, rollout.Merge, rollout.Enqueue, rollout.DeleteBranch} {
		t.Run(string(action), func(t *testing.T) {
			t.Parallel()
			for n := range uint64(10) {
				_, err := simulation.Run(t.Context(), simulation.Options{Seed: n + 1, Repos: 12, Passes: 120, Weather: true, Blind: action, Kinds: kinds()})
				if err != nil {
					t.Log(strings.SplitN(err.Error(), "\n", 2)[0])
					return
				}
			}
			t.Error("no seed finds it")
		})
	}
}

// TestFleet plays a large fleet; that of the e2e module has 2,000 repos.
func TestFleet(t *testing.T) {
	o := simulation.Options{Seed: max(*seed, 1), Repos: *repos, Passes: 50}
	if *repos > 500 {
		o.Passes, o.Few = 30, true
	}
	play(t, o)
}

func play(t *testing.T, o simulation.Options) *simulation.Result {
	t.Helper()
	o.Kinds = kinds()
	r, err := simulation.Run(t.Context(), o)
	if testing.Verbose() {
		t.Logf("%d passes and %d until at rest, %v simulated; %d requests, %d faults, %d acts of people, %d of their commits made again, %d asked again, %d reads behind; %d steps, %d failed; %v; at rest %v",
			r.Passes-r.Resting, r.Resting, r.Simulated, r.Requests, r.Faults, r.Acts, r.Again, r.Asked, r.Behind, r.Steps, r.Bad, r.Actions, r.States)
	}
	if *logTo != "" {
		if err := os.WriteFile(*logTo, r.Log, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// difference is the first line in which two logs differ.
func difference(a, b []byte) string {
	x, y := bytes.Split(a, []byte("\n")), bytes.Split(b, []byte("\n"))
	for i := range min(len(x), len(y)) {
		if !bytes.Equal(x[i], y[i]) {
			return fmt.Sprintf("one seed gave two logs: line %d\n%s\n%s", i+1, x[i], y[i])
		}
	}
	return fmt.Sprintf("one seed gave two logs: of %d and %d lines", len(x), len(y))
}
