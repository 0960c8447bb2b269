// Package metrics asks Prometheuses. It is the only room that knows their API.
//
// What answers may be anything: so each question is bounded in time, bytes and
// series, goes to the address that it was meant for and to no other, and sends
// no credential.
package metrics

import (
	"cmp"
	"context"
	"encoding/json"
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
	// Wait is how long an answer may take; 10 s if zero.
	Wait time.Duration
}

// api is what speaks to a Prometheus, until the end of a time.
func (c *Client) api(ctx context.Context, address string) (api.Client, context.Context, context.CancelFunc, error) {
	wait := cmp.Or(c.Wait, maxWait)
	ctx, cancel := context.WithTimeoutCause(ctx, wait, fmt.Errorf("no answer within %s", wait))
	client, err := api.NewClient(api.Config{Address: address, Client: &http.Client{
		Transport:     bounded{c.Carry},
		CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New("it leads to another place") },
	}})
	if err != nil {
		cancel()
		return nil, nil, nil, errors.New("its address can't be read")
	}
	return client, ctx, cancel, nil
}

// Ask asks for what an expression is. Its error is for people, and holds
// nothing of what was answered.
func (c *Client) Ask(ctx context.Context, q fleet.Query) ([]fleet.Sample, error) {
	client, ctx, cancel, err := c.api(ctx, q.URL)
	if err != nil {
		return nil, err
	}
	defer cancel()
	if q.Behind > 0 {
		own, err := queues(ctx, client)
		if err == nil && len(own["queue_highest_sent_timestamp_seconds"]) == 0 {
			err = errors.New("it says nothing of its queues")
		}
		return own.behind(q.Behind), err
	}
	value, _, _, err := prometheus.NewAPI(client).Query(ctx, q.Expr, q.At)
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

// Running asks with what a Prometheus runs.
func (c *Client) Running(ctx context.Context, address string) (fleet.Running, error) {
	client, ctx, cancel, err := c.api(ctx, address)
	if err != nil {
		return fleet.Running{}, err
	}
	defer cancel()
	api := prometheus.NewAPI(client)
	build, err := api.Buildinfo(ctx)
	if err != nil {
		return fleet.Running{}, plain(ctx, err)
	}
	config, err := api.Config(ctx)
	if err != nil {
		return fleet.Running{}, plain(ctx, err)
	}
	flags, err := api.Flags(ctx)
	if err != nil {
		return fleet.Running{}, plain(ctx, err)
	}
	r := fleet.Running{Version: build.Version, Config: config.YAML, Flags: flags}
	if own, err := queues(ctx, client); err == nil { // which not everything lets through that stands before it
		r.Queues = own.runs()
	}
	r.GOGC, r.MemoryLimit, err = runtimeInfo(ctx, client)
	return r, err
}

// runtimeInfo asks for what the library does not know of.
func runtimeInfo(ctx context.Context, client api.Client) (gogc string, limit float64, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, client.URL("/api/v1/status/runtimeinfo", nil).String(), nil)
	if err != nil {
		return "", 0, errors.New("its address can't be read")
	}
	_, body, err := client.Do(ctx, req)
	if err != nil {
		return "", 0, plain(ctx, err)
	}
	var answer struct {
		Data struct {
			GOGC       string
			GOMEMLIMIT float64
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return "", 0, errors.New("its answer can't be read")
	}
	return answer.Data.GOGC, answer.Data.GOMEMLIMIT, nil
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
