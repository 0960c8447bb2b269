package files_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/portreeve/portreeve/reconciler/cluster"
	"github.com/portreeve/portreeve/reconciler/cluster/files"
	"github.com/portreeve/portreeve/reconciler/disk"
	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/transform"
)

const (
	yml = fleet.Path("prometheus.yml")
	env = fleet.Path("prometheus.env")
)

var (
	now     = time.Date(2026, time.November, 26, 12, 0, 0, 0, time.UTC)
	k8s     = fleet.ID{Kind: "prometheus", Name: "k8s"}
	errDown = errors.New("connection refused")
)

// host is a folder, and what runs by its files.
type host struct {
	t       *testing.T
	root    string
	runs    string // the prometheus.yml that it has taken up
	reloads int
	down    bool
}

func newHost(t *testing.T) *host {
	h := &host{t: t, root: t.TempDir()}
	if err := os.Mkdir(filepath.Join(h.root, "host-1"), 0o755); err != nil {
		t.Fatal(err)
	}
	h.write(yml, "old")
	h.runs = "old"
	return h
}

func (h *host) path(p fleet.Path) string { return filepath.Join(h.root, "host-1", string(p)) }

func (h *host) write(p fleet.Path, content string) {
	if err := os.WriteFile(h.path(p), []byte(content), 0o640); err != nil {
		h.t.Fatal(err)
	}
}

// is what a file holds; "-" for none.
func (h *host) is(p fleet.Path) string {
	content, err := os.ReadFile(h.path(p))
	if errors.Is(err, os.ErrNotExist) {
		return "-"
	}
	if err != nil {
		h.t.Fatal(err)
	}
	return string(content)
}

// reload takes up prometheus.yml, unless it is bad.
func (h *host) reload(context.Context, string) error {
	h.reloads++
	switch now := h.is(yml); {
	case h.down:
		return errDown
	case strings.Contains(now, "bad"):
		return &fleet.Failure{Class: fleet.Permanent, Op: "reload", On: "Prometheus", Err: errors.New("bad shards")}
	default:
		h.runs = now
		return nil
	}
}

func (h *host) delivery(d disk.Disk) *files.Delivery {
	return &files.Delivery{Root: h.root, Reload: h.reload, Now: func() time.Time { return now }, Disk: d}
}

func at(folder string) cluster.Cluster {
	return cluster.Cluster{
		Name: "host-1", Reads: []fleet.Path{yml, env},
		Is: &fleet.Cluster{Delivery: fleet.Delivery{Files: &fleet.FilesDelivery{Folder: fleet.Path(folder)}}},
	}
}

func (h *host) look() cluster.Answer {
	return h.delivery(disk.Disk{}).Look(context.Background(), []cluster.Cluster{at("host-1")})["host-1"]
}

// change wants files to be so, as they are seen now.
func (h *host) change(wants string, want map[fleet.Path]string) cluster.Change {
	c := cluster.Change{Declaration: k8s, Wants: wants, Reload: "http://prometheus", Restarts: []fleet.Path{env}, Was: h.look().Files}
	for p, content := range want {
		if content != h.is(p) {
			c.Edits = append(c.Edits, transform.Edit{Path: p, Content: []byte(content)})
		}
	}
	transform.Sort(c.Edits)
	return c
}

func (h *host) apply(d disk.Disk, c cluster.Change) error {
	return h.delivery(d).Apply(context.Background(), at("host-1"), c)
}

func (h *host) expect(yaml, environment, runs string) {
	h.t.Helper()
	if h.is(yml) != yaml || h.is(env) != environment || h.runs != runs {
		h.t.Errorf("there are %q and %q, and it runs with %q; want %q, %q and %q", h.is(yml), h.is(env), h.runs, yaml, environment, runs)
	}
}

var wanted = map[fleet.Path]string{yml: "new", env: "GOGC=off\n"}

func TestApply(t *testing.T) {
	h := newHost(t)
	if err := h.apply(disk.Disk{}, h.change("w1", wanted)); err != nil {
		t.Fatal(err)
	}
	h.expect("new", "GOGC=off\n", "new")
	info, err := os.Stat(h.path(yml))
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("the file's mode is %v (%v), and it was 0640", info.Mode(), err)
	}
	s := h.look().Standing[k8s]
	if s == nil || s.Wants != "w1" || !s.At.Equal(now) || !s.Restart || s.Begun || s.Touched || s.Refused != "" {
		t.Errorf("standing is %+v", s)
	}
	// What has to be restarted still has to, when only the file that is reloaded changes.
	if err := h.apply(disk.Disk{}, h.change("w2", map[fleet.Path]string{yml: "newer"})); err != nil {
		t.Fatal(err)
	}
	h.expect("newer", "GOGC=off\n", "newer")
	if s = h.look().Standing[k8s]; !s.Restart || s.Wants != "w2" {
		t.Errorf("standing is %+v", s)
	}
	h.write(env, "GOGC=1\n")
	if !h.look().Standing[k8s].Touched {
		t.Error("what somebody changed, of the change before last, is not seen")
	}
	if err := h.delivery(disk.Disk{}).LetGo(context.Background(), at("host-1"), k8s); err != nil {
		t.Fatal(err)
	}
	h.expect("newer", "GOGC=1\n", "newer")
	if entries, _ := os.ReadDir(filepath.Join(h.root, "host-1")); len(entries) != 2 {
		t.Errorf("there is left %v", entries)
	}
}

// TestWrittenDown: what others have made as declared is the declaration's, and what
// they change then is seen to have been touched.
func TestWrittenDown(t *testing.T) {
	h := newHost(t)
	if err := h.apply(disk.Disk{}, h.change("w0", map[fleet.Path]string{yml: "first"})); err != nil {
		t.Fatal(err)
	}
	h.write(yml, "second")
	if err := h.apply(disk.Disk{}, h.change("w1", nil)); err != nil {
		t.Fatal(err)
	}
	h.expect("second", "-", "first") // nothing was written, and nothing reloaded
	if s := h.look().Standing[k8s]; s == nil || s.Wants != "w1" || s.Begun || s.Touched {
		t.Errorf("standing is %+v", s)
	}
	h.write(yml, "third")
	if s := h.look().Standing[k8s]; !s.Touched {
		t.Errorf("standing is %+v", s)
	}
}

// TestPutBack: it is written down how often others have changed it, until something
// else is declared.
func TestPutBack(t *testing.T) {
	h := newHost(t)
	wrote := func(wants, content string, ours bool) {
		t.Helper()
		c := h.change(wants, map[fleet.Path]string{yml: content})
		if c.Ours = ours; h.apply(disk.Disk{}, c) != nil {
			t.Fatal("it is not written")
		}
	}
	wrote("w1", "new", false)
	for n := range 12 {
		if got := len(h.look().Standing[k8s].PutBack); got != min(n, 10) {
			t.Fatalf("after %d times it says %d", n, got)
		}
		h.write(yml, "theirs")
		wrote("w1", "new", true)
	}
	wrote("w2", "newer", false)
	if s := h.look().Standing[k8s]; s.PutBack != nil {
		t.Errorf("of something else it says %v", s.PutBack)
	}
}

func TestRefused(t *testing.T) {
	h := newHost(t)
	err := h.apply(disk.Disk{}, h.change("w1", map[fleet.Path]string{yml: "bad", env: "GOGC=off\n"}))
	if fleet.ClassOf(err) != fleet.Permanent || !strings.Contains(err.Error(), "bad shards") {
		t.Errorf("error %v", err)
	}
	h.expect("old", "-", "old")
	s := h.look().Standing[k8s]
	if s == nil || !strings.Contains(s.Refused, "bad shards") || s.Wants != "w1" || s.Touched || s.Begun {
		t.Errorf("standing is %+v", s)
	}
	h.write(yml, "other")
	if !h.look().Standing[k8s].Touched {
		t.Error("somebody changed what it was refused for, and that is not seen")
	}
}

func TestDown(t *testing.T) {
	h := newHost(t)
	if err := h.apply(disk.Disk{}, h.change("w0", map[fleet.Path]string{yml: "first"})); err != nil {
		t.Fatal(err)
	}
	h.down = true
	if err := h.apply(disk.Disk{}, h.change("w1", wanted)); !errors.Is(err, errDown) || fleet.ClassOf(err) == fleet.Permanent {
		t.Errorf("error %v", err)
	}
	h.expect("first", "-", "first")
	if s := h.look().Standing[k8s]; s == nil || s.Wants != "w0" {
		t.Errorf("standing is %+v", s)
	}
}

func TestMoved(t *testing.T) {
	for _, meanwhile := range []string{"other", ""} {
		h := newHost(t)
		c := h.change("w1", wanted)
		h.write(yml, meanwhile)
		if err := h.apply(disk.Disk{}, c); fleet.ClassOf(err) != fleet.Moved {
			t.Errorf("error %v", err)
		}
		h.expect(meanwhile, "-", "old")
	}
}

// TestKilled ends the program at each change of the disk, before it, in the middle
// of it and after it, and at the reload. The next steps bring it to its end; at no
// time is a file half there.
func TestKilled(t *testing.T) {
	for _, content := range []string{"new", "bad"} {
		for _, when := range []string{"before", "torn", "after"} {
			for n := 0; ; n++ {
				h := newHost(t)
				if err := h.apply(disk.Disk{}, h.change("w0", map[fleet.Path]string{yml: "first"})); err != nil {
					t.Fatal(err)
				}
				want := map[fleet.Path]string{yml: content, env: "GOGC=off\n"}
				if ended := !h.kill(h.change("w1", want), when, n); ended {
					if n < 8 {
						t.Fatalf("there are %d changes to be killed at", n)
					}
					break
				}
				what := fmt.Sprintf("killed %s change %d, writing %q", when, n, content)
				h.whole(what, content)
				h.goOn(what, want)
			}
		}
	}
}

// kill applies a change and ends it at the nth change of the disk; false if there
// are no more.
func (h *host) kill(c cluster.Change, when string, n int) bool {
	killed, count := false, 0
	gone := errors.New("killed")
	d := disk.Disk{Guard: func(change disk.Change) error {
		if killed {
			return gone
		}
		if count++; count-1 != n {
			return change.Make(change.Content)
		}
		killed = true
		switch {
		case when == "torn" && change.Content != nil:
			_ = change.Make(change.Content[:len(change.Content)/2])
		case when == "after":
			_ = change.Make(change.Content)
		}
		return gone
	}}
	_ = h.apply(d, c)
	return killed
}

// whole expects that no file is half there.
func (h *host) whole(what, content string) {
	h.t.Helper()
	if is := h.is(yml); is != "first" && is != content {
		h.t.Errorf("%s: prometheus.yml is %q", what, is)
	}
	if is := h.is(env); is != "-" && is != "GOGC=off\n" {
		h.t.Errorf("%s: prometheus.env is %q", what, is)
	}
}

// goOn does as planning does, until there is nothing to do.
func (h *host) goOn(what string, want map[fleet.Path]string) {
	h.t.Helper()
	for range 4 {
		seen := h.look()
		if seen.Err != nil {
			h.t.Fatalf("%s: %v", what, seen.Err)
		}
		s, c := seen.Standing[k8s], h.change("w1", want)
		refused := s != nil && s.Wants == "w1" && s.Refused != "" && !s.Touched
		if (s == nil || !s.Begun) && (len(c.Edits) == 0 || refused) {
			if want[yml] == "bad" {
				h.expect("first", "-", "first")
			} else {
				h.expect("new", "GOGC=off\n", "new")
			}
			return
		}
		_ = h.apply(disk.Disk{}, c)
		h.whole(what, want[yml])
	}
	h.t.Errorf("%s: it does not come to an end; %+v", what, h.look().Standing[k8s])
}

// TestHostile keeps to the folder, whatever lies there.
func TestHostile(t *testing.T) {
	h := newHost(t)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	link := func(to, from string) {
		t.Helper()
		_ = os.Remove(from)
		if err := os.Symlink(to, from); err != nil {
			t.Fatal(err)
		}
	}
	look := func(folder, want string) {
		t.Helper()
		answer := h.delivery(disk.Disk{}).Look(context.Background(), []cluster.Cluster{at(folder)})["host-1"]
		if answer.Err == nil || !strings.Contains(answer.Err.Error(), want) {
			t.Errorf("%s: error %v, want %q", folder, answer.Err, want)
		}
		if answer.Err != nil && strings.Contains(answer.Err.Error(), h.root) {
			t.Errorf("%s: the error tells of the daemon's folder: %v", folder, answer.Err)
		}
	}
	link(secret, h.path(env))
	look("host-1", "prometheus.env is no regular file")
	link(filepath.Dir(secret), filepath.Join(h.root, "host-2"))
	look("host-2", "host-2")
	look("gone", "no such file")
	_ = os.Remove(h.path(env))
	for _, record := range []string{"{", "[]", `{"prometheus/k8s": null}`, `{"x": {}}`} {
		h.write(".portreeve.json", record)
		look("host-1", "not as it was written")
	}
	h.write(".portreeve.json", `{"prometheus/k8s": {"after": {"../x": "y"}}}`)
	look("host-1", "../x")
	h.write(".portreeve.json", "{}")
	link(secret, h.path(".prometheus.yml.portreeve"))
	if err := h.apply(disk.Disk{}, h.change("w1", wanted)); err != nil {
		t.Fatal(err)
	}
	h.expect("new", "GOGC=off\n", "new")
	if content, _ := os.ReadFile(secret); string(content) != "x" {
		t.Error("what a link led to was written")
	}
}
