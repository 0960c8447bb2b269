package e2e

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"testing"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge/github"
	"github.com/portreeve/portreeve/reconciler/forge/sandbox"
)

// TestAppAsPublished drives the client as a GitHub App through each way of
// finding its installation.
func TestAppAsPublished(t *testing.T) {
	w := newWorld(t, sandbox.Spec{Name: "acme/ledger", Files: map[string]sandbox.File{"a": {Content: "a"}}})
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	w.forge.AddApp(sandbox.AppSpec{ID: 7, Slug: "reeve", Key: &key.PublicKey, Owners: []string{"acme"}})
	text := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	for _, owner := range []string{"acme", ""} {
		c, err := github.New(github.Options{
			BaseURL: w.url, HTTP: w.recorder.Transport(http.DefaultTransport),
			App: &github.App{ID: "7", Key: text, Owner: owner},
		})
		must(t, err)
		self, err := c.Self(t.Context())
		must(t, err)
		repos, err := c.Repos(t.Context(), "acme", nil)
		must(t, err)
		for repo, head := range c.Heads(t.Context(), []fleet.RepoName{"acme/ledger"}) {
			if head.Err != nil || head.Value.Commit == "" {
				t.Errorf("%s: %+v", repo, head)
			}
		}
		if self.Login != "reeve" || len(repos) != 1 {
			t.Errorf("%+v sees %d repos", self, len(repos))
		}
	}
	asPublished(t, &w.recorder)
}
