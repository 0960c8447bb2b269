package simulation

import (
	"time"

	"github.com/portreeve/portreeve/reconciler/forge/sandbox"
)

// fault decides on each request of the reconciler how it goes wrong. People
// do not wait for it: some act just before one of its requests.
func (p *play) fault(q sandbox.Request) *sandbox.FaultAnswer {
	if p.lagging != nil && p.lagging.quiet {
		return nil
	}
	p.result.Requests++
	if !p.trouble {
		return nil
	}
	switch n := p.rng.IntN(2000); {
	case n < 10 && q.Repo != "" && q.Repo != configRepo:
		p.act(q.Repo)
	case n == 10:
		p.editConfig()
	}
	if !p.chance(p.faults) {
		return nil
	}
	p.result.Faults++
	wait := time.Duration(p.rng.IntN(90)) * time.Second
	switch p.rng.IntN(10) {
	case 0, 1:
		return &sandbox.FaultAnswer{Status: 502}
	case 2:
		return &sandbox.FaultAnswer{Status: 503, RetryAfter: wait}
	case 3:
		return &sandbox.FaultAnswer{Status: 500, Done: true}
	case 4, 5:
		return &sandbox.FaultAnswer{Reset: true}
	case 6, 7:
		return &sandbox.FaultAnswer{Reset: true, Done: true}
	case 8:
		return &sandbox.FaultAnswer{Half: true}
	}
	kind := sandbox.LimitPrimary
	if p.chance(50) {
		kind = sandbox.LimitSecondary
	}
	return &sandbox.FaultAnswer{Limit: kind, RetryAfter: wait}
}
