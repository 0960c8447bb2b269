package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
)

// RoundTripper answers HTTP requests in this process, whatever their host.
func (f *Forge) RoundTripper() http.RoundTripper { return inProcess{f.Handler()} }

// Transport lets a go-git client of this process fetch and push; user name
// and password are as over HTTP. The host of the URL does not matter.
func (f *Forge) Transport() transport.Transport {
	return githttp.NewClient(&http.Client{Transport: f.RoundTripper()})
}

// inProcess carries requests to a handler without a network.
type inProcess struct{ handler http.Handler }

func (t inProcess) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	in := r.Clone(r.Context())
	in.RequestURI = in.URL.RequestURI()
	if in.Host == "" {
		in.Host = in.URL.Host
	}
	if in.Body == nil {
		in.Body = http.NoBody
	}
	defer in.Body.Close()
	out := newBuffer()
	defer func() {
		if cut := recover(); cut != nil {
			if err, ok := cut.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
				panic(cut)
			}
			resp, err = t.cut(r, out)
		}
	}()
	t.handler.ServeHTTP(out, in)
	if err := r.Context().Err(); err != nil && out.status == 0 {
		return nil, err // whoever asked did not wait for it
	}
	return t.response(r, out, io.NopCloser(bytes.NewReader(out.body))), nil
}

// cut is an answer that ended too early: none, or half a body.
func (t inProcess) cut(r *http.Request, out *buffer) (*http.Response, error) {
	if out.status == 0 {
		return nil, errCut
	}
	half := io.MultiReader(bytes.NewReader(out.body), failing{})
	return t.response(r, out, io.NopCloser(half)), nil
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func (t inProcess) response(r *http.Request, out *buffer, body io.ReadCloser) *http.Response {
	status := out.status
	if status == 0 {
		status = http.StatusOK
	}
	return &http.Response{
		Status: fmt.Sprintf("%d %s", status, http.StatusText(status)), StatusCode: status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: out.header, Body: body, ContentLength: -1, Request: r,
	}
}
