package sandbox

import (
	"fmt"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// The functions of this file announce what has happened to those who
// subscribed. They need the repo's lock, and change nothing: what a client
// sees is the same with webhooks and without.

// hookCall makes payloads; who is the sender.
func (f *Forge) hookCall(who *user) *call {
	return &call{forge: f, who: who, web: f.baseURL, api: f.baseURL + "/api/v3"}
}

// announce delivers an event, if anybody wants it. The payload is made now.
func (r *repo) announce(who *user, event, action string, payload func(*call) obj) {
	wanting := r.forge.hooks.wanting(event)
	if len(wanting) == 0 {
		return
	}
	c := r.forge.hookCall(who)
	body := payload(c)
	if body == nil {
		return
	}
	if action != "" {
		body["action"] = action
	}
	body["repository"], body["sender"] = c.hookRepo(r), c.user(who)
	body["organization"] = c.hookOrganization(r.name.Owner())
	for _, h := range wanting {
		h.take(Delivery{Event: event, Action: action, Repo: r.name}, body)
	}
}

// announcePush tells of a branch that was made, moved or deleted.
func (r *repo) announcePush(who *user, branch string, before, after plumbing.Hash) {
	r.announce(who, "push", "", func(c *call) obj { return c.pushJSON(r, branch, before, after) })
}

// pullActions are GitHub's words for what is done to a pull request.
var pullActions = map[string]string{"open": "opened", "close": "closed", "merge": "closed", "reopen": "reopened", "enqueue": "enqueued"}

// announce tells of what was done to a pull request, in the words of
// Write.Do.
func (p *pull) announce(who *user, do, detail string) {
	r := p.repo
	switch do {
	case "comment":
		r.announce(who, "issue_comment", "created", func(c *call) obj {
			return obj{"issue": c.issueJSON(r, p), "comment": c.commentJSON(r, p, p.comments[len(p.comments)-1])}
		})
		return
	case "review":
		r.announce(who, "pull_request_review", "submitted", func(c *call) obj {
			return obj{"pull_request": c.hookPull(r, p), "review": c.hookReview(r, p, p.reviews[len(p.reviews)-1])}
		})
		return
	}
	action := pullActions[do]
	more := obj{}
	switch {
	case do == "edit" && detail == "draft" && p.draft:
		action = "converted_to_draft"
	case do == "edit" && detail == "draft":
		action = "ready_for_review"
	case do == "edit":
		action, more["changes"] = "edited", obj{}
	case do == "label":
		action = "labeled"
	case do == "unlabel":
		action = "unlabeled"
	}
	p.announceAs(who, action, more)
}

// announceAs delivers a pull_request event with what an action adds to it.
func (p *pull) announceAs(who *user, action string, more obj) {
	r := p.repo
	r.announce(who, "pull_request", action, func(c *call) obj {
		body := obj{"number": p.number, "pull_request": c.hookFullPull(r, p)}
		for k, v := range more {
			body[k] = v
		}
		if labels := c.labels(r, p); action == "labeled" && len(labels) > 0 {
			body["label"] = labels[len(labels)-1]
		}
		return body
	})
}

// announceStatus tells of a commit status.
func (r *repo) announceStatus(who *user, h plumbing.Hash, k check) {
	r.announce(who, "status", "", func(c *call) obj { return c.hookStatus(r, h, k) })
}

// announceSettings tells of a change of the repo itself, in the words of
// Write.Detail.
func (r *repo) announceSettings(who *user, what string) {
	action, more := what, obj{}
	switch what {
	case "topics":
		action, more["changes"] = "edited", obj{"topics": obj{"from": []string{}}}
	case "archived":
		if !r.archived {
			action = "unarchived"
		}
	case "created", "deleted":
	default:
		return // GitHub has other events for them, to which nobody here listens
	}
	r.announce(who, "repository", action, func(*call) obj { return more })
}

// announceChecks has CI's results on a commit told when they come about. It
// is the one thing that the sandbox does by itself, and only if somebody
// listens.
func (r *repo) announceChecks(h plumbing.Hash) {
	s := &r.forge.hooks
	if len(s.wanting("check_run")) == 0 && len(s.wanting("check_suite")) == 0 && len(s.wanting("status")) == 0 {
		return
	}
	begun := r.since[h]
	for _, spec := range r.ci {
		if spec.Never {
			continue
		}
		if spec.Silent < spec.After {
			r.later(begun.Add(spec.Silent), func() { r.announceCheck(h, spec.Name, false) })
		}
		r.later(begun.Add(max(spec.Silent, spec.After)), func() { r.announceCheck(h, spec.Name, true) })
	}
}

// later calls do at a time, with the repo's lock held.
func (r *repo) later(at time.Time, do func()) {
	s := &r.forge.hooks
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timers >= hookTimers {
		return
	}
	s.timers++
	time.AfterFunc(at.Sub(r.forge.now()), func() {
		s.mu.Lock()
		s.timers--
		s.mu.Unlock()
		r.mu.Lock()
		defer r.mu.Unlock()
		do()
	})
}

// announceCheck tells of one check of CI, and of the suite once all of its
// runs are done.
func (r *repo) announceCheck(h plumbing.Hash, name string, done bool) {
	complete := true
	var told check
	for _, k := range r.checks(h) {
		if k.name == name && !k.set {
			told = k
		}
		complete = complete && (k.isStatus || k.done)
	}
	switch {
	case told.name == "" || told.done != done: // CI was changed since
		return
	case told.isStatus:
		r.announceStatus(ciUser, h, told)
		return
	}
	action := map[bool]string{false: "created", true: "completed"}[done]
	r.announce(ciUser, "check_run", action, func(c *call) obj { return obj{"check_run": c.hookCheckRun(r, h, told)} })
	if done && complete {
		r.announce(ciUser, "check_suite", "completed", func(c *call) obj { return c.hookSuite(r, h) })
	}
}

// changesOf is what an edit to a title and a body changes, as GitHub tells it.
func changesOf(p *pull, title, body string) obj {
	changes := obj{}
	if p.title != title {
		changes["title"] = obj{"from": p.title}
	}
	if p.body != body {
		changes["body"] = obj{"from": p.body}
	}
	return changes
}

// headBranch is a branch whose head is the commit.
func (r *repo) headBranch(h plumbing.Hash) string {
	if r.heads[r.defaultBranch] == h {
		return r.defaultBranch
	}
	for _, p := range r.pulls {
		if p.state == fleet.PullOpen && p.headOID == h {
			return p.head
		}
	}
	for _, e := range r.queue {
		if e.head == h {
			return fmt.Sprintf("gh-readonly-queue/%s/pr-%d-%s", e.pull.base, e.pull.number, e.base)
		}
	}
	for name, head := range r.heads {
		if head == h {
			return name
		}
	}
	return ""
}
