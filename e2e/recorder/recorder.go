// Package recorder listens between a client and a forge and keeps what was
// said, so that a test can hold both to what the forge publishes.
package recorder

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// Exchange is one request and its answer, bodies in full.
type Exchange struct {
	Method   string
	URL      *url.URL
	Request  Message
	Status   int
	Response Message
}

// Message is one direction of an Exchange.
type Message struct {
	Header http.Header
	Body   []byte
}

// GraphQL reports whether the exchange is of the GraphQL API.
func (e Exchange) GraphQL() bool {
	return e.Method == http.MethodPost && strings.HasSuffix(e.URL.Path, "/graphql")
}

// REST reports whether the exchange is of the REST API.
func (e Exchange) REST() bool {
	return !e.GraphQL() && (strings.HasPrefix(e.URL.Path, "/api/v3/") || e.URL.Host == "api.github.com")
}

// Recorder keeps exchanges with the API. Git's transport and pages pass by
// unrecorded.
type Recorder struct {
	mu        sync.Mutex
	exchanges []Exchange
}

// Exchanges are what was said so far, in the order of the answers.
func (r *Recorder) Exchanges() []Exchange {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.exchanges)
}

// Transport records what passes through base.
func (r *Recorder) Transport(base http.RoundTripper) http.RoundTripper {
	return &transport{r, base}
}

// Proxy stands in front of the forge at target, under an address of its own.
// The caller closes it.
func (r *Recorder) Proxy(target *url.URL) *httptest.Server {
	return httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(target)
			p.Out.Host = p.In.Host // the forge's links lead back here
		},
		Transport:     r.Transport(http.DefaultTransport),
		FlushInterval: -1,
	})
}

type transport struct {
	recorder *Recorder
	base     http.RoundTripper
}

func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	e := Exchange{Method: req.Method, URL: req.URL, Request: Message{Header: req.Header.Clone()}}
	if !e.GraphQL() && !e.REST() {
		return t.base.RoundTrip(req)
	}
	out := req.Clone(req.Context())
	// The answer is to be read here: the base asks for gzip by itself then,
	// and undoes it.
	out.Header.Del("Accept-Encoding")
	var err error
	if req.Body != nil {
		if e.Request.Body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
		req.Body.Close()
		out.Body = io.NopCloser(bytes.NewReader(e.Request.Body))
	}
	resp, err := t.base.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	e.Status, e.Response = resp.StatusCode, Message{resp.Header.Clone(), body}
	t.recorder.mu.Lock()
	t.recorder.exchanges = append(t.recorder.exchanges, e)
	t.recorder.mu.Unlock()
	return resp, nil
}
