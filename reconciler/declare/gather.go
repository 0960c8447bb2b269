package declare

import (
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// shelf is where sheets and outcomes are looked for before anything is read
// or evaluated. What it lacks is made anew, and given to it.
type shelf interface {
	// seen is the sheet of a file whose fingerprint was the same.
	seen(path, fingerprint string) *sheet
	sheet(path, id string) *sheet
	outcome(key string) *outcome
	// keep takes a sheet that was made or found; the fingerprint may be empty.
	keep(s *sheet, fingerprint string)
	keepOutcome(key string, o *outcome)
}

// gather gives the sheet of each file, in order.
func (r *reading) gather() []*sheet {
	sheets := make([]*sheet, len(r.find.files))
	prints := make([]string, len(r.find.files))
	work := r.startWork(sheets)
	var wild []job
	for i, name := range r.find.files {
		if prints[i] = r.fingerprint(name); prints[i] != "" {
			sheets[i] = r.shelf.seen(name, prints[i])
		}
		if sheets[i] != nil {
			sheets[i] = r.judged(sheets[i])
			continue
		}
		src, ok := r.find.read(name)
		if !ok {
			continue
		}
		sheets[i] = r.shelf.sheet(name, src.id)
		if sheets[i] == nil {
			sheets[i] = r.folder.sheet(name, src.id)
		}
		switch {
		case sheets[i] != nil:
			sheets[i] = r.judged(sheets[i])
		case tame(src):
			work.add(job{i, src})
		default:
			wild = append(wild, job{i, src})
		}
	}
	work.wait()
	for _, j := range wild {
		s := r.crew.look(j.src)
		s.costly = true
		sheets[j.at] = r.made(s)
	}
	kept := sheets[:0]
	for i, s := range sheets {
		if s == nil || !r.find.count(s.path, s.size) {
			continue
		}
		r.shelf.keep(s, prints[i])
		kept = append(kept, s)
	}
	return kept
}

// made takes a sheet that was just made.
func (r *reading) made(s *sheet) *sheet {
	if s.costly {
		r.folder.putSheet(s)
	}
	return r.judged(s)
}

func (r *reading) fingerprint(name string) string {
	if f, ok := r.find.fsys.(Fingerprinter); ok {
		if id, ok := f.Fingerprint(name); ok {
			return id
		}
	}
	return ""
}

// job is a file whose sheet has to be made, and its place.
type job struct {
	at  int
	src source
}

// work makes sheets, in two goroutines where there are two processors.
type work struct {
	batches chan []job
	next    []job
	workers sync.WaitGroup
}

func (r *reading) startWork(sheets []*sheet) *work {
	w := &work{batches: make(chan []job)}
	for range min(2, runtime.GOMAXPROCS(0)) {
		w.workers.Go(func() {
			for batch := range w.batches {
				e := &evaluator{}
				for _, j := range batch {
					sheets[j.at] = r.made(e.sheet(j.src, r.groups))
				}
			}
		})
	}
	return w
}

func (w *work) add(j job) {
	if w.next = append(w.next, j); len(w.next) == fresh {
		w.batches <- w.next
		w.next = nil
	}
}

func (w *work) wait() {
	if len(w.next) > 0 {
		w.batches <- w.next
	}
	close(w.batches)
	w.workers.Wait()
}

// sheet makes the sheet of a tame file.
func (e *evaluator) sheet(src source, groups []string) (s *sheet) {
	var f *file
	defer func() {
		if p := recover(); p != nil { // CUE's, which is ours to survive
			s = &sheet{path: src.path, id: src.id, size: len(src.data), fate: fate{broken: true, partial: true}}
			s.problems = []fleet.Problem{{
				Severity: fleet.Error, Code: "bad-value", Pos: fleet.Top(src.path),
				Message: fmt.Sprintf("makes CUE fail: %.200s", fmt.Sprint(p)),
			}}
		}
	}()
	f = parse(src, groups)
	if f.broken || !f.plain {
		return f.sheet()
	}
	values, ok := f.accepted()
	if !ok {
		values = e.started().evaluate([]*file{f}, f.entries, false)
	}
	s = f.sheet()
	s.values, s.costly = values, !ok
	sortValues(s.values)
	return s
}

func sortValues(values []value) {
	slices.SortStableFunc(values, func(a, b value) int { return a.pos.Compare(b.pos) })
}
