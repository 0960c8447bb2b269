package main

import (
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
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
	"backstage":       "backstage-t0ken-QQQQrrrrSSSSttttUUU222",
	"in place of one": "ghp_pastedInP1ace0fAFi1eAAAAbbbbCCC111",
}

// leaks are those of the secrets that a text holds, in any shape in which they
// travel.
func leaks(secrets map[string]string, text string) (found []string) {
	for _, where := range slices.Sorted(maps.Keys(secrets)) {
		secret := secrets[where]
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

fleet: {org: "acme", exclude: ["config"], mode: "merge", ownership: backstage: url: "%s"}
fleet: policies: {"migration-whole-fleet": severity: "off", "migration-merges-untested": severity: "off"}
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
	d.run(t, d.token(), moods)
	if d.asked.Load() == 0 {
		t.Error("the catalog was not asked for anything")
	}
	d.run(t, d.app(t), []string{"well", "500", "git 403", "git error", "redirect away", "401"})
	d.commands(t)
	d.collect(t)
	secrets := maps.Clone(d.secrets)
	for secret := range d.gossip.heard {
		secrets["one that the forge heard, "+secret[:7]] = secret
	}
	if len(d.gossip.heard) < 4 { // two tokens, one of an installation, and what the App signed for it
		t.Errorf("the forge heard %d secrets", len(d.gossip.heard))
	}
	for _, what := range slices.Sorted(maps.Keys(d.left.texts)) {
		text := d.left.texts[what]
		if found := leaks(secrets, text); found != nil {
			t.Errorf("%s holds the secrets of: %s\n%s", what, strings.Join(found, ", "), around(secrets, text))
		}
	}
	if n := len(d.left.texts["log"]); n < 2000 {
		t.Errorf("the log has %d bytes: not much can have happened", n)
	}
}

// around is the first line of a text with a secret in it.
func around(secrets map[string]string, text string) string {
	for line := range strings.Lines(text) {
		if leaks(secrets, line) != nil {
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
			if !slices.Contains(leaks(planted, text), where) {
				t.Errorf("the secret of the %s is not found %s: %s", where, what, text)
			}
		}
	}
	if found := leaks(planted, "nothing to see: ghp_ + passw0rd"); found != nil {
		t.Errorf("found %v in a harmless text", found)
	}
}
