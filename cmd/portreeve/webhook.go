package main

import (
	"context"
	"crypto/rand"
	"net"
	"os"
	"strings"

	"github.com/portreeve/portreeve/reconciler/forge/sandbox"
	"github.com/portreeve/portreeve/reconciler/source"
)

// webhookSecret is what the forge signs its webhooks with, from a file or
// the environment; empty where no webhooks are taken.
func webhookSecret(file string) (string, error) {
	if file == "" {
		return os.Getenv("PORTREEVE_WEBHOOK_SECRET"), nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return "", usagef("--webhook-secret-file can't be read")
	}
	secret := strings.TrimSpace(string(b))
	if secret == "" {
		return "", usagef("--webhook-secret-file is empty")
	}
	return secret, nil
}

// poke sends without waiting: one that is there already is enough.
func poke(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// told is a config repo that is also looked at when somebody says so, which
// ends a pass for an older revision.
type told struct {
	source.Source
	look <-chan struct{}
}

func (s told) Watch(ctx context.Context, changed func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-ctx.Done():
				return
			case <-s.look:
				changed()
			}
		}
	}()
	err := s.Source.Watch(ctx, changed)
	cancel()
	<-ended
	return err
}

// connect has a sandbox send its webhooks to a status page, signed with a
// random secret. The sandbox sends them to this machine only; where the page
// is elsewhere, there are none.
func connect(f *sandbox.Forge, page net.Addr) (secret string, stop func(), err error) {
	host, port, err := net.SplitHostPort(page.String())
	if err != nil {
		return "", nil, err
	}
	if net.ParseIP(host).IsUnspecified() {
		host = "127.0.0.1"
	}
	secret = rand.Text()
	stop, err = f.AddWebhook(sandbox.Webhook{URL: "http://" + net.JoinHostPort(host, port) + "/webhook", Secret: secret})
	return secret, stop, err
}
