package dashboard_test

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/portreeve/portreeve/reconciler/dashboard"
	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/rollout"
	"github.com/portreeve/portreeve/reconciler/store"
)

func TestStatus(t *testing.T) {
	s := server(dashboard.Options{})
	s.Publish(pass(ledger()))
	ask := func(etag string) *httptest.ResponseRecorder {
		r, w := httptest.NewRequest("GET", "/status.json", nil), httptest.NewRecorder()
		r.Header.Set("If-None-Match", etag)
		s.ServeHTTP(w, r)
		return w
	}
	w := ask("")
	var got store.Pass
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got.Number != 7 || got.Plan.Outcomes[0].Pull.Number != 87 {
		t.Errorf("%v: %+v", err, got)
	}
	if again := ask(w.Header().Get("ETag")); again.Code != http.StatusNotModified {
		t.Errorf("same: %d", again.Code)
	}
	s.Publish(pass())
	if other := ask(w.Header().Get("ETag")); other.Code != 200 {
		t.Errorf("another pass: %d", other.Code)
	}
}

func TestUnreadableConfigKeepsOutcomes(t *testing.T) {
	s := server(dashboard.Options{})
	bad := &store.Pass{Number: 8, Started: noon, Finished: noon, Err: "config repo: no route"}
	s.Publish(bad)
	get(t, s, "/readyz", 503)
	parse(t, get(t, s, "/", 200)).wants(t, "has not been read yet", "no route")
	s.Publish(pass(ledger()))
	get(t, s, "/readyz", 200)
	s.Publish(bad)
	get(t, s, "/readyz", 200)
	parse(t, get(t, s, "/", 200)).wants(t, "no route", "found by pass 7", "at revision 9f3c2d1", "acme/ledger")
}

func TestHealth(t *testing.T) {
	now := noon
	s := server(dashboard.Options{Now: func() time.Time { return now }, Alive: time.Minute})
	get(t, s, "/healthz", 200)
	now = now.Add(2 * time.Minute)
	get(t, s, "/healthz", 503)
	s.Tick()
	get(t, s, "/healthz", 200)
}

func TestMetrics(t *testing.T) {
	s := server(dashboard.Options{Version: "v1"})
	cluster := ledger()
	cluster.Target = fleet.Target{Cluster: "prod"}
	p := pass(ledger(), ledger(), cluster)
	p.Done = []store.Done{{Action: "open"}, {Action: "open", Err: "no"}}
	p.Problems = []fleet.Problem{
		{Severity: fleet.Error, Declaration: "ownership/x"},
		{Severity: fleet.Acknowledge, Declaration: "migration/go-1-26"}, // held, and not frozen
	}
	p.Plan.Stale = []fleet.Stale{
		{Kind: "fleet", Held: true, Time: noon.Add(-time.Hour)},
		{Kind: "ownership", Name: "x"},
		{Kind: "ownership", Name: "y", Held: true, Time: noon.Add(-time.Minute)},
		{Kind: "ownership", Name: "z", Held: true, Time: noon.Add(-time.Second)},
	}
	s.Publish(p)
	s.Publish(p)
	text := get(t, s, "/metrics", 200)
	for _, want := range []string{
		`portreeve_targets{kind="migration",state="review"} 3`, `portreeve_targets{kind="migration",state="failed"} 0`,
		`portreeve_declarations{kind="migration",state="ok"} 1`, `portreeve_declarations{kind="ownership",state="frozen"} 1`,
		`portreeve_declarations{kind="migration",state="held"} 0`, `portreeve_declarations{kind="ownership",state="held"} 2`,
		`portreeve_declarations{kind="fleet",state="held"} 1`, `portreeve_declarations{kind="ownership",state="ok"} 0`,
		`portreeve_held_revision_age_seconds{kind="fleet"} 3600`, `portreeve_held_revision_age_seconds{kind="ownership"} 60`,
		`portreeve_problems{severity="error"} 1`, `portreeve_problems{severity="warning"} 0`, `portreeve_problems{severity="acknowledge"} 1`,
		`portreeve_steps_total{action="open",result="error"} 2`, `portreeve_passes_total{result="ok"} 2`,
		`portreeve_open_pull_requests 1`, `portreeve_config_revision_info{revision="9f3c2d1aaaaaaaaa"} 1`,
		`portreeve_pass_duration_seconds_count 2`, `portreeve_last_pass_timestamp_seconds 1.7`, `portreeve_build_info{`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}

func TestServe(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- server(dashboard.Options{}).Serve(ctx, l) }()
	resp, err := http.Get("http://" + l.Addr().String() + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if _, err := net.Dial("tcp", l.Addr().String()); err == nil {
		t.Error("still listening")
	}
}

// TestWaitsAreTold proves that what the fleet, or a target, waits for is shown
// with its time: on the pages, as JSON and as metrics.
func TestWaitsAreTold(t *testing.T) {
	s := server(dashboard.Options{})
	o := ledger()
	o.State, o.Turn = rollout.Waiting, &rollout.Turn{Bound: rollout.ByDay, Place: 12, Of: 210, At: noon.Add(20 * time.Minute)}
	p := pass(o)
	p.Plan.Observed = noon
	p.Plan.Budget.Allowance.Limits = []fleet.Limit{{Of: fleet.Queries, Minutes: 60, Most: 5000, Left: 120, Reset: noon.Add(time.Hour)}}
	p.Pause, p.Unbegun = &store.Pause{Until: noon.Add(40 * time.Minute), Reason: "the forge asks to wait"}, 3
	s.Publish(p)
	s.Progress("waiting until 12:01:00 UTC: the forge asks to wait")
	parse(t, get(t, s, "/", 200)).wants(t,
		"The next pass begins not before 12:40 UTC: the forge asks to wait. 3 steps are left for it.",
		"forge: 120 of 5000 points for queries (all again at 13:00 UTC) left this hour",
		"Waiting for limits: 1 daily limit; about 12:20 UTC, if nothing comes before.",
		"Now: waiting until 12:01:00 UTC: the forge asks to wait")
	var now dashboard.Now
	if err := json.Unmarshal([]byte(get(t, s, "/now.json", 200)), &now); err != nil || !strings.HasPrefix(now.Doing, "waiting until") || !now.Since.Equal(noon) {
		t.Errorf("%+v, %v", now, err)
	}
	metrics := get(t, s, "/metrics", 200)
	for _, want := range []string{
		`portreeve_forge_limit_left{minutes="60",of="queries"} 120`, `portreeve_forge_limit{minutes="60",of="queries"} 5000`,
		`portreeve_waiting_for_limits{limit="day"} 1`, `portreeve_waiting_for_limits{limit="team"} 0`,
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
}
