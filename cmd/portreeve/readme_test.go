package main

import (
	"bytes"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/portreeve/portreeve/cmd/internal/members"
	"github.com/portreeve/portreeve/reconciler/declare"
	"github.com/portreeve/portreeve/reconciler/forge/sandbox"
)

// TestReadme holds that the README's declarations, taken together, are a valid
// config repo, and that it names every command.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	must(t, err)
	var all strings.Builder
	for _, block := range regexp.MustCompile("(?s)```cue\n(.*?)```").FindAllSubmatch(readme, -1) {
		all.Write(block[1])
	}
	config := declare.Load(fstest.MapFS{"fleet.cue": {Data: []byte(all.String())}}, members.Kinds())
	if len(config.Problems) > 0 {
		t.Errorf("its declarations have problems: %v", config.Problems)
	}
	kindsShown := map[string]bool{}
	for _, d := range config.Declarations {
		kindsShown[d.ID.Kind] = true
	}
	for _, k := range members.Kinds() {
		if !kindsShown[k.Name] {
			t.Errorf("it shows no declaration of kind %s", k.Name)
		}
	}
	for _, command := range rootCommand().Commands() {
		if name := command.Name(); name != "help" && name != "completion" && !strings.Contains(string(readme), "`portreeve "+name) {
			t.Errorf("it does not name the command %s", name)
		}
		if command.Name() != "help" && command.Name() != "completion" && command.Example == "" {
			t.Errorf("%s has no example in its help", command.Name())
		}
	}
}

// TestReadmeWhy holds that the program says of the declared Prometheus what the
// README says that it does.
func TestReadmeWhy(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	must(t, err)
	text, _, _ := strings.Cut(string(readme), "A change goes over all clusters at once")
	shown := regexp.MustCompile(`(?s)\$ portreeve why (\S+)\n(.*?)\n` + "```").FindStringSubmatch(text)
	if shown == nil {
		t.Fatal("it shows no answer of why")
	}
	config := ""
	for _, block := range regexp.MustCompile("(?s)```cue\n(.*?)```").FindAllStringSubmatch(text, -1) {
		config += block[1]
	}
	config += strings.ReplaceAll(`prometheus: k8s: acknowledge: {
	"queues-restarted": {reason: "They are empty at night.", until: "SOON"}
	"restarts-alone": {reason: "There are two of each.", until: "SOON"}
}
`, "SOON", time.Now().UTC().AddDate(0, 1, 0).Format(time.DateOnly))
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "fleet.cue"), []byte(config), 0o644))
	f, err := sandbox.New(sandbox.Options{Dir: filepath.Join(dir, "forge")})
	must(t, err)
	f.AddUser(demoBot, demoToken, true)
	must(t, f.CreateRepo(sandbox.Spec{Name: "acme/clusters", Files: map[string]sandbox.File{"eu-1/monitoring/stack.yaml": {Content: `apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: k8s, namespace: monitoring}
spec:
  values:
    prometheus:
      prometheusSpec:
        version: v3.5.0
        remoteWrite:
          - name: mimir
            url: https://mimir.acme.example/api/v1/push
            queueConfig: {maxShards: 50}
`}}}))
	server := httptest.NewServer(f.Handler())
	defer server.Close()
	token := filepath.Join(dir, "token")
	must(t, os.WriteFile(token, []byte(demoToken), 0o600))

	cmd := rootCommand()
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetArgs([]string{"why", "--config=" + dir, "--forge-url=" + server.URL, "--token-file=" + token, shown[1]})
	must(t, cmd.Execute())
	rest := out.String()
	for _, line := range strings.Split(shown[2], "\n") {
		var ok bool
		if _, rest, ok = strings.Cut(rest, line+"\n"); !ok {
			t.Fatalf("it does not say, or not in this order, %q:\n%s", line, out.String())
		}
	}
}
