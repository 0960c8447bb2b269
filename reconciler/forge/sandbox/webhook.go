package sandbox

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Webhook is a subscription to what happens in all repos, as an organization
// or an App has one.
type Webhook struct {
	// URL is on this machine, named by address: the sandbox sends nothing to
	// others.
	URL    string
	Secret string   // for X-Hub-Signature-256; none is sent when empty
	Events []string // all when empty
}

// Delivery is what a webhook's fault is decided on.
type Delivery struct {
	N      int    // of all, from 1
	Event  string // "push", "pull_request", …
	Action string // "opened", …; empty where GitHub has none
	Repo   fleet.RepoName
}

// WebhookFault is how a delivery goes wrong.
type WebhookFault struct {
	Lose   bool
	Repeat int           // so many more with the same id
	Delay  time.Duration // those that follow overtake it
	Behind bool          // sent after the one that follows, or a second later
	Forge  bool          // one that somebody else signed is sent before it
}

// Bounds of the deliveries; what goes beyond is dropped, as webhooks may be.
const (
	hookQueue   = 1000
	hookTimeout = 10 * time.Second // GitHub's
	hookTimers  = 10_000
)

// hook is a webhook with what waits for its delivery.
type hook struct {
	Webhook
	id    int64
	forge *Forge
	ctx   context.Context
	queue chan *parcel
	tasks sync.WaitGroup
}

// parcel is a delivery that is ready to be sent.
type parcel struct {
	Delivery
	id   string
	body []byte
}

// hooks are a forge's webhooks.
type hooks struct {
	mu     sync.Mutex
	all    []*hook
	sent   int
	timers int
	decide func(Delivery) *WebhookFault
	counts map[string]int
}

// AddWebhook subscribes, and sends a ping. Deliveries are sent in the
// background, one after the other, and none is sent twice unless a fault says
// so; stop ends that, and forgets what waits.
func (f *Forge) AddWebhook(w Webhook) (stop func(), err error) {
	u, err := url.Parse(w.URL)
	if err != nil {
		return nil, errors.New("sandbox: a webhook's URL is malformed")
	}
	if ip := net.ParseIP(u.Hostname()); u.Scheme != "http" || !ip.IsLoopback() {
		return nil, errors.New("sandbox: a webhook's URL must be http, at a loopback address")
	}
	ctx, cancel := context.WithCancel(context.Background())
	h := &hook{Webhook: w, id: f.newID(), forge: f, ctx: ctx, queue: make(chan *parcel, hookQueue)}
	f.hooks.mu.Lock()
	f.hooks.all = append(f.hooks.all, h)
	f.hooks.mu.Unlock()
	h.tasks.Go(h.work)
	c := f.hookCall(nobody)
	h.take(Delivery{Event: "ping"}, c.pingJSON(h))
	return func() {
		f.hooks.mu.Lock()
		f.hooks.all = slices.DeleteFunc(f.hooks.all, func(o *hook) bool { return o == h })
		f.hooks.mu.Unlock()
		cancel()
		h.tasks.Wait()
	}, nil
}

// WebhookFault has each delivery decided on by a function; nil ends that.
func (f *Forge) WebhookFault(decide func(Delivery) *WebhookFault) {
	f.hooks.mu.Lock()
	defer f.hooks.mu.Unlock()
	f.hooks.decide = decide
}

// Webhooks counts deliveries by what became of them: the status of the answer
// ("202"), "failed" without one, "lost" by a fault, "dropped" for want of room.
func (f *Forge) Webhooks() map[string]int {
	f.hooks.mu.Lock()
	defer f.hooks.mu.Unlock()
	out := map[string]int{}
	for k, n := range f.hooks.counts {
		out[k] = n
	}
	return out
}

func (h *hooks) count(what string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.counts == nil {
		h.counts = map[string]int{}
	}
	h.counts[what]++
}

// wanting are the webhooks that subscribe to an event.
func (h *hooks) wanting(event string) []*hook {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []*hook
	for _, one := range h.all {
		if len(one.Events) == 0 || slices.Contains(one.Events, event) {
			out = append(out, one)
		}
	}
	return out
}

// take queues a delivery; it does not wait.
func (h *hook) take(d Delivery, payload obj) {
	body, err := json.Marshal(payload)
	if err != nil {
		h.forge.hooks.count("failed")
		return
	}
	select {
	case h.queue <- &parcel{d, deliveryID(), body}:
	default:
		h.forge.hooks.count("dropped")
	}
}

func deliveryID() string {
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}

// signature is what X-Hub-Signature-256 says of a body.
func signature(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// work sends what is queued, as faults say.
func (h *hook) work() {
	client := &http.Client{
		Timeout:       hookTimeout,
		Transport:     &http.Transport{}, // no proxy
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer client.CloseIdleConnections()
	var behind *parcel
	for {
		var late <-chan time.Time
		if behind != nil {
			late = time.After(time.Second)
		}
		var p *parcel
		select {
		case <-h.ctx.Done():
			return
		case p = <-h.queue:
		case <-late:
		}
		if p != nil {
			fault := h.decide(p)
			if fault == nil {
				h.send(client, p, h.Secret)
			} else if h.faulty(client, p, fault); fault.Behind && !fault.Lose {
				p, behind = behind, p
				if p != nil { // was to be sent behind this one
					h.send(client, p, h.Secret)
				}
				continue
			}
		}
		if behind != nil {
			h.send(client, behind, h.Secret)
			behind = nil
		}
	}
}

func (h *hook) decide(p *parcel) *WebhookFault {
	s := &h.forge.hooks
	s.mu.Lock()
	s.sent++
	p.N = s.sent
	decide := s.decide
	s.mu.Unlock()
	if decide == nil {
		return nil
	}
	return decide(p.Delivery)
}

// faulty sends what goes wrong; what is sent behind the next is left out.
func (h *hook) faulty(client *http.Client, p *parcel, fault *WebhookFault) {
	if fault.Forge {
		forged := *p
		forged.id = deliveryID()
		h.send(client, &forged, h.Secret+"?")
	}
	if fault.Lose {
		h.forge.hooks.count("lost")
		return
	}
	deliver := func() {
		for range fault.Repeat {
			h.send(client, p, h.Secret)
		}
		if !fault.Behind {
			h.send(client, p, h.Secret)
		}
	}
	if fault.Delay <= 0 {
		deliver()
		return
	}
	h.tasks.Go(func() {
		timer := time.NewTimer(fault.Delay)
		defer timer.Stop()
		select {
		case <-h.ctx.Done():
		case <-timer.C:
			deliver()
		}
	})
}

// send sends one delivery, with GitHub's headers.
func (h *hook) send(client *http.Client, p *parcel, secret string) {
	req, err := http.NewRequestWithContext(h.ctx, http.MethodPost, h.URL, bytes.NewReader(p.body))
	if err != nil {
		h.forge.hooks.count("failed")
		return
	}
	for key, value := range map[string]string{
		"Content-Type": "application/json", "Accept": "*/*", "User-Agent": "GitHub-Hookshot/sandbox",
		"X-GitHub-Event": p.Event, "X-GitHub-Delivery": p.id, "X-GitHub-Hook-ID": strconv.FormatInt(h.id, 10),
		"X-GitHub-Hook-Installation-Target-Type": "organization", "X-GitHub-Hook-Installation-Target-ID": "1",
	} {
		req.Header.Set(key, value)
	}
	if secret != "" {
		req.Header.Set("X-Hub-Signature-256", signature(secret, p.body))
	}
	res, err := client.Do(req)
	if err != nil {
		h.forge.hooks.count("failed")
		return
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<16))
	_ = res.Body.Close()
	h.forge.hooks.count(strconv.Itoa(res.StatusCode))
}
