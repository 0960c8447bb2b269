package dashboard_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/portreeve/portreeve/reconciler/dashboard"
	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/plan"
	"github.com/portreeve/portreeve/reconciler/rollout"
	"github.com/portreeve/portreeve/reconciler/store"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func server(o dashboard.Options) *dashboard.Server {
	if o.Now == nil {
		o.Now = func() time.Time { return noon }
	}
	return dashboard.New(o)
}

func pass(outcomes ...rollout.Outcome) *store.Pass {
	return &store.Pass{
		Number: 7, Started: noon.Add(-4 * time.Minute), Finished: noon.Add(-3 * time.Minute),
		Revision: "9f3c2d1aaaaaaaaa",
		Plan:     &plan.Plan{Mode: fleet.Merge, Outcomes: outcomes, Repos: 2},
	}
}

func ledger() rollout.Outcome {
	return rollout.Outcome{
		Declaration: fleet.ID{Kind: "migration", Name: "go-1-26"},
		Target:      fleet.Target{Repo: "acme/ledger"}, State: rollout.Review,
		Reason: "PR #87 waits for review", Next: "1 approval from payments", Because: "has go.mod",
		What: []string{"go.mod 1.24.3 → 1.26.0"}, Decides: "payments",
		Pos: fleet.Pos{File: "fleet.cue", Line: 34, Column: 1}, Revision: "77ab01eaaaaa",
		Pull: &rollout.PullRef{Number: 87, URL: "https://forge.example/acme/ledger/pull/87", State: fleet.PullOpen},
	}
}

func get(t *testing.T, s http.Handler, url string, code int) string {
	t.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest("GET", url, nil))
	if w.Code != code {
		t.Fatalf("GET %s: %d, want %d\n%s", url, w.Code, code, w.Body)
	}
	return w.Body.String()
}

// dom is a parsed page: its text, and the values of attributes by name.
type dom struct {
	text  string
	attrs map[string][]string
	tags  map[string]int
}

func parse(t *testing.T, page string) dom {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	d := dom{attrs: map[string][]string{}, tags: map[string]int{}}
	var words []string
	for n := range root.Descendants() {
		switch n.Type {
		case html.TextNode:
			words = append(words, strings.Fields(n.Data)...)
		case html.ElementNode:
			d.tags[n.Data]++
			for _, a := range n.Attr {
				d.attrs[a.Key] = append(d.attrs[a.Key], a.Val)
			}
		}
	}
	d.text = strings.Join(words, " ")
	return d
}

func (d dom) wants(t *testing.T, texts ...string) {
	t.Helper()
	for _, want := range texts {
		if !strings.Contains(d.text, want) {
			t.Errorf("%q is missing in %q", want, d.text)
		}
	}
}

func (d dom) has(attr, value string) bool {
	for _, v := range d.attrs[attr] {
		if v == value {
			return true
		}
	}
	return false
}

func TestBeforeTheFirstPass(t *testing.T) {
	s := server(dashboard.Options{Version: "v1"})
	s.Progress("reading 300 repos")
	for _, url := range []string{"/", "/target/acme/ledger", "/declaration/migration/go-1-26"} {
		parse(t, get(t, s, url, 200)).wants(t, "No pass has ended yet", "reading 300 repos", "portreeve v1")
	}
	get(t, s, "/status.json", 503)
	get(t, s, "/readyz", 503)
	get(t, s, "/healthz", 200)
	get(t, s, "/style.css", 200)
	get(t, s, "/nothing", 404)
	if m := get(t, s, "/metrics", 200); !strings.Contains(m, `portreeve_build_info{goversion=`) {
		t.Error("no build info")
	}
}

func TestOverview(t *testing.T) {
	s := server(dashboard.Options{})
	done := ledger()
	done.State, done.Target.Repo, done.Decides, done.Pull = rollout.Done, "acme/billing", "platform", nil
	p := pass(done, ledger())
	p.Problems = []fleet.Problem{
		{Severity: fleet.Warning, Message: "odd"},
		{Severity: fleet.Acknowledge, Declaration: "migration/go-1-26", Message: "it changes every repo"},
		{Severity: fleet.Error, Pos: fleet.Pos{File: "fleet.cue", Line: 19, Column: 30}, Declaration: "ownership/ledger", Message: `unknown team "platfrom"`, Hint: `did you mean "platform"?`},
	}
	p.Done = []store.Done{{Action: "open", Repo: "acme/ledger", Declaration: ledger().Declaration, URL: "https://forge.example/pull/1", Err: "no right"}}
	p.Plan.Steps = []rollout.Step{{Action: rollout.Open}, {Action: rollout.Open}}
	p.Plan.Halted = "STOP stands in the config repo"
	p.Err = "budget spent"
	s.Publish(p)
	page := parse(t, get(t, s, "/", 200))
	page.wants(t, "revision 9f3c2d1", "mode merge", "pass 7, 3 min ago", "took 1m0s", "1 review", "1 done",
		`fleet.cue:19:30 error ownership/ledger : unknown team "platfrom"; did you mean "platform"?`,
		"needs acknowledgement migration/go-1-26 : it changes every repo",
		"1 to 2 of 2", "PR #87 waits for review", "2 open", "Nothing is written: STOP", "ended early: budget spent", "no right")
	if i, j := strings.Index(page.text, "acme/ledger migration"), strings.Index(page.text, "acme/billing migration"); i < 0 || j < i {
		t.Error("what needs a person does not come first")
	}
	for _, link := range []string{"/target/acme/ledger", "/declaration/migration/go-1-26", "https://forge.example/acme/ledger/pull/87", "/?state=review"} {
		if !page.has("href", link) {
			t.Errorf("no link to %s in %q", link, page.attrs["href"])
		}
	}
	if page.tags["script"] > 0 || page.has("http-equiv", "refresh") {
		t.Error("a script, or a refresh that nobody asked for")
	}
	if !parse(t, get(t, s, "/?refresh=1", 200)).has("http-equiv", "refresh") {
		t.Error("no refresh")
	}
	for query, want := range map[string]string{
		"state=done": "1 to 1 of 1", "team=payments": "1 to 1 of 1", "target=bill": "1 to 1 of 1",
		"declaration=go-1": "1 to 2 of 2", "team=pay": "Nothing matches", "page=99": "beyond the last of 2", "page=-1&state=x": "Nothing matches",
	} {
		parse(t, get(t, s, "/?"+query, 200)).wants(t, want)
	}
}

// TestCluster holds that a cluster has a page, also where its work is in a repo.
func TestCluster(t *testing.T) {
	lane := ledger()
	lane.Declaration, lane.Target.Repo, lane.Lane = fleet.ID{Kind: "prometheus", Name: "k8s"}, "acme/clusters", "eu-1"
	idle := rollout.Outcome{
		Declaration: fleet.ID{Kind: "cluster", Name: "us-1"}, Target: fleet.Target{Cluster: "us-1"}, State: rollout.Out, Reason: "no declaration is about it",
	}
	s := server(dashboard.Options{})
	s.Publish(pass(lane, idle))
	index := parse(t, get(t, s, "/", 200))
	for _, link := range []string{"/target/eu-1", "/target/us-1", "/target/acme/clusters"} {
		if !slices.Contains(index.attrs["href"], link) {
			t.Errorf("no link to %s", link)
		}
	}
	parse(t, get(t, s, "/target/eu-1", 200)).wants(t, "prometheus/k8s eu-1", "in acme/clusters")
	parse(t, get(t, s, "/target/us-1", 200)).wants(t, "no declaration is about it")
	if page := get(t, s, "/?target=eu-1", 200); strings.Contains(page, "/target/us-1") {
		t.Error("the filter for one cluster shows another")
	}
}

func TestTargetAndDeclaration(t *testing.T) {
	s := server(dashboard.Options{})
	cluster := ledger()
	cluster.Target = fleet.Target{Cluster: "prod-eu-1 a?b#c"}
	p := pass(ledger(), cluster)
	p.Problems = []fleet.Problem{{Severity: fleet.Error, Declaration: "ownership/gone", Message: "broken"}}
	s.Publish(p)
	parse(t, get(t, s, "/target/acme/ledger", 200)).wants(t, "migration/go-1-26 review #87",
		"state PR #87 waits for review", "has go.mod; fleet.cue:34:1 @ 77ab01e", "1 approval from payments", "go.mod 1.24.3")
	page := parse(t, get(t, s, "/declaration/migration/go-1-26", 200))
	page.wants(t, "2 review", "1 to 2 of 2")
	found := false
	for _, link := range page.attrs["href"] {
		if strings.HasPrefix(link, "/target/prod") {
			found = true
			parse(t, get(t, s, link, 200)).wants(t, "prod-eu-1 a?b#c")
		}
	}
	if !found {
		t.Error("no link to the cluster")
	}
	parse(t, get(t, s, "/declaration/ownership/gone", 200)).wants(t, "broken")
	get(t, s, "/declaration/ownership/none", 404)
	parse(t, get(t, s, "/target/acme/none", 404)).wants(t, "the last pass saw nothing of that name")
}

// TestStale holds that what is held or frozen is marked on every page that
// shows it.
func TestStale(t *testing.T) {
	s := server(dashboard.Options{})
	o := ledger()
	held := fleet.Stale{
		Kind: o.Declaration.Kind, Name: o.Declaration.Name, Held: true, Revision: "77ab01eaaaaa", Time: noon,
		Problem: fleet.Problem{Pos: fleet.Pos{File: "fleet.cue", Line: 19, Column: 30}, Message: "unknown team"},
	}
	frozen := fleet.Stale{Kind: "fleet", Never: "never valid so far", Problem: fleet.Problem{Message: "no org"}}
	o.Stale = &held
	p := pass(o)
	p.Plan.Stale = []fleet.Stale{frozen, held}
	s.Publish(p)
	all := parse(t, get(t, s, "/", 200))
	all.wants(t, "fleet frozen , never valid so far: no org", "migration/go-1-26 stale , enforced at 77ab01e (",
		"UTC ): fleet.cue:19:30: unknown team", "migration/go-1-26 stale, enforced at 77ab01e PR #87")
	parse(t, get(t, s, "/target/acme/ledger", 200)).wants(t, "review stale, enforced at 77ab01e #87",
		"stale enforced at 77ab01e, since fleet.cue:19:30: unknown team; fix the config repo")
	one := parse(t, get(t, s, "/declaration/migration/go-1-26", 200))
	one.wants(t, "migration/go-1-26 stale , enforced at 77ab01e (")
	if strings.Contains(one.text, "no org") {
		t.Error("a declaration's page tells of others")
	}
	if text := get(t, s, "/status.json", 200); !strings.Contains(text, `"stale":[{"kind":"fleet","held":false,"never":"never valid so far"`) {
		t.Error(text)
	}
}

func TestHostileTexts(t *testing.T) {
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(1)>'`
	s := server(dashboard.Options{Version: evil})
	for _, link := range []string{"javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "//evil.example", "\x01http://x", "ftp://x/"} {
		o := rollout.Outcome{
			Declaration: fleet.ID{Kind: evil, Name: evil}, Target: fleet.Target{Repo: evil}, Lane: evil,
			State: evil, Reason: evil, Next: evil, Because: evil, What: []string{evil}, Decides: evil,
			Pos: fleet.Pos{File: evil}, Revision: evil, Pull: &rollout.PullRef{Number: 1, URL: link, State: evil},
		}
		p := pass(o)
		p.Revision, p.Err, p.Plan.Halted, p.Plan.Mode = evil, evil, evil, evil
		p.Problems = []fleet.Problem{{Severity: evil, Code: evil, Pos: o.Pos, Declaration: evil, Message: evil, Hint: evil}}
		stale := fleet.Stale{Kind: evil, Name: evil, Held: true, Revision: evil, Never: evil, Problem: p.Problems[0]}
		p.Plan.Outcomes[0].Stale, p.Plan.Stale = &stale, []fleet.Stale{stale}
		p.Done = []store.Done{{Action: evil, Repo: evil, URL: link, What: []string{evil}, Err: evil}}
		s.Publish(p)
		s.Progress(evil)
		all := parse(t, get(t, s, "/", 200))
		for _, page := range all.attrs["href"] {
			if page != "#main" && (!strings.HasPrefix(page, "/") || strings.HasPrefix(page, "//")) {
				t.Errorf("%q became a link: %q", link, page)
			}
			if strings.HasPrefix(page, "/target") || strings.HasPrefix(page, "/declaration") || page == "/" {
				d := parse(t, get(t, s, page, 200))
				if d.tags["script"]+d.tags["img"] > 0 || len(d.attrs["onerror"]) > 0 {
					t.Errorf("%s: not escaped", page)
				}
				d.wants(t, "<script>alert(1)</script>")
			}
		}
	}
	get(t, s, "/metrics", 200)
}

func TestHeaders(t *testing.T) {
	s := server(dashboard.Options{})
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
		t.Error(csp)
	}
	for _, method := range []string{"POST", "PUT", "DELETE"} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(method, "/", nil))
		if w.Code != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d", method, w.Code)
		}
	}
}

// large is a pass over 5,000 repos and 20 declarations.
func large() *store.Pass {
	var all []rollout.Outcome
	for r := range 5000 {
		for d := range 20 {
			o := ledger()
			o.Target.Repo = fleet.RepoName(fmt.Sprintf("acme/repo-%d", r))
			o.Declaration.Name = fmt.Sprintf("m-%d", d)
			o.State = rollout.States[(r+d)%len(rollout.States)]
			all = append(all, o)
		}
	}
	p := pass(all...)
	for i := range 3000 {
		p.Problems = append(p.Problems, fleet.Problem{Severity: fleet.Error, Message: fmt.Sprint(i)})
	}
	return p
}

func TestLargeFleetIsPaged(t *testing.T) {
	s := server(dashboard.Options{})
	s.Publish(large())
	for _, url := range []string{"/", "/?page=500", "/?target=repo-49&team=payments", "/declaration/migration/m-3"} {
		start := time.Now()
		page := get(t, s, url, 200)
		if took := time.Since(start); took > time.Second { // ten times what it should be: machines are shared
			t.Errorf("%s took %s", url, took)
		}
		if d := parse(t, page); len(page) > 300<<10 || d.tags["tr"] > 101 {
			t.Errorf("%s: %d bytes, %d rows", url, len(page), d.tags["tr"])
		}
	}
	parse(t, get(t, s, "/", 200)).wants(t, "1 to 100 of 100000", "2950 more")
}

func BenchmarkOverview(b *testing.B) {
	s := server(dashboard.Options{})
	s.Publish(large())
	for b.Loop() {
		s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/?target=repo-49", nil))
	}
}

func BenchmarkPublish(b *testing.B) {
	s, p := server(dashboard.Options{}), large()
	for b.Loop() {
		s.Publish(p)
	}
}

// TestCatalogTold: how the catalog is stands on every page and in the metrics.
func TestCatalogTold(t *testing.T) {
	s := server(dashboard.Options{})
	p := pass(ledger())
	p.Plan.Import = &plan.Imported{
		From: "https://backstage.acme.example", Read: noon.Add(-5 * time.Hour), Err: "it answers 503",
		Committed: noon.Add(-72 * time.Hour),
	}
	s.Publish(p)
	told := "CAN'T BE READ: it answers 503 · read 5 hours ago · what stands was committed on 19 November 2026"
	parse(t, get(t, s, "/", 200)).wants(t, told)
	parse(t, get(t, s, "/target/acme/ledger", 200)).wants(t, told)
	metrics := get(t, s, "/metrics", 200)
	for _, want := range []string{
		"portreeve_catalog_up 0\n", "portreeve_catalog_import_refused 0\n", "portreeve_catalog_last_read_timestamp_seconds 1.7953308e+09\n",
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("no %q", want)
		}
	}
}

// TestEntities: there is no answer before a config has been read, and a later
// pass that could not read one takes nothing away.
func TestEntities(t *testing.T) {
	s := server(dashboard.Options{})
	const url = "/api/backstage/catalog-info.yaml"
	get(t, s, url, http.StatusServiceUnavailable)
	s.Publish(&store.Pass{Err: "the config repo can't be read"})
	get(t, s, url, http.StatusServiceUnavailable)
	p := pass(ledger())
	p.Config = &fleet.Config{
		Teams: map[fleet.TeamName]fleet.Team{
			"payments": {Name: "payments", GitHub: "acme/payments"},
			"eu.web":   {Name: "eu.web", Pos: fleet.Pos{File: fleet.ImportFile}},
		},
		Declarations: []*fleet.Declaration{
			{ID: fleet.ID{Kind: "ownership", Name: "ledger"}, Owns: "acme/ledger", Owner: "eu.web"},
			{ID: fleet.ID{Kind: "ownership", Name: "rest"}, Owner: "payments", Default: &fleet.Selection{}},
		},
	}
	kind.Index(p.Config)
	p.Listings = []fleet.Repo{{Name: "acme/shop"}, {Name: "acme/old", Archived: true}, {Name: "acme/ledger"}, {Name: "other/ledger"}}
	s.Publish(p)
	s.Publish(&store.Pass{Err: "the config repo can't be read"})
	if got := get(t, s, url, 200); !strings.Contains(got, "github.com/team-slug: acme/payments\n") {
		t.Error(got)
	} else if components := regexp.MustCompile(`(?s)kind: Component.*?name: (\S+).*?project-slug: (\S+).*?owner: (\S+)`).FindAllStringSubmatch(got, -1); len(components) != 3 ||
		!slices.Equal(components[0][1:], []string{"ledger", "acme/ledger", "group:eu/web"}) ||
		!slices.Equal(components[1][1:], []string{"shop", "acme/shop", "group:default/payments"}) ||
		!slices.Equal(components[2][1:], []string{"other.ledger", "other/ledger", "group:default/payments"}) {
		t.Errorf("components %q", components)
	}
	get(t, s, url+"?namespace=a%2Fb", http.StatusBadRequest)
}
