package github

import (
	"bytes"
	"container/list"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// maxRemembered bounds the bodies in memory. A page of 100 repos has about
// half a megabyte.
const maxRemembered = 128 << 20

// etags remembers answers by their URL, the most recently used ones.
type etags struct {
	mu    sync.Mutex
	byURL map[string]*list.Element
	used  *list.List // of *remembered, the newest first
	size  int
	limit int
}

type remembered struct {
	url    string
	etag   string
	ofAuth bool // the ETag depends on who asks, see tagFor
	header http.Header
	body   []byte
	at     time.Time // when the forge last said so
}

func newETags(limit int) *etags {
	return &etags{byURL: map[string]*list.Element{}, used: list.New(), limit: limit}
}

func (e *etags) get(url string) *remembered {
	e.mu.Lock()
	defer e.mu.Unlock()
	el := e.byURL[url]
	if el == nil {
		return nil
	}
	e.used.MoveToFront(el)
	return el.Value.(*remembered)
}

// has reports whether a URL's answer is remembered, without using it.
func (e *etags) has(url string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.byURL[url] != nil
}

// put remembers an answer that has an ETag.
func (e *etags) put(url string, req *http.Request, header http.Header, body []byte, at time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if el := e.byURL[url]; el != nil {
		e.drop(el)
	}
	etag := header.Get("ETag")
	if etag == "" || len(body) > e.limit {
		return
	}
	ofAuth := strings.TrimPrefix(etag, "W/") == tagFor(req, body)
	e.byURL[url] = e.used.PushFront(&remembered{url, etag, ofAuth, kept(header), body, at})
	e.size += len(body)
	for e.size > e.limit {
		e.drop(e.used.Back())
	}
}

// still takes note that an answer is unchanged.
func (e *etags) still(url string, at time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if el := e.byURL[url]; el != nil {
		r := *el.Value.(*remembered) // whoever has the other goes on reading it
		r.at = at
		el.Value = &r
	}
}

// tag is the ETag to ask a remembered answer's URL with, whoever asks now.
func (r *remembered) tag(req *http.Request) string {
	if r.ofAuth {
		return tagFor(req, r.body)
	}
	return r.etag
}

// tagFor is the ETag that github.com gives a body: a hash of it, and before it
// of the headers that the answer varies by. The token is among these, so after
// its renewal a stored ETag would match no more, each hour, and every answer
// count again; but what the new one must be is known. GitHub doesn't document
// this, so it is used only for answers in which it was seen to hold.
func tagFor(req *http.Request, body []byte) string {
	h := sha256.New()
	for _, name := range []string{"Accept", "Authorization", "Cookie"} {
		for _, value := range req.Header.Values(name) {
			io.WriteString(h, value+":")
		}
	}
	h.Write(body)
	return `"` + hex.EncodeToString(h.Sum(nil)) + `"`
}

func (e *etags) drop(el *list.Element) {
	r := e.used.Remove(el).(*remembered)
	delete(e.byURL, r.url)
	e.size -= len(r.body)
}

// kept are the headers that belong to a body: its type, and the links to
// further pages.
func kept(h http.Header) http.Header {
	out := http.Header{}
	for _, name := range []string{"Content-Type", "Link", "ETag"} {
		if v := h.Values(name); len(v) > 0 {
			out[http.CanonicalHeaderKey(name)] = v
		}
	}
	return out
}

func (r *remembered) response(req *http.Request) *http.Response {
	return &http.Response{
		Status:        "200 OK",
		StatusCode:    http.StatusOK,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        r.header.Clone(),
		Body:          io.NopCloser(bytes.NewReader(r.body)),
		ContentLength: int64(len(r.body)),
		Request:       req,
	}
}
