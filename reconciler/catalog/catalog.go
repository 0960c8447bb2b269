// Package catalog reads Backstage's software catalog: its components, groups
// and users, as the words of package fleet; and it writes who owns what as
// entities for it. It is the only room that knows Backstage's API.
//
// A catalog is written by others and changes while it is read. So each read is
// bounded in time, pages, entities and bytes; it is taken only if it is whole
// by its own count and the next one agrees with it; and an entity that makes
// no sense is passed over, with the reason, and harms no other.
package catalog

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Bounds of a read.
const (
	pageSize    = 500
	maxPages    = 1000
	maxEntities = 100_000
	maxBody     = 32 << 20         // bytes of a page
	maxBytes    = 512 << 20        // of all pages
	maxCursor   = 16 << 10         // bytes
	maxRequest  = 30 * time.Second // for a page
	maxRead     = 2 * time.Minute  // for everything
	maxReads    = 4                // until two in a row agree
)

// Options are what a Client is made of.
type Options struct {
	// URL is the base of Backstage's backend.
	URL string
	// Token gives the bearer token at each read; empty for none. Its error
	// must not hold it.
	Token func() (string, error)
	// Filter narrows the components; see fleet.Backstage.
	Filter []string
	// Forge is the host of the fleet's repos: a place elsewhere is no repo.
	Forge     string
	UserAgent string
	// HTTP carries requests; http.DefaultTransport if nil.
	HTTP http.RoundTripper
}

// Client reads one catalog.
type Client struct {
	options Options
	base    *url.URL
	http    *http.Client
}

// New makes a client. An error is about the URL, for people.
func New(o Options) (*Client, error) {
	base, err := ParseURL(o.URL)
	if err != nil {
		return nil, err
	}
	c := &Client{options: o, base: base}
	c.http = &http.Client{Transport: o.HTTP, Timeout: maxRequest, CheckRedirect: c.redirect}
	return c, nil
}

// ParseURL reads the base of a backend, and says for people what is wrong
// with it. A login in it is never repeated.
func ParseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New(`expected a URL such as "https://backstage.acme.example"`)
	case u.User != nil:
		return nil, errors.New("the URL holds a login; the token is given to the daemon, and not in the config repo")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New(`expected no "?" or "#" in the URL`)
	}
	u.Path = strings.TrimSuffix(strings.TrimSuffix(u.Path, "/"), "/api/catalog")
	u.RawPath = ""
	return u, nil
}

// redirect follows to the same place only: the token is for nobody else, and
// neither is it known what another place would answer.
func (c *Client) redirect(to *http.Request, via []*http.Request) error {
	switch {
	case to.URL.Scheme != c.base.Scheme || to.URL.Host != c.base.Host:
		return errors.New("it leads to another place, where the token must not go")
	case len(via) >= 3:
		return errors.New("it leads from one address to the next")
	}
	return nil
}

// Read reads the catalog until two reads in a row agree. Its error is a
// *fleet.Failure, and holds no secret.
func (c *Client) Read(ctx context.Context) (*fleet.Catalog, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, maxRead, fmt.Errorf("it took longer than %v", maxRead))
	defer cancel()
	token, err := c.token()
	if err != nil {
		return nil, c.failure(fleet.Permanent, err)
	}
	var last *reading
	var odd error
	for range maxReads {
		r := c.read(ctx, token)
		switch {
		case r.err != nil && r.moved: // the catalog changed meanwhile
			odd, last = r.err, nil
		case r.err != nil:
			return nil, c.failure(r.class(), r.err)
		case last != nil && last.digest() == r.digest():
			return r.catalog(c.options.Forge), nil
		default:
			if last != nil {
				odd = fmt.Errorf("one gave %d entities and the next %d, or others", len(last.entities), len(r.entities))
			}
			last = r
		}
	}
	return nil, c.failure(fleet.Transient, fmt.Errorf("%d reads in a row disagree: %w", maxReads, odd))
}

func (c *Client) failure(class fleet.Class, err error) error {
	return &fleet.Failure{Class: class, Op: "read the catalog", On: c.base.Host, Err: err}
}

// token is the token to send, which goes over https alone, or to this machine.
func (c *Client) token() (string, error) {
	if c.options.Token == nil {
		return "", nil
	}
	token, err := c.options.Token()
	switch {
	case err != nil:
		return "", err
	case token == "":
		return "", nil
	case strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "", errors.New("the token holds characters that no token has")
	case c.base.Scheme != "https" && !loopback(c.base.Hostname()):
		return "", errors.New("a token is sent over https only; write https:// in fleet.ownership.backstage.url")
	}
	return token, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// reading is what one read of all pages gave.
type reading struct {
	entities map[string]*entity // by reference
	strange  []fleet.CatalogPassed
	total    int
	bytes    int64

	err       error
	moved     bool // err only says that the catalog changed while it was read
	permanent bool
}

func (r *reading) class() fleet.Class {
	if r.permanent {
		return fleet.Permanent
	}
	return fleet.Transient
}

// read reads all pages once.
func (c *Client) read(ctx context.Context, token string) *reading {
	r := &reading{entities: map[string]*entity{}, total: -1}
	seen := map[string]bool{}
	cursor := ""
	for page := 0; ; page++ {
		if page == maxPages || len(r.entities) > maxEntities || r.bytes > maxBytes {
			r.err = fmt.Errorf("it has more than %d pages, %d entities or %d MiB; narrow it with filter", maxPages, maxEntities, maxBytes>>20)
			return r
		}
		next, err := c.page(ctx, token, cursor, r)
		switch {
		case err != nil:
			r.err = err
			return r
		case next == "":
			return r.whole()
		case seen[next]:
			r.err, r.moved = errors.New("its pages lead back to one another"), true
			return r
		case len(next) > maxCursor:
			r.err = fmt.Errorf("a cursor is longer than %d bytes", maxCursor)
			return r
		}
		seen[next], cursor = true, next
	}
}

// whole compares what was read with the catalog's own count.
func (r *reading) whole() *reading {
	if got := len(r.entities) + len(r.strange); r.err == nil && got != r.total {
		r.err, r.moved = fmt.Errorf("it counts %d entities and its pages held %d", r.total, got), true
	}
	return r
}

// answer is one page.
type answer struct {
	Items      []json.RawMessage `json:"items"`
	TotalItems *int              `json:"totalItems"`
	PageInfo   struct {
		NextCursor string `json:"nextCursor"`
	} `json:"pageInfo"`
}

// page reads one page and gives the cursor of the next.
func (c *Client) page(ctx context.Context, token, cursor string, r *reading) (next string, err error) {
	query := url.Values{"limit": {strconv.Itoa(pageSize)}, "fields": {strings.Join(fields, ",")}}
	if cursor != "" {
		query.Set("cursor", cursor)
	} else {
		query["filter"] = c.filters()
		query.Set("orderField", "metadata.uid,asc")
	}
	at := c.base.JoinPath("api", "catalog", "entities", "by-query")
	at.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", c.options.UserAgent)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return "", plain(ctx, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return "", r.refused(res.StatusCode, token != "")
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	switch {
	case err != nil:
		return "", plain(ctx, err)
	case len(body) > maxBody:
		return "", fmt.Errorf("a page is larger than %d MiB", maxBody>>20)
	case token != "" && bytes.Contains(body, []byte(token)): // texts of it would be told
		return "", errors.New("its answer repeats the token")
	}
	r.bytes += int64(len(body))
	var a answer
	if err := json.Unmarshal(body, &a); err != nil || a.TotalItems == nil {
		return "", errors.New("it answers with something else than a page of entities; is the URL that of Backstage's backend?")
	}
	if r.total < 0 {
		r.total = *a.TotalItems
	}
	if *a.TotalItems != r.total {
		r.moved = true
		return "", errors.New("its count of entities changed while it was read")
	}
	for _, item := range a.Items {
		r.take(item)
	}
	return a.PageInfo.NextCursor, nil
}

// filters are alternatives: groups and people whole, and of the components
// those that are asked for.
func (c *Client) filters() []string {
	all := []string{"kind=group", "kind=user"}
	for _, f := range c.options.Filter {
		all = append(all, "kind=component,"+f)
	}
	if len(c.options.Filter) == 0 {
		all = append(all, "kind=component")
	}
	return all
}

// refused words a status. What else the answer says is not repeated: nobody
// knows what is in it.
func (r *reading) refused(status int, withToken bool) error {
	switch {
	case status == http.StatusUnauthorized && !withToken:
		r.permanent = true
		return errors.New("it asks for a token: set $PORTREEVE_BACKSTAGE_TOKEN, or name a file with --backstage-token-file")
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		r.permanent = true
		return fmt.Errorf("it does not take the token (%d)", status)
	case status == http.StatusNotFound:
		r.permanent = true
		return errors.New("it has no catalog there (404); is the URL that of Backstage's backend?")
	case status == http.StatusBadRequest:
		r.permanent = true
		return errors.New("it does not understand the question (400); see filter")
	}
	return fmt.Errorf("it answers %d %s", status, http.StatusText(status))
}

// plain is why a request failed, without its URL, which is long, and a cursor
// in which may be anything.
func plain(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if u := (*url.Error)(nil); errors.As(err, &u) {
		if u.Timeout() {
			return fmt.Errorf("no answer within %v", maxRequest)
		}
		return u.Err
	}
	return err
}
