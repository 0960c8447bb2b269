package gitrepo

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// statusError is an HTTP answer other than 200.
type statusError struct {
	code   int
	reason string // the server's, may be empty
}

func (e *statusError) Error() string {
	text := fmt.Sprintf("the server answers %d %s", e.code, http.StatusText(e.code))
	if e.reason != "" {
		text += ": " + e.reason
	}
	return text
}

// refusal is what a Git server says instead of what it was asked for; broken
// means that it had begun to answer.
type refusal struct {
	reason string
	broken bool
}

func (e *refusal) Error() string { return "the server refuses: " + e.reason }

// damage is an answer that breaks Git's protocol, or was cut off.
type damage struct {
	what string
	err  error
}

func (e *damage) Error() string {
	if e.err == nil {
		return "the server's answer can't be read: " + e.what
	}
	return "the server's answer can't be read: " + e.what + ": " + e.err.Error()
}

func (e *damage) Unwrap() error { return e.err }

// fail gives an error the class that its type has. An error that has a class
// keeps it.
func (k *conn) fail(err error) error {
	if f := (*fleet.Failure)(nil); errors.As(err, &f) {
		return err
	}
	// The text of a *url.Error holds the URL.
	for u := (*url.Error)(nil); errors.As(err, &u); {
		err = u.Err
	}
	class := fleet.Transient
	switch r := (*refusal)(nil); {
	case errors.As(err, &r):
		r.reason = k.clean(r.reason)
		if !r.broken {
			class = fleet.Permanent
		}
	case errors.Is(err, errTooMuch), errors.Is(err, errRedirect):
		class = fleet.Permanent
	}
	return &fleet.Failure{Class: class, Op: k.op, On: string(k.name), Err: err}
}

func (k *conn) permanent(reason string) error { return k.as(fleet.Permanent, errors.New(reason)) }

func (k *conn) as(class fleet.Class, err error) error {
	return &fleet.Failure{Class: class, Op: k.op, On: string(k.name), Err: err}
}

// status is the failure that an answer other than 200 is.
func (k *conn) status(res *http.Response) error {
	reason := ""
	if strings.HasPrefix(res.Header.Get("Content-Type"), "text/plain") {
		b, _ := io.ReadAll(io.LimitReader(res.Body, maxReasonRead))
		reason = k.clean(string(b))
	}
	f := &fleet.Failure{
		Class: fleet.Permanent, Op: k.op, On: string(k.name),
		Err: &statusError{res.StatusCode, reason},
	}
	until := retryAfter(res.Header, time.Now())
	switch code := res.StatusCode; {
	case (code == http.StatusTooManyRequests || code == http.StatusForbidden) && !until.IsZero():
		f.Class, f.Until = fleet.Limited, until
	case code >= 300 && code < 400:
		f.Class = fleet.Moved // after discovery: the repo was renamed meanwhile
	case code == http.StatusTooManyRequests, code == http.StatusRequestTimeout, code >= 500:
		f.Class = fleet.Transient
	}
	return f
}

const maxReason = 600 // bytes of a server's words in an error

// clean makes a server's words fit to be shown: without the secrets that it
// was sent, on one line, bounded.
func (k *conn) clean(text string) string {
	lines := strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' })
	kept := lines[:0]
	for _, line := range lines {
		line = strings.Map(func(r rune) rune {
			if unicode.IsPrint(r) {
				return r
			}
			return -1
		}, line)
		if line = strings.TrimSpace(line); line != "" {
			kept = append(kept, line)
		}
	}
	text = strings.Join(kept, "; ")
	for _, secret := range k.secrets() {
		text = strings.ReplaceAll(text, secret, "***")
	}
	if len(text) > maxReason {
		text = strings.ToValidUTF8(text[:maxReason], "") + "…"
	}
	return text
}

// secrets are the secret and the shapes in which it was sent, longest first.
func (k *conn) secrets() []string {
	if k.secret == "" {
		return nil
	}
	var all []string
	for _, shape := range []string{
		base64.StdEncoding.EncodeToString([]byte(k.user + ":" + k.secret)),
		base64.StdEncoding.EncodeToString([]byte(k.secret)), k.secret,
	} {
		all = append(all, url.QueryEscape(shape), url.PathEscape(shape), shape)
	}
	return all
}

// refuse is the failure of an edit that is not made; reason is for people.
func refuse(path fleet.Path, format string, args ...any) error {
	return &fleet.Failure{
		Class: fleet.Permanent, Op: "edit", On: printable(string(path)),
		Err: fmt.Errorf(format, args...),
	}
}

// printable is a path as it can stand in a text.
func printable(path string) string {
	if q := fmt.Sprintf("%q", path); q != `"`+path+`"` {
		return q
	}
	return path
}
