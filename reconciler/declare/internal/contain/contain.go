// Package contain runs work that can neither be trusted to end nor to stay
// small in a child process, which can be killed: this very program, started
// again.
//
// The child gets its work on stdin and gives its answer on stdout. It gets no
// environment, so no token, and no file. What it may use is bounded three
// times over: by the limits of the operating system where there are such, by
// the parent, which watches, and by the child, which watches itself. The
// first to see too much ends it.
package contain

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// Limits bound one call.
type Limits struct {
	Memory int64         // bytes that the child holds
	CPU    time.Duration // processor time
	Wall   time.Duration // time, whatever it is spent on
	Answer int64         // bytes of the answer
}

// Exceeded is the error of a call that was ended for what it used.
type Exceeded struct {
	What string // "memory", "time" or "answer"
	// Waited says that only the clock on the wall ran out: on a machine with
	// less to do the same call may end well.
	Waited bool
}

func (e *Exceeded) Error() string { return "takes too much " + e.What }

// ErrCrashed is the error of a call that ended the child in another way.
var ErrCrashed = errors.New("the process that evaluates ended unexpectedly")

// A message on either pipe is its length, eight bytes, and its bytes. A
// request's limits stand before it.
const headerSize = 8

func writeMessage(w io.Writer, message []byte) error {
	if _, err := w.Write(binary.BigEndian.AppendUint64(nil, uint64(len(message)))); err != nil {
		return err
	}
	_, err := w.Write(message)
	return err
}

// readMessage reads a message of at most limit bytes.
func readMessage(r io.Reader, limit int64) ([]byte, error) {
	var header [headerSize]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint64(header[:])
	if size > uint64(limit) {
		return nil, &Exceeded{What: "answer"}
	}
	message := make([]byte, size)
	_, err := io.ReadFull(r, message)
	return message, err
}

const limitsSize = 4 * 8

func (l Limits) encode() []byte {
	b := binary.BigEndian.AppendUint64(nil, uint64(l.Memory))
	b = binary.BigEndian.AppendUint64(b, uint64(l.CPU))
	b = binary.BigEndian.AppendUint64(b, uint64(l.Wall))
	return binary.BigEndian.AppendUint64(b, uint64(l.Answer))
}

func decodeLimits(b []byte) (Limits, []byte, error) {
	if len(b) < limitsSize {
		return Limits{}, nil, fmt.Errorf("contain: a request of %d bytes", len(b))
	}
	at := func(i int) int64 { return int64(binary.BigEndian.Uint64(b[8*i:])) }
	return Limits{at(0), time.Duration(at(1)), time.Duration(at(2)), at(3)}, b[limitsSize:], nil
}
