package apply

import (
	"fmt"
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

// note remembers a step that was refused for good, and a repo that kept one
// waiting. It gives the time that was lost by it.
func (a *Applier) note(r *Result, took time.Duration) (lost time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.hung, r.Step.Target())
	switch {
	case r.Err == nil:
	case fleet.ClassOf(r.Err) == fleet.Permanent:
		if a.refused == nil {
			a.refused = map[string]rollout.Refusal{}
		}
		a.refused[r.Step.Key()] = rollout.Refusal{Reason: r.Err.Error(), Until: a.Now().Add(retryRefused)}
	case fleet.ClassOf(r.Err) == fleet.Transient:
		if took >= stepTime/2 {
			if a.hung == nil {
				a.hung = map[fleet.Target]bool{}
			}
			a.hung[r.Step.Target()] = true
		}
		return took
	}
	return 0
}

// hungLast puts targets that kept their last step waiting at the end.
func (a *Applier) hungLast(order []fleet.Target) []fleet.Target {
	a.mu.Lock()
	defer a.mu.Unlock()
	var good, bad []fleet.Target
	for _, name := range order {
		if a.hung[name] {
			bad = append(bad, name)
		} else {
			good = append(good, name)
		}
	}
	return append(good, bad...)
}

// putOff is why a step has not begun.
func putOff(s *rollout.Step) error {
	return &fleet.Failure{
		Class: fleet.Transient, Op: string(s.Action), On: s.Target().String(),
		Err: fmt.Errorf("put off to the next pass: steps before it failed, after %v of waiting for answers", lostTime),
	}
}
