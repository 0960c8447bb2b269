package declare

import (
	"sync"
)

// maxMemory is about how many bytes of files a Loader remembers twice over.
const maxMemory = 64 << 20

// memory keeps sheets and outcomes of revisions that were loaded lately: what
// was not asked for while as much as there is room for was put goes.
type memory struct {
	mu         sync.Mutex
	young, old map[string]any
	size       int // of young, in bytes of the files
}

func (m *memory) get(key string) any {
	m.mu.Lock()
	defer m.mu.Unlock()
	if v, ok := m.young[key]; ok {
		return v
	}
	if v, ok := m.old[key]; ok {
		m.add(key, v)
		return v
	}
	return nil
}

func (m *memory) put(key string, v any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.add(key, v)
}

func (m *memory) add(key string, v any) {
	if _, ok := m.young[key]; !ok {
		m.size += len(key) + weight(v)
	}
	if m.size > maxMemory || m.young == nil {
		m.old, m.young, m.size = m.young, map[string]any{}, len(key)+weight(v)
	}
	m.young[key] = v
}

func weight(v any) int {
	if s, ok := v.(*sheet); ok {
		return s.size
	}
	n := 0
	for _, v := range v.(*outcome).values {
		n += len(v.json)
	}
	return n
}

// library is the shelf of a Loader: its memory.
type library struct{ memory *memory }

func (l *library) seen(path, fingerprint string) *sheet {
	s, _ := l.memory.get("seen\x00" + path + "\x00" + fingerprint).(*sheet)
	return s
}

func (l *library) sheet(path, id string) *sheet {
	s, _ := l.memory.get("file\x00" + path + "\x00" + id).(*sheet)
	return s
}

func (l *library) outcome(key string) *outcome {
	o, _ := l.memory.get("together\x00" + key).(*outcome)
	return o
}

func (l *library) keep(s *sheet, fingerprint string) {
	l.memory.put("file\x00"+s.path+"\x00"+s.id, s)
	if fingerprint != "" {
		l.memory.put("seen\x00"+s.path+"\x00"+fingerprint, s)
	}
}

func (l *library) keepOutcome(key string, o *outcome) { l.memory.put("together\x00"+key, o) }
