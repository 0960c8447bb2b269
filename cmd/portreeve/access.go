package main

import (
	"context"
	"crypto/x509"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/portreeve/portreeve/cmd/internal/release"
	"github.com/portreeve/portreeve/reconciler/forge/github"
	"github.com/portreeve/portreeve/reconciler/gitrepo"
)

// access holds the flags on how the forge is reached and whose name is signed.
type access struct {
	appID           string
	appKeyFile      string
	appInstallation int64
	caFile          string
	signKeyFile     string
	signOff         bool
}

func (a *access) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&a.appID, "app-id", "", "act as the GitHub App with this `ID` or client id, in place of a token")
	f.StringVar(&a.appKeyFile, "app-key-file", "", "`FILE` that holds the App's private key")
	f.Int64Var(&a.appInstallation, "app-installation", 0, "`ID` of the App's installation; that of the config repo's owner, or else the only one, if 0")
	f.StringVar(&a.caFile, "ca-file", "", "`FILE` of certificates (PEM) to trust beside the system's")
	f.StringVar(&a.signKeyFile, "sign-key-file", "", "`FILE` with the SSH or OpenPGP private key that signs commits; its passphrase is read from $"+passphraseEnv)
	f.BoolVar(&a.signOff, "sign-off", false, "add a Signed-off-by line of the author to commits")
}

const passphraseEnv = "PORTREEVE_SIGN_PASSPHRASE"

// transport carries all requests, to REST, GraphQL and Git, so that a proxy
// from the environment and a private CA hold for each of them.
func (a *access) transport() (*http.Transport, error) {
	t := http.DefaultTransport.(*http.Transport).Clone() // takes the proxy from the environment
	t.MaxIdleConns, t.MaxIdleConnsPerHost = 64, 16
	t.ResponseHeaderTimeout = time.Minute
	if a.caFile == "" {
		return t, nil
	}
	text, err := os.ReadFile(a.caFile)
	if err != nil {
		return nil, usagef("--ca-file can't be read: %w", withoutPath(err))
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(text) {
		return nil, usagef("--ca-file %s holds no certificate in PEM", a.caFile)
	}
	t.TLSClientConfig = t.TLSClientConfig.Clone()
	t.TLSClientConfig.RootCAs = pool
	return t, nil
}

// signer signs commits; nil for none.
func (a *access) signer() (gitrepo.Signer, error) {
	if a.signKeyFile == "" {
		return nil, nil
	}
	key, err := os.ReadFile(a.signKeyFile)
	if err != nil {
		return nil, usagef("--sign-key-file can't be read: %w", withoutPath(err))
	}
	s, err := gitrepo.NewSigner(key, []byte(os.Getenv(passphraseEnv)))
	if err != nil {
		return nil, usagef("--sign-key-file %s: %w", a.signKeyFile, err)
	}
	return s, nil
}

// client speaks with the forge, as an App or with a token.
func (c *connection) client(where string, carry http.RoundTripper, waits func(string, time.Time)) (*github.Client, error) {
	o := github.Options{BaseURL: c.forgeURL, HTTP: carry, UserAgent: "portreeve/" + release.Name(), Waits: waits, Backoff: c.backoff}
	switch {
	case c.appID == "" && (c.appKeyFile != "" || c.appInstallation != 0):
		return nil, usagef("--app-key-file and --app-installation need --app-id")
	case c.appID == "":
		o.Token = c.token
		if token, err := c.token(context.Background()); err == nil && token == "" {
			return nil, usagef("no token for the forge: set $PORTREEVE_TOKEN, or name a file with --token-file")
		}
	case c.tokenFile != "":
		return nil, usagef("--app-id and --token-file exclude one another")
	case c.appKeyFile == "":
		return nil, usagef("--app-id needs --app-key-file")
	default:
		key, err := os.ReadFile(c.appKeyFile)
		if err != nil {
			return nil, usagef("--app-key-file can't be read: %w", withoutPath(err))
		}
		o.App = &github.App{ID: c.appID, Key: key, Installation: c.appInstallation, Owner: c.configRepo(where).Owner()}
	}
	client, err := github.New(o)
	if err != nil {
		return nil, &exitError{exitUsage, err}
	}
	return client, nil
}

// withoutPath is why a file can't be read, without its path: people paste the
// secret itself where the file that holds it is asked for.
func withoutPath(err error) error {
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		return p.Err
	}
	return err
}
