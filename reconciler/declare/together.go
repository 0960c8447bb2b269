package declare

import (
	"errors"
	"slices"

	"github.com/portreeve/portreeve/reconciler/declare/internal/contain"
	"github.com/portreeve/portreeve/reconciler/fleet"
)

// evaluate gives the values of all files: those that the sheets of plain ones
// hold, and those of files that are evaluated together. A file that can't be
// evaluated is left out, and the others are looked at again without it.
func (r *reading) evaluate(members []*member) []*value {
	for {
		plain, bundles := arrange(members)
		outcomes, ok := r.outcomes(bundles)
		if !ok {
			continue
		}
		var values []*value
		for _, m := range plain {
			values = appendEach(values, m.values)
		}
		for i, o := range outcomes {
			values = appendEach(values, o.values)
			for _, k := range o.marks {
				bundles[i].member(k.path).mark(k)
			}
		}
		// The first of two that share a name is the same one each time.
		slices.SortStableFunc(values, func(a, b *value) int { return a.pos.Compare(b.pos) })
		return values
	}
}

// appendEach appends where values are: they are large, and stay as they are.
func appendEach(to []*value, values []value) []*value {
	for i := range values {
		to = append(to, &values[i])
	}
	return to
}

func (b bundle) member(path string) *member {
	for _, m := range b.files {
		if m.path == path {
			return m
		}
	}
	return nil
}

// outcomes evaluates bundles, the ones first that take no longer than is
// usual. It reports false if a file was refused, and so changed what others
// see.
func (r *reading) outcomes(bundles []bundle) (outcomes []*outcome, ok bool) {
	outcomes = make([]*outcome, len(bundles))
	failed := map[int]error{} // which may take longer than is usual
	for i, b := range bundles {
		outcomes[i] = r.shelf.outcome(r.key(b))
		if outcomes[i] == nil {
			outcomes[i] = r.folder.outcome(r.key(b))
		}
		if outcomes[i] == nil {
			outcomes[i], failed[i] = r.together(b)
		}
	}
	for i, b := range bundles {
		if outcomes[i] == nil {
			outcomes[i] = r.slowly(b, failed[i])
		}
	}
	ok = true
	for i, b := range bundles {
		outcomes[i] = r.judgedOutcome(outcomes[i])
		r.shelf.keepOutcome(r.key(b), outcomes[i])
		if !outcomes[i].refused {
			continue
		}
		ok = false
		for _, k := range outcomes[i].marks {
			if m := b.member(k.path); !m.broken {
				m.mark(k)
			}
		}
	}
	return outcomes, ok
}

// together evaluates a bundle within what is usual.
func (r *reading) together(b bundle) (*outcome, error) {
	files, _, changed := r.sources(b)
	if changed != nil {
		return changed, nil
	}
	o, err := r.crew.evaluate(files, b.asked, min(usual, r.crew.limits.CPU))
	if err != nil {
		return nil, err
	}
	return r.evaluated(b, o), nil
}

// slowly evaluates a bundle for which the usual is not enough, or finds out
// which file is to blame.
func (r *reading) slowly(b bundle, err error) *outcome {
	files, plain, changed := r.sources(b)
	if changed != nil {
		return changed
	}
	o, culprit, err := r.crew.settle(files, plain, b.asked, err)
	switch {
	case errors.Is(err, errSpent): // none of them is known to be to blame
		return refused(err, files[plain:]...)
	case err != nil:
		o = refused(err, culprit)
	}
	return r.evaluated(b, o)
}

func (r *reading) evaluated(b bundle, o *outcome) *outcome {
	sortValues(o.values)
	r.folder.putOutcome(r.key(b), o)
	return o
}

// refused is an outcome without files that can't be evaluated.
func refused(err error, files ...source) *outcome {
	e := (*contain.Exceeded)(nil)
	lasting := errors.Is(err, contain.ErrCrashed) || errors.As(err, &e) && !e.Waited
	o := &outcome{refused: true, passing: !lasting}
	for _, f := range files {
		o.marks = append(o.marks, mark{f.path, []fleet.Problem{tooMuch(f.path, err)}, fate{broken: true, partial: true}})
	}
	return o
}

// sources reads the files of a bundle again, plain ones first. A file that is
// no longer as it was is left out.
func (r *reading) sources(b bundle) (files []source, plain int, changed *outcome) {
	var rich []source
	for _, m := range b.files {
		src, ok := r.find.read(m.path)
		switch {
		case !ok || src.id != m.id:
			return nil, 0, refused(errors.New("it changed while it was read"), source{path: m.path})
		case m.plain:
			files = append(files, src)
		default:
			rich = append(rich, src)
		}
	}
	return append(files, rich...), len(files), nil
}

// key names what a bundle comes to: by all that it is made of.
func (r *reading) key(b bundle) string {
	var e encoder
	e.int(int(r.crew.limits.Memory))
	e.int(int(r.crew.limits.CPU))
	e.texts(b.asked)
	for _, m := range b.files {
		e.text(m.path)
		e.text(m.id)
	}
	return contentID(e.b)
}
