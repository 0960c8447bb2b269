package github

import (
	"context"
	"encoding/base64"
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	gogithub "github.com/google/go-github/v62/github"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
)

// Options are what New needs.
type Options struct {
	// BaseURL is where the forge is: "" for github.com, the URL of a tenant
	// of ghe.com, or that of an Enterprise server, below which REST is at
	// api/v3/ and GraphQL at api/graphql. That of the API itself will do.
	BaseURL string
	// Token gives the token for a request; it is asked each time, so that it
	// may be renewed. nil, or an empty token, is to be nobody.
	Token func(context.Context) (string, error)
	// App is to act as a GitHub App, in place of a token.
	App *App
	// HTTP carries the requests; http.DefaultTransport when nil.
	HTTP http.RoundTripper
	// Now is the clock; time.Now when nil.
	Now func() time.Time
	// UserAgent names the client to the forge.
	UserAgent string
	// Wait is how long a request waits for the budget before it fails as
	// fleet.Limited; 30 s when zero.
	Wait time.Duration
	// Waits is told what a request waits for, and until when, once for each
	// reason and moment; it must return at once, and may be nil.
	Waits func(reason string, until time.Time)
	// Backoff is how long to wait before a read is tried again, after its
	// first, second... try; about a second when nil.
	Backoff func(try int) time.Duration
}

// Client is a forge.Forge.
type Client struct {
	http    *http.Client
	rest    *gogithub.Client
	graphql string
	now     func() time.Time
	backoff func(try int) time.Duration
	budget  *budget
	secrets *secrets
	cache   *etags
	app     *installation // nil for a token

	heads, pulls, ready, rules, named, teams, users, files pacer

	mu   sync.Mutex
	self fleet.Actor
	apps map[string]int64 // ids by the bot's login
}

var _ forge.Forge = (*Client)(nil)

// New makes a client. It makes no request.
func New(o Options) (*Client, error) {
	rest, graphql, err := endpoints(o.BaseURL)
	if err != nil {
		return nil, err
	}
	if rest.Scheme == "http" && !loopback(rest.Hostname()) {
		return nil, errors.New("github: credentials are not sent over plain http; give an https URL")
	}
	if o.HTTP == nil {
		o.HTTP = http.DefaultTransport
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.UserAgent == "" {
		o.UserAgent = "portreeve"
	}
	if o.Wait == 0 {
		o.Wait = 30 * time.Second
	}
	if o.Backoff == nil {
		o.Backoff = backoff
	}
	c := &Client{
		graphql: graphql,
		now:     o.Now,
		backoff: o.Backoff,
		apps:    map[string]int64{},
		budget:  newBudget(o.Now, o.Wait),
		secrets: &secrets{token: o.Token},
		cache:   newETags(maxRemembered),
		heads:   pacer{top: 100},
		pulls:   pacer{top: 100},
		ready:   pacer{top: 100},
		rules:   pacer{top: 100},
		named:   pacer{top: 100},
		teams:   pacer{top: 20},
		users:   pacer{top: 50},
		files:   pacer{top: 25},
	}
	if o.Waits != nil {
		c.budget.waits = o.Waits
	}
	carry := &transport{
		base: o.HTTP, host: rest, agent: o.UserAgent, token: c.secrets.get,
		budget: c.budget, cache: c.cache, pause: o.Backoff,
	}
	c.http = &http.Client{CheckRedirect: redirect, Transport: carry}
	c.rest = gogithub.NewClient(c.http)
	c.rest.BaseURL, c.rest.UserAgent = rest, o.UserAgent
	if o.App != nil {
		if c.app, err = newInstallation(c, o, carry); err != nil {
			return nil, err
		}
		c.secrets.token, carry.refused = c.app.get, c.app.refused
	}
	return c, nil
}

// loopback tells this machine, to which plain http is no risk.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// endpoints are the bases of REST and GraphQL.
func endpoints(base string) (rest *url.URL, graphql string, err error) {
	u, err := Web(base)
	if err != nil {
		return nil, "", err
	}
	if hosted(u) {
		u = &url.URL{Scheme: "https", Host: "api." + u.Host, Path: "/"}
		return u, u.String() + "graphql", nil
	}
	return u.JoinPath("api", "v3/"), u.JoinPath("api", "graphql").String(), nil
}

// hosted says whether GitHub itself runs a forge: its API has a host then.
func hosted(u *url.URL) bool {
	return u.Host == "github.com" || strings.HasSuffix(u.Host, ".ghe.com")
}

// Web is where the pages and the Git repos of a forge are, of which any form
// of Options.BaseURL is known.
func Web(base string) (*url.URL, error) {
	if base == "" {
		base = "https://github.com/"
	}
	u, err := url.Parse(base)
	switch {
	case err != nil:
		return nil, errors.New("github: the base URL can't be read") // its text may hold a secret
	case u.Scheme != "https" && u.Scheme != "http" || u.Host == "":
		return nil, errors.New("github: the base URL is not an absolute http or https URL")
	case u.User != nil:
		return nil, errors.New("github: the base URL holds a user name; give a token instead")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("github: the base URL has more than a path")
	}
	u = &url.URL{Scheme: u.Scheme, Host: strings.ToLower(u.Host), Path: strings.TrimRight(u.Path, "/")}
	u.Path = strings.TrimSuffix(u.Path, "/api/v3")
	api := &url.URL{Host: strings.TrimPrefix(u.Host, "api.")}
	if api.Host == "www.github.com" {
		api.Host = "github.com"
	}
	if hosted(api) {
		return &url.URL{Scheme: "https", Host: api.Host}, nil
	}
	return u, nil
}

// Self is the identity of the token or the App; it is read once.
func (c *Client) Self(ctx context.Context) (fleet.Actor, error) {
	c.mu.Lock()
	self := c.self
	c.mu.Unlock()
	if self.Login != "" {
		return self, nil
	}
	self, err := c.whoAmI(ctx)
	if err != nil {
		return fleet.Actor{}, err
	}
	c.mu.Lock()
	c.self = self
	c.mu.Unlock()
	return self, nil
}

func (c *Client) whoAmI(ctx context.Context) (fleet.Actor, error) {
	if c.app != nil {
		return c.app.self(ctx)
	}
	q := newQuery("Self")
	q.line("viewer{login}")
	var login struct {
		Login string `json:"login"`
	}
	a, err := c.insist(ctx, q, 1)
	if err == nil {
		err = a.into("viewer", &login)
	}
	if err != nil {
		return fleet.Actor{}, c.fail("ask who we are", "forge", err)
	}
	return viewer(login.Login), nil
}

// Allowance is what all limits leave.
func (c *Client) Allowance() fleet.Allowance { return c.budget.allowance() }

// Credentials are the token, for Git over HTTP.
func (c *Client) Credentials(ctx context.Context, repo fleet.RepoName) (user, secret string, err error) {
	token, err := c.secrets.get(ctx)
	if err != nil {
		return "", "", c.fail("get credentials", string(repo), err)
	}
	if token == "" {
		return "", "", nil
	}
	return "x-access-token", token, nil
}

// secrets gives tokens and remembers the last ones, so that they can be taken
// out of what the forge says.
type secrets struct {
	token func(context.Context) (string, error)

	mu   sync.Mutex
	last [8]string // the newest first
}

func (s *secrets) get(ctx context.Context) (string, error) {
	if s.token == nil {
		return "", nil
	}
	token, err := s.token(ctx)
	if err != nil || token == "" {
		return "", err
	}
	s.note(token)
	return token, nil
}

// note remembers a secret.
func (s *secrets) note(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.last[:], token) {
		copy(s.last[1:], s.last[:])
		s.last[0] = token
	}
}

// strip takes the tokens out of a text, also where they are written as in a
// URL, or as Git sends them.
func (s *secrets) strip(text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, token := range s.last {
		if token == "" {
			continue
		}
		for _, shape := range []string{
			base64.StdEncoding.EncodeToString([]byte("x-access-token:" + token)),
			base64.StdEncoding.EncodeToString([]byte(token)), token,
		} {
			for _, written := range []string{url.QueryEscape(shape), url.PathEscape(shape), shape} {
				text = strings.ReplaceAll(text, written, "***")
			}
		}
	}
	return text
}
