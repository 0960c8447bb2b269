package contain

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// Process is a child that is started when it is needed. The zero value is
// ready; it is of one goroutine.
type Process struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	said *head // the beginning of what the child wrote to stderr
}

// Call has the child answer a request. The error is an *Exceeded, ErrCrashed,
// or says why no child could be started.
func (p *Process) Call(l Limits, request []byte) ([]byte, error) {
	if p.cmd == nil {
		if err := p.start(); err != nil {
			return nil, fmt.Errorf("start %s again, to evaluate in: %w", program(), err)
		}
	}
	before, _ := usage(p.cmd.Process.Pid)
	type result struct {
		answer []byte
		err    error
	}
	done := make(chan result, 1)
	go func() {
		if err := writeMessage(p.in, append(l.encode(), request...)); err != nil {
			done <- result{nil, err}
			return
		}
		answer, err := readMessage(p.out, l.Answer)
		done <- result{answer, err}
	}()
	over := make(chan *Exceeded, 1)
	stop := make(chan struct{})
	go watchOver(p.cmd.Process.Pid, before, l, stop, over)
	select {
	case r := <-done:
		close(stop)
		if r.err == nil {
			p.retire(l)
			return r.answer, nil
		}
		return nil, p.cause(r.err)
	case e := <-over:
		p.kill()
		<-done
		return nil, e
	}
}

// Close ends the child.
func (p *Process) Close() {
	if p.cmd != nil {
		p.in.Close()
		p.kill()
	}
}

func (p *Process) start() error {
	cmd := exec.Command(program(), marker)
	// None of the parent's variables, which may be tokens. Of a crash the first
	// line is enough.
	cmd.Env = []string{"GOTRACEBACK=none", "GOMAXPROCS=2"}
	p.said = &head{}
	cmd.Stderr = p.said
	group(cmd)
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	p.cmd, p.in, p.out = cmd, in, bufio.NewReader(out)
	return nil
}

// program is this program. On Linux that is also the one that runs when
// another was put in its place.
func program() string {
	const self = "/proc/self/exe"
	if _, err := os.Stat(self); err == nil {
		return self
	}
	name, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return name
}

// watchOver looks at what the child uses, where the system tells.
func watchOver(pid int, before time.Duration, l Limits, stop <-chan struct{}, over chan<- *Exceeded) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	wall := time.NewTimer(l.Wall)
	defer wall.Stop()
	for {
		select {
		case <-stop:
			return
		case <-wall.C:
			over <- &Exceeded{What: "time", Waited: true}
			return
		case <-tick.C:
			switch used, held := usage(pid); {
			case held > l.Memory:
				over <- &Exceeded{What: "memory"}
				return
			case used-before > l.CPU:
				over <- &Exceeded{What: "time"}
				return
			}
		}
	}
}

// cause says why a child ended by itself, or gave no answer that can be read.
func (p *Process) cause(err error) error {
	exceeded := (*Exceeded)(nil)
	if errors.As(err, &exceeded) {
		p.kill()
		return exceeded
	}
	state := p.wait()
	switch {
	case state == nil:
	case state.ExitCode() == exitMemory || p.said.tells("out of memory", "cannot allocate memory", "stack overflow"):
		return &Exceeded{What: "memory"}
	case state.ExitCode() == exitTime:
		return &Exceeded{What: "time", Waited: true}
	case p.said.tells("SIGXCPU"):
		return &Exceeded{What: "time"}
	case killed(state): // by the system, which was out of memory
		return &Exceeded{What: "memory"}
	}
	return ErrCrashed
}

// retire ends a child that holds much after a call, so that each call has
// about the same memory.
func (p *Process) retire(l Limits) {
	if _, held := usage(p.cmd.Process.Pid); held > l.Memory/4 {
		p.Close()
	}
}

func (p *Process) kill() {
	end(p.cmd)
	p.wait()
}

func (p *Process) wait() *os.ProcessState {
	_ = p.cmd.Wait() // how it ended is in its state
	state := p.cmd.ProcessState
	p.cmd = nil
	return state
}

// head keeps the first bytes that are written to it.
type head struct{ kept bytes.Buffer }

func (h *head) Write(b []byte) (int, error) {
	const enough = 4 << 10
	h.kept.Write(b[:min(len(b), enough-min(enough, h.kept.Len()))])
	return len(b), nil
}

func (h *head) tells(words ...string) bool {
	for _, w := range words {
		if bytes.Contains(h.kept.Bytes(), []byte(w)) {
			return true
		}
	}
	return false
}
