// Package binary builds the product's commands and runs them as a person or
// an init system would: as processes, which can be killed.
package binary

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Build builds a command of the module that stands above into dir, and gives
// the program's path.
func Build(dir, command string) (string, error) {
	return build("..", filepath.Join(dir, command), command)
}

// Edit replaces a text in a source file of the product, whose path is relative
// to its module.
type Edit struct{ File, Old, New string }

// BuildEdited builds a command as Build does, under another name and with
// edits that are made for this build alone. An edit that finds nothing to
// replace is an error.
func BuildEdited(dir, command, name string, edits ...Edit) (string, error) {
	root, err := filepath.Abs("..")
	if err != nil {
		return "", err
	}
	sources := map[string]string{}
	for _, e := range edits {
		path := filepath.Join(root, e.File)
		if sources[path] == "" {
			b, err := os.ReadFile(path)
			if err != nil {
				return "", err
			}
			sources[path] = string(b)
		}
		if !strings.Contains(sources[path], e.Old) {
			return "", fmt.Errorf("%s does not say %q", e.File, e.Old)
		}
		sources[path] = strings.ReplaceAll(sources[path], e.Old, e.New)
	}
	var overlay struct{ Replace map[string]string }
	overlay.Replace = map[string]string{}
	for path, text := range sources {
		instead := filepath.Join(dir, fmt.Sprintf("%s-%d.go", name, len(overlay.Replace)))
		if err := os.WriteFile(instead, []byte(text), 0o600); err != nil {
			return "", err
		}
		overlay.Replace[path] = instead
	}
	b, err := json.Marshal(overlay)
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, name+".json")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		return "", err
	}
	return build("..", filepath.Join(dir, name), command, "-overlay="+file)
}

// BuildAt builds a command as it was at a commit of the product's repo.
func BuildAt(dir, command, name, commit string) (string, error) {
	tree := filepath.Join(dir, name+"-source")
	if err := os.Mkdir(tree, 0o700); err != nil {
		return "", err
	}
	archive := filepath.Join(dir, name+".tar")
	for _, cmd := range []*exec.Cmd{
		exec.Command("git", "-C", "..", "archive", "--output="+archive, commit),
		exec.Command("tar", "-xf", archive, "-C", tree),
	} {
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("%s: %w\n%s", cmd, err, out)
		}
	}
	return build(tree, filepath.Join(dir, name), command)
}

func build(module, path, command string, flags ...string) (string, error) {
	cmd := exec.Command("go", append(append([]string{"build"}, flags...), "-o", path, "./cmd/"+command)...)
	cmd.Dir = module
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", command, err, out)
	}
	return path, nil
}

// Process is a running program.
type Process struct {
	cmd    *exec.Cmd
	exited chan struct{}

	mu     sync.Mutex
	output bytes.Buffer
	more   chan struct{} // closed at the next output
}

// Start runs a program with nothing of this process's environment that could
// change what it does: no token, no proxy, a home of its own.
func Start(home, path string, args ...string) (*Process, error) {
	p := &Process{cmd: exec.Command(path, args...), exited: make(chan struct{}), more: make(chan struct{})}
	p.cmd.Env = []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "TMPDIR=" + home, "NO_PROXY=*"}
	p.cmd.Stdout, p.cmd.Stderr = p, p
	// Its children are killed with it.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = p.cmd.Wait() // the status is in ProcessState
		close(p.exited)
	}()
	return p, nil
}

// Write takes the program's output.
func (p *Process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.output.Write(b)
	close(p.more)
	p.more = make(chan struct{})
	return len(b), nil
}

// Output is what the program has written so far, to both of its outputs.
func (p *Process) Output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.String()
}

// Await waits until the output matches, and gives the groups of the match.
func (p *Process) Await(re *regexp.Regexp, within time.Duration) ([]string, error) {
	late := time.After(within)
	for {
		p.mu.Lock()
		found, more := re.FindStringSubmatch(p.output.String()), p.more
		p.mu.Unlock()
		if found != nil {
			return found, nil
		}
		select {
		case <-more:
		case <-p.exited:
			return nil, fmt.Errorf("ended with %s before it wrote %q:\n%s", p.cmd.ProcessState, re, p.Output())
		case <-late:
			return nil, fmt.Errorf("did not write %q within %s:\n%s", re, within, p.Output())
		}
	}
}

// Kill ends the program and its children at once, as a power cut would; they
// are gone when it returns.
func (p *Process) Kill() {
	if !p.Running() {
		return // its number may be another's by now
	}
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // it may end just now
	<-p.exited
}

// Stop asks the program to end, and gives its exit status.
func (p *Process) Stop(within time.Duration) (int, error) {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may be gone already
	return p.Wait(within)
}

// Wait waits for the program to end by itself, and gives its exit status.
func (p *Process) Wait(within time.Duration) (int, error) {
	select {
	case <-p.exited:
		return p.cmd.ProcessState.ExitCode(), nil
	case <-time.After(within):
		p.Kill()
		return -1, fmt.Errorf("did not end within %s:\n%s", within, p.Output())
	}
}

// Running reports whether the program has not ended yet.
func (p *Process) Running() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}
