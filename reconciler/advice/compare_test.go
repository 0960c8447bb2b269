package advice

import (
	"testing"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// TestCompare: more is worse where it harms, and what does by itself what it does
// is neither.
func TestCompare(t *testing.T) {
	one := func(value float64) []fleet.Sample { return []fleet.Sample{{Value: value}} }
	lag := Measure{Name: "behind", Unit: Seconds, Floor: 30}
	for name, c := range map[string]struct {
		m             Measure
		before, after []fleet.Sample
		want          []Verdict
	}{
		"worse":                    {lag, one(10), one(60), []Verdict{Worse}},
		"twice nothing is no harm": {lag, one(10), one(20), []Verdict{""}},
		"better":                   {lag, one(60), one(10), []Verdict{Better}},
		"as it was":                {lag, one(60), one(70), []Verdict{""}},
		"a quarter more":           {lag, one(60), one(76), []Verdict{Worse}},
		"from nothing":             {Measure{Name: "killed"}, one(0), one(1), []Verdict{Worse}},
		"nothing at all":           {Measure{Name: "killed"}, one(0), one(0), []Verdict{""}},
		"a fuller volume":          {Measure{Name: "volume", Unit: Percent, Floor: 80}, one(78), one(86), []Verdict{Worse}},
		"a volume as full":         {Measure{Name: "volume", Unit: Percent, Floor: 80}, one(82), one(86), []Verdict{""}},
		"a volume with room":       {Measure{Name: "volume", Unit: Percent, Floor: 80}, one(20), one(79), []Verdict{""}},
		"blocks grow":              {Measure{Name: "blocks", Told: true}, one(1), one(9), []Verdict{""}},
		"no history before":        {lag, nil, one(60), nil},
		"no history after":         {lag, one(60), nil, nil},
		"queues, and one is gone": {
			lag,
			[]fleet.Sample{{Labels: map[string]string{"remote_name": "b"}, Value: 10}, {Labels: map[string]string{"remote_name": "a"}, Value: 60}, {Labels: map[string]string{"remote_name": "gone"}, Value: 9}},
			[]fleet.Sample{{Labels: map[string]string{"remote_name": "a"}, Value: 10}, {Labels: map[string]string{"remote_name": "b"}, Value: 60}},
			[]Verdict{Better, Worse},
		},
	} {
		got := Compare(c.m, c.before, c.after)
		if len(got) != len(c.want) {
			t.Errorf("%s: %+v", name, got)
			continue
		}
		for i, v := range c.want {
			if got[i].Verdict != v {
				t.Errorf("%s: %+v, want %q", name, got[i], v)
			}
		}
	}
}
