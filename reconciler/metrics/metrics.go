// Package metrics asks Prometheuses. It is the only room that knows their API.
//
// What answers may be anything: so each question is bounded in time, bytes and
// series, goes to the address that it was meant for and to no other, and sends
// no credential.
package metrics

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/api"
	prometheus "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Bounds of a question.
const (
	maxWait   = 10 * time.Second
	maxBody   = 4 << 20 // bytes
	maxSeries = 1000
)

// Client asks Prometheuses.
type Client struct {
	// Carry carries requests; http.DefaultTransport if nil.
	Carry http.RoundTripper
}

// Ask asks for what an expression is now. Its error is for people, and holds
// nothing of what was answered.
func (c *Client) Ask(ctx context.Context, q fleet.Query) ([]fleet.Sample, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, maxWait, fmt.Errorf("no answer within %s", maxWait))
	defer cancel()
	client, err := api.NewClient(api.Config{Address: q.URL, Client: &http.Client{
		Transport: bounded{c.Carry}, Timeout: maxWait,
		CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New("it leads to another place") },
	}})
	if err != nil {
		return nil, errors.New("its address can't be read")
	}
	value, _, _, err := prometheus.NewAPI(client).Query(ctx, q.Expr, time.Time{})
	if err != nil {
		return nil, plain(ctx, err)
	}
	vector, ok := value.(model.Vector)
	if !ok {
		return nil, fmt.Errorf("the query gives a %s, expected series with a value each", value.Type())
	}
	if len(vector) > maxSeries {
		return nil, fmt.Errorf("the query gives %d series, more than %d", len(vector), maxSeries)
	}
	samples := make([]fleet.Sample, 0, len(vector))
	for _, s := range vector {
		labels := map[string]string{}
		for name, v := range s.Metric {
			labels[string(name)] = string(v)
		}
		samples = append(samples, fleet.Sample{Labels: labels, Value: float64(s.Value)})
	}
	slices.SortFunc(samples, func(a, b fleet.Sample) int { return strings.Compare(fmt.Sprint(a.Labels), fmt.Sprint(b.Labels)) })
	return samples, nil
}

// plain is an error without what the other side has written.
func plain(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if refused := (*prometheus.Error)(nil); errors.As(err, &refused) {
		return fmt.Errorf("it answers with %q", refused.Type)
	}
	if lost := (*url.Error)(nil); errors.As(err, &lost) {
		return lost.Err // which names addresses and what became of the connection
	}
	return errors.New("its answer can't be read")
}

// bounded is a transport whose answers are bounded.
type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(req *http.Request) (*http.Response, error) {
	next := b.next
	if next == nil {
		next = http.DefaultTransport
	}
	resp, err := next.RoundTrip(req)
	if err == nil {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, maxBody), resp.Body}
	}
	return resp, err
}
