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
	text := doing
	if of > 0 {
		text = fmt.Sprintf("%s %d/%d", doing, done, of)
	}
	fmt.Fprintf(p.out, "\r\x1b[K%s", text)
	p.shown = true
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
