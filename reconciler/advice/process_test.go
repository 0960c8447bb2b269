package advice

import (
	"strings"
	"testing"
)

// TestForProcess: the memory and the shards follow from the heap that is live, and
// nothing is advised where that is not known.
func TestForProcess(t *testing.T) {
	const gib = 1 << 30
	lived := func(more Evidence) Evidence {
		e := Evidence{"days": 7, "live": 4 * gib, "restarts": 0, "series": 1_000_000}
		for name, v := range more {
			if e[name] = v; v < 0 {
				delete(e, name)
			}
		}
		return e
	}
	for name, c := range map[string]struct {
		evidence Evidence
		sizing   Sizing
		limit    string
		memory   float64 // GiB
		shards   int
		sure     Confidence
		refused  string
		note     string
	}{
		"it fits":          {lived(nil), Sizing{8 * gib, false, 1}, "90%", 6.5, 1, High, "", "live is 56% of Go's limit of 90% of 8192 MiB; up to 70% is sound"},
		"gogc off":         {lived(nil), Sizing{8 * gib, true, 2}, "80%", 7.25, 2, High, "", "4.2 KiB of heap for each"},
		"too small":        {lived(nil), Sizing{4 * gib, false, 1}, "90%", 6.5, 2, High, "", ""},
		"too small by far": {lived(Evidence{"live": 20 * gib}), Sizing{8 * gib, false, 2}, "90%", 31.75, 8, High, "", ""},
		"no multiple":      {lived(Evidence{"live": 7 * gib}), Sizing{8 * gib, false, 2}, "90%", 11.25, 3, High, "", "4 shards, a multiple, move 50% of the targets, and 3 move 67%"},
		"never fewer":      {lived(Evidence{"live": gib / 4}), Sizing{8 * gib, false, 8}, "90%", 0.5, 8, High, "", ""},
		"shards unsaid":    {lived(nil), Sizing{8 * gib, false, 0}, "90%", 6.5, 1, High, "", ""},
		"an agent":         {lived(Evidence{"series": -1}), Sizing{8 * gib, false, 1}, "90%", 6.5, 1, High, "", ""},
		"one restart":      {lived(Evidence{"restarts": 1}), Sizing{8 * gib, false, 1}, "90%", 6.5, 1, Medium, "", ""},
		"five days":        {lived(Evidence{"days": 5}), Sizing{8 * gib, false, 1}, "90%", 6.5, 1, Medium, "", ""},
		"two days":         {evidence: lived(Evidence{"days": 2.9}), sizing: Sizing{8 * gib, false, 1}, refused: "2.9 days of history are fewer than 3"},
		"killed":           {evidence: lived(Evidence{"restarts": 8}), sizing: Sizing{8 * gib, false, 1}, refused: "it was restarted 1.1 times a day"},
		"no memory":        {evidence: lived(nil), refused: "resources.memory is not declared"},
		"no heap":          {evidence: lived(Evidence{"live": -1}), sizing: Sizing{8 * gib, false, 1}, refused: "no history of its heap"},
		"nothing":          {evidence: nil, sizing: Sizing{8 * gib, false, 1}, refused: "no history of its heap"},
	} {
		p := ForProcess(c.evidence, c.sizing)
		if p.MemoryLimit != c.limit || float64(p.Memory)/gib != c.memory || p.Shards != c.shards || p.Confidence != c.sure {
			t.Errorf("%s: %+v", name, p)
		}
		if !strings.Contains(p.Refused, c.refused) || (p.Refused == "") != (c.refused == "") {
			t.Errorf("%s: refused %q, expected %q", name, p.Refused, c.refused)
		}
		if !strings.Contains(strings.Join(p.Evidence, "\n"), c.note) {
			t.Errorf("%s: %q does not say %s", name, p.Evidence, c.note)
		}
	}
}
