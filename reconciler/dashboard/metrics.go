package dashboard

import (
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/rollout"
	"github.com/portreeve/portreeve/reconciler/store"
)

// metrics has a registry of its own. What is counted over passes is kept in
// it; what the last pass found is taken from the view at each scrape, so that
// a scrape never sees half of a pass.
type metrics struct {
	registry *prometheus.Registry
	view     func() *view
	now      func() time.Time
	duration prometheus.Histogram
	passes   *prometheus.CounterVec
	steps    *prometheus.CounterVec
	webhooks *prometheus.CounterVec
	lastGood prometheus.Gauge
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("portreeve_"+name, help, labels, nil)
}

var (
	descLast = describe("last_pass_timestamp_seconds",
		"When the last pass ended, well or not.")
	descTargets = describe("targets",
		"Targets of all declarations of a kind by state; a target of two declarations counts twice.", "kind", "state")
	descDeclarations = describe("declarations",
		"Declarations with targets or problems, by state: ok, or invalid in the config repo and held at an older revision, or frozen. Of kind team and fleet only those that are invalid.", "kind", "state")
	descHeldAge = describe("held_revision_age_seconds",
		"How long ago the oldest revision was committed that something of a kind is held at.", "kind")
	descProblems = describe("problems",
		"Problems in the config repo.", "severity")
	descPulls = describe("open_pull_requests",
		"Open pull requests of Portreeve.")
	descPlanned = describe("planned_steps",
		"Steps that the last plan leaves to do.", "action")
	descLeft = describe("forge_limit_left",
		"What a limit of the forge left when the last plan was made.", "of", "minutes")
	descMost = describe("forge_limit",
		"What a limit of the forge grants in so many minutes.", "of", "minutes")
	descQueued = describe("waiting_for_limits",
		"Changes that wait for a limit: of a team or a day, or the forge's.", "limit")
	descCatalogRead = describe("catalog_last_read_timestamp_seconds",
		"When the catalog that ownership is proposed from was last read well since the start; absent before.")
	descCatalogUp = describe("catalog_up",
		"Whether the catalog that ownership is proposed from could be read.")
	descCatalogRefused = describe("catalog_import_refused",
		"Whether what the catalog says is refused, since it shrank beyond its bound.")
	descRevision = describe("config_revision_info",
		"The revision of the config repo that was planned for; always 1.", "revision")
)

func newMetrics(version string, now func() time.Time, seen func() *view) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(), view: seen, now: now,
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "portreeve_pass_duration_seconds", Help: "How long passes took.",
			Buckets: []float64{.1, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800},
		}),
		passes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "portreeve_passes_total", Help: "Passes by result: ok, or error when one ended early.",
		}, []string{"result"}),
		steps: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "portreeve_steps_total", Help: "Steps taken by action and result, ok or error.",
		}, []string{"action", "result"}),
		webhooks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "portreeve_webhooks_total", Help: "Webhooks received, by event and what became of them; those that woke a pass have result woke.",
		}, []string{"event", "result"}),
		lastGood: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "portreeve_last_successful_pass_timestamp_seconds", Help: "When the last pass with result ok ended.",
		}),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "portreeve_build_info", Help: "The running build; always 1.",
		ConstLabels: prometheus.Labels{"version": version, "goversion": runtime.Version()},
	})
	build.Set(1)
	for _, result := range []string{"ok", "error"} {
		m.passes.WithLabelValues(result) // a counter that begins at 0 shows its first increase
	}
	m.registry.MustRegister(m, build, m.duration, m.passes, m.steps, m.webhooks, m.lastGood,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
}

// count adds a pass.
func (m *metrics) count(p *store.Pass) {
	m.duration.Observe(p.Finished.Sub(p.Started).Seconds())
	m.passes.WithLabelValues(result(p.Err)).Inc()
	if p.Err == "" {
		m.lastGood.Set(seconds(p))
	}
	for _, d := range p.Done {
		m.steps.WithLabelValues(d.Action, result(d.Err)).Inc()
	}
}

func result(err string) string {
	if err != "" {
		return "error"
	}
	return "ok"
}

func seconds(p *store.Pass) float64 { return float64(p.Finished.UnixMilli()) / 1000 }

// Describe implements prometheus.Collector.
func (m *metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		descLast, descTargets, descDeclarations, descHeldAge, descProblems, descPulls, descPlanned, descRevision,
		descLeft, descMost, descQueued, descCatalogRead, descCatalogUp, descCatalogRefused,
	} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	v := m.view()
	if v == nil {
		return
	}
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		for i := range labels {
			labels[i] = strings.ToValidUTF8(labels[i], "?")
		}
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	gauge(descLast, seconds(v.pass))
	gauge(descRevision, 1, string(v.pass.Revision))

	severities := map[fleet.Severity]int{fleet.Error: 0, fleet.Acknowledge: 0, fleet.Warning: 0}
	for _, p := range v.pass.Problems {
		severities[p.Severity]++
	}
	for s, n := range severities {
		gauge(descProblems, float64(n), string(s))
	}
	m.collectDeclarations(v, gauge)
	m.collectOutcomes(v, gauge)
	collectLimits(v, gauge)
	collectCatalog(v, gauge)
}

func collectCatalog(v *view, gauge func(*prometheus.Desc, float64, ...string)) {
	made := v.plan().Import
	if made == nil {
		return
	}
	truth := func(b bool) float64 {
		if b {
			return 1
		}
		return 0
	}
	gauge(descCatalogUp, truth(made.Err == ""))
	gauge(descCatalogRefused, truth(made.Import != nil && made.Refused != ""))
	if !made.Read.IsZero() {
		gauge(descCatalogRead, float64(made.Read.UnixMilli())/1000)
	}
}

func collectLimits(v *view, gauge func(*prometheus.Desc, float64, ...string)) {
	for _, l := range v.plan().Budget.Allowance.Limits {
		gauge(descLeft, float64(l.Left), string(l.Of), strconv.Itoa(l.Minutes))
		gauge(descMost, float64(l.Most), string(l.Of), strconv.Itoa(l.Minutes))
	}
	queued := map[rollout.Bound]int{rollout.ByTeam: 0, rollout.ByDay: 0, rollout.ByForge: 0}
	for _, t := range turns(v.outcomes) {
		queued[t.Bound]++
	}
	for bound, n := range queued {
		gauge(descQueued, float64(n), string(bound))
	}
}

func (m *metrics) collectDeclarations(v *view, gauge func(*prometheus.Desc, float64, ...string)) {
	declarations, ages := map[[2]string]int{}, map[string]float64{}
	count := func(kind, state string) {
		for _, s := range []string{"ok", "held", "frozen"} { // so that a state that ends shows as 0
			declarations[[2]string{kind, s}] += 0
		}
		declarations[[2]string{kind, state}]++
	}
	stale := map[fleet.ID]bool{}
	for i := range v.plan().Stale {
		s := &v.plan().Stale[i]
		stale[fleet.ID{Kind: s.Kind, Name: s.Name}] = true
		if !s.Held {
			count(s.Kind, "frozen")
			continue
		}
		count(s.Kind, "held")
		ages[s.Kind] = max(ages[s.Kind], m.now().Sub(s.Time).Seconds())
	}
	for id := range v.declarations {
		if id != (fleet.ID{}) && !stale[id] {
			count(id.Kind, "ok")
		}
	}
	for l, n := range declarations {
		gauge(descDeclarations, float64(n), l[0], l[1])
	}
	for kind, age := range ages {
		gauge(descHeldAge, age, kind)
	}
}

func (m *metrics) collectOutcomes(v *view, gauge func(*prometheus.Desc, float64, ...string)) {
	targets, pulls := map[[2]string]int{}, map[string]bool{} // by URL: clusters share one
	for _, o := range v.outcomes {
		key := [2]string{o.Declaration.Kind, string(o.State)}
		if _, ok := targets[key]; !ok {
			for _, s := range rollout.States { // so that a state that ends shows as 0
				targets[[2]string{o.Declaration.Kind, string(s)}] += 0
			}
		}
		targets[key]++
		if o.Pull != nil && o.Pull.State == fleet.PullOpen {
			pulls[o.Pull.URL] = true
		}
	}
	for l, n := range targets {
		gauge(descTargets, float64(n), l[0], l[1])
	}
	gauge(descPulls, float64(len(pulls)))

	planned := map[rollout.Action]int{}
	for i := range v.plan().Steps {
		planned[v.plan().Steps[i].Action]++
	}
	for a, n := range planned {
		gauge(descPlanned, float64(n), string(a))
	}
}
