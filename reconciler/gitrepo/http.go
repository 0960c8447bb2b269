package gitrepo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

const (
	uploadPack  = "git-upload-pack"
	receivePack = "git-receive-pack"
	infoRefs    = "/info/refs"
)

// conn is one operation's talk with one repo: where it really is, after
// redirects, and who asks.
type conn struct {
	c      *Client
	op     string
	name   fleet.RepoName
	base   *url.URL // the repo
	user   string
	secret string
}

// connect resolves address and credentials; it sends nothing.
func (c *Client) connect(ctx context.Context, r Remote, op string) (*conn, error) {
	k := &conn{c: c, op: op, name: r.Name}
	u, err := url.Parse(r.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, k.permanent("the repo's address is not an http or https URL")
	case u.User != nil:
		return nil, k.permanent("the repo's address must not hold credentials")
	}
	u.RawQuery, u.Fragment = "", ""
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), ""
	k.base = u
	if r.Auth != nil {
		if k.user, k.secret, err = r.Auth(ctx); err != nil {
			return nil, k.fail(err)
		}
	}
	return k, nil
}

// get asks for the advertisement of a service and follows the repo to where
// it has moved.
func (k *conn) get(ctx context.Context, service, protocol string, max int64) (io.ReadCloser, error) {
	u := k.base.JoinPath(infoRefs)
	u.RawQuery = "service=" + service
	header := http.Header{}
	if protocol != "" {
		header.Set("Git-Protocol", protocol)
	}
	res, err := k.do(ctx, http.MethodGet, u, nil, header, max)
	if err != nil {
		return nil, err
	}
	final := res.Request.URL
	path, ok := strings.CutSuffix(final.Path, infoRefs)
	if !ok {
		res.Body.Close()
		return nil, k.permanent("the server redirects to something that is not a Git repo")
	}
	if !sameOrigin(u, final) {
		k.user, k.secret = "", ""
	}
	k.base = &url.URL{Scheme: final.Scheme, Host: final.Host, Path: path}
	return res.Body, nil
}

// post sends a request to a service.
func (k *conn) post(ctx context.Context, service, protocol string, body []byte, max int64) (io.ReadCloser, error) {
	header := http.Header{
		"Content-Type": {"application/x-" + service + "-request"},
		"Accept":       {"application/x-" + service + "-result"},
	}
	if protocol != "" {
		header.Set("Git-Protocol", protocol)
	}
	res, err := k.do(ctx, http.MethodPost, k.base.JoinPath(service), body, header, max)
	if err != nil {
		return nil, err
	}
	return res.Body, nil
}

// do makes one request, bounded in time until its body is closed and in size;
// an answer that isn't 200 is a failure.
func (k *conn) do(ctx context.Context, method string, u *url.URL, body []byte, header http.Header, max int64) (*http.Response, error) {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, k.c.opts.Timeout)
	slow := func(err error) error {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return &slowError{time.Since(began), context.DeadlineExceeded}
		}
		return err
	}
	var reader io.Reader
	if body != nil {
		reader = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), reader)
	if err != nil {
		cancel()
		return nil, k.permanent("the repo's address can't be asked for")
	}
	req.Header = header
	req.Header.Set("User-Agent", "git/portreeve")
	if k.user != "" || k.secret != "" {
		req.SetBasicAuth(k.user, k.secret)
	}
	res, err := k.c.http.Do(req)
	if err != nil {
		err = slow(err)
		cancel()
		return nil, k.fail(err)
	}
	res.Body = &boundedBody{body: res.Body, left: max, done: cancel, slow: slow}
	if res.StatusCode != http.StatusOK {
		err := k.status(res)
		res.Body.Close()
		return nil, err
	}
	return res, nil
}

// slowError is a server that hangs, or sends a byte a minute.
type slowError struct {
	after time.Duration
	err   error
}

func (e *slowError) Error() string {
	return fmt.Sprintf("no whole answer within %v", e.after.Round(time.Second))
}
func (e *slowError) Unwrap() error { return e.err }

var (
	errTooMuch    = errors.New("the server's answer is larger than what is read")
	errRedirect   = errors.New("the server redirects to an address that is not followed")
	maxReasonRead = int64(4096)
)

// boundedBody ends a request's time and size.
type boundedBody struct {
	body io.ReadCloser
	left int64
	done context.CancelFunc
	slow func(error) error // names what ended a read
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooMuch
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.body.Read(p)
	b.left -= int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		err = b.slow(err)
	}
	return n, err
}

// Close lets a short rest pass, so that the connection can be used again.
func (b *boundedBody) Close() error {
	_, _ = io.CopyN(io.Discard, b.body, min(b.left, maxReasonRead))
	err := b.body.Close()
	b.done()
	return err
}

// checkRedirect lets only the first request of an operation move, only to its
// own origin or to https, and takes the credentials from it as soon as it has
// left its origin: net/http by itself would let them go to other ports and to
// subdomains.
func checkRedirect(req *http.Request, via []*http.Request) error {
	first, last := via[0], via[len(via)-1]
	if first.Method != http.MethodGet {
		return http.ErrUseLastResponse
	}
	if len(via) >= 5 || req.URL.User != nil {
		return errRedirect
	}
	if req.URL.Scheme != "https" && !sameOrigin(last.URL, req.URL) {
		return errRedirect
	}
	for _, hop := range append(via[1:len(via):len(via)], req) {
		if !sameOrigin(first.URL, hop.URL) {
			req.Header.Del("Authorization")
			req.Header.Del("Cookie")
		}
	}
	return nil
}

// sameOrigin also holds for http that becomes https on the default ports of
// one host.
func sameOrigin(a, b *url.URL) bool {
	if a.Scheme == b.Scheme {
		return strings.EqualFold(a.Hostname(), b.Hostname()) && port(a) == port(b)
	}
	return a.Scheme == "http" && b.Scheme == "https" &&
		strings.EqualFold(a.Hostname(), b.Hostname()) && port(a) == "80" && port(b) == "443"
}

func port(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}

// retryAfter is when a header says to come back; zero if it doesn't.
func retryAfter(h http.Header, now time.Time) time.Time {
	value := h.Get("Retry-After")
	if seconds, err := time.ParseDuration(value + "s"); err == nil && seconds >= 0 {
		return now.Add(seconds)
	}
	when, _ := http.ParseTime(value)
	return when
}
