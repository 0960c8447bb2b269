package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/portreeve/portreeve/e2e/kube"
	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge/sandbox"
)

// applied is a cluster with a real API server, and a config repo that has objects
// applied to it.
type applied struct {
	*testing.T
	server     *kube.Server
	world      *world
	kubeconfig string
	token      string
	proxy      string // URL

	mu       sync.Mutex
	requests int
	stopAt   int // request from which on none is answered; 0 for none
	carried  bool
	kill     bool // the program at that request
	stop     func()
}

func newApplied(t *testing.T) *applied {
	dir := t.TempDir()
	server, err := kube.Start(dir)
	must(t, err)
	t.Cleanup(server.Close)
	must(t, server.Define("prometheuses", "prometheusagents"))
	must(t, server.Namespace("monitoring"))
	a := &applied{T: t, server: server, kubeconfig: filepath.Join(dir, "kubeconfig"), token: filepath.Join(dir, "token")}
	proxy := server.Proxy(func() bool { return a.request(false) }, func() bool { return a.request(true) })
	t.Cleanup(proxy.Close)
	a.proxy = proxy.URL
	a.credentials(kube.Token)
	must(t, os.WriteFile(a.token, []byte(botToken), 0o600))
	a.world = newWorld(t,
		sandbox.Spec{Name: "acme/config", Files: map[string]sandbox.File{"README.md": {Content: "# Config\n"}}},
		sandbox.Spec{Name: "acme/app", Files: map[string]sandbox.File{"README.md": {Content: "# App\n"}}})
	return a
}

// request counts one, and stops what is to be stopped at it.
func (a *applied) request(carried bool) (lost bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !carried {
		a.requests++
	}
	if a.stopAt == 0 || a.requests < a.stopAt || a.requests == a.stopAt && carried != a.carried {
		return false
	}
	if a.requests == a.stopAt && a.kill {
		a.stop()
	}
	return true
}

func (a *applied) credentials(token string) {
	a.Helper()
	must(a.T, os.WriteFile(a.kubeconfig, kube.Kubeconfig("eu-1", a.proxy, token), 0o600))
}

// declare commits Prometheuses with settings, by their names.
func (a *applied) declare(settings map[string]string, more string) {
	a.Helper()
	text := `package fleet
fleet: {
	repos: ["acme/app"]
	mode: "merge"
	policies: {"queues-restarted": severity: "off", "restarts-alone": severity: "off", "data-at-risk": severity: "off", "targets-moved": severity: "off"}
}
teams: platform: github: "acme/platform"
clusters: "eu-1": {owner: "platform", delivery: apply: context: "eu-1"}
` + more + "\n"
	for name, s := range settings {
		text += fmt.Sprintf(`prometheus: %q: {owner: "platform", why: "It is tried.", clusters: names: ["eu-1"], namespace: "monitoring", name: %[1]q, settings: {version: "3.5.0", %s}}
`, name, s)
	}
	_, err := a.world.you().CommitFile("acme/config", "main", "fleet.cue", text, "Declare it")
	must(a.T, err)
}

// command runs portreeve on the config repo. It gives what it says, and whether it
// was stopped.
func (a *applied) command(args ...string) (says string, stopped bool) {
	a.Helper()
	path, err := buildPortreeve()
	must(a.T, err)
	config := a.world.url + "/acme/config.git"
	if args[0] == "prometheus" || args[0] == "adopt" || args[0] == "why" {
		config = "--config=" + config
	}
	args = append(args, "--forge-url="+a.world.url, "--token-file="+a.token, "--kubeconfig="+a.kubeconfig)
	cmd := exec.Command(path, append(args, config)...)
	cmd.Env = []string{"HOME=" + a.TempDir(), "PATH=" + os.Getenv("PATH"), "NO_PROXY=*"}
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	must(a.T, cmd.Start())
	a.mu.Lock()
	a.requests, a.stop = 0, func() { _ = cmd.Process.Kill() }
	a.mu.Unlock()
	_ = cmd.Wait() // its status says it
	return out.String(), cmd.ProcessState.ExitCode() < 0
}

func (a *applied) says(want string, args ...string) {
	a.Helper()
	if out, _ := a.command(args...); !regexp.MustCompile(want).MatchString(out) {
		a.Fatalf("%s does not say %s:\n%s", args[0], want, out)
	}
}

// is is an object of the cluster; nil where there is none.
type is struct {
	Metadata struct {
		Annotations     map[string]string
		ResourceVersion string
		ManagedFields   []struct{ Manager, Operation string }
	}
	Spec map[string]any
}

const prometheuses = "/apis/monitoring.coreos.com/v1/namespaces/monitoring/prometheuses/"

func (a *applied) object(name string) *is {
	a.Helper()
	answer, err := a.server.Do(http.MethodGet, prometheuses+name, "", nil)
	if err != nil && strings.Contains(err.Error(), "404") {
		return nil
	}
	must(a.T, err)
	var o is
	must(a.T, json.Unmarshal(answer, &o))
	return &o
}

// has expects of an object's spec a field to be so; empty is no object.
func (a *applied) has(name, field string, want any) {
	a.Helper()
	if o := a.object(name); o == nil || fmt.Sprint(o.Spec[field]) != fmt.Sprint(want) {
		a.Fatalf("%s of %s is not %v: %+v", field, name, want, o)
	}
}

// edit is what somebody else changes, as kubectl edit does.
func (a *applied) edit(name, manager, patch string) {
	a.Helper()
	_, err := a.server.Do(http.MethodPatch, prometheuses+name+"?fieldManager="+manager, "application/merge-patch+json", []byte(patch))
	must(a.T, err)
}

func (a *applied) create(name, manager, object string) {
	a.Helper()
	text := fmt.Sprintf(`{"apiVersion": "monitoring.coreos.com/v1", "kind": "Prometheus", "metadata": {"name": %q%s`, name, object)
	_, err := a.server.Do(http.MethodPost, strings.TrimSuffix(prometheuses, "/")+"?fieldManager="+manager, "application/json", []byte(text))
	must(a.T, err)
}

// well has the status of an object say what the operator says of one that runs.
func (a *applied) well(name string) {
	a.Helper()
	conditions := `{"status": {"paused": false, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1, "unavailableReplicas": 0, "conditions": [` +
		`{"type": "Available", "status": "True", "lastTransitionTime": "2026-11-26T12:00:00Z"}, {"type": "Reconciled", "status": "True", "lastTransitionTime": "2026-11-26T12:00:00Z"}]}}`
	_, err := a.server.Do(http.MethodPatch, prometheuses+name+"/status?fieldManager=PrometheusOperator", "application/merge-patch+json", []byte(conditions))
	must(a.T, err)
}

// inventory is what the cluster says was applied to it.
func (a *applied) inventory() string {
	a.Helper()
	answer, err := a.server.Do(http.MethodGet, "/api/v1/namespaces/portreeve/configmaps/portreeve-inventory", "", nil)
	must(a.T, err)
	var m struct{ Data map[string]string }
	must(a.T, json.Unmarshal(answer, &m))
	return fmt.Sprint(m.Data)
}

// TestApply: objects are applied to a real API server, by a field manager of our
// own: what others set stays, what they set over ours is put back or told, and what
// another manager brings is left to it.
func TestApply(t *testing.T) {
	a := newApplied(t)
	ten := map[string]string{"k8s": `retention: time: "10d"`}
	a.declare(ten, "")
	a.says(`there is no namespace portreeve, in which it is written down what is applied: create it`, "reconcile")
	if a.object("k8s") != nil {
		t.Fatal("it was applied, and is not written down")
	}
	must(t, a.server.Namespace("portreeve"))
	a.says(`\+  retention: 10d`, "plan", "--diff")
	if a.object("k8s") != nil {
		t.Fatal("a plan applied it")
	}
	a.says(`apply +eu-1 +prometheus/k8s`, "reconcile")
	a.has("k8s", "retention", "10d")
	a.has("k8s", "version", "v3.5.0")
	a.says(`waiting +eu-1 +prometheus/k8s +as declared, and what runs by it is not well yet: no controller has said anything of it`, "reconcile")
	a.well("k8s")
	a.says(`1 done`, "reconcile")
	before := a.object("k8s").Metadata.ResourceVersion
	a.says(`1 done`, "reconcile")
	if after := a.object("k8s").Metadata.ResourceVersion; after != before {
		t.Errorf("nothing has changed, and its resourceVersion is %s, was %s", after, before)
	}

	// Drift: what others set beside ours stays, what they set over ours is put back,
	// unless the declaration says only to report it.
	a.edit("k8s", "kubectl-edit", `{"spec": {"replicas": 3, "retention": "2d"}}`)
	a.says(`writes it: somebody has changed it, over what was set by kubectl-edit \(.spec.retention\)`, "plan")
	a.says(`-  retention: 2d\n\+  retention: 10d`, "plan", "--diff")
	a.says(`apply +eu-1`, "reconcile")
	a.has("k8s", "retention", "10d")
	a.has("k8s", "replicas", 3)
	a.declare(ten, `prometheus: k8s: onDrift: "report"`)
	a.edit("k8s", "kubectl-edit", `{"spec": {"retention": "3d"}}`)
	a.says(`blocked +eu-1 +prometheus/k8s +drift: somebody has changed what was written on `, "reconcile")
	a.has("k8s", "retention", "3d")
	a.declare(ten, "")
	a.says(`apply +eu-1`, "reconcile")

	// What the API server does not take is told, and what stands is left.
	a.declare(map[string]string{"k8s": `retention: time: "10d", externalLabels: cluster: "eu"`}, `prometheus: k8s: spec: podMetadata: labels: app: 7`)
	a.says(`failed +eu-1 +prometheus/k8s +the cluster does not take it: .*podMetadata`, "reconcile")
	a.has("k8s", "retention", "10d")
	if a.object("k8s").Spec["externalLabels"] != nil {
		t.Error("a part of it was applied")
	}

	// What sets the number of shards by itself is seen.
	_, err := a.server.Do(http.MethodPost, "/apis/autoscaling/v2/namespaces/monitoring/horizontalpodautoscalers", "application/json", []byte(
		`{"metadata": {"name": "shards"}, "spec": {"maxReplicas": 9, "scaleTargetRef": {"apiVersion": "monitoring.coreos.com/v1", "kind": "Prometheus", "name": "k8s"}}}`))
	must(t, err)
	a.declare(map[string]string{"k8s": `retention: time: "10d", shards: 2`}, "")
	a.says(`shards are declared, and the HorizontalPodAutoscaler shards sets them as well`, "plan")

	// An object that others have made: what they set otherwise is theirs, and one that
	// another manager brings is left to it.
	a.create("own", "kubectl-create", `}, "spec": {"version": "v3.5.0", "retention": "1d", "replicas": 1}}`)
	a.create("helm", "helm", `, "annotations": {"meta.helm.sh/release-name": "kps"}}, "spec": {"replicas": 1}}`)
	a.create("same", "kubectl-create", `}, "spec": {"retention": "10d"}}`)
	more := map[string]string{"k8s": ten["k8s"], "own": ten["k8s"], "helm": ten["k8s"], "same": ten["k8s"]}
	a.declare(more, "")
	out, _ := a.command("reconcile")
	for _, want := range []string{
		`blocked +eu-1 +prometheus/own +Prometheus monitoring/own is there, and others set a part of it otherwise: kubectl-create \(.spec.retention\)`,
		`blocked +eu-1 +prometheus/helm +Prometheus monitoring/helm is managed by Helm \(release kps\), which would undo it`,
		`apply +eu-1 +prometheus/same`,
	} {
		if !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("it does not say %s:\n%s", want, out)
		}
	}
	// What others have made is declared as it is: then it is ours, and no value changes.
	a.says(`time: +"1d"`, "adopt", "prometheus", "eu-1", "Prometheus/monitoring/own")
	a.says(`there is no such object on eu-1`, "adopt", "prometheus", "eu-1", "Prometheus/monitoring/none")
	a.declare(map[string]string{"k8s": ten["k8s"], "own": `retention: time: "1d", replicas: 1`, "helm": ten["k8s"], "same": ten["k8s"]}, "")
	a.says(`apply +eu-1 +prometheus/own +`, "reconcile")
	a.declare(more, "")
	a.says(`apply +eu-1 +prometheus/own +`, "reconcile")
	a.has("own", "retention", "10d")
	if a.object("helm").Spec["retention"] != nil {
		t.Error("what Helm brings was changed")
	}

	// What is withdrawn goes: as much as the bound lets, and others keep their part.
	a.declare(map[string]string{"own": ten["k8s"], "helm": ten["k8s"]}, "")
	a.says(`gives up what it set, and leaves the rest, of which kubectl-create manages a part`, "plan")
	a.says(`let-go +eu-1 +prometheus/same`, "reconcile")
	if a.object("k8s") == nil { // kubectl-edit has the replicas
		t.Error("what others manage a part of was deleted")
	}
	a.has("k8s", "replicas", 3)
	a.has("same", "retention", "10d")
	if o := a.object("k8s"); o.Spec["retention"] != nil || len(o.Metadata.Annotations) > 0 {
		t.Errorf("something of ours is left: %+v", o)
	}
	if got := a.inventory(); strings.Contains(got, "prometheus.k8s") || strings.Contains(got, "prometheus.same") || !strings.Contains(got, "prometheus.own") {
		t.Errorf("the inventory has %s", got)
	}

	// The budget: of three at once none goes, and one does.
	three := map[string]string{"a1": ten["k8s"], "a2": ten["k8s"], "a3": ten["k8s"]}
	a.declare(three, "")
	a.says(`3 applied|apply +eu-1 +prometheus/a3`, "reconcile")
	a.declare(nil, "")
	a.says(`3 of 3 objects on clusters would be removed`, "reconcile")
	for name := range three {
		a.has(name, "retention", "10d")
	}
	delete(three, "a2")
	a.declare(three, "")
	a.says(`let-go +eu-1 +prometheus/a2 +removes it: its declaration is gone`, "plan")
	a.says(`let-go +eu-1 +prometheus/a2`, "reconcile")
	if a.object("a2") != nil {
		t.Error("a2 was not removed")
	}
}

// TestApplySettled: whatever is declared is as declared once it was applied, and the
// next pass writes nothing: also lists, which the API server merges in its own ways.
func TestApplySettled(t *testing.T) {
	a := newApplied(t)
	must(t, a.server.Namespace("portreeve"))
	full := `replicas: 2, shards: 3, shardRetention: "retain", externalLabels: {cluster: "eu-1", region: "eu"}
		remoteWrite: mimir: {url: "https://mimir.example/push", minShards: 8, maxShards: 8, capacity: 10000, maxSamplesPerSend: 2000, batchSendDeadline: "5s", sampleAgeLimit: "30m", timeout: "30s", protocol: "2.0", bearerToken: {secret: "mimir", key: "token"}}
		remoteWrite: backup: {url: "https://backup.example/push", basicAuth: {username: {secret: "b", key: "u"}, password: {secret: "b", key: "p"}}}
		runtime: {gogc: "off", memoryLimit: "80%"}, wal: {compression: true, segmentSize: "128MB"}, blocks: {minDuration: "2h", maxDuration: "6h", outOfOrderWindow: "30m"}
		retention: {time: "15d", size: "80GB"}, resources: {memory: "32Gi", cpu: "4"}, volume: "100Gi"`
	more := `prometheus: agent: {role: "agent"}
prometheus: full: spec: {serviceMonitorSelector: {}, tolerations: [{key: "obs", operator: "Exists"}]}
`
	declared := map[string]string{"full": full, "agent": `remoteWrite: mimir: {url: "https://mimir.example/push"}, runtime: memoryLimit: "1GiB", resources: memory: "2Gi"`}
	a.declare(declared, more)
	a.says(`apply +eu-1 +prometheus/full`, "reconcile")
	a.well("full")
	a.says(`done +eu-1 +prometheus/full|1 done`, "reconcile")
	out, _ := a.command("plan")
	if strings.Contains(out, "apply") || strings.Contains(out, "drift") {
		t.Errorf("nothing has changed, and it says\n%s", out)
	}
	// One field of a list is changed by somebody: it is seen, and put back.
	a.edit("full", "kubectl-edit", `{"spec": {"tolerations": []}}`)
	a.says(`apply +eu-1 +prometheus/full +writes it: somebody has changed it`, "plan")
	a.says(`apply +eu-1 +prometheus/full`, "reconcile")
	if list, _ := a.object("full").Spec["tolerations"].([]any); len(list) != 1 {
		t.Errorf("tolerations are %v", list)
	}
	// And the API server's own defaults, in a list of ours, are no drift.
	out, _ = a.command("plan")
	if strings.Contains(out, "apply") {
		t.Errorf("nothing has changed, and it says\n%s", out)
	}
}

// TestApplyDrifted: what others have changed is proposed to be declared, and then is
// ours; what is put back again and again is not fought over.
func TestApplyDrifted(t *testing.T) {
	a := newApplied(t)
	must(t, a.server.Namespace("portreeve"))
	declared := map[string]string{"k8s": `retention: time: "10d"`, "other": `retention: time: "10d"`}
	const adopting = `prometheus: k8s: {onDrift: "adopt", spec: tolerations: [{key: "obs", operator: "Exists"}]}`
	a.declare(declared, adopting)
	a.says(`apply +eu-1 +prometheus/other`, "reconcile")
	a.well("k8s")
	a.well("other")
	a.edit("k8s", "kubectl-edit", `{"spec": {"retention": "2d", "shards": 3}}`)
	a.says(`open +acme/config +adopt/k8s \(eu-1\)`, "reconcile")
	proposed, err := a.world.forge.ReadFile("acme/config", "portreeve/adopt/k8s--eu-1", "fleet.cue")
	must(t, err)
	if !strings.Contains(proposed, `name: "k8s", settings: {version: "3.5.0", retention: time: "2d"}`) {
		t.Fatalf("it proposes\n%s", proposed)
	}
	a.has("k8s", "retention", "2d")
	must(t, a.world.you().Merge("acme/config", 1, fleet.MergeCommit))
	a.says(`apply +eu-1 +prometheus/k8s`, "reconcile") // is ours again, and no value changes
	a.has("k8s", "retention", "2d")
	a.has("k8s", "shards", 3) // which nobody has declared
	a.well("k8s")
	a.says(`2 done`, "reconcile")
	a.edit("k8s", "kubectl-edit", `{"spec": {"tolerations": []}}`)
	a.says(`it can't be taken over: it differs in more than settings`, "plan", "--output=json")

	for range 3 {
		a.edit("other", "kubectl-edit", `{"spec": {"retention": "2d"}}`)
		a.says(`apply +eu-1 +prometheus/other`, "reconcile")
		a.has("other", "retention", "10d")
	}
	a.edit("other", "kubectl-edit", `{"spec": {"retention": "2d"}}`)
	a.says(`blocked +eu-1 +prometheus/other +an edit war: somebody has changed what was written on .*, the 4th time in 30 days`, "reconcile")
	a.has("other", "retention", "2d")
	declared["other"] = `retention: time: "11d"`
	a.declare(declared, adopting)
	a.says(`prometheus/other`, "reconcile")
	a.has("other", "retention", "11d")
}

// TestApplyNamespaces: namespaces say whose they are by a label, and lose it when
// that is declared no more; nobody makes or removes them.
func TestApplyNamespaces(t *testing.T) {
	a := newApplied(t)
	for _, name := range []string{"portreeve", "ledger", "books"} {
		must(t, a.server.Namespace(name))
	}
	label := func(name string, patch string) (owner string, there bool) {
		t.Helper()
		method, kind, body := http.MethodGet, "", []byte(nil)
		if patch != "" {
			method, kind, body = http.MethodPatch, "application/merge-patch+json", []byte(patch)
		}
		answer, err := a.server.Do(method, "/api/v1/namespaces/"+name+"?fieldManager=kubectl-label", kind, body)
		if err != nil && strings.Contains(err.Error(), "404") {
			return "", false
		}
		must(t, err)
		var o struct {
			Metadata struct {
				Labels, Annotations map[string]string
			}
		}
		must(t, json.Unmarshal(answer, &o))
		if o.Metadata.Labels["portreeve.dev/owner"] == "" && len(o.Metadata.Annotations) > 0 {
			t.Errorf("%s has the annotations %v", name, o.Metadata.Annotations)
		}
		return o.Metadata.Labels["portreeve.dev/owner"], true
	}
	owns := func(name, want string) {
		t.Helper()
		if got, there := label(name, ""); !there || got != want {
			t.Fatalf("%s is %q's (%t), want %q", name, got, there, want)
		}
	}
	const both = `ownership: alone: {owner: "platform", namespaces: "eu-1": ["ledger", "books", "none"]}`
	a.declare(nil, both)
	a.says(`apply +eu-1 +ownership/alone +writes it: it owns namespaces there: namespace books: label portreeve.dev/owner platform and 2 more`, "plan")
	a.says(`\+    portreeve.dev/owner: platform`, "plan", "--diff")
	owns("ledger", "")
	if out, _ := a.command("why", "eu-1"); strings.Contains(out, "· owner") || !strings.Contains(out, "ownership/alone") {
		t.Errorf("of a cluster with a namespace it says\n%s", out)
	}
	a.says(`apply +eu-1 +ownership/alone`, "reconcile")
	owns("ledger", "platform")
	owns("books", "platform")
	if _, there := label("none", ""); there {
		t.Error("a namespace was made")
	}
	a.says(`1 done`, "reconcile")
	label("books", `{"metadata": {"labels": {"portreeve.dev/owner": "me"}}}`)
	a.says(`writes it: somebody has changed it, over what was set by kubectl-label \(.metadata.labels.portreeve.dev/owner\)`, "plan")
	a.says(`apply +eu-1`, "reconcile")
	owns("books", "platform")

	a.declare(nil, `ownership: alone: {owner: "platform", namespaces: "eu-1": ["ledger"]}`)
	a.says(`apply +eu-1`, "reconcile")
	owns("books", "")
	owns("ledger", "platform")
	a.declare(nil, `ownership: other: {owner: "platform", namespaces: "eu-1": ["ledger"]}`) // is let go of by one, and taken by another
	a.command("reconcile")
	a.says(`1 done|apply`, "reconcile")
	owns("ledger", "platform")
	a.says(`1 done`, "reconcile")
	a.declare(nil, "")
	a.says(`let-go +eu-1 +ownership/other`, "reconcile")
	owns("ledger", "")
	if got := a.inventory(); got != "map[]" {
		t.Errorf("the inventory has %s", got)
	}
}

// TestApplyLost: while the cluster can't be reached, or does not take the
// credentials, nothing changes, and it goes on by itself.
func TestApplyLost(t *testing.T) {
	a := newApplied(t)
	must(t, a.server.Namespace("portreeve"))
	a.declare(map[string]string{"k8s": `retention: time: "10d"`}, "")
	a.credentials("expired")
	a.says(`waiting +eu-1 +prometheus/k8s +.*does not take the credentials, or they have expired`, "plan")
	a.credentials(kube.Token)
	a.stopAt = 1
	a.says(`waiting +eu-1 +prometheus/k8s +.*can't be reached`, "plan")
	a.stopAt = 0
	a.says(`apply +eu-1 +prometheus/k8s`, "reconcile")
	a.has("k8s", "retention", "10d")
}

// TestApplyKilled kills the program at each request that it makes of the API
// server, before it is carried out or before the answer comes. The next pass brings
// what was begun to its end, and nothing stands of which nobody knows.
func TestApplyKilled(t *testing.T) {
	a := newApplied(t)
	must(t, a.server.Namespace("portreeve"))
	a.kill = true
	killed := 0
	for at := 1; ; at++ {
		stopped := false
		for chapter, settings := range []map[string]string{
			{"k8s": `retention: time: "10d"`}, {"k8s": `retention: time: "15d"`}, nil,
		} {
			a.declare(settings, "")
			a.stopAt, a.carried = at, (at+chapter)%2 == 0
			if _, was := a.command("reconcile"); was {
				stopped = true
				killed++
			}
			a.stopAt = 0
			if a.object("k8s") != nil && !strings.Contains(a.inventory(), "prometheus/k8s") {
				t.Fatalf("killed at %d of chapter %d, the object is there, and nobody knows of it: %s", at, chapter, a.inventory())
			}
			a.command("reconcile")
			switch o := a.object("k8s"); {
			case settings == nil && o != nil:
				t.Fatalf("killed at %d, it was not removed", at)
			case settings != nil:
				a.has("k8s", "retention", []string{"10d", "15d"}[chapter])
			}
			if (a.inventory() == "map[]") != (settings == nil) {
				t.Fatalf("killed at %d of chapter %d, the inventory has %s", at, chapter, a.inventory())
			}
		}
		if !stopped {
			break
		}
	}
	t.Logf("killed %d times", killed)
	if killed < 15 {
		t.Errorf("killed %d times alone", killed)
	}
}
