package main

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/portreeve/portreeve/examples"
	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge/sandbox"
)

// The demo's people and its config repo.
const (
	demoPerson = "you"
	demoBot    = "portreeve"
	demoToken  = "demo-token-of-portreeve"
	demoConfig = "acme/config"
)

// demoFleet makes the sandbox's users and repos.
func demoFleet(f *sandbox.Forge) error {
	f.AddUser(demoBot, demoToken, true)
	f.AddUser(demoPerson, demoPerson, false)
	config, err := demoConfigRepo()
	if err != nil {
		return err
	}
	for _, spec := range append([]sandbox.Spec{config}, demoRepos()...) {
		if err := f.CreateRepo(spec); err != nil {
			return fmt.Errorf("make %s: %w", spec.Name, err)
		}
	}
	return nil
}

func demoSize() int { return len(demoRepos()) + 1 }

func demoConfigRepo() (sandbox.Spec, error) {
	spec := sandbox.Spec{Name: demoConfig, Language: "CUE", Files: map[string]sandbox.File{}}
	err := fs.WalkDir(examples.Demo, "demo", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) == ".golden" { // what the tests expect is no part of it
			return err
		}
		b, err := fs.ReadFile(examples.Demo, name)
		spec.Files[strings.TrimPrefix(name, "demo/")] = sandbox.File{Content: string(b)}
		return err
	})
	return spec, err
}

// demoRepos are repos as one finds them: some up to date, some not, one whose
// check fails, one without checks, one with a merge queue, one frozen, one
// archived.
func demoRepos() []sandbox.Spec {
	test := sandbox.CheckSpec{Name: "test", After: 2 * time.Second}
	lint := sandbox.CheckSpec{Name: "lint", After: time.Second}
	broken := sandbox.CheckSpec{Name: "test", After: 2 * time.Second, Fails: sandbox.FailsIf(".github/workflows/ci.yml", "checkout@v5")}
	repo := func(name, language string, ci []sandbox.CheckSpec, files map[string]string, topics ...string) sandbox.Spec {
		spec := sandbox.Spec{
			Name: fleet.RepoName("acme/" + name), Language: language, Topics: topics, CI: ci,
			Files: map[string]sandbox.File{"README.md": {Content: "# " + name + "\n"}},
		}
		for path, content := range files {
			spec.Files[path] = sandbox.File{Content: content, Executable: strings.HasSuffix(path, ".sh")}
		}
		return spec
	}
	checks := func(c ...sandbox.CheckSpec) []sandbox.CheckSpec { return c }
	ledger := repo("ledger", "Go", checks(test, lint), map[string]string{
		"go.mod": goMod("ledger"), "main.go": goMain, ".github/workflows/ci.yml": workflow("v3", "go test ./..."),
		".github/CODEOWNERS": "* @acme/payments\n", "deploy/prod.yaml": "replicas: 3\n", "catalog-info.yaml": catalogInfo("ledger", "payments"),
	}, "service", "tier-1")
	ledger.Rules = sandbox.Rules{RequiredChecks: []string{"test"}}
	old := repo("old-api", "Java", nil, map[string]string{"pom.xml": "<project/>\n"})
	old.Archived = true
	return []sandbox.Spec{
		ledger,
		repo("billing", "Go", checks(test), map[string]string{
			"go.mod": goMod("billing"), "main.go": goMain, ".github/workflows/ci.yml": workflow("v4", "go test ./..."),
			"catalog-info.yaml": catalogInfo("billing", "payments"),
		}, "service"),
		repo("risk-model", "Python", checks(test), map[string]string{
			"pyproject.toml": "[project]\nname = \"risk-model\"\n", ".github/workflows/ci.yml": workflow("v3", "pytest"),
			"CODEOWNERS": "* @acme/payments\n",
		}, "model"),
		repo("checkout", "TypeScript", checks(broken), map[string]string{
			"package.json": "{\n  \"name\": \"checkout\"\n}\n", ".github/workflows/ci.yml": workflow("v3", "npm test"),
		}, "service"),
		repo("web", "TypeScript", checks(test, lint), map[string]string{
			"package.json": "{\n  \"name\": \"web\"\n}\n", ".github/workflows/ci.yml": workflow("v5", "npm test"),
			"SECURITY.md": "Write to security@acme.example.\n", "docs/index.md": "# Web\n",
		}, "service"),
		queued(repo("search", "Java", checks(test), map[string]string{
			"pom.xml": "<project/>\n", ".github/workflows/ci.yml": workflow("v4", "mvn verify"),
			"catalog-info.yaml": catalogInfo("search", "storefront"),
		})),
		repo("mobile", "Kotlin", checks(test), map[string]string{
			"build.gradle.kts": "plugins {}\n", ".github/workflows/ci.yml": workflow("v5", "./gradlew check"), "gradlew.sh": "#!/bin/sh\nexit 0\n",
		}),
		repo("infra-dns", "HCL", nil, map[string]string{
			"zones.tf": "# zones\n", "catalog-info.yaml": catalogInfo("infra-dns", "platform"), ".travis.yml": "language: generic\n",
		}),
		repo("deploy", "Shell", checks(lint), map[string]string{
			"deploy.sh": "#!/bin/sh\nset -eu\n", ".github/workflows/lint.yml": workflow("v3", "shellcheck deploy.sh"),
		}),
		repo("clusters", "YAML", checks(lint), map[string]string{
			"eu-1/monitoring/prometheus.yaml": prometheusOf("eu-1"), "us-1/monitoring/prometheus.yaml": prometheusOf("us-1"),
		}),
		repo("docs", "Markdown", nil, map[string]string{"index.md": "# Acme's handbook\n"}),
		repo("legacy-cron", "Go", checks(test), map[string]string{
			"go.mod": goMod("legacy-cron"), "main.go": goMain, ".github/workflows/ci.yml": workflow("v3", "go test ./..."),
		}, "frozen"),
		repo("play-ground", "Go", nil, map[string]string{"go.mod": goMod("play-ground")}),
		old,
	}
}

// queued gives a repo a merge queue.
func queued(spec sandbox.Spec) sandbox.Spec {
	spec.Rules = sandbox.Rules{RequiredChecks: []string{"test"}, Queue: true, Ruleset: true}
	return spec
}

const goMain = "package main\n\nfunc main() {}\n"

func goMod(name string) string { return "module acme.example/" + name + "\n\ngo 1.26.0\n" }

func workflow(checkout, command string) string {
	return "name: ci\non: [push, pull_request]\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n" +
		"      - uses: actions/checkout@" + checkout + " # pinned by the platform team\n      - run: " + command + "\n"
}

// prometheusOf is a Prometheus as people have written it.
func prometheusOf(cluster string) string {
	return "apiVersion: monitoring.coreos.com/v1\nkind: Prometheus\nmetadata:\n  name: k8s\n  namespace: monitoring\nspec:\n  version: v3.5.0\n" +
		"  externalLabels: {cluster: " + cluster + "}\n  serviceMonitorSelector: {}\n  remoteWrite:\n    - name: mimir # the central one\n" +
		"      url: https://mimir.acme.example/api/v1/push\n      queueConfig:\n        maxShards: 50\n"
}

// demoHosts are the files of a host without Kubernetes, as people have written them.
func demoHosts(dir string) error {
	if err := os.MkdirAll(filepath.Join(dir, "vm-1"), 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "vm-1", "prometheus.yml"), []byte(`global:
  scrape_interval: 30s
scrape_configs:
  - job_name: node # on every host
    static_configs: [{targets: ["localhost:9100"]}]
remote_write:
  - name: mimir # the central one
    url: https://mimir.acme.example/api/v1/push
    queue_config: {max_shards: 50}
`), 0o644)
}

func catalogInfo(name, owner string) string {
	return "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: " + name +
		"\nspec:\n  type: service\n  lifecycle: experimental # ask before you change this\n  owner: " + owner + "\n"
}
