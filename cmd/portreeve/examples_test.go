package main

import (
	"bytes"
	"flag"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/portreeve/portreeve/reconciler/forge/sandbox"
)

var update = flag.Bool("update", false, "write the golden plans of the examples again")

// TestExamples holds each example to its golden plan: what "portreeve plan
// --all" says of it on the demo's fleet before anything has been done.
func TestExamples(t *testing.T) {
	dir := t.TempDir()
	f, err := sandbox.New(sandbox.Options{Dir: filepath.Join(dir, "forge")})
	must(t, err)
	must(t, demoFleet(f))
	must(t, demoHosts(filepath.Join(dir, "hosts")))
	server := httptest.NewServer(f.Handler())
	defer server.Close()
	token := filepath.Join(dir, "token")
	must(t, os.WriteFile(token, []byte(demoToken), 0o600))
	folders, err := filepath.Glob("../../examples/*/fleet.cue")
	if err != nil || len(folders) < 3 {
		t.Fatalf("found %d examples: %v", len(folders), err)
	}
	for _, folder := range folders {
		example := filepath.Dir(folder)
		t.Run(filepath.Base(example), func(t *testing.T) {
			c := &connection{forgeURL: server.URL, tokenFile: token, files: filepath.Join(dir, "hosts"), author: "P <p@noreply.invalid>"}
			e, err := newEngine(c, example, false, false, slog.New(slog.DiscardHandler), &progress{})
			must(t, err)
			defer e.Close()
			e.Observer.Now = func() time.Time { return time.Date(2026, 11, 22, 14, 2, 0, 0, time.UTC) }
			look, err := e.Plan(t.Context())
			must(t, err)
			look.Plan.Observed = time.Date(2026, 11, 22, 14, 2, 0, 0, time.Local)
			var got bytes.Buffer
			printPlan(&got, look.Plan, true)
			golden := filepath.Join(example, "plan.golden")
			if *update {
				must(t, os.WriteFile(golden, got.Bytes(), 0o644))
			}
			want, err := os.ReadFile(golden)
			must(t, err)
			if got.String() != string(want) {
				t.Errorf("the plan is another; see the diff after -update:\n%s", got.String())
			}
		})
	}
}
