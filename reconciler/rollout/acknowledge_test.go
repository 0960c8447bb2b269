package rollout_test

import (
	"strings"
	"testing"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/rollout"
)

var policies = []fleet.Policy{
	{ID: "asks", On: "migration", Severity: fleet.Acknowledge},
	{ID: "quiet", On: "migration", Severity: fleet.Acknowledge},
	{ID: "warns", On: fleet.OnPlan, Severity: fleet.Warning},
	{ID: "whole-plan", On: fleet.OnPlan, Severity: fleet.Acknowledge},
}

// TestAcknowledge tells what an acknowledgement comes to as time passes. The
// declaration is one that the policy "asks" asks.
func TestAcknowledge(t *testing.T) {
	for _, c := range []struct {
		name, id, until string
		now             string
		asked           bool
		severity        fleet.Severity // of the only problem; empty for none
		message         string         // part of it, with its hint
	}{
		{"nothing is written", "", "", "2026-11-22T12:00:00Z", true, fleet.Acknowledge, `found; change it, or write in it acknowledge: "asks": {reason: "…", until: "2026-12-31"}`},
		{"it holds", "asks", "2027-03-01", "2026-11-22T12:00:00Z", false, "", ""},
		{"its last day", "asks", "2026-11-22", "2026-11-22T23:59:59Z", false, fleet.Warning, "ends on 2026-11-22"},
		{"the moment after", "asks", "2026-11-22", "2026-11-23T00:00:00Z", true, fleet.Warning, "ended on 2026-11-22"},
		{"two weeks before", "asks", "2026-12-06", "2026-11-23T00:00:00Z", false, fleet.Warning, "ends on 2026-12-06"},
		{"a moment more", "asks", "2026-12-06", "2026-11-22T23:59:59Z", false, "", ""},
		{"a year ahead", "asks", "2027-11-23", "2026-11-22T00:00:00Z", false, "", ""},
		{"more than that", "asks", "2027-11-24", "2026-11-22T00:00:00Z", true, fleet.Error, "found 2027-11-24, expected a day within a year from now (2026-11-22)"},
		{"another zone", "asks", "2026-11-22", "2026-11-23T01:00:00+02:00", false, fleet.Warning, "ends on"},
	} {
		now, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			t.Fatal(err)
		}
		d := declaration(c.id, c.until)
		asked, problems := rollout.Acknowledge(policies, d, now)
		if (len(asked) > 0) != c.asked || c.id == "asks" && rollout.Acknowledged(d, "asks", now) == c.asked {
			t.Errorf("%s: asked %v", c.name, asked)
		}
		expectOne(t, c.name, problems, c.severity, c.message)
	}
}

// TestAcknowledgeNeedlessly tells of acknowledgements that nothing asks for.
func TestAcknowledgeNeedlessly(t *testing.T) {
	now := time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct{ id, message string }{
		{"quiet", "policy quiet does not ask for this acknowledgement; remove it"},
		{"warns", "policy warns does not ask"},
		{"quit", `there is no policy "quit"; did you mean "quiet"?`},
		{"whole-plan", ""}, // who sees no plan can't tell
	} {
		d := declaration(c.id, "2027-03-01")
		d.Asks = nil
		_, problems := rollout.Acknowledge(policies, d, now)
		severity := fleet.Warning
		if c.message == "" {
			severity = ""
		}
		expectOne(t, c.id, problems, severity, c.message)
	}
	d := declaration("quiet", "2027-03-01")
	d.Asks, d.Frozen = nil, []fleet.Problem{{Message: "broken"}}
	_, problems := rollout.Acknowledge(policies, d, now)
	expectOne(t, "an invalid declaration", problems, "", "")
}

func declaration(acknowledges, until string) *fleet.Declaration {
	d := &fleet.Declaration{
		ID:   fleet.ID{Kind: "migration", Name: "it"},
		Asks: []fleet.Ask{{Policy: "asks", Problem: fleet.Problem{Severity: fleet.Acknowledge, Code: fleet.PolicyCode("asks"), Message: "found"}}},
	}
	if acknowledges != "" {
		day, _ := time.Parse(time.DateOnly, until)
		d.Acknowledged = map[string]fleet.Acknowledgement{acknowledges: {Reason: "Wanted.", Until: day}}
	}
	return d
}

func expectOne(t *testing.T, name string, problems []fleet.Problem, severity fleet.Severity, message string) {
	t.Helper()
	switch {
	case severity == "" && len(problems) > 0:
		t.Errorf("%s: %v", name, problems)
	case severity == "":
	case len(problems) != 1 || problems[0].Severity != severity || !strings.Contains(problems[0].String(), message):
		t.Errorf("%s: %v, want %s with %q", name, problems, severity, message)
	}
}
