// Package gitrepo reads trees of remote repos and makes commits on them
// without a clone: objects are fetched by name over Git's smart HTTP
// protocol, edited in memory and pushed. It is the only room that knows Git's
// protocols, and it keeps nothing between calls but connections.
//
// A fetch speaks protocol version 2 where the server does, because that lists
// no refs, and version 0 elsewhere. A push names the commit that each branch
// must be at, so the server compares and swaps; no push is ever forced.
//
// Every error about the outside world is a *fleet.Failure. Its text holds no
// URL and no secret: what a server says is stripped of the secrets that were
// sent to it.
package gitrepo

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Remote is a repo to talk to.
type Remote struct {
	Name fleet.RepoName // for errors
	URL  string         // http or https, without credentials
	// Auth gives user name and secret, at each connection; nil for none.
	Auth func(ctx context.Context) (user, secret string, err error)
}

// Signature is who made a commit, and when.
type Signature struct {
	Name  string
	Email string
	When  time.Time
}

// RefUpdate moves a branch from one commit to another, and fails as
// fleet.Moved if the branch is not at Old. An empty Old creates, an empty New
// deletes.
type RefUpdate struct {
	Branch string // without refs/heads/
	Old    fleet.CommitID
	New    fleet.CommitID
}

// Options bound what a Client spends. A zero field takes its default.
type Options struct {
	// HTTP makes the requests; its redirect policy is replaced by the
	// Client's own. By default a client with timeouts and connection reuse.
	HTTP *http.Client
	// Timeout bounds each request with its answer; by default 2 minutes.
	Timeout time.Duration
	// MaxBlob is the size in bytes above which a file is not read, by
	// default 32 MiB.
	MaxBlob int64
	// MaxFiltered and MaxFull bound one answer of a server, as sent and as
	// unpacked, with and without support for leaving out files' contents.
	// By default 128 and 512 MiB.
	MaxFiltered int64
	MaxFull     int64
	// Signer signs commits; nil leaves them unsigned.
	Signer Signer
}

// Client talks to Git servers. It may be used by many goroutines at once.
type Client struct {
	opts Options
	http *http.Client
}

// New makes a client.
func New(o Options) *Client {
	orDefault(&o.Timeout, 2*time.Minute)
	orDefault(&o.MaxBlob, 32<<20)
	orDefault(&o.MaxFiltered, 128<<20)
	orDefault(&o.MaxFull, 512<<20)
	hc := &http.Client{Transport: newTransport()}
	if o.HTTP != nil {
		hc = &http.Client{Transport: o.HTTP.Transport, Jar: o.HTTP.Jar, Timeout: o.HTTP.Timeout}
	}
	hc.CheckRedirect = checkRedirect
	return &Client{opts: o, http: hc}
}

func orDefault[T int64 | time.Duration](field *T, value T) {
	if *field <= 0 {
		*field = value
	}
}

// newTransport keeps about as many connections to one host as fetches of
// small repos can use at once.
func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 15 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:   15 * time.Second,
		ResponseHeaderTimeout: time.Minute,
		IdleConnTimeout:       90 * time.Second,
		MaxIdleConns:          64,
		MaxIdleConnsPerHost:   16,
		ForceAttemptHTTP2:     true,
	}
}
