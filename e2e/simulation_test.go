package e2e

import (
	"flag"
	"os/exec"
	"testing"
)

var simRepos = flag.String("simulation.repos", "2000", "how many repos the simulation has")

// TestSimulation plays a fleet of two thousand repos, with its people, faults
// at 30 % and GitHub's limits: opening all that is to be opened takes hours of
// the fleet's time, and nothing goes beyond a limit. It is the product's own
// test with another size, and runs where the product's modules are.
func TestSimulation(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-timeout=15m", "-v", "-run=^TestFleet$", "./reconciler/simulation", "-repos="+*simRepos)
	cmd.Dir = ".."
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
}
