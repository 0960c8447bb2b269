package gitrepotest

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
)

// Wire counts the bytes that an HTTP client sends and receives, headers and
// all.
type Wire struct{ Sent, Received atomic.Int64 }

// Client is an HTTP client whose bytes are counted.
func (w *Wire) Client() *http.Client {
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &countedConn{conn, w}, nil
	}
	return &http.Client{Transport: &http.Transport{DialContext: dial, MaxIdleConnsPerHost: 16}}
}

// Bytes are those in both directions.
func (w *Wire) Bytes() int64 { return w.Sent.Load() + w.Received.Load() }

type countedConn struct {
	net.Conn
	wire *Wire
}

func (c *countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.wire.Received.Add(int64(n))
	return n, err
}

func (c *countedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.wire.Sent.Add(int64(n))
	return n, err
}
