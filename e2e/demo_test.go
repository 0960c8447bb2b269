package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/portreeve/portreeve/e2e/binary"
	"github.com/portreeve/portreeve/e2e/browser"
)

// demo is a running "portreeve demo" and the addresses that it printed.
type demo struct {
	*binary.Process
	forge, status, config string
}

var (
	demoSays    = regexp.MustCompile(`(?s)forge\s+(http://\S+).*?status\s+(http://\S+).*?config\s+git clone (http://\S+)`)
	demoSettles = regexp.MustCompile(`Nothing is left to do`)
)

// startDemo starts the demo and waits until its fleet has converged.
func startDemo(t *testing.T) *demo {
	t.Helper()
	p := start(t, "demo")
	said, err := p.Await(demoSays, 30*time.Second)
	must(t, err)
	_, err = p.Await(demoSettles, 90*time.Second)
	must(t, err)
	return &demo{p, said[1], said[2], said[3]}
}

// TestDemoOnce proves the sixty-second start: it converges, says so, ends
// well, and leaves nothing behind.
func TestDemoOnce(t *testing.T) {
	path, err := buildPortreeve()
	must(t, err)
	home := t.TempDir()
	p, err := binary.Start(home, path, "demo", "--once")
	must(t, err)
	t.Cleanup(p.Kill)
	code, err := p.Wait(2 * time.Minute)
	must(t, err)
	if out := p.Output(); code != 0 || !demoSettles.MatchString(out) {
		t.Errorf("exit status %d:\n%s", code, out)
	}
	left, err := os.ReadDir(home) // its TMPDIR, too
	must(t, err)
	for _, entry := range left {
		t.Errorf("left behind: %s", entry.Name())
	}
}

// open opens a browser at an address, and closes it at the test's end.
func open(t *testing.T, url string) *browser.Page {
	t.Helper()
	// Chromium may still write to its profile when its end has been seen, so
	// the folder is not the test's own temporary one.
	dir, err := os.MkdirTemp(programs, "browser-")
	must(t, err)
	p, err := browser.Open(t.Context(), dir)
	must(t, err)
	t.Cleanup(p.Close)
	must(t, p.Go(url))
	return p
}

// fine reports what the browser complains about, and a page that is wider
// than a phone. With E2E_PICTURES set to a folder, it leaves a picture there.
func fine(t *testing.T, p *browser.Page, name string) {
	t.Helper()
	for _, width := range []int64{380, 1280} {
		must(t, p.Width(width))
		if over, err := p.Overflow(); err != nil || over > 0 {
			t.Errorf("%s, %d pixels wide: %d pixels stand out (%v)", name, width, over, err)
		}
		if dir := os.Getenv("E2E_PICTURES"); dir != "" {
			must(t, p.Picture(filepath.Join(dir, strings.ReplaceAll(name, " ", "-")+"-"+map[int64]string{380: "narrow", 1280: "wide"}[width]+".png")))
		}
	}
	for _, fault := range p.Faults() {
		t.Errorf("%s: %s", name, fault)
	}
}

// TestStatusPages reads the daemon's pages as a person would.
func TestStatusPages(t *testing.T) {
	d := startDemo(t)
	p := open(t, d.status)
	must(t, p.Shows("Fleet", "acme/ledger", "migration/checkout-v5", "mode merge"))
	fine(t, p, "status overview")

	must(t, p.Follow("acme/ledger"))
	must(t, p.Shows("acme/ledger", "ownership/ledger", "decides"))
	fine(t, p, "status target")

	must(t, p.Follow("migration/security-policy"))
	must(t, p.Shows("migration/security-policy", "acme/billing"))
	fine(t, p, "status declaration")

	must(t, p.Go(d.status+"target/acme/nothing"))
	must(t, p.Shows("acme/nothing", "No declaration speaks of this target"))
	p.Faults() // the browser calls the page's 404 one
	fine(t, p, "status unknown")
}
