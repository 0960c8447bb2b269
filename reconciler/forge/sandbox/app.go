package sandbox

import (
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// AppSpec is a GitHub App to register.
type AppSpec struct {
	ID   int64
	Slug string
	Key  *rsa.PublicKey // that its JSON web tokens are signed with
	// Owners are where it is installed. Its tokens may write to every repo,
	// as those of each identity.
	Owners []string
}

// app is a registered App. Its user is whom its installations' tokens act as.
type app struct {
	AppSpec
	user      *user
	self      *user // the App itself, whose limits are others
	installed []installation
	created   time.Time
}

type installation struct {
	id    int64
	owner string
}

// tokenLife is how long an installation's token is good.
const tokenLife = time.Hour

// AddApp registers an App and installs it.
func (f *Forge) AddApp(spec AppSpec) {
	f.AddUser(spec.Slug, "", true)
	a := &app{AppSpec: spec, user: f.user(spec.Slug), self: &user{login: "app/" + spec.Slug, bot: true}, created: f.time()}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, owner := range spec.Owners {
		a.installed = append(a.installed, installation{f.nextID(), owner})
	}
	f.apps[strconv.FormatInt(spec.ID, 10)] = a
}

// Revoke ends a token, as when an App's installation is suspended.
func (f *Forge) Revoke(token string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.tokens, token)
}

// appPath is where an App acts as itself, with a JSON web token, and nobody
// else does anything.
var appPath = regexp.MustCompile(`^/(?:app(?:/.*)?|(?:orgs|users)/[^/]+/installation)$`)

// appOf is the App whose JSON web token a request bears.
func (f *Forge) appOf(r *http.Request) (*app, error) {
	refused := &Refusal{Status: 401, Message: "A JSON web token could not be decoded"}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "bearer") {
		return nil, refused
	}
	var found *app
	var claims jwt.RegisteredClaims
	_, err := jwt.ParseWithClaims(strings.TrimSpace(token), &claims, func(*jwt.Token) (any, error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if found = f.apps[claims.Issuer]; found == nil {
			return nil, refused
		}
		return found.Key, nil
	}, jwt.WithValidMethods([]string{"RS256"}), jwt.WithTimeFunc(f.now), jwt.WithExpirationRequired(), jwt.WithIssuedAt())
	switch {
	case err != nil:
		return nil, refused
	case claims.IssuedAt == nil:
		return nil, &Refusal{Status: 401, Message: "Missing 'issued at' claim ('iat') in assertion"}
	case claims.ExpiresAt.After(f.now().Add(10 * time.Minute)):
		return nil, &Refusal{Status: 401, Message: "'Expiration time' claim ('exp') is too far in the future"}
	}
	return found, nil
}

// byToken finds who a token is of; one that has ended is nobody's.
func (f *Forge) byToken(token string) *user {
	f.mu.Lock()
	defer f.mu.Unlock()
	if end, ends := f.ends[token]; ends && !f.now().Before(end) {
		delete(f.tokens, token)
		delete(f.ends, token)
	}
	if token == "" {
		return nil
	}
	return f.tokens[token]
}

func getApp(c *call) (int, any, error) {
	a, err := c.forge.appOf(c.req)
	if err != nil {
		return 0, nil, err
	}
	return 200, obj{
		"id": a.ID, "slug": a.Slug, "node_id": fmt.Sprintf("A_%d", a.ID), "name": a.Slug, "description": "",
		"owner": c.user(a.user), "external_url": c.web, "html_url": c.web + "/apps/" + a.Slug,
		"created_at": a.created, "updated_at": a.created, "permissions": permissions(), "events": []string{},
	}, nil
}

// appBehind is the App that a user is the bot of, 0 for none.
func (f *Forge) appBehind(who *user) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range f.apps {
		if a.user == who {
			return a.ID
		}
	}
	return 0
}

// getAppBySlug finds an App as anybody may, those too that only report checks.
func getAppBySlug(c *call) (int, any, error) {
	slug := c.req.PathValue("slug")
	id := map[string]int64{ciUser.login: ciApp}[slug]
	if n, ok := strings.CutPrefix(slug, "app-"); ok {
		id, _ = strconv.ParseInt(n, 10, 64)
	}
	c.forge.mu.Lock()
	for _, a := range c.forge.apps {
		if a.Slug == slug {
			id = a.ID
		}
	}
	c.forge.mu.Unlock()
	if id == 0 {
		return 0, nil, notFound()
	}
	return 200, obj{
		"id": id, "slug": slug, "node_id": fmt.Sprintf("A_%d", id), "name": slug, "description": "", "external_url": c.web,
		"html_url": c.web + "/apps/" + slug, "permissions": obj{}, "events": []string{},
		"owner": c.owner(slug), "created_at": accountsSince, "updated_at": accountsSince,
	}, nil
}

// permissions are what the README asks for.
func permissions() obj {
	return obj{
		"administration": "read", "checks": "read", "contents": "write", "deployments": "read", "merge_queues": "write",
		"metadata": "read", "pull_requests": "write", "statuses": "write", "workflows": "write",
	}
}

func listInstallations(c *call) (int, any, error) {
	a, err := c.forge.appOf(c.req)
	if err != nil {
		return 0, nil, err
	}
	out := []obj{}
	for _, i := range page(c, a.installed) {
		out = append(out, c.installationJSON(a, i))
	}
	return 200, out, nil
}

func getInstallation(c *call) (int, any, error) {
	a, err := c.forge.appOf(c.req)
	if err != nil {
		return 0, nil, err
	}
	n := slices.IndexFunc(a.installed, func(i installation) bool { return strings.EqualFold(i.owner, c.req.PathValue("owner")) })
	if n < 0 {
		return 0, nil, notFound()
	}
	return 200, c.installationJSON(a, a.installed[n]), nil
}

func (c *call) installationJSON(a *app, i installation) obj {
	account := c.owner(i.owner)
	return obj{
		"id": i.id, "account": account, "repository_selection": "all", "app_id": a.ID, "app_slug": a.Slug,
		"access_tokens_url": fmt.Sprintf("%s/app/installations/%d/access_tokens", c.api, i.id),
		"repositories_url":  c.api + "/installation/repositories", "html_url": fmt.Sprintf("%s/settings/installations/%d", c.web, i.id),
		"target_id": account["id"], "target_type": "Organization", "single_file_name": nil,
		"permissions": permissions(), "events": []string{}, "created_at": a.created, "updated_at": a.created,
		"suspended_by": nil, "suspended_at": nil,
	}
}

func postToken(c *call) (int, any, error) {
	a, err := c.forge.appOf(c.req)
	if err != nil {
		return 0, nil, err
	}
	id, _ := strconv.ParseInt(c.req.PathValue("id"), 10, 64)
	if !slices.ContainsFunc(a.installed, func(i installation) bool { return i.id == id }) {
		return 0, nil, notFound()
	}
	token, end := "ghs_"+rand.Text(), c.forge.time().Add(tokenLife)
	c.forge.mu.Lock()
	c.forge.tokens[token], c.forge.ends[token] = a.user, end
	c.forge.mu.Unlock()
	return 201, obj{"token": token, "expires_at": end.Format(time.RFC3339), "permissions": permissions(), "repository_selection": "all"}, nil
}
