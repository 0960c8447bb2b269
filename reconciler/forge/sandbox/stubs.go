package sandbox

import (
	"io"
	"net/http"

	"github.com/go-git/go-git/v5/plumbing/transport"
)

type accessLog struct{ w io.Writer }

// Handler serves everything over HTTP.
func (f *Forge) Handler() http.Handler { return http.NotFoundHandler() }

// Transport lets a go-git client of this process fetch and push.
func (f *Forge) Transport() transport.Transport { return nil }
