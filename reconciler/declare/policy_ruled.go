package declare

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// ruled holds what policies found in a value, for as long as the same policies
// are in force. Copies of the value share it, those in an index too.
type ruled struct {
	mu    sync.Mutex
	known *rulings
	news  bool // known was set since this was read
}

// anew reports whether policies judged the value since it was read.
func (r *ruled) anew() bool {
	if r == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.news
}

func (r *ruled) get() *rulings {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.known
}

func (r *ruled) set(known *rulings) {
	if r != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.known, r.news = known, true
	}
}

// rulings are what the policies of a key found.
type rulings struct {
	key  string
	list []charge
}

// charge is a finding, with the field's position in the file.
type charge struct {
	policy string
	pos    fleet.Pos
	found
}

// by gives what the policies of a key found, if it is known.
func (r *ruled) by(key string) (*rulings, bool) {
	known := r.get()
	return known, known != nil && known.key == key
}

func (e *encoder) ruled(r *ruled, file string) {
	known := r.get()
	e.bool(known != nil)
	if known == nil {
		return
	}
	e.text(known.key)
	e.int(len(known.list))
	for _, c := range known.list {
		e.text(c.policy)
		e.pos(c.pos, file)
		e.text(c.Field)
		e.text(c.Reason)
	}
}

func (d *decoder) ruled(file string) *ruled {
	r := &ruled{}
	if !d.bool() {
		return r
	}
	key := d.text()
	charges := list(d, func() charge {
		return charge{policy: d.text(), pos: d.pos(file), found: found{Field: d.text(), Reason: d.text()}}
	})
	switch {
	case charges != nil:
		r.known = &rulings{key, charges}
	case d.quiet == nil || d.quiet.key != key:
		d.quiet = &rulings{key: key}
		fallthrough
	default:
		r.known = d.quiet
	}
	return r
}

func (e *encoder) acknowledged(all map[string]fleet.Acknowledgement, file string) {
	e.int(len(all))
	for _, id := range slices.Sorted(maps.Keys(all)) {
		a := all[id]
		e.text(id)
		e.pos(a.Pos, file)
		e.text(a.Field)
		e.text(a.Reason)
		e.text(a.Until.Format(time.DateOnly))
	}
}

func (d *decoder) acknowledged(file string) map[string]fleet.Acknowledgement {
	n := d.count()
	if n == 0 {
		return nil
	}
	all := map[string]fleet.Acknowledgement{}
	for range n {
		id := d.text()
		a := fleet.Acknowledgement{Pos: d.pos(file), Field: d.text(), Reason: d.text()}
		until, err := time.Parse(time.DateOnly, d.text())
		if d.bad || err != nil {
			d.fail()
			return nil
		}
		a.Until = until
		all[id] = a
	}
	return all
}
