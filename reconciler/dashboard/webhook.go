package dashboard

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Bounds of the receiver. What goes beyond them is lost, and a lost webhook
// costs nothing but the time until the next pass.
const (
	maxWebhook     = 25 << 20         // bytes of a body: GitHub sends no larger one
	keptOfWebhook  = 1 << 20          // of which so many are kept to be read
	webhookTime    = 10 * time.Second // for a body to come: GitHub itself gives up then
	webhooksAtOnce = 16
	webhooksPerSec = 100 // and five times as many in a burst
	rememberedIDs  = 4096
	wakeEvery      = time.Second
)

// events are GitHub's names of what can bring a target forward, and whether a
// pass looks for it. "ping" is what a forge says when a webhook is set up.
var events = map[string]bool{
	"ping": false, "push": true, "pull_request": true, "pull_request_review": true, "issue_comment": true,
	"check_run": true, "check_suite": true, "status": true, "repository": true,
}

// What became of a delivery, as the metric says it.
const (
	hookWoke      = "woke"
	hookIgnored   = "ignored"   // verified, about nothing that a pass would see
	hookDuplicate = "duplicate" // verified, and came before
	hookForged    = "forged"    // no signature, or a wrong one
	hookMalformed = "malformed"
	hookTooLarge  = "too-large"
	hookCut       = "cut" // the body came too slowly, or not to its end
	hookLimited   = "limited"
)

// receiver takes in webhooks. It believes none of them: what one says has
// happened is not read, since a pass looks for itself. So a lost, repeated,
// reordered or forged one changes nothing but when the next pass begins.
type receiver struct {
	secret []byte
	config string // the config repo's name in lower case
	waker  waker
	busy   chan struct{}
	rate   *rate.Limiter

	mu  sync.Mutex
	ids map[string]bool
	old []string // a ring of the ids, with next the oldest
	pos int
}

func newReceiver(o Options) *receiver {
	return &receiver{
		secret: []byte(o.WebhookSecret), config: strings.ToLower(string(o.ConfigRepo)), waker: waker{wake: o.Wake},
		busy: make(chan struct{}, webhooksAtOnce), rate: rate.NewLimiter(webhooksPerSec, 5*webhooksPerSec),
		ids: map[string]bool{}, old: make([]string, rememberedIDs),
	}
}

// webhook answers one delivery, at once: the work is the loop's.
func (s *Server) webhook(w http.ResponseWriter, r *http.Request) {
	// Of one that is refused, too: the server waits for its body.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(webhookTime))
	event := r.Header.Get("X-GitHub-Event")
	status, result, text := s.receive(w, r, event)
	if _, known := events[event]; !known {
		event = "other" // a sender must not choose the metric's labels
	}
	s.metrics.webhooks.WithLabelValues(event, result).Inc()
	if status == http.StatusAccepted {
		w.WriteHeader(status)
		return
	}
	if status >= 500 || status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "1")
	}
	// Said of a body that was not read to its end: the connection is not
	// used again, so that nobody waits for the rest.
	w.Header().Set("Connection", "close")
	http.Error(w, text, status)
}

var (
	deliveryForm = regexp.MustCompile(`^[0-9A-Za-z-]{1,64}$`)
	eventForm    = regexp.MustCompile(`^[a-z][a-z_]{0,63}$`)
	repoForm     = regexp.MustCompile(`^[A-Za-z0-9._-]{1,100}/[A-Za-z0-9._-]{1,100}$`)
)

// receive checks a delivery, what costs least first, and wakes a pass for it.
// Nothing of the body is looked at before its signature is found right, and
// nothing of it is repeated in the answer.
func (s *Server) receive(w http.ResponseWriter, r *http.Request, event string) (status int, result, text string) {
	h := s.hooks
	form, known := contentType(r)
	id := r.Header.Get("X-GitHub-Delivery")
	signature, signed := signatureOf(r)
	switch {
	case !signed:
		return http.StatusForbidden, hookForged, "the signature is missing or wrong"
	case !known:
		return http.StatusUnsupportedMediaType, hookMalformed, "send application/json or application/x-www-form-urlencoded"
	case !eventForm.MatchString(event) || !deliveryForm.MatchString(id):
		return http.StatusBadRequest, hookMalformed, "X-GitHub-Event or X-GitHub-Delivery is missing or malformed"
	case r.ContentLength > maxWebhook:
		return http.StatusRequestEntityTooLarge, hookTooLarge, "the body is larger than 25 MB"
	case !h.rate.Allow():
		return http.StatusTooManyRequests, hookLimited, "too many webhooks"
	}
	select {
	case h.busy <- struct{}{}:
		defer func() { <-h.busy }()
	default:
		return http.StatusServiceUnavailable, hookLimited, "too many webhooks at once"
	}
	mac := hmac.New(sha256.New, h.secret)
	body, whole, err := readBody(http.MaxBytesReader(w, r.Body, maxWebhook), mac)
	switch {
	case errors.As(err, new(*http.MaxBytesError)):
		return http.StatusRequestEntityTooLarge, hookTooLarge, "the body is larger than 25 MB"
	case errors.Is(err, os.ErrDeadlineExceeded):
		return http.StatusRequestTimeout, hookCut, "the body came too slowly"
	case err != nil:
		return http.StatusBadRequest, hookCut, "the body ended early"
	case !hmac.Equal(signature, mac.Sum(nil)):
		return http.StatusForbidden, hookForged, "the signature is missing or wrong"
	case h.repeats(id):
		return http.StatusAccepted, hookDuplicate, ""
	case !events[event]:
		return http.StatusAccepted, hookIgnored, ""
	}
	if whole {
		about, err := parseWebhook(body, form)
		if err != nil {
			return http.StatusBadRequest, hookMalformed, "the payload is malformed"
		}
		if !about.matters(event) || !s.knows(about.repo) {
			return http.StatusAccepted, hookIgnored, ""
		}
		if about.repo == h.config && event == "push" && s.Look != nil {
			s.Look()
		}
	} // what is too long to be read may be about anything
	h.waker.ask()
	return http.StatusAccepted, hookWoke, ""
}

// contentType reports whether the body is a form, and whether it is one of
// the two that GitHub sends.
func contentType(r *http.Request) (form, known bool) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	form = media == "application/x-www-form-urlencoded"
	return form, err == nil && (form || media == "application/json")
}

func signatureOf(r *http.Request) ([]byte, bool) {
	text, signed := strings.CutPrefix(r.Header.Get("X-Hub-Signature-256"), "sha256=")
	given, err := hex.DecodeString(text)
	return given, signed && err == nil && len(given) == sha256.Size
}

// readBody hashes all of a body and keeps it, if it is short enough.
func readBody(r io.Reader, mac hash.Hash) (kept []byte, whole bool, err error) {
	r = io.TeeReader(r, mac)
	if kept, err = io.ReadAll(io.LimitReader(r, keptOfWebhook)); err != nil {
		return nil, false, err
	}
	rest, err := io.Copy(io.Discard, r)
	return kept, rest == 0, err
}

// repeats notes a delivery's id, and reports whether it was known. The id is
// not signed: who repeats a body under another id gets an early pass for it.
func (h *receiver) repeats(id string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ids[id] {
		return true
	}
	delete(h.ids, h.old[h.pos])
	h.old[h.pos], h.ids[id] = id, true
	h.pos = (h.pos + 1) % len(h.old)
	return false
}

// about is all that is taken from a payload.
type about struct {
	repo, ref, base string // repo in lower case; base is its default branch
}

var errPayload = errors.New("malformed payload")

// parseWebhook reads a payload, as JSON or in a form.
func parseWebhook(body []byte, form bool) (about, error) {
	if form {
		fields, err := url.ParseQuery(string(body))
		if err != nil || len(fields["payload"]) != 1 {
			return about{}, errPayload
		}
		body = []byte(fields.Get("payload"))
	}
	var payload struct {
		Ref        string `json:"ref"`
		Repository struct {
			FullName string `json:"full_name"`
			Base     string `json:"default_branch"`
		} `json:"repository"`
	}
	if json.Unmarshal(body, &payload) != nil || !repoForm.MatchString(payload.Repository.FullName) {
		return about{}, errPayload
	}
	return about{strings.ToLower(payload.Repository.FullName), payload.Ref, payload.Repository.Base}, nil
}

// matters leaves out pushes to branches that are neither the default one nor
// ours: most of a large organization's are such.
func (a about) matters(event string) bool {
	if event != "push" || a.base == "" {
		return true
	}
	branch, ok := strings.CutPrefix(a.ref, "refs/heads/")
	return ok && (branch == a.base || strings.HasPrefix(branch, fleet.BranchPrefix))
}

// knows reports whether a pass would look at a repo. Before the first plan it
// may be any.
func (s *Server) knows(repo string) bool {
	v := s.seen.Load()
	return v == nil || v.found == nil || repo == s.hooks.config || v.repos[repo]
}

// waker makes few wakes of many: at once after a pause, else when the pause
// is over, so that what came last is looked at, too.
type waker struct {
	wake func()

	mu      sync.Mutex
	last    time.Time
	waiting bool
}

func (k *waker) ask() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.waiting {
		return
	}
	if pause := wakeEvery - time.Since(k.last); !k.last.IsZero() && pause > 0 {
		k.waiting = true
		time.AfterFunc(pause, k.due)
		return
	}
	k.last = time.Now()
	k.wake()
}

func (k *waker) due() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.waiting, k.last = false, time.Now()
	k.wake()
}
