package store

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/portreeve/portreeve/reconciler/disk"
)

// Cache keeps small values by key, until it has no more room. Any entry may
// be gone at any time, so a value must be one that can be had again; a value
// that is given is the one that was put.
type Cache struct {
	store      *Store
	dir        string // empty: memory only
	maxEntries int
	maxBytes   int64

	mu      sync.Mutex
	entries int   // as far as known: other processes put and delete, too
	bytes   int64 // likewise
	counted bool
	values  map[string]value // of a cache in memory
	clock   int64
}

type value struct {
	content []byte
	used    int64
}

var cacheName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)

// Cache gives the cache of that name, small letters and hyphens, with bounds
// on its entries and on their bytes. The first call sets the bounds.
func (s *Store) Cache(name string, maxEntries int, maxBytes int64) *Cache {
	if !cacheName.MatchString(name) || maxEntries < 1 || maxBytes < 1 {
		panic("store: no cache can be called " + name + ", or it has no room")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.caches[name]; c != nil {
		return c
	}
	c := &Cache{store: s, maxEntries: maxEntries, maxBytes: maxBytes}
	if s.dir == "" {
		c.values = map[string]value{}
	} else {
		c.dir = filepath.Join(s.dir, "cache", name)
	}
	s.caches[name] = c
	return c
}

// stale is how old an entry's time may be before a Get renews it, and how old
// a temporary file before it counts as left over by a crash.
const stale = time.Hour

// Get gives a copy of the value that was put last, if it is there.
func (c *Cache) Get(key string) ([]byte, bool) {
	if c.dir == "" {
		c.mu.Lock()
		defer c.mu.Unlock()
		v, ok := c.values[key]
		if ok {
			c.clock++
			c.values[key] = value{v.content, c.clock}
		}
		return bytes.Clone(v.content), ok
	}
	p := c.path(key)
	file, err := os.ReadFile(p)
	if err != nil {
		return nil, false
	}
	content, ok := decode(key, file)
	if !ok {
		_ = c.store.disk.Remove(p)
		return nil, false
	}
	if info, err := os.Stat(p); err == nil && time.Since(info.ModTime()) > stale {
		now := time.Now()
		_ = c.store.disk.Do("touch", p, func() error { return os.Chtimes(p, now, now) }) // the least recently used go first
	}
	return content, true
}

// Put keeps a value, unless it is larger than the cache. That it could not be
// written shows in Store.Err alone.
func (c *Cache) Put(key string, content []byte) {
	size := int64(len(key) + len(content) + headerSize)
	if size > c.maxBytes {
		return
	}
	if c.dir == "" {
		c.remember(key, content)
		return
	}
	c.store.note(c.write(c.path(key), encode(key, content)))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries++
	c.bytes += size
	if !c.counted || c.entries > c.maxEntries || c.bytes > c.maxBytes {
		c.evict()
	}
}

func (c *Cache) write(p string, file []byte) error {
	dir := filepath.Dir(p)
	// The directory may have been deleted at any moment, also in between.
	for try := 0; ; try++ {
		if err := c.store.disk.MkdirAll(dir); err != nil {
			return err
		}
		err := writeRenamed(c.store.disk, dir, p, file)
		if try >= 3 || !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
}

func writeRenamed(d disk.Disk, dir, p string, file []byte) error {
	temp, err := d.WriteTemp(dir, tempPrefix, file)
	if err != nil {
		return err
	}
	if err := d.Rename(temp, p); err != nil {
		_ = d.Remove(temp)
		return err
	}
	return nil
}

const tempPrefix = "new-"

// path spreads entries over 256 folders by the key's hash, so that any key is
// a file name.
func (c *Cache) path(key string) string {
	sum := sha256.Sum256([]byte(key))
	name := hex.EncodeToString(sum[:])
	return filepath.Join(c.dir, name[:2], name[2:])
}

// evict counts what is there and, if that is too much, removes the least
// recently used until a tenth of the room is free.
func (c *Cache) evict() {
	type entry struct {
		path string
		used time.Time
		size int64
	}
	var all []entry
	c.counted, c.entries, c.bytes = true, 0, 0
	_ = filepath.WalkDir(c.dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return nil
		}
		if strings.HasPrefix(d.Name(), tempPrefix) {
			if time.Since(info.ModTime()) > stale {
				_ = c.store.disk.Remove(p)
			}
			return nil
		}
		all = append(all, entry{p, info.ModTime(), info.Size()})
		c.entries++
		c.bytes += info.Size()
		return nil
	})
	if c.entries <= c.maxEntries && c.bytes <= c.maxBytes {
		return
	}
	slices.SortFunc(all, func(a, b entry) int {
		return cmp.Or(a.used.Compare(b.used), strings.Compare(a.path, b.path))
	})
	for _, e := range all {
		if c.entries <= c.maxEntries-c.maxEntries/10 && c.bytes <= c.maxBytes-c.maxBytes/10 {
			return
		}
		_ = c.store.disk.Remove(e.path)
		c.entries--
		c.bytes -= e.size
	}
}

// remember is Put of a cache in memory.
func (c *Cache) remember(key string, content []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if before, ok := c.values[key]; ok {
		c.bytes -= int64(len(key) + len(before.content) + headerSize)
	}
	c.clock++
	c.values[key] = value{bytes.Clone(content), c.clock}
	c.bytes += int64(len(key) + len(content) + headerSize)
	if len(c.values) <= c.maxEntries && c.bytes <= c.maxBytes {
		return
	}
	type entry struct {
		key  string
		used int64
	}
	var all []entry
	for k, v := range c.values {
		all = append(all, entry{k, v.used})
	}
	slices.SortFunc(all, func(a, b entry) int { return cmp.Compare(a.used, b.used) })
	for _, e := range all {
		if len(c.values) <= c.maxEntries-c.maxEntries/10 && c.bytes <= c.maxBytes-c.maxBytes/10 {
			return
		}
		c.bytes -= int64(len(e.key) + len(c.values[e.key].content) + headerSize)
		delete(c.values, e.key)
	}
}

// An entry's file is a magic word, the SHA-256 of all that follows, the
// length of the key, the key and the value.
const (
	magic      = "prc1"
	headerSize = len(magic) + sha256.Size + 4
)

func encode(key string, content []byte) []byte {
	body := binary.BigEndian.AppendUint32(nil, uint32(len(key)))
	body = append(append(body, key...), content...)
	sum := sha256.Sum256(body)
	return slices.Concat([]byte(magic), sum[:], body)
}

func decode(key string, file []byte) ([]byte, bool) {
	rest, ok := bytes.CutPrefix(file, []byte(magic))
	if !ok || len(file) < headerSize {
		return nil, false
	}
	sum, body := rest[:sha256.Size], rest[sha256.Size:]
	if got := sha256.Sum256(body); !bytes.Equal(got[:], sum) {
		return nil, false
	}
	n := binary.BigEndian.Uint32(body)
	if uint64(n) > uint64(len(body)-4) || string(body[4:4+n]) != key {
		return nil, false
	}
	return body[4+n:], true
}
