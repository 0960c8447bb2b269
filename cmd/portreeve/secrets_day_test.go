package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge/sandbox"
	"github.com/portreeve/portreeve/reconciler/store"
)

// secretsDay is one run with all that belongs to it.
type secretsDay struct {
	dir    string
	forge  *sandbox.Forge
	gossip *gossip
	url    string
	days   int
	// catalog is Backstage's URL; it repeats the token that it hears, and asked
	// is how often it has heard it.
	catalog string
	asked   atomic.Int64
	left    left
	strays  left // credentials that were sent elsewhere
	// secrets are those that are planted, and the keys that are made here.
	secrets map[string]string
}

func newSecretsDay(t *testing.T) *secretsDay {
	t.Helper()
	d := &secretsDay{dir: t.TempDir(), secrets: maps.Clone(planted)}
	f, err := sandbox.New(sandbox.Options{Dir: filepath.Join(d.dir, "forge")})
	must(t, err)
	d.forge = f
	d.gossips(t)
	f.AddUser("portreeve", planted["token file"], true)
	f.AddUser("portreeve-env", planted["environment"], true)
	must(t, f.CreateRepo(sandbox.Spec{Name: "acme/config", Files: map[string]sandbox.File{
		"fleet.cue": {Content: d.config(0)},
	}}))
	for _, name := range []fleet.RepoName{"acme/ledger", "acme/billing", "acme/web"} {
		must(t, f.CreateRepo(sandbox.Spec{Name: name, Private: name == "acme/web", Files: map[string]sandbox.File{"main.go": {Content: "package main\n"}}}))
	}
	must(t, f.Person("kim").SetRules("acme/billing", sandbox.Rules{RequiredApprovals: 1}))
	refuse := "#!/bin/sh\necho 'bad credential " + planted["token file"] + "' >&2\nexit 1\n"
	must(t, os.MkdirAll(filepath.Join(d.repo("acme/web"), "hooks"), 0o755))
	must(t, os.WriteFile(filepath.Join(d.repo("acme/web"), "hooks", "pre-receive"), []byte(refuse), 0o755))
	away := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if auth := r.Header.Get("Authorization"); auth != "" {
			d.strays.add("credentials", auth)
		}
		http.NotFound(w, r)
	}))
	t.Cleanup(away.Close)
	d.gossip = &gossip{forge: f.Handler(), away: away.URL, mood: "well"}
	server := httptest.NewServer(d.gossip)
	t.Cleanup(server.Close)
	d.url = server.URL
	must(t, os.WriteFile(filepath.Join(d.dir, "token"), []byte(planted["token file"]+"\n"), 0o600))
	t.Setenv("PORTREEVE_TOKEN", planted["environment"])
	t.Setenv("GITHUB_TOKEN", planted["other variable"])
	t.Setenv("PORTREEVE_WEBHOOK_SECRET", planted["webhook"])
	t.Setenv(passphraseEnv, planted["passphrase"])
	t.Setenv("HTTPS_PROXY", "http://kim:"+planted["proxy"]+"@127.0.0.1:1")
	return d
}

// gossips starts a Backstage that fails each time in another way, with the
// token in its answer.
func (d *secretsDay) gossips(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		heard := r.Header.Get("Authorization")
		switch d.asked.Add(1) % 4 {
		case 0:
			http.Error(w, heard, http.StatusInternalServerError)
		case 1:
			fmt.Fprintf(w, `{"items": [{"kind": "Component", "metadata": {"name": %q}}], "totalItems": 1}`, heard)
		case 2:
			http.Redirect(w, r, "http://forge.invalid/?token="+url.QueryEscape(heard), http.StatusFound)
		case 3:
			w.Header().Set("Content-Length", "100000")
			fmt.Fprint(w, heard)
		}
	}))
	t.Cleanup(server.Close)
	d.catalog = server.URL
	t.Setenv(backstageTokenEnv, planted["backstage"])
}

func (d *secretsDay) config(day int) string { return fmt.Sprintf(secretsConfig, d.catalog, day) }

func (d *secretsDay) repo(name string) string { return filepath.Join(d.dir, "forge", name+".git") }

// token is a daemon's connection with a token from a file.
func (d *secretsDay) token() *connection {
	return &connection{
		forgeURL: d.url, tokenFile: filepath.Join(d.dir, "token"), data: filepath.Join(d.dir, "data"),
		author: "P <p@noreply.invalid>", poll: 100 * time.Millisecond, backoff: shortPause,
	}
}

// app is one as an App, whose commits are signed.
func (d *secretsDay) app(t *testing.T) *connection {
	t.Helper()
	c := d.token()
	c.tokenFile, c.data = "", filepath.Join(d.dir, "data of the app")
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	d.forge.AddApp(sandbox.AppSpec{ID: 42, Slug: "portreeve-app", Key: &key.PublicKey, Owners: []string{"acme"}})
	c.appID, c.signOff, c.appKeyFile = "42", true, filepath.Join(d.dir, "app key")
	text := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	must(t, os.WriteFile(c.appKeyFile, text, 0o600))
	c.signKeyFile = filepath.Join(d.dir, "signing key")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", planted["passphrase"], "-f", c.signKeyFile).CombinedOutput(); err != nil {
		t.Logf("commits are not signed: %v %s", err, out)
		c.signKeyFile = ""
	}
	for _, file := range []string{c.appKeyFile, c.signKeyFile} {
		if text, err := os.ReadFile(file); err == nil {
			d.secrets["line of "+filepath.Base(file)] = strings.Split(string(text), "\n")[2]
		}
	}
	return c
}

// run is a daemon's day: each mood for two passes, people in between.
func (d *secretsDay) run(t *testing.T, c *connection, moods []string) {
	t.Helper()
	log := slog.New(slog.NewTextHandler(d.left.log("log"), &slog.HandlerOptions{Level: slog.LevelDebug, AddSource: true}))
	e, err := newEngine(c, d.url+"/acme/config.git", true, true, log, &progress{})
	must(t, err)
	defer e.Close()
	passes := make(chan *store.Pass, 100)
	e.Publish = func(p *store.Pass) { passes <- p }
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- serve(ctx, e, listener, shortly, planted["webhook"]) }()
	for _, mood := range moods {
		d.days++
		_, err := d.forge.Person("kim").CommitFile("acme/config", "", "fleet.cue", d.config(d.days), "Greet anew")
		must(t, err)
		d.gossip.set(mood)
		for range 2 {
			p := <-passes
			d.left.add("errors of passes", p.Err)
			for _, step := range p.Done {
				d.left.add("errors of steps", step.Err)
			}
		}
		d.gossip.mu.Lock()
		if mood != "well" && d.gossip.said == 0 {
			t.Errorf("in the mood %q the forge was not asked for anything", mood)
		}
		d.gossip.mu.Unlock()
		d.pages(t, "http://"+listener.Addr().String())
		_ = d.forge.Person("kim").Comment("acme/billing", 1, "Why?")
	}
	cancel()
	d.left.add("the daemon's end", fmt.Sprint(<-done))
	if d.strays.texts != nil {
		t.Errorf("credentials were sent to where a redirect led: %q", d.strays.texts)
	}
}

const shortly = 100 * time.Millisecond

// pages reads what the daemon shows, and sends it a forged webhook.
func (d *secretsDay) pages(t *testing.T, base string) {
	t.Helper()
	for _, path := range []string{"/", "/status.json", "/metrics", "/healthz", "/readyz", "/target/acme/ledger", "/target/acme/web", "/declaration/migration/greet"} {
		res, err := http.Get(base + path)
		must(t, err)
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		must(t, err)
		d.left.add("page "+path, fmt.Sprint(res.Header)+string(body))
	}
	req, err := http.NewRequest(http.MethodPost, base+"/webhook", strings.NewReader("{}"))
	must(t, err)
	req.Header.Set("X-Hub-Signature-256", "sha256=00")
	res, err := http.DefaultClient.Do(req)
	must(t, err)
	body, _ := io.ReadAll(res.Body)
	res.Body.Close()
	d.left.add("answer to a webhook", fmt.Sprint(res.Status, res.Header)+string(body))
}

// commands runs the commands of people, careful and careless ones.
func (d *secretsDay) commands(t *testing.T) {
	config := d.url + "/acme/config.git"
	careless := func(base, secret string) string {
		return strings.Replace(base, "://", "://kim:"+url.PathEscape(secret)+"@", 1)
	}
	forge := "--forge-url=" + d.url
	d.gossip.set("403")
	for _, args := range [][]string{
		{"plan", forge, "--diff", config},
		{"status", forge, "--all", "--output=json", config},
		{"why", forge, "acme/ledger", "--config", config},
		{"reconcile", forge, "--output=json", config},
		{"backstage", forge, "--output=json", config},
		{"backstage", forge, config},
		{"backstage", forge, "--backstage-token-file=" + planted["in place of one"], config},
		{"plan", forge, careless(config, planted["URL"])},
		{"run", forge, "--listen=127.0.0.1:0", careless(config, planted["URL"])},
		{"plan", forge, config + "?access_token=" + planted["URL"]},
		{"plan", forge, "https://kim:" + planted["URL"] + "@forge.invalid:port/x"},
		{"plan", "--forge-url=" + careless(d.url, planted["forge URL"]), config},
		{"plan", "--forge-url=http://kim:" + planted["forge URL"] + "@%zz", config},
		{"plan", "--forge-url=https://forge.invalid", config},
		{"status", "--url=" + careless("http://127.0.0.1:1", planted["daemon's URL"])},
		{"status", "--url=" + careless(d.url, planted["daemon's URL"])},
		{"status", "--url=kim:" + planted["daemon's URL"] + "@localhost"},
		{"why", "--url=" + careless("http://127.0.0.1:1", planted["daemon's URL"]), "acme/ledger"},
		{"plan", forge, "--token-file=" + planted["in place of one"], config},
		{"run", forge, "--webhook-secret-file=" + planted["in place of one"], config},
		{"plan", forge, "--sign-key-file=" + planted["in place of one"], config},
		{"plan", forge, "--app-id=1", "--app-key-file=" + planted["in place of one"], config},
		{"plan", "--help"},
		{"run", "--help"},
		{"status", "--help"},
		{"--version"},
	} {
		cmd := exec.CommandContext(t.Context(), "portreeve", args...)
		cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+filepath.Join(d.dir, "cache"),
			"PORTREEVE_URL="+careless(d.url, planted["daemon's URL"]), "PORTREEVE_FORGE_URL="+careless(d.url, planted["forge URL"]))
		if args[0] != "status" && args[0] != "why" || slices.Contains(args, forge) {
			cmd.Env = append(cmd.Env, "PORTREEVE_URL=")
		}
		if slices.Contains(args, "--help") {
			cmd.Env = append(cmd.Env, "PORTREEVE_URL="+careless(d.url, planted["daemon's URL"]))
		}
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		err := cmd.Run()
		d.left.add(fmt.Sprintf("output of portreeve %s", hidden(args)), fmt.Sprint(out.String(), err))
		if out.Len() == 0 {
			t.Errorf("portreeve %s says nothing", hidden(args))
		}
	}
}

// hidden are arguments, told without what is secret in them.
func hidden(args []string) string {
	text := strings.Join(args, " ")
	for where, secret := range planted {
		text = strings.NewReplacer(secret, "<"+where+">", url.PathEscape(secret), "<"+where+">").Replace(text)
	}
	return text
}

// collect gathers what is on disks and on the forge.
func (d *secretsDay) collect(t *testing.T) {
	for _, dir := range []string{"data", "data of the app", "cache"} {
		files := 0
		err := filepath.WalkDir(filepath.Join(d.dir, dir), func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			files++
			b, err := os.ReadFile(path)
			d.left.add("files of the "+dir+" directory", path+"\n"+string(b))
			return err
		})
		must(t, err)
		if files < 3 {
			t.Errorf("the %s directory has %d files", dir, files)
		}
	}
	for _, name := range []fleet.RepoName{"acme/config", "acme/ledger", "acme/billing", "acme/web"} {
		pulls, err := d.forge.Pulls(name)
		must(t, err)
		d.left.add("pull requests", fmt.Sprintf("%+v", pulls))
		out, err := exec.Command("git", "-C", d.repo(string(name)), "log", "--all", "-p", "--format=fuller").CombinedOutput()
		must(t, err)
		d.left.add("commits", string(out))
	}
	d.left.add("writes to the forge", fmt.Sprintf("%+v", d.forge.Counts().Writes))
}
