package main

import (
	"fmt"
	"os"
	"sync"
	"time"
)

// progress shows on a terminal what is under way, in one line that is
// overwritten, and tells the daemon's pages.
type progress struct {
	mu    sync.Mutex
	out   *os.File // nil is silent
	shown bool
	tell  func(text string) // may be nil; set before the first step
}

func newProgress() *progress {
	info, err := os.Stderr.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 || os.Getenv("TERM") == "dumb" {
		return &progress{}
	}
	return &progress{out: os.Stderr}
}

func (p *progress) step(doing string, done, of int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := inWords(doing, done, of)
	if p.tell != nil {
		p.tell(text)
	}
	if p.out == nil {
		return
	}
	fmt.Fprintf(p.out, "\r\x1b[K%s", safe(text))
	p.shown = true
}

// waits tells what a request waits for.
func (p *progress) waits(reason string, until time.Time) {
	p.step(fmt.Sprintf("waiting until %s: %s", until.UTC().Format("15:04:05 UTC"), reason), 0, 0)
}

func inWords(doing string, done, of int) string {
	if of == 0 {
		return doing
	}
	return fmt.Sprintf("%s %d/%d", doing, done, of)
}

// clear removes the line, before something else is printed.
func (p *progress) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown {
		fmt.Fprint(p.out, "\r\x1b[K")
		p.shown = false
	}
}
