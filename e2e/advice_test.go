package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/portreeve/portreeve/reconciler/advice"
)

// queue is the history of a remote-write queue: how it was all the time.
type queue struct {
	name                string
	days                int
	busy, rate, retried float64 // in each second
	shards, most        float64
	flaps               bool // another number of shards every hour
}

// TestAdvice: out of a recorded history of known demand a real Prometheus gives
// the advice that follows from it, and where the history says too little, none.
func TestAdvice(t *testing.T) {
	dir, err := prometheusPrograms()
	must(t, err)
	h := newHost(t, filepath.Join(dir, "prometheus"), "https://127.0.0.1:1")
	record(t, h.dir, filepath.Join(dir, "promtool"), []queue{
		{name: "central", days: 7, busy: 3.2, rate: 20_000, shards: 4, most: 50},
		{name: "flaps", days: 7, busy: 6.5, rate: 20_000, shards: 7, most: 50, flaps: true},
		{name: "new", days: 2, busy: 1, rate: 1000, shards: 1, most: 50},
		{name: "retries", days: 7, busy: 1, rate: 1000, retried: 20, shards: 1, most: 50},
		{name: "saturated", days: 7, busy: 3.9, rate: 20_000, shards: 4, most: 4},
	})
	must(t, os.WriteFile(filepath.Join(h.dir, "prometheus.yml"), []byte("global: {}\n"), 0o600))
	must(t, os.WriteFile(filepath.Join(h.dir, "prometheus.env"), []byte("ARGS=\"--storage.tsdb.retention.time=30d\"\n"), 0o600))
	h.start()
	h.more = fmt.Sprintf(`api: "http://127.0.0.1:%d"`, h.port)
	h.declare(`minShards: 4, maxShards: 4`)
	path, err := buildPortreeve()
	must(t, err)
	cmd := exec.Command(path, append([]string{"prometheus", "advise", "host", "--output=json", "--config=" + h.config}, h.flags...)...)
	cmd.Env = []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH"), "NO_PROXY=*"}
	var problems strings.Builder
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("advise: %v\n%s", err, problems.String())
	}
	var advised []struct {
		Queues []struct {
			Name, Refused        string
			MinShards, MaxShards int
			Evidence             []string
		}
		Process advice.Process
	}
	must(t, json.Unmarshal(out, &advised))
	if len(advised) != 1 || len(advised[0].Queues) != 5 {
		t.Fatalf("advice: %s", out)
	}
	// 900 MiB of heap live, and 1 GiB declared of which Go may use 80% with gogc off: 70%
	// of that is sound, so it takes 1.57 of such shards, or 1.57 GiB.
	if p := advised[0].Process; p.Refused != "" || p.MemoryLimit != "80%" || p.Shards != 2 || p.Memory != 7<<28 || p.Confidence != advice.High {
		t.Errorf("of the process: %+v", p)
	}
	for _, q := range advised[0].Queues {
		switch want := map[string]string{"new": "fewer than 3", "retries": "sent again", "saturated": "raise maxShards"}[q.Name]; {
		case want != "":
			if !strings.Contains(q.Refused, want) {
				t.Errorf("%s: refused %q, expected %q", q.Name, q.Refused, want)
			}
		default:
			// Exactly: the busy shards, and half as many more for an outage of half an
			// hour that is caught up in one; at least 1.3 of them, or fixed.
			exact := map[string][2]int{"central": {5, 5}, "flaps": {10, 10}}[q.Name]
			if off(q.MinShards, exact[0]) > 1 || off(q.MaxShards, exact[1]) > 1 || q.Refused != "" {
				t.Errorf("%s: %d to %d %s, expected %v: %q", q.Name, q.MinShards, q.MaxShards, q.Refused, exact, q.Evidence)
			}
		}
	}
}

// TestAdviceWritten: advice is written into the declaration, comments kept: into its
// settings where it runs on one cluster, else into an override for the cluster.
func TestAdviceWritten(t *testing.T) {
	dir, err := prometheusPrograms()
	must(t, err)
	h := newHost(t, filepath.Join(dir, "prometheus"), "https://127.0.0.1:1")
	record(t, h.dir, filepath.Join(dir, "promtool"), []queue{{name: "central", days: 7, busy: 3.2, rate: 20_000, shards: 4, most: 50}})
	must(t, os.WriteFile(filepath.Join(h.dir, "prometheus.yml"), []byte("global: {}\n"), 0o600))
	must(t, os.WriteFile(filepath.Join(h.dir, "prometheus.env"), []byte("ARGS=\"--storage.tsdb.retention.time=30d\"\n"), 0o600))
	h.start()
	const declared = `package fleet

fleet: {repos: ["acme/hosts"], mode: "propose"}
teams: platform: github: "acme/platform"
clusters: {
	"vm-1": {owner: "platform", delivery: pullRequest: {repo: "acme/hosts", folder: "vm-1"}}
	"vm-2": {owner: "platform", delivery: pullRequest: {repo: "acme/hosts", folder: "vm-2"}}
}
prometheus: host: {
	owner: "platform"
	why:   "It is tried."
	clusters: names: [%s]
	api: %q
	settings: {
		version: "3.5.0"
		// Eight were enough in May.
		remoteWrite: central: {
			url:       "https://central.example/push"
			minShards: 8 // fixed
			maxShards: 8
		}
	}
}
`
	for clusters, want := range map[string][2]string{
		`"vm-1"`:         {"minShards: 8 // fixed\n\t\t\tmaxShards: 8\n", "minShards: 5 // fixed\n\t\t\tmaxShards: 5\n"},
		`"vm-1", "vm-2"`: {"\t}\n}\n", "\t}\n\toverrides: [{\n\t\tclusters: names: [\"vm-1\"]\n\t\tsettings: remoteWrite: central: {\n\t\t\tmaxShards: 5\n\t\t\tminShards: 5\n\t\t}\n\t}]\n}\n"},
	} {
		config := t.TempDir()
		file := filepath.Join(config, "fleet.cue")
		text := fmt.Sprintf(declared, clusters, h.url)
		must(t, os.WriteFile(file, []byte(text), 0o600))
		path, err := buildPortreeve()
		must(t, err)
		for range 2 { // the second time there is nothing to write
			cmd := exec.Command(path, append([]string{"prometheus", "advise", "host", "--cluster=vm-1", "--write", "--config=" + config}, h.flags...)...)
			cmd.Env = []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH"), "NO_PROXY=*"}
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("advise: %v\n%s", err, out)
			}
		}
		got, err := os.ReadFile(file)
		must(t, err)
		i := strings.LastIndex(text, want[0])
		if expected := text[:i] + want[1] + text[i+len(want[0]):]; string(got) != expected {
			t.Errorf("%s:\n%s\nexpected\n%s", clusters, got, expected)
		}
	}
}

func off(a, b int) int { return max(a-b, b-a) }

// record makes the data of a Prometheus out of histories that end now.
func record(t *testing.T, dir, promtool string, queues []queue) {
	blocks(t, dir, promtool, func(w io.Writer) { recordQueues(w, queues) })
}

// blocks makes the data of a Prometheus out of what is written, as OpenMetrics.
func blocks(t *testing.T, dir, promtool string, write func(io.Writer)) {
	file, err := os.Create(filepath.Join(dir, "history"))
	must(t, err)
	w := bufio.NewWriter(file)
	write(w)
	fmt.Fprintln(w, "# EOF")
	must(t, w.Flush())
	must(t, file.Close())
	if out, err := exec.Command(promtool, "tsdb", "create-blocks-from", "openmetrics", file.Name(), filepath.Join(dir, "data")).CombinedOutput(); err != nil {
		t.Fatalf("promtool: %v\n%s", err, out)
	}
}

func recordQueues(w io.Writer, queues []queue) {
	end := time.Now().Unix()
	const step = 60
	const p = "prometheus_remote_storage_"
	series := func(name, labels string, value func(q queue, second float64) float64) {
		for _, q := range queues {
			from := end - int64(q.days)*24*3600
			for at := from; at <= end; at += step {
				fmt.Fprintf(w, "%s%s{remote_name=%q%s} %g %d\n", p, name, q.name, labels, value(q, float64(at-from)), at)
			}
		}
	}
	series("shards", "", func(q queue, second float64) float64 {
		if q.flaps && int(second)/3600%2 == 1 {
			return q.shards + 1
		}
		return q.shards
	})
	series("shards_min", "", func(queue, float64) float64 { return 1 })
	series("shards_max", "", func(q queue, _ float64) float64 { return q.most })
	series("shard_capacity", "", func(queue, float64) float64 { return 10_000 })
	series("max_samples_per_send", "", func(queue, float64) float64 { return 2000 })
	series("samples_total", "", func(q queue, second float64) float64 { return q.rate * second })
	series("samples_retried_total", "", func(q queue, second float64) float64 { return q.retried * second })
	series("sent_batch_duration_seconds_sum", "", func(q queue, second float64) float64 { return q.busy * second })
	requests := func(q queue, second float64) float64 { return q.rate / 2000 * second }
	for _, le := range []string{"0.1", "0.25", "+Inf"} {
		series("sent_batch_duration_seconds_bucket", fmt.Sprintf(",le=%q", le), func(q queue, second float64) float64 {
			if le == "0.1" {
				return 0.9 * requests(q, second)
			}
			return requests(q, second)
		})
	}
	for name, value := range map[string]float64{
		"prometheus_build_info": 1, "go_gc_heap_live_bytes": 900 << 20, "process_start_time_seconds": 1, "prometheus_tsdb_head_series": 200_000,
	} {
		for at := end - 7*24*3600; at <= end; at += step {
			fmt.Fprintf(w, "%s{job=\"prometheus\",instance=\"it\"} %g %d\n", name, value, at)
			if name == "go_gc_heap_live_bytes" { // another program, which is none of it
				fmt.Fprintf(w, "%s{job=\"app\",instance=\"app\"} %g %d\n", name, 4*value, at)
			}
		}
	}
}

// TestCompare: a real Prometheus with a recorded history is said to fare worse
// after a change by what became worse, and by nothing else.
func TestCompare(t *testing.T) {
	dir, err := prometheusPrograms()
	must(t, err)
	h := newHost(t, filepath.Join(dir, "prometheus"), "https://127.0.0.1:1")
	const hour = 3600
	change := time.Now().Add(-30 * time.Hour).Truncate(time.Minute)
	blocks(t, h.dir, filepath.Join(dir, "promtool"), func(w io.Writer) {
		series := func(name, labels string, value func(second int64, after bool) float64) {
			for second := int64(-25 * hour); second <= 25*hour; second += 60 {
				fmt.Fprintf(w, "%s{job=\"prometheus\",instance=\"it\"%s} %g %d\n", name, labels, value(second, second > 0), change.Unix()+second)
			}
		}
		constant := func(v float64) func(int64, bool) float64 { return func(int64, bool) float64 { return v } }
		series("prometheus_build_info", "", constant(1))
		series("prometheus_tsdb_wal_fsync_duration_seconds_count", "", func(s int64, _ bool) float64 { return float64(s + 30*hour) })
		series("prometheus_tsdb_wal_fsync_duration_seconds_sum", "", func(s int64, after bool) float64 {
			if after {
				return 0.002*30*hour + 0.2*float64(s)
			}
			return 0.002 * float64(s+30*hour)
		})
		series("process_start_time_seconds", "", func(_ int64, after bool) float64 {
			if after {
				return 2 // the change restarted it, which is no harm
			}
			return 1
		})
		series("go_gc_limiter_last_enabled_gc_cycle", "", func(s int64, after bool) float64 {
			if after {
				return float64(s / hour)
			}
			return 0
		})
		// Its volume, and another's, which is full.
		for pod, free := range map[string]func(bool) float64{
			"prometheus-k8s-0": func(after bool) float64 { return map[bool]float64{false: 30, true: 5}[after] }, "prometheus-other-0": func(bool) float64 { return 0 },
		} {
			claim := ",namespace=\"monitoring\",persistentvolumeclaim=\"prometheus-x-db-" + pod + "\""
			series("kubelet_volume_stats_available_bytes", claim, func(_ int64, after bool) float64 { return free(after) })
			series("kubelet_volume_stats_capacity_bytes", claim, constant(100))
		}
		series("prometheus_build_info", ",namespace=\"monitoring\",pod=\"prometheus-k8s-0\"", constant(1))
		series("prometheus_remote_storage_shards", ",remote_name=\"central\"", func(s int64, after bool) float64 {
			if after {
				return 4
			}
			return 4 + float64(s/600%2)
		})
		series("prometheus_remote_storage_queue_highest_timestamp_seconds", ",remote_name=\"central\"", func(s int64, _ bool) float64 { return float64(s + 30*hour) })
		series("prometheus_remote_storage_queue_highest_sent_timestamp_seconds", ",remote_name=\"central\"", func(s int64, _ bool) float64 { return float64(s + 30*hour - 3) })
	})
	must(t, os.WriteFile(filepath.Join(h.dir, "prometheus.yml"), []byte("global: {}\n"), 0o600))
	must(t, os.WriteFile(filepath.Join(h.dir, "prometheus.env"), []byte("ARGS=\"--storage.tsdb.retention.time=30d\"\n"), 0o600))
	h.start()
	h.more = fmt.Sprintf(`api: "http://127.0.0.1:%d"`, h.port)
	h.declare(`minShards: 4, maxShards: 4`)
	path, err := buildPortreeve()
	must(t, err)
	run := func(args ...string) (string, int) {
		cmd := exec.Command(path, append(append([]string{"prometheus", "compare", "host", "--config=" + h.config}, args...), h.flags...)...)
		cmd.Env = []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH"), "NO_PROXY=*"}
		out, _ := cmd.Output() // its status says it
		return string(out), cmd.ProcessState.ExitCode()
	}
	at := "--at=" + change.UTC().Format(time.RFC3339)
	out, code := run(at, "--output=json")
	var compared []struct {
		Span     string
		Worse    int
		Measures []advice.Fared
	}
	must(t, json.Unmarshal([]byte(out), &compared))
	if code != 1 || len(compared) != 1 || compared[0].Worse != 3 || compared[0].Span != "24h0m0s" {
		t.Errorf("it ends with %d: %s", code, out)
	}
	verdicts := map[string]advice.Verdict{}
	for _, m := range compared[0].Measures {
		verdicts[m.Measure] = m.Verdict
		if m.Measure == "volume in use, at most" && (m.Before != 70 || m.After != 95) {
			t.Errorf("%+v", m)
		}
		if m.Measure == "write-ahead log, a sync" && (m.Before < 0.0019 || m.Before > 0.0021 || m.After < 0.19 || m.After > 0.21) {
			t.Errorf("%+v", m)
		}
	}
	for name, want := range map[string]advice.Verdict{
		"write-ahead log, a sync": advice.Worse, "collections that Go had to bound": advice.Worse, "restarts": "", "volume in use, at most": advice.Worse, "resharded": advice.Better, "behind, at most": "",
	} {
		if got, is := verdicts[name]; !is || got != want {
			t.Errorf("%s is %q, want %q: %v", name, got, want, verdicts)
		}
	}
	if out, _ := run(at); !strings.Contains(out, "3 MEASURES WORSE") || !strings.Contains(out, "resharded (central)") {
		t.Errorf("it says\n%s", out)
	}
	if out, code := run(); code != 0 || !strings.Contains(out, "no change of it is known") {
		t.Errorf("with no change it ends with %d: %s", code, out)
	}
}
