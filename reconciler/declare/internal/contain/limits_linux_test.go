package contain

import (
	"errors"
	"syscall"
	"testing"
)

// free takes the system's limits off this process, as on a system without.
func free() {
	for _, resource := range []int{syscall.RLIMIT_DATA, syscall.RLIMIT_CPU} {
		var r syscall.Rlimit
		if err := syscall.Getrlimit(resource, &r); err != nil {
			panic(err)
		}
		r.Cur = r.Max
		if err := syscall.Setrlimit(resource, &r); err != nil {
			panic(err)
		}
	}
}

// TestWithoutSystemLimits holds that a child which the system does not limit is
// ended by who watches, with the same reason, and the next call goes well.
func TestWithoutSystemLimits(t *testing.T) {
	var p Process
	defer p.Close()
	for request, what := range map[string]string{"free loop": "time", "free memory": "memory"} {
		t.Run(request, func(t *testing.T) {
			_, err := p.Call(small, []byte(request))
			got := (*Exceeded)(nil)
			if !errors.As(err, &got) || got.What != what || got.Waited {
				t.Errorf("got %v", err)
			}
			if answer, err := p.Call(small, []byte("echo 5")); err != nil || string(answer) != "5" {
				t.Errorf("afterwards: %q, %v", answer, err)
			}
		})
	}
}
