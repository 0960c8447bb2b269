package apply

import (
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/rollout"
)

// retryRefused is how long a step that was refused for good is left alone.
const retryRefused = 10 * time.Minute

// Refused are the steps that their targets refused for good lately, by their
// keys. After a restart each is tried once more.
func (a *Applier) Refused() map[string]rollout.Refusal {
	a.mu.Lock()
	defer a.mu.Unlock()
	now, out := a.Now(), map[string]rollout.Refusal{}
	for key, r := range a.refused {
		if !now.Before(r.Until) {
			delete(a.refused, key)
			continue
		}
		out[key] = r
	}
	return out
}

// note remembers a step that was refused for good.
func (a *Applier) note(r *Result) {
	if r.Err == nil || fleet.ClassOf(r.Err) != fleet.Permanent {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.refused == nil {
		a.refused = map[string]rollout.Refusal{}
	}
	a.refused[r.Step.Key()] = rollout.Refusal{Reason: r.Err.Error(), Until: a.Now().Add(retryRefused)}
}
