package github

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	gogithub "github.com/google/go-github/v62/github"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// answers are what a query's aliases were answered.
type answers struct {
	data   map[string]json.RawMessage
	errors map[string]*partError // the first of each alias
}

// partError is what the forge says of one alias, or of a query as a whole.
type partError struct {
	Type    string `json:"type"`
	Message string `json:"message"`
	Path    []any  `json:"path"`
	// Extensions hold a code where the query itself is at fault.
	Extensions struct {
		Code string `json:"code"`
	} `json:"extensions"`
}

func (e *partError) Error() string {
	if e.Message == "" {
		return "the forge refuses: " + e.Type
	}
	return e.Message
}

// class goes by the error's type: what names the repo, or our right to it,
// stays until someone changes it.
func (e *partError) class() fleet.Class {
	switch e.Type {
	case "NOT_FOUND", "FORBIDDEN", "INSUFFICIENT_SCOPES", "UNPROCESSABLE", "ARGUMENT_LIMIT":
		return fleet.Permanent
	}
	return fleet.Transient
}

// tooMuch reports whether less would have been answered.
func (e *partError) tooMuch() bool {
	switch e.Type {
	case "MAX_NODE_LIMIT_EXCEEDED", "RESOURCE_LIMITS_EXCEEDED", "TIMEOUT":
		return true
	}
	return false
}

// heavyError is a query that was refused because it asks for too much.
type heavyError struct{ err error }

func (e *heavyError) Error() string { return e.err.Error() }
func (e *heavyError) Unwrap() error { return e.err }

// into decodes an alias's answer. A part of it that failed fails it all:
// half an answer would read as "no check has reported".
func (a *answers) into(alias string, v any) error {
	if e := a.errors[alias]; e != nil {
		return e
	}
	raw, ok := a.data[alias]
	if !ok || string(raw) == "null" {
		return &partError{Type: "NOT_FOUND", Message: "not found, or not to be seen"}
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return fmt.Errorf("the forge's answer has another shape: %w", err)
	}
	return nil
}

// ask sends a query, once. cost is what it is thought to take in points.
func (c *Client) ask(ctx context.Context, q *query, cost int) (*answers, error) {
	body, err := q.encode()
	if err != nil {
		return nil, err
	}
	points := cost
	if q.mutation {
		points = writePoints
	}
	ctx = withSpend(ctx, spend{resource: graphql, cost: cost, points: points})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.graphql, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusBadGateway, http.StatusGatewayTimeout:
		return nil, &heavyError{gogithub.CheckResponse(resp)}
	default:
		if err := gogithub.CheckResponse(resp); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("unexpected answer %s", resp.Status)
	}
	return c.decode(resp)
}

// insist asks, and asks again what may pass by itself.
func (c *Client) insist(ctx context.Context, q *query, cost int) (*answers, error) {
	for try := 1; ; try++ {
		got, err := c.ask(ctx, q, cost)
		if err == nil || try == maxReads || c.fail("", "", err).Class != fleet.Transient {
			return got, err
		}
		if pause(ctx, c.backoff(try), nil) != nil {
			return got, err
		}
	}
}

func (c *Client) decode(resp *http.Response) (*answers, error) {
	var got struct {
		Data   map[string]json.RawMessage `json:"data"`
		Errors []*partError               `json:"errors"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil {
		return nil, errHalf
	}
	var rate struct {
		Limit     int       `json:"limit"`
		Remaining *int      `json:"remaining"`
		ResetAt   time.Time `json:"resetAt"`
	}
	if json.Unmarshal(got.Data["rateLimit"], &rate) == nil && rate.Remaining != nil {
		c.budget.said(told{graphql, rate.Limit, *rate.Remaining, rate.ResetAt})
	}
	a := &answers{data: got.Data, errors: map[string]*partError{}}
	for _, e := range got.Errors {
		if e == nil {
			continue
		}
		alias := ""
		if len(e.Path) > 0 {
			alias, _ = e.Path[0].(string)
		}
		if alias == "" || e.Type == "RATE_LIMITED" {
			return nil, c.whole(resp, e)
		}
		if a.errors[alias] == nil || e.tooMuch() {
			a.errors[alias] = e
		}
	}
	if len(got.Errors) == 0 && got.Data == nil {
		return nil, errHalf
	}
	return a, nil
}

// whole reads an error that concerns a query as a whole.
func (c *Client) whole(resp *http.Response, e *partError) error {
	switch {
	case e.Type == "RATE_LIMITED":
		until := c.now().Add(time.Minute)
		if t := toldBy(resp.Header, graphql); t != nil && t.remaining == 0 && t.reset.After(c.now()) {
			until = t.reset
		}
		if at, ok := retryAfter(resp.Header.Get("Retry-After"), c.now()); ok {
			until = at
		}
		c.budget.block(graphql, until)
		return &limitError{"the forge's limit is used up", until}
	case e.tooMuch(), e.Type == "" && e.Extensions.Code == "":
		// A query that took too long has an error without any type.
		return &heavyError{e}
	case e.Extensions.Code != "":
		return &refusal{e.Error()}
	}
	return e
}

// isHeavy reports whether less would have been answered.
func isHeavy(err error) bool {
	var h *heavyError
	var p *partError
	return errors.As(err, &h) || errors.As(err, &p) && p.tooMuch()
}
