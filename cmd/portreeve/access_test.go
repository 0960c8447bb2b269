package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge/sandbox"
)

const accessConfig = `package fleet

fleet: {repos: ["acme/ledger"], mode: "propose"}
teams: platform: github: "acme/platform"
migrations: greet: {title: "Greet", why: "Guests ask for it.", owner: "platform", steps: [{do: "file", path: "hello.txt", content: "hi"}]}
`

// enterprise is a forge behind TLS with a CA of its own, where an App acts.
func enterprise(t *testing.T) (f *sandbox.Forge, url string, c *connection) {
	t.Helper()
	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		file := filepath.Join(dir, name)
		must(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
		return file
	}
	f, err := sandbox.New(sandbox.Options{Dir: filepath.Join(dir, "forge")})
	must(t, err)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	f.AddApp(sandbox.AppSpec{ID: 42, Slug: "portreeve", Key: &key.PublicKey, Owners: []string{"globex", "acme"}})
	must(t, f.CreateRepo(sandbox.Spec{Name: "acme/config", Private: true, Files: map[string]sandbox.File{"fleet.cue": {Content: accessConfig}}}))
	must(t, f.CreateRepo(sandbox.Spec{Name: "acme/ledger", Private: true, Files: map[string]sandbox.File{"a": {Content: "a"}}}))
	server := httptest.NewTLSServer(f.Handler())
	t.Cleanup(server.Close)
	return f, server.URL + "/acme/config.git", &connection{
		forgeURL: server.URL, data: filepath.Join(dir, "data"), author: "Port Reeve <reeve@acme.example>",
		access: access{
			appID: "42", appKeyFile: write("app.pem", "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key)),
			caFile: write("ca.pem", "CERTIFICATE", server.Certificate().Raw),
		},
	}
}

func engineOf(t *testing.T, c *connection, where string) *engine {
	t.Helper()
	e, err := newEngine(c, where, true, true, slog.New(slog.DiscardHandler), &progress{})
	must(t, err)
	t.Cleanup(func() { _ = e.Close() })
	return e
}

// TestAppOnAnEnterpriseServer makes a pass over REST, GraphQL and both ways of
// Git, with nothing but an App and a private CA; its commit is signed and
// signed off.
func TestAppOnAnEnterpriseServer(t *testing.T) {
	f, where, c := enterprise(t)
	key := filepath.Join(t.TempDir(), "key")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "pass phrase", "-f", key).CombinedOutput(); err != nil {
		t.Skipf("ssh-keygen: %v %s", err, out)
	}
	t.Setenv(passphraseEnv, "pass phrase")
	c.signKeyFile, c.signOff = key, true
	pass := engineOf(t, c, where).Once(t.Context())
	if len(pass.Done) != 1 || pass.Done[0].Err != "" {
		t.Fatalf("%+v %+v", pass.Problems, pass.Done)
	}
	pulls, err := f.Pulls("acme/ledger")
	must(t, err)
	if len(pulls) != 1 || !pulls[0].Author.Bot || pulls[0].Author.Login != "portreeve" {
		t.Fatalf("%+v", pulls)
	}
	public, err := os.ReadFile(key + ".pub")
	must(t, err)
	must(t, os.WriteFile(key+".allowed", append([]byte("reeve@acme.example "), public...), 0o600))
	bare, _ := filepath.Glob(filepath.Join(filepath.Dir(c.data), "forge", "acme", "ledger*"))
	if len(bare) != 1 {
		t.Fatalf("the forge's repo is not where it was: %v", bare)
	}
	git := func(args ...string) string {
		out, err := exec.Command("git", append([]string{"-C", bare[0], "-c", "safe.directory=*", "-c", "gpg.ssh.allowedSignersFile=" + key + ".allowed"}, args...)...).CombinedOutput()
		if err != nil {
			t.Errorf("git %v: %v", args, err)
		}
		return string(out)
	}
	if out := git("verify-commit", "portreeve/migration/greet"); !strings.Contains(out, "Good \"git\" signature") {
		t.Error(out)
	}
	if out := git("log", "-1", "--format=%(trailers:key=Signed-off-by)", "portreeve/migration/greet"); strings.TrimSpace(out) != "Signed-off-by: Port Reeve <reeve@acme.example>" {
		t.Errorf("%q", out)
	}
}

// Without the CA nothing is said to the forge.
func TestAnUnknownCAIsRefused(t *testing.T) {
	f, where, c := enterprise(t)
	c.caFile, c.backoff = "", shortPause
	pass := engineOf(t, c, where).Once(t.Context())
	if f.Counts().RESTTotal()+f.Counts().GraphQL+f.Counts().GitTotal() != 0 || len(pass.Done) != 0 {
		t.Errorf("%+v", pass)
	}
}

func TestAccessFlags(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "secret")
	must(t, os.WriteFile(file, []byte("hunter2"), 0o600))
	none := filepath.Join(dir, "none")
	t.Setenv("PORTREEVE_TOKEN", "")
	t.Setenv("GITHUB_TOKEN", "")
	for _, tc := range []struct {
		flags []string
		want  string
	}{
		{nil, "no token for the forge"},
		{[]string{"--app-key-file", file}, "need --app-id"},
		{[]string{"--app-installation", "7"}, "need --app-id"},
		{[]string{"--app-id", "1"}, "--app-id needs --app-key-file"},
		{[]string{"--app-id", "1", "--app-key-file", file, "--token-file", file}, "exclude one another"},
		{[]string{"--app-id", "1", "--app-key-file", none}, "--app-key-file can't be read"},
		{[]string{"--app-id", "1", "--app-key-file", file}, "not an RSA private key"},
		{[]string{"--ca-file", none}, "--ca-file can't be read"},
		{[]string{"--ca-file", file}, "holds no certificate"},
		{[]string{"--sign-key-file", none}, "--sign-key-file can't be read"},
		{[]string{"--sign-key-file", file}, "neither an SSH private key nor"},
	} {
		root := rootCommand()
		root.SetArgs(append([]string{"plan", dir, "--data", dir}, tc.flags...))
		err := root.ExecuteContext(t.Context())
		if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v: got %v, want %q", tc.flags, err, tc.want)
		}
	}
}

// A proxy from the environment is for every request, and is not lost by a CA.
func TestProxyHoldsBesideACA(t *testing.T) {
	_, _, c := enterprise(t)
	for _, ca := range []string{"", c.caFile} {
		a := access{caFile: ca}
		carry, err := a.transport()
		must(t, err)
		if carry.Proxy == nil || !carry.ForceAttemptHTTP2 || (ca != "") != (carry.TLSClientConfig != nil && carry.TLSClientConfig.RootCAs != nil) {
			t.Errorf("with CA %q: %+v", ca, carry)
		}
	}
}

// The forge's secret goes to the forge alone, under each name that it has.
func TestOnForge(t *testing.T) {
	for _, tc := range []struct {
		forge, where string
		repo         fleet.RepoName // empty: it is elsewhere
	}{
		{"", "https://github.com/acme/config.git", "acme/config"},
		{"", "http://github.com/acme/config.git", ""},
		{"", "https://github.com.evil.example/acme/config.git", ""},
		{"https://api.github.com", "https://github.com/acme/config", "acme/config"},
		{"https://acme.ghe.com", "https://acme.ghe.com/acme/config.git", "acme/config"},
		{"https://api.acme.ghe.com", "https://acme.ghe.com/acme/config.git", "acme/config"},
		{"https://acme.ghe.com", "https://other.ghe.com/acme/config.git", ""},
		{"https://ghe.example/api/v3/", "https://GHE.example/acme/config.git", "acme/config"},
		{"https://ghe.example", "https://ghe.example:8443/acme/config.git", ""},
		{"https://ghe.example", "https://github.com/acme/config.git", ""},
		{"https://ghe.example", "/srv/config", ""},
	} {
		c := &connection{forgeURL: tc.forge}
		if got := c.configRepo(tc.where); got != tc.repo || isURL(tc.where) && c.onForge(tc.where) != (tc.repo != "") {
			t.Errorf("%s is %q on %q", tc.where, got, tc.forge)
		}
	}
}
