package contain

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

func init() { Serve(misbehave) }

// misbehave is the work of this test's children.
func misbehave(request []byte) []byte {
	switch word, rest, _ := strings.Cut(string(request), " "); word {
	case "free":
		free()
		return misbehave([]byte(rest))
	case "loop":
		for n := 0; n >= 0; n = (n + 1) % 1000 {
		}
	case "sleep":
		select {}
	case "memory":
		var all [][]byte
		for range 1 << 20 {
			all = append(all, bytes.Repeat([]byte("x"), 1<<20))
		}
		return all[0]
	case "once":
		return make([]byte, 1<<40)
	case "recurse":
		return recurse(request, 1)
	case "panic":
		panic(rest)
	case "exit":
		os.Exit(3)
	case "answer":
		return make([]byte, 2<<20)
	case "environment":
		return []byte(strings.Join(os.Environ(), "\n"))
	case "fill":
		b := bytes.Repeat([]byte("y"), 120<<20)
		return b[:1]
	default:
		return []byte(rest)
	}
	return nil
}

func recurse(b []byte, depth int) []byte {
	if depth < 0 {
		return b
	}
	return append(recurse(b, depth+1), b...)
}

// small is enough for what behaves.
var small = Limits{Memory: 300 << 20, CPU: time.Second, Wall: 10 * time.Second, Answer: 1 << 20}

// TestCall holds that whatever the child does, the call ends with its reason,
// and the next one goes well.
func TestCall(t *testing.T) {
	hurried := small
	hurried.Wall = 200 * time.Millisecond
	cases := []struct {
		request string
		limits  Limits
		want    error
	}{
		{"echo well", small, nil},
		{"loop", small, &Exceeded{What: "time"}},
		{"sleep", hurried, &Exceeded{What: "time", Waited: true}},
		{"memory", small, &Exceeded{What: "memory"}},
		{"once", small, &Exceeded{What: "memory"}},
		{"recurse", small, &Exceeded{What: "memory"}},
		{"answer", small, &Exceeded{What: "answer"}},
		{"panic well", small, ErrCrashed},
		{"exit", small, ErrCrashed},
	}
	var p Process
	defer p.Close()
	for _, c := range cases {
		t.Run(c.request, func(t *testing.T) {
			_, err := p.Call(c.limits, []byte(c.request))
			got, want := (*Exceeded)(nil), (*Exceeded)(nil)
			switch {
			case errors.As(c.want, &want):
				if !errors.As(err, &got) || *got != *want {
					t.Errorf("got %v, want %v", err, c.want)
				}
			case !errors.Is(err, c.want):
				t.Errorf("got %v, want %v", err, c.want)
			}
			if answer, err := p.Call(small, []byte("echo 5")); err != nil || string(answer) != "5" {
				t.Errorf("afterwards: %q, %v", answer, err)
			}
		})
	}
}

// TestEnvironment holds that the child sees none of the parent's variables.
func TestEnvironment(t *testing.T) {
	t.Setenv("PORTREEVE_TOKEN", "secret")
	var p Process
	defer p.Close()
	answer, err := p.Call(small, []byte("environment"))
	if err != nil || strings.Contains(string(answer), "TOKEN") || strings.Contains(string(answer), "PATH=") {
		t.Errorf("%s %v", answer, err)
	}
}

// TestRetire holds that a child which has become large is not asked again.
func TestRetire(t *testing.T) {
	var p Process
	defer p.Close()
	if _, err := p.Call(small, []byte("fill")); err != nil {
		t.Fatal(err)
	}
	if _, held := usage(os.Getpid()); held == 0 {
		t.Skip("this system does not tell what a process holds")
	}
	if p.cmd != nil {
		t.Error("the child is there still")
	}
}
