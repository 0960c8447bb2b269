package contain

import (
	"bytes"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// restrict sets the system's limits on this process. They are wider than what
// the parent watches for, so that what is told is its reason.
func restrict(l Limits) {
	var now syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &now)
	used := time.Duration(now.Utime.Nano() + now.Stime.Nano())
	// Data counts what may be written, and not, as the address space would,
	// what the runtime or a C library only reserves.
	lower(syscall.RLIMIT_DATA, dataAtStart()+uint64(l.Memory)+128<<20)
	lower(syscall.RLIMIT_CPU, uint64((used+l.CPU)/time.Second)+2)
	lower(syscall.RLIMIT_CORE, 0)
}

// dataAtStart is what counts as data before any work: a program that was built
// with the race detector has terabytes of it.
var dataAtStart = sync.OnceValue(func() uint64 {
	b, _ := os.ReadFile("/proc/self/statm")
	if f := bytes.Fields(b); len(f) > 5 {
		pages, _ := strconv.ParseUint(string(f[5]), 10, 64)
		return pages * uint64(os.Getpagesize())
	}
	return 0
})

func lower(resource int, to uint64) {
	var r syscall.Rlimit
	if syscall.Getrlimit(resource, &r) == nil {
		r.Cur = min(to, r.Max)
		_ = syscall.Setrlimit(resource, &r)
	}
}

// offerToKiller has the kernel, where it runs out of memory, end this process
// rather than any other.
func offerToKiller() {
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0)
}

// ticks a second, in which the kernel tells processor time to programs: it is
// 100 on all that Go runs on.
const ticks = 100

// usage is the processor time that a process has used and the bytes that it
// holds in memory; zeros where that can't be told.
func usage(pid int) (cpu time.Duration, held int64) {
	dir := "/proc/" + strconv.Itoa(pid)
	if b, err := os.ReadFile(dir + "/stat"); err == nil {
		// What follows the name, which may hold anything, is numbers.
		f := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
		if len(f) > 12 {
			user, _ := strconv.ParseInt(string(f[11]), 10, 64)
			system, _ := strconv.ParseInt(string(f[12]), 10, 64)
			cpu = time.Duration(user+system) * time.Second / ticks
		}
	}
	if b, err := os.ReadFile(dir + "/statm"); err == nil {
		if f := bytes.Fields(b); len(f) > 1 {
			pages, _ := strconv.ParseInt(string(f[1]), 10, 64)
			held = pages * int64(os.Getpagesize())
		}
	}
	return cpu, held
}
