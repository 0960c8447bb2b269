package sandbox

import (
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
)

// pull is a pull request; its repo's lock guards it.
type pull struct {
	repo   *repo
	number int
	id     int64

	state  fleet.PullState
	draft  bool
	title  string
	body   string
	labels []string // sorted
	base   string
	head   string
	// headOID and baseOID stay what they were when the pull request ended.
	headOID plumbing.Hash
	baseOID plumbing.Hash

	author  *user
	created time.Time
	updated time.Time
	ended   time.Time // closed or merged
	endedBy *user
	events  []event

	mergeCommit plumbing.Hash
	merging     mergeability
	autoMerge   *user // who told the forge to merge it once it may
	pusher      *user // of the head

	comments []comment
	reviews  []review
	threads  []thread
}

// event is one of a pull request's timeline, oldest first.
type event struct {
	kind   eventKind
	by     *user
	at     time.Time
	reason string // of eventDequeued
	// before and after are the heads around a eventForced; of an eventDequeued
	// before is what its group was built on.
	before, after plumbing.Hash
}

// eventKind is the GraphQL type of an event.
type eventKind string

const (
	eventClosed   eventKind = "ClosedEvent" // also of a merge
	eventForced   eventKind = "HeadRefForcePushedEvent"
	eventEnqueued eventKind = "AddedToMergeQueueEvent"
	eventDequeued eventKind = "RemovedFromMergeQueueEvent"
)

func (p *pull) note(e event) {
	e.at = p.repo.forge.time()
	p.events = append(p.events, e)
}

// thread is a conversation on a pull request's code.
type thread struct {
	id       int64
	by       *user
	body     string
	at       time.Time
	resolved bool
}

type comment struct {
	id   int64
	by   *user
	body string
	at   time.Time
}

type review struct {
	id     int64
	by     *user
	state  string // "APPROVED", "CHANGES_REQUESTED", "COMMENTED"
	body   string
	commit plumbing.Hash
	at     time.Time
}

func (p *pull) nodeID() string { return fmt.Sprintf("PR_%d_%d", p.repo.id, p.number) }

// GitHub's bounds on texts, in characters.
const (
	maxTitle = 256
	maxBody  = 65536
)

func checkText(resource, title, body string) error {
	switch {
	case utf8.RuneCountInString(title) > maxTitle:
		return invalid(resource, "title", "custom", fmt.Sprintf("title is too long (maximum is %d characters)", maxTitle))
	case utf8.RuneCountInString(body) > maxBody:
		return invalid(resource, "body", "custom", fmt.Sprintf("body is too long (maximum is %d characters)", maxBody))
	}
	return nil
}

func (r *repo) pull(number int) (*pull, error) {
	for i := min(number, len(r.pulls)) - 1; i >= 0; i-- { // at its number, or before it where there are issues
		if r.pulls[i].number == number {
			return r.pulls[i], nil
		}
	}
	return nil, notFound()
}

// of is a branch's pull request: the newest that is open, else the newest.
func (r *repo) of(head string) (newest *pull) {
	for _, p := range slices.Backward(r.pulls) {
		switch {
		case p.head != head:
		case p.state == fleet.PullOpen:
			return p
		case newest == nil:
			newest = p
		}
	}
	return newest
}

func (r *repo) open(head, base string) *pull {
	for _, p := range slices.Backward(r.pulls) {
		if p.state == fleet.PullOpen && p.head == head && p.base == base {
			return p
		}
	}
	return nil
}

// openPull opens a pull request.
func (r *repo) openPull(who *user, n forge.NewPull, draft bool) (*pull, error) {
	if err := r.writable(); err != nil {
		return nil, err
	}
	head, base := r.heads[n.Head], r.heads[n.Base]
	switch {
	case n.Title == "":
		return nil, invalid("PullRequest", "title", "missing_field", "")
	case head.IsZero():
		return nil, invalid("PullRequest", "head", "invalid", "")
	case base.IsZero():
		return nil, invalid("PullRequest", "base", "invalid", "")
	case r.open(n.Head, n.Base) != nil:
		return nil, invalid("PullRequest", "", "custom",
			fmt.Sprintf("A pull request already exists for %s:%s.", r.name.Owner(), n.Head))
	}
	if err := checkText("PullRequest", n.Title, n.Body); err != nil {
		return nil, err
	}
	if contained, err := r.contains(base, head); err != nil {
		return nil, err
	} else if contained {
		return nil, invalid("PullRequest", "", "custom", fmt.Sprintf("No commits between %s and %s", n.Base, n.Head))
	}
	now := r.forge.time()
	p := &pull{
		repo: r, number: r.number(), id: r.forge.newID(), state: fleet.PullOpen, draft: draft,
		title: n.Title, body: n.Body, base: n.Base, head: n.Head, headOID: head, baseOID: base,
		author: who, pusher: who, created: now, updated: now,
	}
	p.addLabels(n.Labels)
	r.pulls = append(r.pulls, p)
	r.begin(head)
	r.forge.wrote(who, "open", r.name, p.number, n.Head)
	p.announce(who, "open", "")
	return p, r.writePullRef(p)
}

func (r *repo) writePullRef(p *pull) error {
	name := plumbing.ReferenceName(fmt.Sprintf("refs/pull/%d/head", p.number))
	return r.git.SetReference(plumbing.NewHashReference(name, p.headOID))
}

// addLabels says whether there is a new one.
func (p *pull) addLabels(labels []string) bool {
	n := len(p.labels)
	all := append(slices.Clone(p.labels), labels...)
	slices.Sort(all)
	p.labels = slices.Compact(all)
	return len(p.labels) > n
}

// edit sets title and body, and says whether that changed anything.
func (r *repo) edit(who *user, p *pull, title, body string) (bool, error) {
	if err := r.writable(); err != nil {
		return false, err
	}
	if title == "" {
		return false, invalid("PullRequest", "title", "missing_field", "")
	}
	if err := checkText("PullRequest", title, body); err != nil {
		return false, err
	}
	if p.title == title && p.body == body {
		return false, nil
	}
	was := obj{"changes": changesOf(p, title, body)}
	p.title, p.body = title, body
	p.updated = r.forge.time()
	r.forge.wrote(who, "edit", r.name, p.number, "")
	p.announceAs(who, "edited", was)
	return true, nil
}

func (p *pull) touch(who *user, do, detail string) {
	p.updated = p.repo.forge.time()
	p.repo.forge.wrote(who, do, p.repo.name, p.number, detail)
	p.announce(who, do, detail)
}

// label adds labels and says whether one was new.
func (r *repo) label(who *user, p *pull, labels []string) (bool, error) {
	if err := r.writable(); err != nil {
		return false, err
	}
	if !p.addLabels(labels) {
		return false, nil
	}
	p.touch(who, "label", fmt.Sprint(labels))
	return true, nil
}

// close closes an open pull request; another stays as it is.
func (r *repo) close(who *user, p *pull) error {
	if err := r.writable(); err != nil {
		return err
	}
	if p.state == fleet.PullOpen {
		r.end(p, who, fleet.PullClosed)
	}
	return nil
}

// end closes or merges, whatever the rules.
func (r *repo) end(p *pull, who *user, state fleet.PullState) {
	r.leaveQueue(p, who, map[bool]string{true: leftMerged, false: leftByHand}[state == fleet.PullMerged])
	p.state, p.ended, p.endedBy = state, r.forge.time(), who
	if h := r.heads[p.base]; state == fleet.PullClosed && !h.IsZero() {
		p.baseOID = h
	}
	p.note(event{kind: eventClosed, by: who})
	do := "close"
	if state == fleet.PullMerged {
		do = "merge"
	}
	p.touch(who, do, short(p.headOID))
}

// reopen reopens a closed pull request whose branch was only added to.
func (r *repo) reopen(who *user, p *pull) error {
	if err := r.writable(); err != nil {
		return err
	}
	refuse := func(format string, args ...any) error {
		return invalid("PullRequest", "state", "invalid", "state cannot be changed. "+fmt.Sprintf(format, args...))
	}
	switch {
	case p.state == fleet.PullOpen:
		return nil
	case p.state == fleet.PullMerged:
		return refuse("The pull request was merged.")
	case r.heads[p.head].IsZero():
		return refuse("The %s branch has been deleted.", p.head)
	case r.heads[p.base].IsZero():
		return refuse("The %s branch has been deleted.", p.base)
	case r.open(p.head, p.base) != nil:
		return refuse("There is already an open pull request from %s.", p.head)
	}
	if kept, err := r.contains(r.heads[p.head], p.headOID); err != nil {
		return err
	} else if !kept {
		return refuse("The %s branch was force-pushed or recreated.", p.head)
	}
	if merged, err := r.contains(r.heads[p.base], r.heads[p.head]); err != nil {
		return err
	} else if merged {
		return refuse("There are no new commits on the %s branch.", p.head)
	}
	p.state, p.ended, p.endedBy, p.headOID = fleet.PullOpen, time.Time{}, nil, r.heads[p.head]
	p.touch(who, "reopen", "")
	r.begin(p.headOID)
	return r.writePullRef(p)
}

// comment comments on a pull request.
func (r *repo) comment(who *user, p *pull, body string) (comment, error) {
	if err := r.writable(); err != nil {
		return comment{}, err
	}
	if body == "" {
		return comment{}, invalid("IssueComment", "body", "missing_field", "body can't be blank")
	}
	if err := checkText("IssueComment", "", body); err != nil {
		return comment{}, err
	}
	c := comment{r.forge.newID(), who, body, r.forge.time()}
	p.comments = append(p.comments, c)
	first := body
	if len(first) > 60 {
		first = first[:60]
	}
	p.touch(who, "comment", first)
	return c, nil
}

// review adds a review of the present head.
func (r *repo) review(who *user, p *pull, state, body string) (review, error) {
	if err := r.writable(); err != nil {
		return review{}, err
	}
	if p.author == who && state != "COMMENTED" {
		verb := map[string]string{"APPROVED": "approve", "CHANGES_REQUESTED": "request changes on"}[state]
		return review{}, &Refusal{Status: 422, Message: "Unprocessable Entity", Errors: []Detail{{
			Resource: "PullRequestReview", Code: "custom", Message: "Can not " + verb + " your own pull request",
		}}}
	}
	v := review{r.forge.newID(), who, state, body, p.headOID, r.forge.time()}
	p.reviews = append(p.reviews, v)
	p.touch(who, "review", state)
	return v, nil
}

// decision is what the reviews come to: GitHub's reviewDecision, "" for null.
func (p *pull) decision() string {
	approvals := 0
	for _, v := range p.opinions() {
		if v.state == "CHANGES_REQUESTED" {
			return v.state
		}
		approvals++
	}
	if p.base != p.repo.defaultBranch {
		return ""
	}
	owned, missing := p.repo.lacksOwners(p)
	switch {
	case p.repo.rules.RequiredApprovals == 0 && !owned:
		return ""
	case approvals >= p.repo.rules.RequiredApprovals && missing == "":
		return "APPROVED"
	}
	return "REVIEW_REQUIRED"
}

// opinions are each reviewer's latest approval or request for changes, without
// those approvals that a push has dismissed.
func (p *pull) opinions() []review {
	var out []review
	for _, v := range p.reviews {
		if v.state != "COMMENTED" {
			out = append(slices.DeleteFunc(out, func(o review) bool { return o.by == v.by }), v)
		}
	}
	return slices.DeleteFunc(out, func(v review) bool {
		return p.repo.rules.DismissStale && v.state == "APPROVED" && v.commit != p.headOID
	})
}
