package sandbox

import (
	"slices"
	"strings"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// search is a parsed query for pull requests. Of GitHub's qualifiers it knows
// is:, author:, org:, user:, repo:, head:, base:, label:, created: and
// sort:created-asc or -desc.
type search struct {
	oldestFirst bool
	is          []string
	author      string
	owners      []string
	repos       []string
	head        string
	base        string
	labels      []string
	created     func(time.Time) bool
	words       []string
}

func parseSearch(query string) (search, error) {
	s := search{created: func(time.Time) bool { return true }}
	for _, word := range strings.Fields(query) {
		name, value, ok := strings.Cut(word, ":")
		value = strings.Trim(value, `"`)
		if !ok {
			s.words = append(s.words, strings.ToLower(word))
			continue
		}
		switch name {
		case "is", "type", "state":
			s.is = append(s.is, value)
		case "author":
			s.author = strings.TrimSuffix(strings.TrimPrefix(value, "app/"), "[bot]")
		case "org", "user":
			s.owners = append(s.owners, strings.ToLower(value))
		case "repo":
			s.repos = append(s.repos, strings.ToLower(value))
		case "head":
			s.head = value
		case "base":
			s.base = value
		case "label":
			s.labels = append(s.labels, value)
		case "sort":
			if value != "created-asc" && value != "created-desc" {
				return s, invalid("Search", "q", "invalid", "the sandbox does not sort by "+value)
			}
			s.oldestFirst = value == "created-asc"
		case "created":
			within, err := span(value)
			if err != nil {
				return s, err
			}
			s.created = within
		default:
			return s, invalid("Search", "q", "invalid", "the sandbox does not know the qualifier "+name)
		}
	}
	return s, nil
}

// span reads ">=2026-11-02T09:00:00Z", ">…", "<=…", "<…", "A..B" and a day.
func span(text string) (func(time.Time) bool, error) {
	from, to, between := strings.Cut(text, "..")
	if between {
		a, errA := moment(from)
		b, errB := moment(to)
		if errA != nil || errB != nil {
			return nil, errDate
		}
		return func(t time.Time) bool { return !t.Before(a) && !t.After(b) }, nil
	}
	at, err := moment(strings.TrimLeft(text, "<>="))
	if err != nil {
		return nil, errDate
	}
	switch text[:len(text)-len(strings.TrimLeft(text, "<>="))] {
	case ">=":
		return func(t time.Time) bool { return !t.Before(at) }, nil
	case ">":
		return func(t time.Time) bool { return t.After(at) }, nil
	case "<=":
		return func(t time.Time) bool { return !t.After(at) }, nil
	case "<":
		return func(t time.Time) bool { return t.Before(at) }, nil
	}
	return func(t time.Time) bool { return !t.Before(at) && t.Before(at.AddDate(0, 0, 1)) }, nil
}

var errDate = invalid("Search", "q", "invalid", "created: is not a date")

func moment(text string) (time.Time, error) {
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04:05-0700", "2006-01-02T15:04:05", time.DateOnly} {
		if t, err := time.Parse(form, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errDate
}

// order compares two moments of creation.
func (s search) order(a, b time.Time) int {
	if s.oldestFirst {
		return a.Compare(b)
	}
	return b.Compare(a)
}

// matches needs the repo's lock.
func (s search) matches(r *repo, p *pull) bool {
	for _, is := range s.is {
		ok := map[string]bool{
			"pr": true, "open": p.state == fleet.PullOpen, "closed": p.state != fleet.PullOpen,
			"merged": p.state == fleet.PullMerged, "unmerged": p.state != fleet.PullMerged,
			"draft": p.draft, "public": !r.private, "private": r.private,
		}[is]
		if !ok {
			return false
		}
	}
	inScope := len(s.owners) == 0 && len(s.repos) == 0 ||
		slices.Contains(s.owners, strings.ToLower(r.name.Owner())) || slices.Contains(s.repos, string(key(r.name)))
	if !inScope || s.author != "" && !strings.EqualFold(s.author, p.author.login) ||
		s.head != "" && p.head != s.head || s.base != "" && p.base != s.base || !s.created(p.created) {
		return false
	}
	for _, l := range s.labels {
		if !slices.Contains(p.labels, l) {
			return false
		}
	}
	for _, w := range s.words {
		if !strings.Contains(strings.ToLower(p.title+" "+p.body), w) {
			return false
		}
	}
	return true
}
