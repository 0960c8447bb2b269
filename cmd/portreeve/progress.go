package main

import (
	"fmt"
	"os"
	"sync"
)

// progress shows on a terminal what is under way, in one line that is
// overwritten; elsewhere it is silent.
type progress struct {
	mu    sync.Mutex
	out   *os.File // nil is silent
	shown bool
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
	if p.out == nil {
		return
	}
	fmt.Fprintf(p.out, "\r\x1b[K%s", inWords(doing, done, of))
	p.shown = true
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
