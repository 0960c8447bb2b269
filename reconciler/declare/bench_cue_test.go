//go:build unix

package declare_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// BenchmarkValidate runs portreeve-validate on config repos of some size:
// cold, side by side with "cue vet -c ./...", and warm, with one file changed.
// It tells processor time and peak memory of the processes as the system
// counts them, and for cold runs how much that is of what cue takes.
func BenchmarkValidate(b *testing.B) {
	bin := b.TempDir()
	validate := filepath.Join(bin, "portreeve-validate")
	if out, err := exec.Command("go", "build", "-trimpath", "-o", validate, "../../cmd/portreeve-validate").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	cue, why := buildCUE(bin)
	for _, n := range []int{1000, 10_000, 50_000} {
		dir := b.TempDir()
		for name, f := range fleetOf(n) {
			write(b, dir, name, string(f.Data))
		}
		for name, text := range base() {
			write(b, dir, name, text)
		}
		written := time.Now()
		cache := b.TempDir()
		run := func(program string, args ...string) use {
			b.Helper()
			cmd := exec.Command(program, args...)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+cache, "CUE_REGISTRY=none")
			if out, err := cmd.CombinedOutput(); err != nil {
				b.Fatalf("%s: %v\n%s", program, err, out[:min(len(out), 500)])
			}
			usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
			return use{cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), int64(usage.Maxrss)}
		}
		b.Run(fmt.Sprint(n, "/cold"), func(b *testing.B) {
			var ours, theirs use
			for b.Loop() {
				if err := os.RemoveAll(filepath.Join(cache, "portreeve")); err != nil {
					b.Fatal(err)
				}
				ours.add(run(validate))
				if why == nil {
					theirs.add(run(cue, "vet", "-c", "./..."))
				}
			}
			ours.report(b, "")
			if why != nil {
				b.Skipf("cue could not be built, so that there is nothing to compare with: %v", why)
			}
			theirs.report(b, "cue-")
			b.ReportMetric(float64(ours.cpu)/float64(theirs.cpu), "cpu/cue")
			b.ReportMetric(float64(ours.rss)/float64(theirs.rss), "memory/cue")
		})
		b.Run(fmt.Sprint(n, "/warm"), func(b *testing.B) {
			// As long as files are new, the index does not trust their times.
			time.Sleep(time.Until(written.Add(3 * time.Second)))
			run(validate)
			var ours use
			for i := 0; b.Loop(); i++ {
				write(b, dir, "teams/changed.cue", fmt.Sprintf("package fleet\n\nownership: \"changed-%d\": {repo: \"acme/changed\", owner: \"payments\"}\n", i))
				ours.add(run(validate))
			}
			ours.report(b, "")
		})
	}
}

// use is what processes used: processor time, and memory in KiB at most.
type use struct {
	cpu time.Duration
	rss int64
}

func (u *use) add(more use) { u.cpu, u.rss = u.cpu+more.cpu, max(u.rss, more.rss) }

func (u *use) report(b *testing.B, whose string) {
	b.ReportMetric(float64(u.cpu.Milliseconds())/float64(b.N), whose+"cpu-ms")
	b.ReportMetric(float64(u.rss)/1024, whose+"MiB")
}

// buildCUE builds the cue command of the version that this module links.
func buildCUE(bin string) (string, error) {
	version, err := exec.Command("go", "list", "-m", "-f", "{{.Version}}", "cuelang.org/go").Output()
	if err != nil {
		return "", err
	}
	cmd := exec.Command("go", "install", "cuelang.org/go/cmd/cue@"+strings.TrimSpace(string(version)))
	cmd.Env = append(os.Environ(), "GOBIN="+bin)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return filepath.Join(bin, "cue"), nil
}
