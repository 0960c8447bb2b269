package source

import (
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/go-git/go-git/v5/plumbing/transport/client"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
)

// go-git looks its HTTP client up by protocol, in a map that nothing guards.
// So the client is put there once, and what carries its requests may change.
// A private CA given with each call instead would leak a connection each time.
var (
	install sync.Once
	carrier atomic.Pointer[http.RoundTripper]
)

// carry makes a transport the one of all remote config repos; nil changes
// nothing.
func carry(t http.RoundTripper) {
	if t == nil {
		return
	}
	carrier.Store(&t)
	install.Do(func() {
		c := githttp.NewClient(&http.Client{Transport: carried{}})
		client.InstallProtocol("http", c)
		client.InstallProtocol("https", c)
	})
}

type carried struct{}

func (carried) RoundTrip(r *http.Request) (*http.Response, error) {
	return (*carrier.Load()).RoundTrip(r)
}
