package e2e

import (
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/portreeve/portreeve/e2e/backstage"
	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge/sandbox"
)

// TestBackstage lives with a real catalog: it is imported, changes, shrinks, is
// killed, comes back empty, and comes back whole; and it reads what we serve.
func TestBackstage(t *testing.T) {
	dir, err := backstage.Dir()
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(dir)) })
	catalog, err := backstage.New(dir)
	must(t, err)
	t.Cleanup(catalog.Close)
	w := newCatalogWorld(t, catalog.URL)
	must(t, catalog.Declare(groups+component("ledger", "payments")+component("billing", "payments")+component("search", "web")))
	must(t, catalog.Start())
	must(t, catalog.Await("each component has its owner", func(all map[string]backstage.Entity) bool {
		return all["component ledger"].Owner() != "" && all["component billing"].Owner() != "" && all["component search"].Owner() != ""
	}))

	// It is imported, and in force once a person has merged that.
	w.reconciles(`open +acme/config +import/backstage`)
	must(t, w.kim.Merge("acme/config", 1, fleet.MergeSquash))
	w.reconciles(`open +acme/search +ownership/search`)
	owners, err := w.forge.ReadFile("acme/search", "portreeve/ownership/search", ".github/CODEOWNERS")
	must(t, err)
	if !strings.Contains(owners, "@acme/web") {
		t.Errorf("CODEOWNERS of acme/search: %q", owners)
	}

	// It changes.
	must(t, catalog.Declare(groups+component("ledger", "payments")+component("billing", "web")+component("search", "web")))
	must(t, catalog.Await("billing is of web", func(all map[string]backstage.Entity) bool {
		return all["component billing"].Owner() == "group:default/web"
	}))
	w.says(0, `acme/billing: payments → web`, "backstage")
	w.reconciles(`open +acme/config +import/backstage`)
	must(t, w.kim.Merge("acme/config", 2, fleet.MergeSquash))
	w.reconciles(`update +acme/billing +ownership/billing`)

	// It shrinks: what is gone is at first an orphan.
	must(t, catalog.Declare(groups+component("ledger", "payments")))
	must(t, catalog.Await("two are orphans, or gone", func(all map[string]backstage.Entity) bool {
		left := 0
		for name, e := range all {
			if strings.HasPrefix(name, "component") && !e.Orphan() {
				left++
			}
		}
		return left == 1
	}))
	w.says(1, `REFUSED: the catalog shrank: it has no owner any more for 2 of 3 repos`, "backstage")
	w.reconciles(`blocked +acme/config +import/backstage +the catalog shrank`)

	// It is killed.
	catalog.Kill()
	w.says(3, `CAN'T BE READ: .*connection refused`, "backstage")
	w.says(0, `import/backstage +WAITING`, "why", "acme/config")
	w.says(0, `ownership/search +REVIEW`, "why", "acme/search")

	// It comes back empty, and reads what a daemon serves.
	daemon := w.daemon()
	must(t, catalog.Declare(""))
	catalog.Empty()
	must(t, catalog.Start(daemon+"/api/backstage/catalog-info.yaml"))
	must(t, catalog.Await("it has what we serve", func(all map[string]backstage.Entity) bool {
		return all["component pages"].Owner() == "group:default/platform" &&
			all["group platform"].Metadata.Annotations["github.com/team-slug"] == "acme/platform"
	}))
	w.says(1, `REFUSED: the catalog shrank: it has no owner any more for 3 of 3 repos`, "backstage")
	w.says(1, `component:default/pages: Portreeve serves it`, "backstage")
	w.says(0, `ownership/search +REVIEW`, "why", "acme/search")

	// It comes back whole, and nobody has to help.
	must(t, catalog.Declare(groups+component("ledger", "payments")+component("billing", "payments")+component("search", "web")))
	must(t, catalog.Await("it is whole", func(all map[string]backstage.Entity) bool {
		return all["component billing"].Owner() == "group:default/payments" && all["component search"].Owner() != ""
	}))
	w.reconciles(`open +acme/config +import/backstage`)
	body, err := w.forge.Pull("acme/config", 3)
	must(t, err)
	if !strings.Contains(body.Body, "acme/billing: web → payments") || strings.Contains(body.Body, backstage.Token) {
		t.Error(body.Body)
	}
}

// TestBackstageTemplates: Backstage takes the templates for templates.
func TestBackstageTemplates(t *testing.T) {
	templates, err := filepath.Glob("../examples/backstage/*/template.yaml")
	must(t, err)
	if len(templates) == 0 {
		t.Fatal("there are none")
	}
	must(t, backstage.CheckTemplates(templates...))
}

const groups = `apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: payments, annotations: {github.com/team-slug: acme/payments}}
spec: {type: team, profile: {displayName: Payments}, children: []}
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: web, annotations: {github.com/team-slug: acme/web}}
spec: {type: team, children: []}
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: {name: kim, annotations: {github.com/user-login: kim}}
spec: {memberOf: [web]}
`

func component(name, owner string) string {
	return fmt.Sprintf(`---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: %s, annotations: {github.com/project-slug: acme/%s}}
spec: {type: service, lifecycle: production, owner: %s}
`, name, name, owner)
}

// catalogWorld is a forge with a fleet whose ownership comes from a catalog.
type catalogWorld struct {
	*testing.T
	forge  *sandbox.Forge
	kim    *sandbox.Person
	config string
	flags  []string
}

func newCatalogWorld(t *testing.T, url string) *catalogWorld {
	f, err := sandbox.New(sandbox.Options{Dir: t.TempDir()})
	must(t, err)
	f.AddUser("portreeve", "token-of-portreeve", true)
	f.AddUser("kim", "token-of-kim", false)
	config := fmt.Sprintf(`package fleet

fleet: {
	repos: ["acme/ledger", "acme/billing", "acme/search", "acme/pages"]
	mode: "propose"
	ownership: backstage: url: %q
}
teams: platform: {github: "acme/platform", contact: "#platform"}
ownership: pages: {repo: "acme/pages", owner: "platform"}
`, url)
	must(t, f.CreateRepo(sandbox.Spec{Name: "acme/config", Files: map[string]sandbox.File{"fleet.cue": {Content: config}}}))
	for _, name := range []fleet.RepoName{"acme/ledger", "acme/billing", "acme/search", "acme/pages"} {
		must(t, f.CreateRepo(sandbox.Spec{Name: name, Files: map[string]sandbox.File{"main.go": {Content: "package main\n"}}}))
	}
	server := httptest.NewServer(f.Handler())
	t.Cleanup(server.Close)
	w := &catalogWorld{T: t, forge: f, kim: f.Person("kim"), config: server.URL + "/acme/config.git"}
	dir := t.TempDir()
	for flag, secret := range map[string]string{"token-file": "token-of-portreeve", "backstage-token-file": backstage.Token} {
		file := filepath.Join(dir, flag)
		must(t, os.WriteFile(file, []byte(secret+"\n"), 0o600))
		w.flags = append(w.flags, "--"+flag+"="+file)
	}
	w.flags = append(w.flags, "--forge-url="+server.URL)
	return w
}

// says runs a command, which has to end so and say this.
func (w *catalogWorld) says(code int, want string, args ...string) {
	w.Helper()
	path, err := buildPortreeve()
	must(w.T, err)
	if args[0] == "why" {
		args = append(args, "--config="+w.config)
	} else {
		args = append(args, w.config)
	}
	cmd := exec.Command(path, append(args, w.flags...)...)
	cmd.Env = []string{"HOME=" + w.TempDir(), "PATH=" + os.Getenv("PATH"), "NO_PROXY=*"}
	out, _ := cmd.CombinedOutput()
	if got := cmd.ProcessState.ExitCode(); got != code || !regexp.MustCompile(want).Match(out) {
		w.Fatalf("portreeve %s: exit status %d, want %d and %q in\n%s", strings.Join(args, " "), got, code, want, out)
	}
	if strings.Contains(string(out), backstage.Token) {
		w.Fatalf("the token is told:\n%s", out)
	}
}

// reconciles makes a pass, which has to say this.
func (w *catalogWorld) reconciles(want string) {
	w.Helper()
	w.says(0, want, "reconcile")
}

// daemon starts one, and gives the address of its pages once it has read the
// config repo.
func (w *catalogWorld) daemon() string {
	w.Helper()
	args := append([]string{"run", "--listen=127.0.0.1:0", "--data=" + w.TempDir()}, w.flags...)
	p := start(w.T, append(args, w.config)...)
	said, err := p.Await(regexp.MustCompile(`status page: (http://\S+?)/\n`), 30*time.Second)
	must(w.T, err)
	_, err = p.Await(regexp.MustCompile(`revision read`), 30*time.Second)
	must(w.T, err)
	return said[1]
}
