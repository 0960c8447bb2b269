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

// TestDemoStory does what the README suggests to a new user: close one pull
// request, merge another, break a declaration and mend it, and see each time
// what the daemon makes of it.
func TestDemoStory(t *testing.T) {
	const policy = "Say how to report a vulnerability"
	d := startDemo(t)
	p := open(t, d.forge)
	must(t, p.Shows("Repos", "acme/billing", "acme/config", policy))
	fine(t, p, "forge overview")
	must(t, p.Follow("acme/billing"))
	must(t, p.Shows(policy, "go.mod", "Recent commits"))
	fine(t, p, "forge repo")
	must(t, p.Follow(policy))
	must(t, p.Shows("Researchers ask where to write to", "SECURITY.md", "1 changed file"))
	fine(t, p, "forge pull request")
	must(t, p.Fill("body", "We have our own policy, thank you."))
	must(t, p.Follow("Close"))
	must(t, p.Shows("closed", "We have our own policy, thank you."))
	fine(t, p, "forge closed")
	must(t, p.Go(d.status+"target/acme/billing"))
	must(t, p.Shows("migration/security-policy", "declined"))
	fine(t, p, "status declined")

	must(t, p.Go(d.forge+"acme/legacy-cron"))
	must(t, p.Follow(policy))
	must(t, p.Follow("Merge"))
	must(t, p.Shows("merged"))
	must(t, p.Go(d.status+"?target=legacy-cron&declaration=security"))
	must(t, p.Shows("migration/security-policy", "done"))
	must(t, p.Go(d.forge+"acme/legacy-cron"))
	must(t, p.Shows("SECURITY.md", "Branches\nmain\nA sandbox")) // ours is gone

	g := &git{t: t, home: t.TempDir(), dir: t.TempDir(), version: "2"}
	g.run("clone", d.config, "config")
	config := g.in("config")
	good, err := os.ReadFile(filepath.Join(config.dir, "migrations.cue"))
	must(t, err)
	config.write("migrations.cue", strings.Replace(string(good), `owner: "platform"`, `owner: "platfrom"`, 1))
	config.run("commit", "-am", "Make a typo")
	config.run("push")
	must(t, p.Go(d.status))
	must(t, p.Shows("Problems in the config repo", "migrations.cue:", "platfrom", "frozen"))
	fine(t, p, "status problem")
	must(t, p.Go(d.forge+"acme/config"))
	must(t, p.Shows("portreeve")) // the commit's status
	config.write("migrations.cue", string(good))
	config.run("commit", "-am", "Mend it")
	config.run("push")
	must(t, p.Go(d.status))
	must(t, p.Lacks("Problems in the config repo"))

	code, err := d.Stop(20 * time.Second)
	if must(t, err); code != 0 {
		t.Errorf("the demo ends with %d:\n%s", code, d.Output())
	}
}
