package github

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
)

const (
	atOnce = 6 // queries, or reads of rulesets, at once

	// maxHeavy bounds refusals in a row, without any query that was
	// answered: a forge that is down refuses single items too, and the
	// halving of every batch would only add to it.
	maxHeavy = 40

	// maxSlow bounds queries in a row that were given up after all their
	// tries: a forge that hangs for the first does so for all.
	maxSlow = atOnce
)

// pacer knows how many items a query may have. A refusal makes that the most
// that was then answered; a run of full queries that were answered makes it a
// fifth larger.
type pacer struct {
	top int

	mu   sync.Mutex
	size int
	good int
}

func (p *pacer) next() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.size == 0 {
		p.size = p.top
	}
	return p.size
}

// refused takes note of the most items that were answered after a refusal.
func (p *pacer) refused(most int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if most > 0 {
		p.size, p.good = min(p.size, most), 0
	}
}

func (p *pacer) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.size, p.good = p.top, 0
}

func (p *pacer) answered(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n < p.size || p.size >= p.top {
		return
	}
	if p.good++; p.good >= 5 {
		p.size, p.good = min(p.top, p.size+p.size/5+1), 0
	}
}

// batch is one batched read: keys are asked for in queries of the pacer's
// size, and each gets an answer of its own.
type batch[K comparable, V any] struct {
	c     *Client
	op    string
	pacer *pacer
	on    func(K) string
	// ask answers keys; an error is about all of them, and a key may be
	// left unanswered only with one.
	ask func(context.Context, []K) (map[K]forge.Answer[V], error)

	heavy atomic.Int32 // refusals since the last answer
	slow  atomic.Int32 // queries given up since then
	down  atomic.Value // of error: the forge answers nothing at all

	mu  sync.Mutex
	out map[K]forge.Answer[V]
}

func (b *batch[K, V]) run(ctx context.Context, keys []K) map[K]forge.Answer[V] {
	b.out = make(map[K]forge.Answer[V], len(keys))
	keys = distinct(keys)
	var g errgroup.Group
	g.SetLimit(atOnce)
	for len(keys) > 0 {
		n := min(b.pacer.next(), len(keys))
		some := keys[:n]
		keys = keys[n:]
		g.Go(func() error {
			b.settle(ctx, some)
			return nil
		})
	}
	_ = g.Wait()
	return b.out
}

// settle answers keys, in smaller queries if that helps; most is the largest
// query that was answered whole.
func (b *batch[K, V]) settle(ctx context.Context, keys []K) (most int) {
	if down, ok := b.down.Load().(error); ok {
		b.refuse(keys, down)
		return 0
	}
	got, err := b.try(ctx, keys)
	switch {
	case isHeavy(err) && b.heavy.Add(1) >= maxHeavy:
		b.pacer.reset() // it was not the weight
		b.down.CompareAndSwap(nil, error(&heavyError{err}))
		b.refuse(keys, err)
		return 0
	case isHeavy(err) && len(keys) > 1 && ctx.Err() == nil:
		return b.split(ctx, keys)
	case err != nil:
		if slow := (*slowError)(nil); errors.As(err, &slow) && b.slow.Add(1) >= maxSlow {
			b.down.CompareAndSwap(nil, error(&heavyError{err}))
		}
		b.refuse(keys, err)
		return 0
	}
	b.heavy.Store(0)
	b.slow.Store(0)
	b.pacer.answered(len(keys))
	if again := b.sort(keys, got); len(again) > 0 {
		return b.split(ctx, again)
	}
	return len(keys)
}

// sort puts answers away, and gives back the keys to ask for again.
func (b *batch[K, V]) sort(keys []K, got map[K]forge.Answer[V]) (again []K) {
	for _, k := range keys {
		a := got[k]
		if isHeavy(a.Err) && len(keys) > 1 {
			again = append(again, k)
			continue
		}
		if a.Err != nil {
			a.Err = b.c.fail(b.op, b.on(k), a.Err)
		}
		b.put(k, a)
	}
	return again
}

// split asks in halves, or in what the first half showed to be answered. One
// item that is always refused so makes its own query small, not every one.
func (b *batch[K, V]) split(ctx context.Context, keys []K) (most int) {
	size := max(1, len(keys)/2)
	for len(keys) > 0 {
		n := min(size, len(keys))
		m := b.settle(ctx, keys[:n])
		if m > 0 {
			size = min(size, m)
		}
		most = max(most, m)
		keys = keys[n:]
	}
	b.pacer.refused(most)
	return most
}

func (b *batch[K, V]) refuse(keys []K, err error) {
	for _, k := range keys {
		b.put(k, forge.Answer[V]{Err: b.c.fail(b.op, b.on(k), err)})
	}
}

// try asks, and asks again what may pass by itself: half an answer once, a
// broken connection or an error of the forge twice.
func (b *batch[K, V]) try(ctx context.Context, keys []K) (map[K]forge.Answer[V], error) {
	for try := 1; ; try++ {
		got, err := b.ask(ctx, keys)
		tries := maxReads
		if errors.Is(err, errHalf) {
			tries = 2
		}
		if err == nil || isHeavy(err) && len(keys) > 1 || try >= tries || b.c.fail("", "", err).Class != fleet.Transient {
			return got, err
		}
		if pause(ctx, b.c.backoff(try), nil) != nil {
			return got, err
		}
	}
}

func (b *batch[K, V]) put(k K, a forge.Answer[V]) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.out[k] = a
}

// distinct is keys, each once, in their order.
func distinct[K comparable](keys []K) []K {
	seen := make(map[K]bool, len(keys))
	out := make([]K, 0, len(keys))
	for _, k := range keys {
		if !seen[k] {
			seen[k] = true
			out = append(out, k)
		}
	}
	return out
}
