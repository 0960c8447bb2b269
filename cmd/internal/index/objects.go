package index

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
)

// maxBlob bounds what of a file is kept, in bytes: more than any reader of
// declarations takes.
const maxBlob = 8 << 20

// objects reads contents through one git process, which starts when the first
// is asked for.
type objects struct {
	ctx     context.Context
	dir     string
	entries int

	mu   sync.Mutex
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	stop context.CancelFunc
}

// read gives a content, of a large one the beginning, and its whole size.
func (o *objects) read(id string) (content []byte, size int64, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.cmd == nil {
		if err := o.start(); err != nil {
			return nil, 0, err
		}
	}
	if _, err := fmt.Fprintln(o.in, id); err != nil {
		return nil, 0, err
	}
	head, err := o.out.ReadString('\n')
	if err != nil {
		return nil, 0, err
	}
	words := strings.Fields(head)
	if len(words) != 3 || words[1] != "blob" {
		return nil, 0, fmt.Errorf("git has no content for it: %s", clean([]byte(strings.TrimSpace(head))))
	}
	if _, err := fmt.Sscan(words[2], &size); err != nil {
		return nil, 0, fmt.Errorf("git says %q", clean([]byte(head)))
	}
	var kept bytes.Buffer
	if _, err := io.CopyN(&kept, o.out, min(size, maxBlob)); err != nil {
		return nil, 0, err
	}
	if _, err := io.CopyN(io.Discard, o.out, size-int64(kept.Len())+1); err != nil { // and a line feed
		return nil, 0, err
	}
	return kept.Bytes(), size, nil
}

func (o *objects) start() error {
	ctx, stop := context.WithCancel(o.ctx)
	cmd := git(ctx, o.dir, "cat-file", "--batch")
	in, err := cmd.StdinPipe()
	if err != nil {
		stop()
		return err
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		stop()
		return started(err)
	}
	o.cmd, o.in, o.out, o.stop = cmd, in, bufio.NewReader(out), stop
	return nil
}

func (o *objects) close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.cmd == nil {
		return nil
	}
	_ = o.in.Close() // ends git, unless it hangs
	o.stop()
	err := o.cmd.Wait()
	o.cmd = nil
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return nil // it was stopped
	}
	return err
}
