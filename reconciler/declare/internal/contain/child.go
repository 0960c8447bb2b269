package contain

import (
	"bufio"
	"math"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
	"time"
)

// marker is the only argument of a program that is to be a child.
const marker = "portreeve:contained"

// Exit statuses of a child that ended itself.
const (
	exitMemory = 90
	exitTime   = 91
)

// Serve makes this process a child, if it was started as one, and then does
// not return: it answers requests until there are no more. It is for an init
// function of the package that has the work, so that each program that links
// the package can be its own child, tests among them.
func Serve(answer func(request []byte) []byte) {
	if len(os.Args) != 2 || os.Args[1] != marker {
		return
	}
	os.Exit(serve(answer))
}

func serve(answer func(request []byte) []byte) int {
	debug.SetMaxStack(64 << 20)
	offerToKiller()
	var w watch
	go w.run(os.Getppid())
	in, out := bufio.NewReader(os.Stdin), bufio.NewWriter(os.Stdout)
	for {
		message, err := readMessage(in, math.MaxInt64)
		if err != nil {
			return 0 // the parent has no more to ask, or is gone
		}
		limits, request, err := decodeLimits(message)
		if err != nil {
			return 1
		}
		restrict(limits)
		// The collector works harder before the memory is all used.
		debug.SetMemoryLimit(limits.Memory - limits.Memory/4)
		w.begin(limits)
		err = writeMessage(out, answer(request))
		w.end()
		if err != nil || out.Flush() != nil {
			return 1
		}
	}
}

// watch ends this process when a call exceeds its limits, or when the parent
// is gone.
type watch struct {
	until  atomic.Int64 // nanoseconds since 1970; 0 between calls
	memory atomic.Int64
}

func (w *watch) begin(l Limits) {
	w.memory.Store(l.Memory)
	w.until.Store(time.Now().Add(l.Wall).UnixNano())
}

func (w *watch) end() { w.until.Store(0) }

// interval is how often parent and child look.
const interval = 20 * time.Millisecond

func (w *watch) run(parent int) {
	sample := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	for range time.Tick(interval) {
		metrics.Read(sample)
		held := int64(sample[0].Value.Uint64() - sample[1].Value.Uint64())
		until := w.until.Load()
		switch {
		case os.Getppid() != parent:
			os.Exit(0)
		case until == 0:
		case held > w.memory.Load():
			os.Exit(exitMemory)
		case time.Now().UnixNano() > until:
			os.Exit(exitTime)
		}
	}
}
