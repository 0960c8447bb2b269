package forgetest_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge/forgetest"
	"github.com/portreeve/portreeve/reconciler/forge/github"
	"github.com/portreeve/portreeve/reconciler/forge/sandbox"
	"github.com/portreeve/portreeve/reconciler/gitrepo"
)

const tokens = "POST /app/installations/{id}/access_tokens"

// appKey is one key for all tests: to make it takes a while.
var appKey = sync.OnceValues(func() (*rsa.PrivateKey, []byte) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key, pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
})

// appForge is a forge with an App, whose clock the test moves.
type appForge struct {
	*sandbox.Forge
	*httptest.Server

	mu sync.Mutex
	at time.Time
}

func (f *appForge) now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.at
}

func (f *appForge) advance(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at = f.at.Add(d)
}

func newAppForge(t *testing.T, owners ...string) *appForge {
	t.Helper()
	a := &appForge{at: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)}
	f, err := sandbox.New(sandbox.Options{Now: a.now})
	if err != nil {
		t.Fatal(err)
	}
	key, _ := appKey()
	f.AddApp(sandbox.AppSpec{ID: 42, Slug: "reeve", Key: &key.PublicKey, Owners: owners})
	f.AddUser(person, "", false)
	a.Forge, a.Server = f, httptest.NewServer(f.Handler())
	t.Cleanup(a.Close)
	files := map[string]sandbox.File{"a": {Content: "1\n"}}
	if err := f.CreateRepo(sandbox.Spec{Name: "acme/ledger", Private: true, Files: files}); err != nil {
		t.Fatal(err)
	}
	return a
}

func (f *appForge) client(t *testing.T, app github.App) *github.Client {
	t.Helper()
	if app.ID == "" {
		app.ID = "42"
	}
	if app.Key == nil {
		_, app.Key = appKey()
	}
	c, err := github.New(github.Options{
		BaseURL: f.URL, App: &app, Now: f.now, Wait: time.Second,
		Backoff: func(int) time.Duration { return time.Millisecond },
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// listed fails the test unless the App sees its private repo.
func (f *appForge) listed(t *testing.T, c *github.Client) {
	t.Helper()
	if repos, err := c.Repos(t.Context(), "acme", nil); err != nil || len(repos) != 1 {
		t.Fatalf("%v, %v", repos, err)
	}
}

// The whole contract holds for an App too.
func TestGitHubAsApp(t *testing.T) {
	forgetest.Run(t, func(t *testing.T) forgetest.World {
		f, w := sandboxWorld(t, sandbox.Rules{})
		key, text := appKey()
		f.AddApp(sandbox.AppSpec{ID: 42, Slug: bot, Key: &key.PublicKey, Owners: []string{w.Org}})
		server := httptest.NewServer(f.Handler())
		t.Cleanup(server.Close)
		c, err := github.New(github.Options{
			BaseURL: server.URL, App: &github.App{ID: "42", Key: text, Owner: w.Org},
			Wait: time.Second, Backoff: func(int) time.Duration { return time.Millisecond },
		})
		if err != nil {
			t.Fatal(err)
		}
		w.Forge = c
		return w
	})
}

func TestAppIsItself(t *testing.T) {
	f := newAppForge(t, "acme")
	self, err := f.client(t, github.App{Owner: "acme"}).Self(t.Context())
	if want := (fleet.Actor{Login: "reeve", Bot: true, Self: true}); err != nil || self != want {
		t.Errorf("%+v, %v", self, err)
	}
}

// A token is asked for once, however many wait, and renewed before its end.
func TestAppTokensAreRenewedInTime(t *testing.T) {
	f := newAppForge(t, "acme")
	c := f.client(t, github.App{Owner: "acme"})
	for hour := range 30 {
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if _, secret, err := c.Credentials(t.Context(), "acme/ledger"); err != nil || secret == "" {
					t.Errorf("%q, %v", secret, err)
				}
			})
		}
		all.Wait()
		f.listed(t, c)
		if n := f.Counts().REST[tokens]; n != hour+1 {
			t.Fatalf("%d tokens by hour %d", n, hour)
		}
		f.advance(54 * time.Minute) // good for 6 more
		f.listed(t, c)
		if n := f.Counts().REST[tokens]; n != hour+1 {
			t.Fatalf("renewed too early: %d tokens by hour %d", n, hour)
		}
		f.advance(90 * time.Second)
	}
	if n := f.Counts().REST["GET /orgs/{owner}/installation"]; n != 1 {
		t.Errorf("the installation was asked for %d times", n)
	}
}

// What is unchanged costs nothing, also after a new token.
func TestETagsSurviveNewTokens(t *testing.T) {
	f := newAppForge(t, "acme")
	c := f.client(t, github.App{Owner: "acme"})
	f.listed(t, c)
	for n := range 3 {
		f.advance(2 * time.Hour)
		before := f.Counts()
		f.listed(t, c)
		d := f.Counts().Since(before)
		if d.REST[tokens] != 1 || d.NotModified != 1 {
			t.Errorf("%d: %d tokens, %d answers unchanged", n, d.REST[tokens], d.NotModified)
		}
	}
	if err := f.Person(person).SetTopics("acme/ledger", "new"); err != nil {
		t.Fatal(err)
	}
	f.advance(2 * time.Hour)
	if repos, err := c.Repos(t.Context(), "acme", nil); err != nil || len(repos) != 1 || len(repos[0].Topics) != 1 {
		t.Errorf("a changed answer was not seen: %+v, %v", repos, err)
	}
}

// Git works with the App's token, by the hour.
func TestAppTokensServeGit(t *testing.T) {
	f := newAppForge(t, "acme")
	c, git := f.client(t, github.App{Owner: "acme"}), gitrepo.New(gitrepo.Options{})
	r := gitrepo.Remote{Name: "acme/ledger", URL: f.URL + "/acme/ledger.git", Auth: func(ctx context.Context) (string, string, error) {
		return c.Credentials(ctx, "acme/ledger")
	}}
	for range 3 {
		if at, err := git.Branch(t.Context(), r, "main"); err != nil || at == "" {
			t.Errorf("%q, %v", at, err)
		}
		f.advance(time.Hour)
	}
}

func TestWhichInstallation(t *testing.T) {
	for name, tc := range map[string]struct {
		owners []string
		app    github.App
		want   string // of the failure
	}{
		"by owner":            {[]string{"globex", "acme"}, github.App{Owner: "Acme"}, ""},
		"the only one":        {[]string{"acme"}, github.App{}, ""},
		"not there":           {[]string{"globex"}, github.App{Owner: "acme"}, "the App is not installed for acme"},
		"none":                {nil, github.App{}, "the App has 0 installations (): say which one to use"},
		"one of many":         {[]string{"globex", "acme"}, github.App{}, "the App has 2 installations (globex, acme): say which one to use"},
		"an id that is wrong": {[]string{"acme"}, github.App{Installation: 7}, "Not Found (404)"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newAppForge(t, tc.owners...)
			_, _, err := f.client(t, tc.app).Credentials(t.Context(), "acme/ledger")
			switch {
			case tc.want == "" && err != nil:
				t.Error(err)
			case tc.want != "" && (fleet.ClassOf(err) != fleet.Permanent || !strings.HasSuffix(err.Error(), tc.want)):
				t.Errorf("got %v (%s)", err, fleet.ClassOf(err))
			}
		})
	}
}

func TestAKeyThatIsNotTheApps(t *testing.T) {
	f := newAppForge(t, "acme")
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(other)})
	c := f.client(t, github.App{Owner: "acme", Key: text})
	for range 5 {
		_, err := c.Repos(t.Context(), "acme", nil)
		if err == nil || !strings.Contains(err.Error(), "JSON web token could not be decoded (401)") {
			t.Fatalf("got %v", err)
		}
	}
	if n := f.Counts().RESTTotal(); n != 1 {
		t.Errorf("the forge was asked %d times", n)
	}
	if _, err := github.New(github.Options{App: &github.App{ID: "1", Key: []byte("hunter2")}}); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}

func TestARevokedAppTokenIsReplaced(t *testing.T) {
	f := newAppForge(t, "acme")
	c := f.client(t, github.App{Owner: "acme"})
	_, secret, err := c.Credentials(t.Context(), "acme/ledger")
	if err != nil {
		t.Fatal(err)
	}
	f.Revoke(secret)
	_, err = c.Repos(t.Context(), "acme", nil)
	if fleet.ClassOf(err) != fleet.Transient || strings.Contains(err.Error(), secret) {
		t.Errorf("got %v", err)
	}
	f.listed(t, c)
}

// While the old token is good nobody hears that it can't be renewed.
func TestRenewalMayFailForAWhile(t *testing.T) {
	f := newAppForge(t, "acme")
	c := f.client(t, github.App{Owner: "acme"})
	f.listed(t, c)
	f.Fault(func(r sandbox.Request) *sandbox.FaultAnswer {
		if r.Route == tokens {
			return &sandbox.FaultAnswer{Status: 503}
		}
		return nil
	})
	f.advance(57 * time.Minute)
	f.listed(t, c)
	asked := f.Counts().REST[tokens]
	f.listed(t, c)
	if n := f.Counts().REST[tokens]; n != asked {
		t.Errorf("asked again at once: %d, then %d", asked, n)
	}
	f.advance(4 * time.Minute)
	if _, err := c.Repos(t.Context(), "acme", nil); fleet.ClassOf(err) != fleet.Transient || err == nil {
		t.Errorf("got %v", err)
	}
	f.Fault(nil)
	f.advance(time.Minute)
	f.listed(t, c)
}
