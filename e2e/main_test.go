package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/portreeve/portreeve/e2e/binary"
)

// programs is where the product's commands are built, once each.
var programs string

func TestMain(m *testing.M) {
	var err error
	programs, err = os.MkdirTemp("", "portreeve-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(programs)
	os.Exit(code)
}

var buildPortreeve = sync.OnceValues(func() (string, error) { return binary.Build(programs, "portreeve") })

// start runs portreeve, and kills it at the test's end if it still runs.
func start(t *testing.T, args ...string) *binary.Process {
	t.Helper()
	path, err := buildPortreeve()
	must(t, err)
	home := filepath.Join(t.TempDir(), "home")
	must(t, os.Mkdir(home, 0o700))
	p, err := binary.Start(home, path, args...)
	must(t, err)
	t.Cleanup(p.Kill)
	return p
}
