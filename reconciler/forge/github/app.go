package github

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
	gogithub "github.com/google/go-github/v62/github"
	"golang.org/x/sync/singleflight"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// App is a GitHub App to act as, in one of its installations.
type App struct {
	// ID is the App's id or its client id.
	ID string
	// Key is the App's private key, RSA in PEM.
	Key []byte
	// Installation is the installation's id; when zero it is asked for by
	// Owner, the organisation or user whose repos the App may work on. With
	// neither, the App must be installed only once.
	Installation int64
	Owner        string
}

const (
	// renewBefore is how long before its end a token is renewed: longer than
	// any request or push takes, and than two clocks differ.
	renewBefore = 5 * time.Minute
	// renewAgain is how long a renewal that failed is not tried again.
	renewAgain = 10 * time.Second
	tokenLife  = time.Hour // where the forge does not say
	jwtLife    = 9 * time.Minute
	jwtSkew    = time.Minute // that the forge's clock may be behind
)

// installation gives the tokens of an App's installation. A token is renewed
// once for all that wait for it, and while the old one is good nobody has to
// hear that this failed.
type installation struct {
	c      *Client
	app    App
	key    *rsa.PrivateKey
	rest   *gogithub.Client // acts as the App itself
	flight singleflight.Group

	mu     sync.Mutex
	id     int64
	token  string
	until  time.Time
	failed error
	again  time.Time
}

// newInstallation needs a client that is otherwise ready.
func newInstallation(c *Client, o Options, carry *transport) (*installation, error) {
	key, err := jwt.ParseRSAPrivateKeyFromPEM(o.App.Key)
	switch {
	case err != nil: // whose text is of the file, which may be another secret
		return nil, errors.New("github: the App's key is not an RSA private key in PEM")
	case o.App.ID == "":
		return nil, errors.New("github: the App has no id")
	case o.App.Owner != "" && !plain(o.App.Owner):
		return nil, errors.New("github: the App's owner is not the name of an organisation or a user")
	case o.Token != nil:
		return nil, errors.New("github: both a token and an App are given")
	}
	i := &installation{c: c, app: *o.App, key: key, id: o.App.Installation}
	i.app.Key = nil
	// Its limits are others than those of the installation.
	own := *carry
	own.token, own.budget, own.cache = i.jwt, newBudget(o.Now, o.Wait), newETags(1<<20)
	i.rest = gogithub.NewClient(&http.Client{CheckRedirect: redirect, Transport: &own})
	i.rest.BaseURL, i.rest.UserAgent = c.rest.BaseURL, o.UserAgent
	return i, nil
}

// jwt is what the App proves itself with.
func (i *installation) jwt(context.Context) (string, error) {
	now := i.c.now()
	token, err := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.RegisteredClaims{
		Issuer:    i.app.ID,
		IssuedAt:  jwt.NewNumericDate(now.Add(-jwtSkew)),
		ExpiresAt: jwt.NewNumericDate(now.Add(jwtLife)),
	}).SignedString(i.key)
	if err != nil {
		return "", errors.New("the App's key can't sign")
	}
	i.c.secrets.note(token)
	return token, nil
}

// get is a token that is good for some minutes.
func (i *installation) get(ctx context.Context) (string, error) {
	token, left, err := i.have()
	if token != "" && left > renewBefore || err != nil {
		return token, err
	}
	done := i.flight.DoChan("", func() (any, error) {
		if _, left, err := i.have(); left > renewBefore || err != nil {
			return nil, err // another has been here in between
		}
		// It is for all who wait, whatever the first of them is about.
		ctx, cancel := context.WithTimeout(context.Background(), maxRequest)
		defer cancel()
		return nil, i.renew(ctx)
	})
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case r := <-done:
		if r.Err != nil {
			err = r.Err
		}
	}
	if token, left, _ := i.have(); token != "" && left > 0 {
		return token, nil
	}
	return "", err
}

// have is the token there is, and how long it lasts. After a failure it is the
// old token or, without one, the failure, until it is time to try again.
func (i *installation) have() (token string, left time.Duration, err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	now := i.c.now()
	if left = i.until.Sub(now); i.token == "" || left <= 0 {
		token, left = "", 0
	} else {
		token = i.token
	}
	if i.failed == nil || !now.Before(i.again) {
		return token, left, nil
	}
	if token == "" {
		return "", 0, i.failed
	}
	return token, renewBefore + 1, nil
}

// renew asks for a token. To ask again costs nothing: the other is not used.
func (i *installation) renew(ctx context.Context) error {
	var made *gogithub.InstallationToken
	var err error
	for try := 1; ; try++ {
		made, err = i.ask(ctx)
		passing := err != nil && status(err) != http.StatusUnauthorized && i.c.fail("", "", err).Class == fleet.Transient
		if !passing || try == maxReads || pause(ctx, i.c.backoff(try), nil) != nil {
			break
		}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if err != nil {
		i.failed = i.c.fail("get the App's token", "forge", err)
		i.again = i.c.now().Add(renewAgain)
		return i.failed
	}
	i.failed, i.token, i.until = nil, made.GetToken(), made.GetExpiresAt().Time
	if i.until.IsZero() {
		i.until = i.c.now().Add(tokenLife)
	}
	return nil
}

func (i *installation) ask(ctx context.Context) (*gogithub.InstallationToken, error) {
	i.mu.Lock()
	id := i.id
	i.mu.Unlock()
	if id == 0 {
		var err error
		if id, err = i.find(ctx); err != nil {
			return nil, err
		}
	}
	made, _, err := i.rest.Apps.CreateInstallationToken(ctx, id, &gogithub.InstallationTokenOptions{})
	switch {
	case status(err) == http.StatusNotFound && i.app.Installation == 0:
		id = 0 // an App that is installed anew has another
	case err == nil && made.GetToken() == "":
		err = errHalf
	}
	i.mu.Lock()
	i.id = id
	i.mu.Unlock()
	return made, err
}

// find is the installation's id.
func (i *installation) find(ctx context.Context) (int64, error) {
	if i.app.Owner == "" {
		return i.only(ctx)
	}
	found, _, err := i.rest.Apps.FindOrganizationInstallation(ctx, i.app.Owner)
	if status(err) == http.StatusNotFound {
		found, _, err = i.rest.Apps.FindUserInstallation(ctx, i.app.Owner)
	}
	switch {
	case status(err) == http.StatusNotFound:
		return 0, &classed{fleet.Permanent, "the App is not installed for " + i.app.Owner}
	case err != nil:
		return 0, err
	case found.GetID() == 0:
		return 0, errHalf
	case found.SuspendedAt != nil:
		return 0, &classed{fleet.Permanent, "the App is suspended for " + i.app.Owner}
	}
	return found.GetID(), nil
}

// only is the App's one installation.
func (i *installation) only(ctx context.Context) (int64, error) {
	found, _, err := i.rest.Apps.ListInstallations(ctx, &gogithub.ListOptions{PerPage: 100})
	if err != nil {
		return 0, err
	}
	if len(found) == 1 && found[0].GetID() != 0 {
		return found[0].GetID(), nil
	}
	var owners []string
	for _, one := range found {
		owners = append(owners, one.GetAccount().GetLogin())
	}
	return 0, &classed{fleet.Permanent, fmt.Sprintf("the App has %d installations (%s): say which one to use", len(found), strings.Join(owners, ", "))}
}

// refused forgets a token that the forge no longer takes.
func (i *installation) refused(token string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if token == i.token {
		i.token = ""
	}
}

// self is who the App's writes are made as.
func (i *installation) self(ctx context.Context) (fleet.Actor, error) {
	app, _, err := i.rest.Apps.Get(ctx, "")
	if err == nil && app.GetSlug() == "" {
		err = errHalf
	}
	if err != nil {
		return fleet.Actor{}, i.c.fail("ask who we are", "forge", err)
	}
	return viewer(app.GetSlug() + "[bot]"), nil
}
