// Package promise holds benchmarks to what was promised of them.
package promise

import (
	"syscall"
	"testing"
	"time"
)

// Within reports the processor's time that each turn of a benchmark's loop takes,
// and fails it where that is more than was promised. Call what it gives after the
// loop.
func Within(b *testing.B, promised time.Duration) (done func()) {
	b.Helper()
	before := cpu(b)
	return func() {
		b.Helper()
		each := (cpu(b) - before) / time.Duration(b.N)
		b.ReportMetric(float64(each.Microseconds())/1000, "cpu-ms/op")
		if each > promised {
			b.Errorf("%v of the processor each, promised are %v", each, promised)
		}
	}
}

func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
