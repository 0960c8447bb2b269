package main

import (
	"bytes"
	"context"
	"encoding/base64"
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
	"sync"
	"testing"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge/sandbox"
	"github.com/portreeve/portreeve/reconciler/store"
)

// planted are the secrets of the test, by where each of them stands.
var planted = map[string]string{
	"token file":      "ghp_Fi1eT0kenAAAAbbbbCCCCddddEEEE+/=1",
	"environment":     "ghp_Env1r0nmentFFFFggggHHHHiiiiJJJJ222",
	"other variable":  "ghs_0therVar1ab1eKKKKllllMMMMnnnnOO333",
	"webhook":         "hook-s3cret-PPPPqqqqRRRRssssTTTTuuuu44",
	"passphrase":      "passphrase-VVVVwwwwXXXXyyyyZZZZaaaa555",
	"URL":             "url-passw0rd-BBBBccccDDDDeeeeFFFFgg666",
	"forge URL":       "f0rge-url-passw0rd-HHHHiiiiJJJJkkkk777",
	"daemon's URL":    "daem0n-url-passw0rd-LLLLmmmmNNNNooo888",
	"proxy":           "pr0xy-passw0rd-PPPPqqqqRRRRssssTTTT999",
	"query":           "query-t0ken-UUUUvvvvWWWWxxxxYYYYzzz000",
	"in place of one": "ghp_pastedInP1ace0fAFi1eAAAAbbbbCCC111",
}

// leaks are the secrets that a text holds, in any shape in which they travel.
func leaks(text string) (found []string) {
	for _, where := range slices.Sorted(maps.Keys(planted)) {
		secret := planted[where]
		shapes := []string{
			secret, url.QueryEscape(secret), url.PathEscape(secret), url.UserPassword("x", secret).String()[2:],
			strings.TrimRight(base64.StdEncoding.EncodeToString([]byte("x-access-token:"+secret)), "="),
			strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(secret)), "="),
			strings.Trim(fmt.Sprintf("%q", secret), `"`),
		}
		if slices.ContainsFunc(shapes, func(shape string) bool { return strings.Contains(text, shape) }) {
			found = append(found, where)
		}
	}
	return found
}

// left is all that a run leaves behind, by what it is.
type left struct {
	mu    sync.Mutex
	texts map[string]string
}

func (l *left) add(what, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.texts == nil {
		l.texts = map[string]string{}
	}
	l.texts[what] += text + "\n"
}

// log is a place for log lines.
func (l *left) log(what string) io.Writer { return writes(func(b []byte) { l.add(what, string(b)) }) }

type writes func([]byte)

func (w writes) Write(b []byte) (int, error) { w(b); return len(b), nil }

const secretsConfig = `package fleet

fleet: {org: "acme", exclude: ["config"], mode: "merge"}
teams: platform: github: "acme/platform"
migrations: greet: {
	title: "Greet {{.Name}} politely"
	why:   "Guests ask for it."
	owner: "platform"
	steps: [{do: "file", path: "hello.txt", content: "good day %d\n"}]
	merge: "no-checks"
}
`

// TestSecrets plants a secret in every place where one can be, has a daemon
// and the commands run against a forge that fails in all ways and repeats
// every secret it hears, and looks for them in all that is left behind.
func TestSecrets(t *testing.T) {
	d := newSecretsDay(t)
	d.run(t)
	d.commands(t)
	d.collect(t)
	for _, what := range slices.Sorted(maps.Keys(d.left.texts)) {
		text := d.left.texts[what]
		if found := leaks(text); found != nil {
			t.Errorf("%s holds the secrets of: %s\n%s", what, strings.Join(found, ", "), around(text))
		}
	}
	if n := len(d.left.texts["log"]); n < 2000 {
		t.Errorf("the log has %d bytes: not much can have happened", n)
	}
}

// around is the first line of a text with a secret in it.
func around(text string) string {
	for line := range strings.Lines(text) {
		if leaks(line) != nil {
			return line[:min(len(line), 600)]
		}
	}
	return ""
}

// TestSecretsAreFound proves that the search can fail: each secret is found
// in each shape, in a log as in a header.
func TestSecretsAreFound(t *testing.T) {
	for where, secret := range planted {
		var l left
		log := slog.New(slog.NewTextHandler(l.log("log"), nil))
		log.Info("step failed", "error", fmt.Errorf("the forge says %q", secret))
		for what, text := range map[string]string{
			"in a log":      l.texts["log"],
			"in a URL":      (&url.URL{Scheme: "https", Host: "forge.invalid", User: url.UserPassword("kim", secret)}).String(),
			"in a query":    "https://forge.invalid/?token=" + url.QueryEscape(secret),
			"in a header":   "Basic " + base64.StdEncoding.EncodeToString([]byte("x-access-token:"+secret)),
			"as it stands":  secret,
			"as JSON":       fmt.Sprintf("%q", secret),
			"in mid-string": "xx" + secret + "yy",
		} {
			if !slices.Contains(leaks(text), where) {
				t.Errorf("the secret of the %s is not found %s: %s", where, what, text)
			}
		}
	}
	if found := leaks("nothing to see: ghp_ + passw0rd"); found != nil {
		t.Errorf("found %v in a harmless text", found)
	}
}

// secretsDay is one run with all that belongs to it.
type secretsDay struct {
	dir    string
	forge  *sandbox.Forge
	gossip *gossip
	url    string
	left   left
	strays left // credentials that were sent elsewhere
}

func newSecretsDay(t *testing.T) *secretsDay {
	t.Helper()
	d := &secretsDay{dir: t.TempDir()}
	f, err := sandbox.New(sandbox.Options{Dir: filepath.Join(d.dir, "forge")})
	must(t, err)
	d.forge = f
	f.AddUser("portreeve", planted["token file"], true)
	f.AddUser("portreeve-env", planted["environment"], true)
	must(t, f.CreateRepo(sandbox.Spec{Name: "acme/config", Files: map[string]sandbox.File{
		"fleet.cue": {Content: fmt.Sprintf(secretsConfig, 0)},
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

func (d *secretsDay) repo(name string) string { return filepath.Join(d.dir, "forge", name+".git") }

// run is the daemon's day: each mood for three passes, people in between.
func (d *secretsDay) run(t *testing.T) {
	log := slog.New(slog.NewTextHandler(d.left.log("log"), &slog.HandlerOptions{Level: slog.LevelDebug, AddSource: true}))
	c := &connection{forgeURL: d.url, tokenFile: filepath.Join(d.dir, "token"), data: filepath.Join(d.dir, "data"), author: "P <p@noreply.invalid>", poll: 100 * time.Millisecond, backoff: shortPause}
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
	for n, mood := range moods {
		_, err := d.forge.Person("kim").CommitFile("acme/config", "", "fleet.cue", fmt.Sprintf(secretsConfig, n), "Greet anew")
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
	for _, dir := range []string{"data", "cache"} {
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
