package sandbox

import (
	"sync"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/storage/memory"
)

// memoryStore is go-git's storage in memory, made safe for many goroutines.
// Objects that it hands out are never changed, so only the maps are guarded.
type memoryStore struct {
	*memory.Storage // index, shallows and configuration, which nobody shares

	mu sync.RWMutex
}

func newMemoryStore() *memoryStore { return &memoryStore{Storage: memory.NewStorage()} }

func (m *memoryStore) SetEncodedObject(o plumbing.EncodedObject) (plumbing.Hash, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.Storage.SetEncodedObject(o)
}

func (m *memoryStore) EncodedObject(t plumbing.ObjectType, h plumbing.Hash) (plumbing.EncodedObject, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.Storage.EncodedObject(t, h)
}

func (m *memoryStore) HasEncodedObject(h plumbing.Hash) error {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.Storage.HasEncodedObject(h)
}

func (m *memoryStore) EncodedObjectSize(h plumbing.Hash) (int64, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.Storage.EncodedObjectSize(h)
}

func (m *memoryStore) IterEncodedObjects(t plumbing.ObjectType) (storer.EncodedObjectIter, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.Storage.IterEncodedObjects(t)
}

func (m *memoryStore) SetReference(ref *plumbing.Reference) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.Storage.SetReference(ref)
}

func (m *memoryStore) CheckAndSetReference(ref, old *plumbing.Reference) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.Storage.CheckAndSetReference(ref, old)
}

func (m *memoryStore) Reference(n plumbing.ReferenceName) (*plumbing.Reference, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.Storage.Reference(n)
}

func (m *memoryStore) IterReferences() (storer.ReferenceIter, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.Storage.IterReferences()
}

func (m *memoryStore) RemoveReference(n plumbing.ReferenceName) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.Storage.RemoveReference(n)
}

func (m *memoryStore) CountLooseRefs() (int, error) { return 0, nil }

// transaction collects objects and stores them at once.
type transaction struct {
	store   *memoryStore
	objects []plumbing.EncodedObject
}

// Begin starts a transaction; it replaces that of the embedded storage, which
// would write past the lock.
func (m *memoryStore) Begin() storer.Transaction { return &transaction{store: m} }

func (t *transaction) SetEncodedObject(o plumbing.EncodedObject) (plumbing.Hash, error) {
	t.objects = append(t.objects, o)
	return o.Hash(), nil
}

func (t *transaction) EncodedObject(kind plumbing.ObjectType, h plumbing.Hash) (plumbing.EncodedObject, error) {
	for _, o := range t.objects {
		if o.Hash() == h && (kind == plumbing.AnyObject || o.Type() == kind) {
			return o, nil
		}
	}
	return nil, plumbing.ErrObjectNotFound
}

func (t *transaction) Commit() error {
	for _, o := range t.objects {
		if _, err := t.store.SetEncodedObject(o); err != nil {
			return err
		}
	}
	return nil
}

func (t *transaction) Rollback() error {
	t.objects = nil
	return nil
}
