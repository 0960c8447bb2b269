package prometheus

import (
	"testing"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// TestEffectiveQueues: what came of it counts, and not what it was told; of a queue
// that its configuration does not have nothing is said.
func TestEffectiveQueues(t *testing.T) {
	r := fleet.Running{
		Version: "3.5.0", Config: "remote_write:\n- {name: a, url: https://a.example, queue_config: {min_shards: 2, max_shards: 4, capacity: 10000}}\n- {name: b, url: https://b.example, queue_config: {max_shards: 4}}\n",
		Queues: map[string]fleet.Queue{"a": {MinShards: 2, MaxShards: 8, Capacity: 10000}, "gone": {MaxShards: 3}},
	}
	all, err := effective(r)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"remoteWrite.a.minShards": "2", "remoteWrite.a.maxShards": "8", "remoteWrite.a.capacity": "10000", "remoteWrite.b.maxShards": "4", "remoteWrite.gone.maxShards": "",
	} {
		if all[name] != want {
			t.Errorf("%s is %q, want %q", name, all[name], want)
		}
	}
}

// TestSame: one value in two spellings is one, and two numbers are two.
func TestSame(t *testing.T) {
	for _, c := range []struct {
		declared, is string
		want         bool
	}{
		{"8", "8", true},
		{"8", "50", false},
		{"60s", "1m", true},
		{"60s", "2m", false},
		{"1d", "24h", true},
		{"15d", "", true},
		{"819MiB", "819MiB", true},
		{"1GiB", "1024MiB", true},
		{"1GiB", "1023MiB", false},
		{"80GB", "80GiB", true},
		{"3.5.0", "3.4.0", false},
		{"off", "75", false},
		{"true", "false", false},
	} {
		if got := same(c.declared, c.is); got != c.want {
			t.Errorf("%s, %s: %v", c.declared, c.is, got)
		}
	}
}
