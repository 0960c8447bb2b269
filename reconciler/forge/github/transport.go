package github

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

const (
	maxBody     = 32 << 20
	maxReads    = 3                // tries of a request that only reads
	maxRequest  = 60 * time.Second // of one try
	maxRedirect = 5
)

// transport is what every request passes: it asks the budget, adds the token
// for the forge's own host alone, bounds and completes the answer, and turns
// the forge's words on limits into a limitError. A GET is tried again when it
// failed in a way that may pass, and answered from memory when the forge says
// that nothing changed. A write is sent once.
type transport struct {
	base  http.RoundTripper
	host  *url.URL
	agent string
	token func(context.Context) (string, error)
	// refused is told of a token that is not taken; it may be nil.
	refused func(token string)
	budget  *budget
	cache   *etags
	pause   func(try int) time.Duration
}

// RoundTrip carries out a request; an answer's body is in memory.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	for try := 1; ; try++ {
		resp, err := t.try(req)
		if resp != nil {
			resp.Request = req // and not the one that holds a token
		}
		if req.Method != http.MethodGet || try == maxReads || !passing(resp, err) {
			return resp, err
		}
		if pause(req.Context(), t.pause(try), nil) != nil {
			return resp, err
		}
	}
}

// try signs a request and sends it. The token comes first: it may have to be
// asked for, and the budget is held for nothing then.
func (t *transport) try(req *http.Request) (*http.Response, error) {
	out := req.Clone(req.Context())
	token, err := t.sign(out)
	if err != nil {
		return nil, err
	}
	send := t.once
	if req.Method == http.MethodGet {
		send = t.cached
	}
	resp, err := send(out)
	if err == nil && resp.StatusCode == http.StatusUnauthorized && t.refused != nil {
		t.refused(token)
	}
	return resp, err
}

// backoff is about half a second, then twice as long each time.
func backoff(try int) time.Duration {
	d := 250 * time.Millisecond << try
	return d/2 + rand.N(d)
}

// passing reports whether a read's failure may pass by itself.
func passing(resp *http.Response, err error) bool {
	if err == nil {
		return resp.StatusCode >= 500
	}
	limited, refused, failed := (*limitError)(nil), (*refusal)(nil), (*fleet.Failure)(nil)
	return !errors.As(err, &limited) && !errors.As(err, &refused) && !errors.As(err, &failed) &&
		!errors.Is(err, context.Canceled)
}

// refusal is a request that this client does not make.
type refusal struct{ why string }

func (r *refusal) Error() string { return r.why }

// maxStale is how old an answer may be that is given in place of one that a
// limit stands against, to those who said that they can use it.
const maxStale = time.Hour

type staleKey struct{}

func stale(ctx context.Context) context.Context { return context.WithValue(ctx, staleKey{}, true) }

// cached answers a signed GET from memory when the forge says that it is
// unchanged.
func (t *transport) cached(req *http.Request) (*http.Response, error) {
	key := req.URL.String()
	known := t.cache.get(key)
	if known != nil {
		req = req.Clone(req.Context())
		req.Header.Set("If-None-Match", known.tag(req))
	}
	resp, err := t.once(req)
	switch {
	case err != nil:
		limited := (*limitError)(nil)
		may := known != nil && req.Context().Value(staleKey{}) != nil
		if may && errors.As(err, &limited) && t.budget.now().Sub(known.at) < maxStale {
			return known.response(req), nil
		}
		return nil, err
	case resp.StatusCode == http.StatusNotModified && known != nil:
		t.cache.still(key, t.budget.now())
		return known.response(req), nil
	case resp.StatusCode == http.StatusOK:
		body, _ := io.ReadAll(resp.Body)
		if !json.Valid(body) {
			return nil, errHalf
		}
		t.cache.put(key, req, resp.Header, body, t.budget.now())
		resp.Body = io.NopCloser(bytes.NewReader(body))
	}
	return resp, nil
}

// errHalf is an answer that was cut short.
var errHalf = errors.New("the answer is not complete")

// once sends a signed request.
func (t *transport) once(req *http.Request) (*http.Response, error) {
	s := spendOf(req)
	if err := t.budget.take(req.Context(), s); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(req.Context(), maxRequest)
	defer cancel()
	var said *told
	free := false
	defer func() { t.budget.settle(s, free, said) }()

	resp, err := t.base.RoundTrip(req.WithContext(ctx))
	var body []byte
	if err == nil {
		body, err = readBody(resp)
	}
	if err != nil && ctx.Err() != nil && req.Context().Err() == nil {
		return nil, &slowError{err}
	}
	if err != nil {
		return nil, err
	}
	said, free = toldBy(resp.Header, s.resource), resp.StatusCode == http.StatusNotModified
	if limit, all := t.limited(resp, body, said); limit != nil {
		r := s.resource
		if all {
			r, said = "", nil
		} else {
			said.reset = limit.until
		}
		defer t.budget.block(r, limit.until)
		return nil, limit
	}
	if s.resource == core {
		// go-github would plan with them too, and by the machine's clock.
		for _, h := range []string{"X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset"} {
			resp.Header.Del(h)
		}
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	resp.ContentLength = int64(len(body))
	return resp, nil
}

// slowError is a request that was given up: a server that hangs, or sends a
// byte a minute, must not hold up a pass.
type slowError struct{ err error }

func (e *slowError) Error() string { return fmt.Sprintf("no whole answer within %v", maxRequest) }
func (e *slowError) Unwrap() error { return e.err }

// sign adds the token, for the forge's own host alone.
func (t *transport) sign(req *http.Request) (token string, err error) {
	if req.URL.Host != t.host.Host || req.URL.Scheme != t.host.Scheme {
		return "", &refusal{"the forge points to another host"}
	}
	if t.agent != "" {
		req.Header.Set("User-Agent", t.agent)
	}
	if token, err = t.token(req.Context()); err != nil {
		return "", fmt.Errorf("token: %w", err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return token, nil
}

// redirect follows what a renamed repo answers, and nothing else: a write
// that would come out as a read has not been made.
func redirect(req *http.Request, via []*http.Request) error {
	switch {
	case len(via) > maxRedirect:
		return &refusal{"the forge redirects without end"}
	case req.Method != via[0].Method:
		return &refusal{"the forge redirects a write to a read"}
	case req.URL.Host != via[0].URL.Host || req.URL.Scheme != via[0].URL.Scheme:
		return &refusal{"the forge points to another host"}
	}
	return nil
}

func readBody(resp *http.Response) ([]byte, error) {
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errHalf, err)
	}
	if len(body) > maxBody {
		return nil, &refusal{fmt.Sprintf("the answer is longer than %d MiB", maxBody>>20)}
	}
	return body, nil
}

type spendKey struct{}

// withSpend says what the requests made with a context take.
func withSpend(ctx context.Context, s spend) context.Context {
	return context.WithValue(ctx, spendKey{}, s)
}

func spendOf(req *http.Request) spend {
	if s, ok := req.Context().Value(spendKey{}).(spend); ok {
		return s
	}
	if req.Method == http.MethodGet {
		return spend{resource: core, cost: 1, points: readPoints}
	}
	return spend{resource: core, cost: 1, points: writePoints}
}

// toldBy reads the headers on the primary limit.
func toldBy(h http.Header, r resource) *told {
	remaining, err := strconv.Atoi(h.Get("X-Ratelimit-Remaining"))
	if err != nil {
		return nil
	}
	reset, err := strconv.ParseInt(h.Get("X-Ratelimit-Reset"), 10, 64)
	if err != nil {
		return nil
	}
	if named := h.Get("X-Ratelimit-Resource"); named != "" {
		r = resource(named)
	}
	most, _ := strconv.Atoi(h.Get("X-Ratelimit-Limit"))
	return &told{r, max(most, remaining), remaining, time.Unix(reset, 0)}
}

// limited reads a refusal because of a limit; all says that it is a secondary
// one, which concerns every request.
func (t *transport) limited(resp *http.Response, body []byte, said *told) (_ *limitError, all bool) {
	if resp.StatusCode != http.StatusForbidden && resp.StatusCode != http.StatusTooManyRequests {
		return nil, false
	}
	now := t.budget.now()
	if after, ok := retryAfter(resp.Header.Get("Retry-After"), now); ok {
		return &limitError{"the forge asks to wait", after}, true
	}
	if said != nil && said.remaining == 0 {
		until := said.reset
		if !until.After(now) {
			until = now.Add(time.Second)
		}
		return &limitError{"the forge's limit is used up", until}, false
	}
	// The forge gives no other sign of a secondary limit than its words; it
	// asks to wait for at least a minute then.
	if resp.StatusCode == http.StatusTooManyRequests || secondary(body) {
		return &limitError{"the forge asks to wait", now.Add(time.Minute)}, true
	}
	return nil, false
}

func secondary(body []byte) bool {
	var said struct {
		Message string `json:"message"`
		URL     string `json:"documentation_url"`
	}
	_ = json.Unmarshal(body, &said)
	return strings.HasSuffix(said.URL, "secondary-rate-limits") ||
		strings.Contains(strings.ToLower(said.Message), "secondary rate limit")
}

// retryAfter reads the header Retry-After, in seconds or as a date.
func retryAfter(value string, now time.Time) (time.Time, bool) {
	if value == "" {
		return time.Time{}, false
	}
	if seconds, err := strconv.Atoi(value); err == nil && seconds >= 0 {
		return now.Add(time.Duration(max(seconds, 1)) * time.Second), true
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return now.Add(time.Minute), true
	}
	return at, at.After(now)
}
