package advice

import (
	"strings"
	"testing"
	"time"
)

var usual = Plan{Outage: 30 * time.Minute, CatchUp: time.Hour}

func evidence(more Evidence) Evidence {
	e := Evidence{
		"days": 7, "busy": 4.2, "rate": 40_000, "latency": 0.1, "reshards": 0, "retried": 0, "shardsMax": 50, "shardsMin": 1, "capacity": 10_000, "send": 2000,
	}
	for name, v := range more {
		if e[name] = v; v < 0 {
			delete(e, name)
		}
	}
	return e
}

// TestFor: the advice is the arithmetic of what was found, and refused where that
// says too little.
func TestFor(t *testing.T) {
	for name, c := range map[string]struct {
		evidence Evidence
		plan     Plan
		min, max int
		capacity int
		memory   int64
		sure     Confidence
		refused  string
	}{
		"usual":                    {evidence(nil), usual, 6, 7, 10_000, 7 * 7 * 2000 * 88, High, ""},
		"quiet":                    {evidence(Evidence{"busy": 0.01, "rate": 10, "latency": 0.01}), usual, 1, 2, 10_000, 2 * 7 * 2000 * 88, High, ""},
		"no outage to catch up":    {evidence(nil), Plan{0, time.Hour}, 6, 6, 10_000, 6 * 7 * 2000 * 88, High, ""},
		"flapping is fixed":        {evidence(Evidence{"reshards": 71}), usual, 7, 7, 10_000, 7 * 7 * 2000 * 88, High, ""},
		"ten a day are not":        {evidence(Evidence{"reshards": 70}), usual, 6, 7, 10_000, 7 * 7 * 2000 * 88, High, ""},
		"slow requests need more":  {evidence(Evidence{"latency": 0.5}), usual, 6, 15, 10_000, 15 * 7 * 2000 * 88, High, ""},
		"a capacity of no request": {evidence(Evidence{"capacity": 2500}), usual, 6, 7, 10_000, 7 * 7 * 2000 * 88, High, ""},
		"an exact number":          {evidence(Evidence{"busy": 4}), usual, 6, 6, 10_000, 6 * 7 * 2000 * 88, High, ""},
		"five days":                {evidence(Evidence{"days": 5}), usual, 6, 7, 10_000, 7 * 7 * 2000 * 88, Medium, ""},
		"two days":                 {evidence(Evidence{"days": 2.9}), usual, 0, 0, 0, 0, "", "2.9 days of history are fewer than 3"},
		"sent again":               {evidence(Evidence{"retried": 0.011}), usual, 0, 0, 0, 0, "", "1.1% of the samples were sent again"},
		"saturated":                {evidence(Evidence{"shardsMax": 4}), usual, 0, 0, 0, 0, "", "4.2 of 4 shards were busy"},
		"near saturation":          {evidence(Evidence{"busy": 45}), usual, 0, 0, 0, 0, "", "raise maxShards"},
		"no history of a number":   {evidence(Evidence{"latency": -1}), usual, 0, 0, 0, 0, "", "no history of latency"},
	} {
		t.Run(name, func(t *testing.T) {
			q := For("mimir", c.evidence, c.plan)
			if q.MinShards != c.min || q.MaxShards != c.max || q.Capacity != c.capacity || q.Memory != c.memory || q.Confidence != c.sure {
				t.Errorf("%+v", q)
			}
			if !strings.Contains(q.Refused, c.refused) || (q.Refused == "") != (c.refused == "") {
				t.Errorf("refused: %q, expected %q", q.Refused, c.refused)
			}
		})
	}
}
