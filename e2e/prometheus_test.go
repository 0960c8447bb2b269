package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/portreeve/portreeve/e2e/parts"
	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge/sandbox"
)

// prometheusPrograms is the folder with prometheus and promtool.
func prometheusPrograms() (string, error) {
	return parts.Build("prometheus", "remove_all_sd,enable_kubernetes_sd",
		"github.com/prometheus/prometheus/cmd/prometheus", "github.com/prometheus/prometheus/cmd/promtool")
}

// oldPromtool is that of the Prometheus that Debian has, 2.42.
func oldPromtool() (string, error) {
	dir, err := parts.Debian("prometheus")
	return filepath.Join(dir, "usr", "bin", "promtool"), err
}

// TestPromtool: Prometheus's own check has nothing against what the kind
// prometheus writes into prometheus.yml in its cases.
func TestPromtool(t *testing.T) {
	dir, err := prometheusPrograms()
	must(t, err)
	old, err := oldPromtool()
	must(t, err)
	cases, err := filepath.Glob("../reconciler/kind/prometheus/testdata/host_*.txtar")
	must(t, err)
	checked := 0
	for _, file := range cases {
		archive, err := txtar.ParseFile(file)
		must(t, err)
		for _, f := range archive.Files {
			if !strings.HasPrefix(f.Name, "after/") || !strings.HasSuffix(f.Name, ".yml") {
				continue
			}
			config := withSecrets(t, string(f.Data))
			if out, err := promtool(filepath.Join(dir, "promtool"), config); err != nil {
				t.Errorf("%s: %v\n%s\n%s", file, err, out, f.Data)
			}
			checked++
			// The old one knows none of what the new one has: so it can refuse.
			newer := strings.Contains(string(f.Data), "runtime:") || strings.Contains(string(f.Data), "sample_age_limit")
			if out, err := promtool(old, config); (err != nil) != newer {
				t.Errorf("%s, to 2.42: %v\n%s", file, err, out)
			}
		}
	}
	if checked < 2 {
		t.Errorf("%d configurations were checked", checked)
	}
}

func promtool(program, config string) (string, error) {
	out, err := exec.Command(program, "check", "config", "--lint=all", config).CombinedOutput()
	return string(out), err
}

// withSecrets writes a configuration, with files in the places of the secrets
// that it names.
func withSecrets(t *testing.T, config string) string {
	dir := t.TempDir()
	const root = "/etc/prometheus/secrets"
	for _, name := range regexp.MustCompile(root+`/(\S+)`).FindAllStringSubmatch(config, -1) {
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name[1])), 0o700))
		must(t, os.WriteFile(filepath.Join(dir, name[1]), []byte("x\n"), 0o600))
	}
	file := filepath.Join(dir, "prometheus.yml")
	must(t, os.WriteFile(file, []byte(strings.ReplaceAll(config, root, dir)), 0o600))
	return file
}

// TestPrometheus: a real Prometheus runs with what is declared in the config
// repo, merged in the repo of its host, and reloaded there.
func TestPrometheus(t *testing.T) {
	dir, err := prometheusPrograms()
	must(t, err)
	var protocols [3]atomic.Int64 // requests by major version of HTTP
	receiver := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // a request that breaks off is counted as well
		protocols[min(2, r.ProtoMajor)].Add(1)
	}))
	receiver.EnableHTTP2 = true
	receiver.StartTLS()
	t.Cleanup(receiver.Close)
	h := newHost(t, filepath.Join(dir, "prometheus"), receiver.URL)

	// It starts with what is declared.
	h.declare(`minShards: 2, maxShards: 2`)
	h.reconciles(0, `open +acme/hosts +prometheus/host \(vm-1\)`)
	h.merges()
	h.start()
	h.await("2 shards", func() bool { return h.metric("shards_min") == 2 && h.metric("shards_max") == 2 })
	info := h.runtimeInfo()
	if info.GOGC != "-1" && info.GOGC != "off" || info.GOMEMLIMIT != 819<<20 {
		t.Errorf("runtimeinfo: GOGC %q, GOMEMLIMIT %d", info.GOGC, info.GOMEMLIMIT)
	}
	if got := h.flag("storage.tsdb.max-block-duration"); got != "6h" {
		t.Errorf("max-block-duration is %q", got)
	}
	h.await("samples over HTTP/1.1", func() bool { return protocols[1].Load() > 0 })
	h.shows(`maxShards +2 +settings +2 +2\n`, `runtime.memoryLimit +819MiB +settings +819MiB +819MiB\n`, `runtime.gogc +off +settings +off +off\n`,
		`blocks.maxDuration +6h +settings +6h +6h\n`, `retention.time +15d +settings +15d +15d\n`)

	// A change of the config repo is one of the queue, and it is through when it runs.
	h.more = fmt.Sprintf(`api: "%s", rollout: {}`, h.url)
	h.declare(`minShards: 4, maxShards: 4`)
	h.reconciles(0, `open +acme/hosts`)
	h.shows(`≠ +remoteWrite.central.maxShards +4 +settings +2 +2\n`)
	h.merges()
	h.shows(`≠ +remoteWrite.central.maxShards +4 +settings +4 +2\n`)
	h.reconciles(0, `waiting .* it does not run so: remoteWrite.central.maxShards is 2, declared is 4 and 1 more`)
	must(t, h.reload())
	h.await("4 shards", func() bool { return h.metric("shards_min") == 4 && h.metric("shards_max") == 4 })
	h.reconciles(0, `1 done`)
	if n := protocols[2].Load(); n > 0 {
		t.Errorf("%d requests came over HTTP/2, which is declared to be off", n)
	}

	// What can't be is refused, and the old state stands.
	h.declare(`minShards: 9, maxShards: 8`)
	h.reconciles(1, `frozen .* prometheus/host .*minShards \(9\) is over maxShards \(8\)`)
	if got := h.metric("shards_max"); got != 4 {
		t.Errorf("it runs with %v shards", got)
	}

	// The control: HTTP/2 is seen where it is declared.
	h.declare(`minShards: 4, maxShards: 4, http2: true`)
	h.reconciles(0, `open +acme/hosts`)
	h.merges()
	must(t, h.reload())
	h.await("samples over HTTP/2", func() bool { return protocols[2].Load() > 0 })
}

// TestStalledReceiver: while what a queue holds would be lost it is not touched,
// and once it has caught up, it is.
func TestStalledReceiver(t *testing.T) {
	for name, agent := range map[string]bool{"server": false, "agent": true} { // which answers no queries
		t.Run(name, func(t *testing.T) { stalledReceiver(t, agent) })
	}
}

func stalledReceiver(t *testing.T, agent bool) {
	dir, err := prometheusPrograms()
	must(t, err)
	var requests atomic.Int64
	var stalled atomic.Pointer[chan struct{}]
	receiver := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // a request that breaks off is counted as well
		requests.Add(1)
		if until := stalled.Load(); until != nil {
			<-*until
		}
	}))
	t.Cleanup(receiver.Close)
	h := newHost(t, filepath.Join(dir, "prometheus"), receiver.URL)
	h.agent = agent
	h.declare(`minShards: 1, maxShards: 1, timeout: "5m"`)
	h.reconciles(0, `open +acme/hosts`)
	h.merges()
	h.start()
	h.await("samples", func() bool { return requests.Load() > 0 })

	until := make(chan struct{})
	stalled.Store(&until)
	release := sync.OnceFunc(func() { stalled.Store(nil); close(until) })
	t.Cleanup(release)
	behind := func() float64 {
		return float64(time.Now().Unix()) - h.metric("queue_highest_sent_timestamp_seconds")
	}
	h.await("it is behind", func() bool { return behind() > 33 })
	h.more = fmt.Sprintf(`api: "http://127.0.0.1:%d"`, h.port)
	h.declare(`minShards: 2, maxShards: 2, timeout: "5m"`)
	h.reconciles(0, `waiting +acme/hosts +prometheus/host \(vm-1\) +it may not be touched now: the queue central is [0-9.]+ s behind`)
	release()
	h.await("it has caught up", func() bool { return behind() < 10 })
	h.await("and its own metrics say so", func() bool {
		if agent {
			return true // they are asked as they are now
		}
		text, err := h.get("/api/v1/query?query=" + url.QueryEscape(`time() - prometheus_remote_storage_queue_highest_sent_timestamp_seconds < 10`))
		return err == nil && strings.Contains(text, `"central"`)
	})
	h.reconciles(0, `open +acme/hosts +prometheus/host \(vm-1\)`)
}

// host is a machine with a Prometheus whose files come from a repo.
type host struct {
	*testing.T
	program, dir, url string
	port              int
	forge             *sandbox.Forge
	config            string
	receiver          string
	flags             []string
	pull              int
	more              string // of the declaration
	agent             bool
}

func newHost(t *testing.T, program, receiver string) *host {
	f, err := sandbox.New(sandbox.Options{Dir: t.TempDir()})
	must(t, err)
	f.AddUser("portreeve", "token-of-portreeve", true)
	f.AddUser("kim", "token-of-kim", false)
	port, err := parts.Free()
	must(t, err)
	written := fmt.Sprintf(`global: {scrape_interval: 1s}
scrape_configs:
  - job_name: itself
    static_configs: [{targets: ["127.0.0.1:%d"]}]
remote_write:
  - name: central # our own
    url: %s/push
    tls_config: {insecure_skip_verify: true}
`, port, receiver)
	must(t, f.CreateRepo(sandbox.Spec{Name: "acme/config", Files: map[string]sandbox.File{"README.md": {Content: "# Config\n"}}}))
	must(t, f.CreateRepo(sandbox.Spec{Name: "acme/hosts", Files: map[string]sandbox.File{"vm-1/prometheus.yml": {Content: written}}}))
	server := httptest.NewServer(f.Handler())
	t.Cleanup(server.Close)
	h := &host{
		T: t, program: program, dir: t.TempDir(), port: port, url: fmt.Sprintf("http://127.0.0.1:%d", port),
		forge: f, config: server.URL + "/acme/config.git", receiver: receiver,
	}
	token := filepath.Join(t.TempDir(), "token")
	must(t, os.WriteFile(token, []byte("token-of-portreeve\n"), 0o600))
	h.flags = []string{"--forge-url=" + server.URL, "--token-file=" + token}
	return h
}

// declare commits how the queue is to be.
func (h *host) declare(queue string) {
	h.Helper()
	role, settings := "server", "blocks: maxDuration: \"6h\"\n\t\tretention: time: \"15d\""
	if h.agent {
		role, settings = "agent", ""
	}
	text := fmt.Sprintf(`package fleet

fleet: {
	repos: ["acme/hosts"]
	mode: "propose"
	policies: {"queues-restarted": severity: "off", "restarts-alone": severity: "off", "data-at-risk": severity: "off"}
}
teams: platform: github: "acme/platform"
clusters: "vm-1": {owner: "platform", delivery: pullRequest: {repo: "acme/hosts", folder: "vm-1"}}
prometheus: host: {
	owner: "platform"
	why:   "It is tried."
	clusters: names: ["vm-1"]
	file:   "prometheus.yml"
	format: "prometheus"
	role:   %q
	%s
	settings: {
		version: "3.16.0"
		remoteWrite: central: {url: "%s/push", batchSendDeadline: "1s", %s}
		runtime: {gogc: "off", memoryLimit: "80%%"}
		resources: memory: "1Gi"
		%s
	}
}
`, role, h.more, h.receiver, queue, settings)
	_, err := h.forge.Person("kim").CommitFile("acme/config", "main", "fleet.cue", text, "Declare it")
	must(h.T, err)
}

// reconciles makes a pass, which has to end so and say this.
func (h *host) reconciles(code int, want string) {
	h.Helper()
	path, err := buildPortreeve()
	must(h.T, err)
	cmd := exec.Command(path, append([]string{"reconcile", h.config}, h.flags...)...)
	cmd.Env = []string{"HOME=" + h.TempDir(), "PATH=" + os.Getenv("PATH"), "NO_PROXY=*"}
	out, _ := cmd.CombinedOutput() // its status says it
	if got := cmd.ProcessState.ExitCode(); got != code || !regexp.MustCompile(want).Match(out) {
		h.Fatalf("reconcile ended with %d, not %d, or does not say %s:\n%s", got, code, want, out)
	}
}

// shows asks what is declared, stands in the file, and runs.
func (h *host) shows(want ...string) {
	h.Helper()
	path, err := buildPortreeve()
	must(h.T, err)
	cmd := exec.Command(path, append([]string{"prometheus", "show", "host", "--api=" + h.url, "--config=" + h.config}, h.flags...)...)
	cmd.Env = []string{"HOME=" + h.TempDir(), "PATH=" + os.Getenv("PATH"), "NO_PROXY=*"}
	out, err := cmd.CombinedOutput()
	for _, w := range want {
		if err != nil || !regexp.MustCompile(w).Match(out) {
			h.Errorf("show does not say %s: %v\n%s", w, err, out)
		}
	}
}

// merges merges the open pull request, and has the host take its files over.
func (h *host) merges() {
	h.Helper()
	h.pull++
	must(h.T, h.forge.Person("kim").Merge("acme/hosts", h.pull, fleet.MergeSquash))
	for _, name := range []string{"prometheus.yml", "prometheus.env"} {
		text, err := h.forge.ReadFile("acme/hosts", "main", "vm-1/"+name)
		must(h.T, err)
		must(h.T, os.WriteFile(filepath.Join(h.dir, name), []byte(text), 0o600))
	}
}

// start starts the Prometheus as an init system does with such files.
func (h *host) start() {
	h.Helper()
	script := `set -a; . ./prometheus.env; set +a; exec "$0" --config.file=prometheus.yml $2 --web.enable-lifecycle "$1" $ARGS`
	storage := "--storage.tsdb.path=data"
	if h.agent {
		storage = "--agent --storage.agent.path=data"
	}
	cmd := exec.Command("sh", "-c", script, h.program, fmt.Sprintf("--web.listen-address=127.0.0.1:%d", h.port), storage)
	cmd.Dir = h.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + h.dir}
	log, err := os.Create(filepath.Join(h.dir, "log"))
	must(h.T, err)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	must(h.T, cmd.Start())
	h.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
		_ = log.Close()
	})
	h.await("it is ready", func() bool { _, err := h.get("/-/ready"); return err == nil })
}

func (h *host) reload() error {
	resp, err := http.Post(h.url+"/-/reload", "", nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("reload: %s", resp.Status)
	}
	return nil
}

func (h *host) get(path string) (string, error) {
	resp, err := http.Get(h.url + path)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", path, resp.Status)
	}
	return string(text), err
}

// metric is one of its own of the queue; -1 for none.
func (h *host) metric(name string) float64 {
	text, err := h.get("/metrics")
	if err != nil {
		return -1
	}
	m := regexp.MustCompile(`(?m)^prometheus_remote_storage_` + name + `\{remote_name="central".*\} (\S+)$`).FindStringSubmatch(text)
	if m == nil {
		return -1
	}
	n, err := strconv.ParseFloat(m[1], 64)
	must(h.T, err)
	return n
}

type runtimeInfo struct {
	GOGC       string
	GOMEMLIMIT int64
}

func (h *host) runtimeInfo() runtimeInfo {
	h.Helper()
	var answer struct{ Data runtimeInfo }
	text, err := h.get("/api/v1/status/runtimeinfo")
	must(h.T, err)
	must(h.T, json.Unmarshal([]byte(text), &answer))
	return answer.Data
}

func (h *host) flag(name string) string {
	h.Helper()
	var answer struct{ Data map[string]string }
	text, err := h.get("/api/v1/status/flags")
	must(h.T, err)
	must(h.T, json.Unmarshal([]byte(text), &answer))
	return answer.Data[name]
}

// await waits for a condition, a minute and a half at most.
func (h *host) await(what string, is func() bool) {
	h.Helper()
	for range 900 {
		if is() {
			return
		}
		time.Sleep(100 * time.Millisecond) // it has nothing to be told by
	}
	log, _ := os.ReadFile(filepath.Join(h.dir, "log")) // for the message alone
	h.Fatalf("not in a minute and a half: %s\n%s", what, log)
}
