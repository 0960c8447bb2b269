package sandbox

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// bear sends a request with an Authorization header.
func bear(t *testing.T, h http.Handler, method, path, auth string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader("{}"))
	r.Header.Set("Authorization", auth)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestOnlyTheAppsKeyMakesTokens(t *testing.T) {
	f, c := newForge(t, "", nil)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	f.AddApp(AppSpec{ID: 7, Slug: "reeve", Key: &key.PublicKey, Owners: []string{"acme"}})
	h := f.Handler()
	at := func(d time.Duration) *jwt.NumericDate { return jwt.NewNumericDate(c.at.Add(d)) }
	good := jwt.RegisteredClaims{Issuer: "7", IssuedAt: at(-time.Minute), ExpiresAt: at(9 * time.Minute)}
	for name, tc := range map[string]struct {
		method jwt.SigningMethod
		key    any
		change func(*jwt.RegisteredClaims)
		status int
	}{
		"good":             {jwt.SigningMethodRS256, key, nil, 200},
		"another's key":    {jwt.SigningMethodRS256, other, nil, 401},
		"another hash":     {jwt.SigningMethodRS512, key, nil, 401},
		"no signature":     {jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil, 401},
		"a shared secret":  {jwt.SigningMethodHS256, key.PublicKey.N.Bytes(), nil, 401},
		"expired":          {jwt.SigningMethodRS256, key, func(c *jwt.RegisteredClaims) { c.ExpiresAt = at(-time.Second) }, 401},
		"without end":      {jwt.SigningMethodRS256, key, func(c *jwt.RegisteredClaims) { c.ExpiresAt = nil }, 401},
		"for too long":     {jwt.SigningMethodRS256, key, func(c *jwt.RegisteredClaims) { c.ExpiresAt = at(11 * time.Minute) }, 401},
		"without a begin":  {jwt.SigningMethodRS256, key, func(c *jwt.RegisteredClaims) { c.IssuedAt = nil }, 401},
		"of the future":    {jwt.SigningMethodRS256, key, func(c *jwt.RegisteredClaims) { c.IssuedAt = at(time.Minute) }, 401},
		"of no App":        {jwt.SigningMethodRS256, key, func(c *jwt.RegisteredClaims) { c.Issuer = "8" }, 401},
		"of an empty name": {jwt.SigningMethodRS256, key, func(c *jwt.RegisteredClaims) { c.Issuer = "" }, 401},
	} {
		claims := good
		if tc.change != nil {
			tc.change(&claims)
		}
		text, err := jwt.NewWithClaims(tc.method, claims).SignedString(tc.key)
		must(t, err)
		for _, path := range []string{"/api/v3/app", "/app/installations", "/orgs/ACME/installation"} {
			if w := bear(t, h, "GET", path, "Bearer "+text); w.Code != tc.status {
				t.Errorf("%s: %s: got %d %s", name, path, w.Code, w.Body)
			}
		}
		// An App by itself is nobody where repos are.
		for _, path := range []string{"/repos/acme/ledger", "/user"} {
			if w := bear(t, h, "GET", path, "Bearer "+text); w.Code != 401 {
				t.Errorf("%s: %s: got %d", name, path, w.Code)
			}
		}
	}
	if w := bear(t, h, "GET", "/app", "Bearer bot-token"); w.Code != 401 {
		t.Errorf("a token is no App: %d", w.Code)
	}
}

func TestInstallationTokensEnd(t *testing.T) {
	f, c := newForge(t, "", func(s *Spec) { s.Private = true })
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	f.AddApp(AppSpec{ID: 7, Slug: "reeve", Key: &key.PublicKey, Owners: []string{"acme"}})
	h := f.Handler()
	self, err := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.RegisteredClaims{
		Issuer: "7", IssuedAt: jwt.NewNumericDate(c.at), ExpiresAt: jwt.NewNumericDate(c.at.Add(time.Minute)),
	}).SignedString(key)
	must(t, err)
	var found struct {
		URL string `json:"access_tokens_url"`
	}
	must(t, json.Unmarshal(bear(t, h, "GET", "/orgs/acme/installation", "Bearer "+self).Body.Bytes(), &found))
	var made struct {
		Token string    `json:"token"`
		Ends  time.Time `json:"expires_at"`
	}
	w := bear(t, h, "POST", found.URL, "Bearer "+self)
	must(t, json.Unmarshal(w.Body.Bytes(), &made))
	if w.Code != 201 || made.Token == "" || !made.Ends.Equal(c.at.Add(time.Hour)) {
		t.Fatalf("%d %+v", w.Code, made)
	}
	if w := bear(t, h, "POST", "/app/installations/1/access_tokens", "Bearer "+self); w.Code != 404 {
		t.Errorf("of another installation: %d", w.Code)
	}
	paths := []string{"/repos/acme/ledger", "/acme/ledger.git/info/refs?service=git-upload-pack"}
	for _, status := range []int{200, 401} {
		for _, path := range paths {
			if w := bear(t, h, "GET", path, "Bearer "+made.Token); w.Code != status {
				t.Errorf("%s: got %d, want %d", path, w.Code, status)
			}
		}
		c.advance(time.Hour)
	}
}
