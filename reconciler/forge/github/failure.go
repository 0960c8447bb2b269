package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	gogithub "github.com/google/go-github/v62/github"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// maxSaid bounds, in runes, what is handed on of the forge's own words.
const maxSaid = 400

// cause is a failure's text, without secrets. Of what caused it only a
// context's end can still be asked for, since any other text may hold one.
type cause struct {
	text string
	end  error
}

func (c *cause) Error() string { return c.text }

func (c *cause) Unwrap() error { return c.end }

// fail classifies an error. This is the one place where failures are made.
func (c *Client) fail(op, on string, err error) *fleet.Failure {
	if err == nil {
		return nil
	}
	f := &fleet.Failure{Class: fleet.Transient, Op: op, On: on}
	text := err.Error()

	var limit *limitError
	var primary *gogithub.RateLimitError
	var secondary *gogithub.AbuseRateLimitError
	var answer *gogithub.ErrorResponse
	var part *partError
	var known *classed
	var refused *refusal
	var slow *slowError
	var sent *url.Error
	var failure *fleet.Failure
	switch {
	case errors.As(err, &failure):
		f.Class, f.Until, text = failure.Class, failure.Until, failure.Err.Error()
	case errors.As(err, &known):
		f.Class, text = known.class, known.text
	case errors.As(err, &limit):
		f.Class, f.Until, text = fleet.Limited, limit.until, limit.Error()
	case errors.As(err, &primary):
		f.Class, f.Until, text = fleet.Limited, primary.Rate.Reset.Time, primary.Message
	case errors.As(err, &secondary):
		f.Class, f.Until, text = fleet.Limited, c.now().Add(time.Minute), secondary.Message
		if secondary.RetryAfter != nil {
			f.Until = c.now().Add(*secondary.RetryAfter)
		}
	case errors.As(err, &answer):
		f.Class, text = classOf(answer.Response.StatusCode), words(answer)
	case errors.As(err, &part):
		f.Class, text = part.class(), part.Error()
	case errors.As(err, &refused):
		f.Class, text = fleet.Permanent, refused.why
	case errors.As(err, &slow):
		text = slow.Error()
	case errors.As(err, &sent):
		text = sent.Err.Error()
	}
	why := &cause{text: readable(c.secrets.strip(text))}
	for _, end := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, end) {
			why.end = end
		}
	}
	f.Err = why
	return f
}

// classOf is the class of an HTTP status, where a method knows no better. A
// refused token is Transient, since a renewed one may be let in.
func classOf(status int) fleet.Class {
	switch {
	case status >= 500, status == http.StatusUnauthorized, status == http.StatusConflict,
		status == http.StatusRequestTimeout, status < 400:
		return fleet.Transient
	}
	return fleet.Permanent
}

// status is the HTTP status of an answer that refuses, else 0.
func status(err error) int {
	if answer := (*gogithub.ErrorResponse)(nil); errors.As(err, &answer) {
		return answer.Response.StatusCode
	}
	return 0
}

// ambiguous reports whether a write that failed so may have been carried out.
func ambiguous(err error) bool {
	var limit *limitError
	var refused *refusal
	if err == nil || errors.As(err, &limit) || errors.As(err, &refused) {
		return false
	}
	s := status(err)
	return s == 0 || s >= 500
}

// words are what the forge says about a refusal.
func words(e *gogithub.ErrorResponse) string {
	text := e.Message
	for _, detail := range e.Errors {
		switch {
		case detail.Message != "":
			text += "; " + detail.Message
		case detail.Field != "":
			text += fmt.Sprintf("; %s %s: %s", detail.Resource, detail.Field, detail.Code)
		}
	}
	if text == "" {
		text = http.StatusText(e.Response.StatusCode)
	}
	return fmt.Sprintf("%s (%d)", text, e.Response.StatusCode)
}

// readable is a text on one line, cut at a bounded length.
func readable(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	return cut(strings.TrimSpace(text), maxSaid)
}

// cut bounds a text in runes, with a sign that something was cut.
func cut(text string, limit int) string {
	if utf8.RuneCountInString(text) <= limit {
		return text
	}
	return string([]rune(text)[:limit-1]) + "…"
}

// classed is an error whose class a method knows.
type classed struct {
	class fleet.Class
	text  string
}

func (c *classed) Error() string { return c.text }

// name checks a repo's name, which becomes part of URLs.
func name(repo fleet.RepoName) (owner, short string, err error) {
	owner, short = repo.Owner(), repo.Short()
	if !plain(owner) || !plain(short) {
		return "", "", &refusal{fmt.Sprintf("%q is not the name of a repo", string(repo))}
	}
	return owner, short, nil
}

// plain reports whether s holds only what GitHub allows in names.
func plain(s string) bool {
	if s == "" || s == "." || s == ".." || len(s) > 100 {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' ||
			r == '-' || r == '_' || r == '.')
	}) < 0
}
