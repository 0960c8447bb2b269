package gitrepo

import (
	"encoding/binary"
	"errors"
	"io"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
)

// objects are Git objects by their ids. They may be read while more are added.
type objects struct {
	mu    sync.RWMutex
	have  map[plumbing.Hash]object
	large map[plumbing.Hash]int64 // sizes of objects that were not kept
	size  int64                   // of all that were added, in bytes
}

type object struct {
	kind plumbing.ObjectType
	data []byte
}

func newObjects() *objects {
	return &objects{have: map[plumbing.Hash]object{}, large: map[plumbing.Hash]int64{}}
}

func (o *objects) get(id plumbing.Hash, kind plumbing.ObjectType) (data []byte, ok bool) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	found, ok := o.have[id]
	return found.data, ok && found.kind == kind
}

func (o *objects) has(id plumbing.Hash) bool {
	o.mu.RLock()
	defer o.mu.RUnlock()
	_, ok := o.have[id]
	return ok
}

func (o *objects) bytes() int64 {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.size
}

func (o *objects) tooLarge(id plumbing.Hash) (size int64, ok bool) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	size, ok = o.large[id]
	return size, ok
}

// add keeps all of other.
func (o *objects) add(other *objects) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for id, x := range other.have {
		o.have[id] = x
		o.size += int64(len(x.data))
	}
	for id, size := range other.large {
		o.large[id] = size
	}
}

// packLimits bound the unpacked bytes of one object, and of all that are
// kept.
type packLimits struct{ blob, total int64 }

// packReader unpacks one pack. Deltas wait for their base, which may come
// later; those whose base is too large to be kept wait for ever.
type packReader struct {
	limits   packLimits
	scanner  *packfile.Scanner
	into     *objects
	kept     int64
	byOffset map[int64]object
	onOffset map[int64][]waiting
	onID     map[plumbing.Hash][]waiting
	waiting  int
	skipped  bool
}

// waiting is a delta whose base is not known yet.
type waiting struct {
	offset int64
	delta  []byte
}

// readPack adds the objects of a pack to into. Objects above the limit are
// only noted, and those made of them are left out.
func readPack(r io.Reader, limits packLimits, into *objects) error {
	source := &stickyReader{r: r}
	p := &packReader{
		limits: limits, scanner: packfile.NewScanner(source), into: newObjects(),
		byOffset: map[int64]object{},
		onOffset: map[int64][]waiting{}, onID: map[plumbing.Hash][]waiting{},
	}
	if err := p.read(); err != nil {
		switch {
		case source.err != nil:
			return source.err
		case errors.Is(err, errTooMuch):
			return err
		}
		return &damage{"not a whole pack", noEOF(err)}
	}
	into.add(p.into)
	return nil
}

func (p *packReader) read() error {
	_, count, err := p.scanner.Header()
	if err != nil {
		return err
	}
	for range count {
		header, err := p.scanner.NextObjectHeader()
		if err != nil {
			return err
		}
		if err := p.readObject(header); err != nil {
			return err
		}
	}
	if _, err := p.scanner.Checksum(); err != nil {
		return err
	}
	if p.waiting > 0 && !p.skipped {
		return &damage{"the base of a delta is missing", nil}
	}
	return nil
}

func (p *packReader) readObject(h *packfile.ObjectHeader) error {
	if h.Length > p.limits.blob {
		return p.skip(h)
	}
	if err := p.grow(h.Length); err != nil {
		return err
	}
	buf := &sliceWriter{make([]byte, 0, min(h.Length, 1<<20))}
	n, _, err := p.scanner.NextObject(buf)
	if err != nil {
		return err
	}
	if n != h.Length {
		return &damage{"an object's size is wrong", nil}
	}
	var base object
	switch h.Type {
	case plumbing.OFSDeltaObject:
		found, ok := p.byOffset[h.OffsetReference]
		if !ok {
			p.onOffset[h.OffsetReference] = append(p.onOffset[h.OffsetReference], waiting{h.Offset, buf.b})
			p.waiting++
			return nil
		}
		base = found
	case plumbing.REFDeltaObject:
		found, ok := p.into.have[h.Reference]
		if !ok {
			p.onID[h.Reference] = append(p.onID[h.Reference], waiting{h.Offset, buf.b})
			p.waiting++
			return nil
		}
		base = found
	default:
		return p.keep(h.Offset, object{h.Type, buf.b})
	}
	made, ok, err := p.patch(base, buf.b)
	if err != nil || !ok {
		return err
	}
	return p.keep(h.Offset, made)
}

// skip passes over an object that is too large, noting its id.
func (p *packReader) skip(h *packfile.ObjectHeader) error {
	p.skipped = true
	if h.Type.IsDelta() {
		_, _, err := p.scanner.NextObject(io.Discard)
		return err
	}
	hasher := plumbing.NewHasher(h.Type, h.Length)
	_, _, err := p.scanner.NextObject(hasher)
	p.into.large[hasher.Sum()] = h.Length
	return err
}

func (p *packReader) grow(n int64) error {
	if p.kept += n; p.kept > p.limits.total {
		return errTooMuch
	}
	return nil
}

// patch makes an object of its base and a delta; one that is too large is
// left out.
func (p *packReader) patch(base object, delta []byte) (made object, ok bool, err error) {
	_, n := binary.Uvarint(delta)
	if n <= 0 {
		return made, false, packfile.ErrInvalidDelta
	}
	size, m := binary.Uvarint(delta[n:])
	if m <= 0 {
		return made, false, packfile.ErrInvalidDelta
	}
	if size > uint64(p.limits.blob) {
		p.skipped = true
		return made, false, nil
	}
	if err := p.grow(int64(size)); err != nil {
		return made, false, err
	}
	data, err := packfile.PatchDelta(base.data, delta)
	return object{base.kind, data}, err == nil, err
}

// keep adds an object, and those that have waited for it, and so on.
func (p *packReader) keep(offset int64, o object) error {
	type placed struct {
		offset int64
		object object
	}
	for todo := []placed{{offset, o}}; len(todo) > 0; {
		next := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		id := plumbing.ComputeHash(next.object.kind, next.object.data)
		p.into.have[id], p.byOffset[next.offset] = next.object, next.object
		freed := append(p.onOffset[next.offset], p.onID[id]...)
		delete(p.onOffset, next.offset)
		delete(p.onID, id)
		for _, w := range freed {
			p.waiting--
			made, ok, err := p.patch(next.object, w.delta)
			if err != nil {
				return err
			}
			if ok {
				todo = append(todo, placed{w.offset, made})
			}
		}
	}
	return nil
}

// stickyReader keeps the error that its source ended with: the scanner may
// report another.
type stickyReader struct {
	r   io.Reader
	err error
}

func (s *stickyReader) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

type sliceWriter struct{ b []byte }

func (w *sliceWriter) Write(p []byte) (int, error) {
	w.b = append(w.b, p...)
	return len(p), nil
}
