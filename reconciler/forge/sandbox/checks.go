package sandbox

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// status is a commit status.
type status struct {
	id          int64
	context     string
	state       fleet.StatusState
	description string
	url         string
	by          *user
	created     time.Time
	updated     time.Time
}

// check is a check run or a commit status, as it is at the moment of asking.
type check struct {
	id         int64
	name       string
	isStatus   bool
	set        bool // by a request, and not by the repo's CI
	done       bool
	conclusion string // GitHub's, lower case: success, failure, neutral, skipped, …
	text       string
	url        string
	started    time.Time
	completed  time.Time
	by         *user
	app        int64 // 0 of what a person has set
}

func (c check) state() fleet.CheckState {
	switch {
	case !c.done:
		return fleet.CheckPending
	case c.conclusion == "success":
		return fleet.CheckSuccess
	case c.conclusion == "neutral" || c.conclusion == "skipped":
		return fleet.CheckNeutral
	}
	return fleet.CheckFailure
}

type verdictKey struct {
	commit plumbing.Hash
	check  int
}

// appUser is whom an App that nobody has registered reports as.
func appUser(id int64) *user { return &user{id: id, login: fmt.Sprintf("app-%d", id), bot: true} }

// ciApp is CI's App, where a check has no other.
const ciApp = 15368

// ciUser is whom CI reports as.
var ciUser = &user{id: 1, login: "sandbox-ci", bot: true}

// begin notes that CI starts on a commit, if it has not yet.
func (r *repo) begin(h plumbing.Hash) {
	if _, ok := r.since[h]; !ok {
		r.since[h] = r.forge.time()
		r.announceChecks(h)
	}
}

// checks are what has been reported on a commit until now, in CI's order, set
// statuses last.
func (r *repo) checks(h plumbing.Hash) []check {
	var out []check
	if start, ok := r.since[h]; ok {
		age := r.forge.now().Sub(start)
		for i, spec := range r.ci {
			if spec.Never || age < spec.Silent {
				continue
			}
			c := check{
				id: checkID(h, spec.Name), name: spec.Name, isStatus: spec.Status, started: start.Add(spec.Silent), by: ciUser,
				url: fmt.Sprintf("%s/%s/commit/%s#%s", r.forge.baseURL, r.name, h, spec.Name),
			}
			c.app = cmp.Or(spec.App, ciApp)
			if c.app != ciApp {
				c.by = appUser(c.app)
			}
			if age >= spec.After {
				c.done, c.completed = true, start.Add(max(spec.After, spec.Silent))
				c.conclusion, c.text = cmp.Or(spec.Conclusion, "success"), spec.Name+" passed"
				if r.fails(h, i) {
					c.conclusion, c.text = "failure", spec.Name+" failed"
				}
			}
			out = append(out, c)
		}
	}
	for _, s := range r.statuses[h] {
		c := s.check()
		c.app = r.forge.appBehind(s.by)
		out = append(out, c)
	}
	return out
}

func (s status) check() check {
	return check{
		id: s.id, name: s.context, isStatus: true, set: true, done: s.state != fleet.StatusPending, conclusion: string(s.state),
		text: s.description, url: s.url, started: s.created, completed: s.updated, by: s.by,
	}
}

func checkID(h plumbing.Hash, name string) int64 {
	sum := fnv.New64a()
	sum.Write(h[:])
	sum.Write([]byte(name))
	return int64(sum.Sum64() >> 16)
}

func (r *repo) fails(h plumbing.Hash, i int) bool {
	rule := r.ci[i].Fails
	if rule == nil {
		return false
	}
	if v, ok := r.verdicts[verdictKey{h, i}]; ok {
		return v
	}
	c, err := r.git.commit(h)
	if err != nil {
		return true
	}
	v := rule(func(path string) ([]byte, bool) { return r.git.readFile(c.TreeHash, path) })
	r.verdicts[verdictKey{h, i}] = v
	return v
}

// rollup is GitHub's statusCheckRollup of a commit, "" for null: nothing has
// reported.
func rollup(checks []check) string {
	if len(checks) == 0 {
		return ""
	}
	word := "SUCCESS"
	for _, c := range checks {
		switch c.state() {
		case fleet.CheckFailure:
			if c.conclusion != "error" {
				return "FAILURE"
			}
			word = "ERROR"
		case fleet.CheckPending:
			if word == "SUCCESS" {
				word = "PENDING"
			}
		}
	}
	return word
}

// setStatus sets a commit status, and says whether that changed anything.
func (r *repo) setStatus(who *user, h plumbing.Hash, s status) (status, bool, error) {
	if err := r.writable(); err != nil {
		return s, false, err
	}
	if _, err := r.git.commit(h); err != nil {
		return s, false, &Refusal{Status: 422, Message: "No commit found for SHA: " + h.String()}
	}
	switch s.state {
	case fleet.StatusError, fleet.StatusFailure, fleet.StatusPending, fleet.StatusSuccess:
	default:
		return s, false, invalid("Status", "state", "custom", "state is not included in the list")
	}
	if len([]rune(s.description)) > 140 {
		return s, false, invalid("Status", "description", "custom", "description is too long (maximum is 140 characters)")
	}
	s.context = cmp.Or(s.context, "default")
	s.by, s.id, s.created = who, r.forge.newID(), r.forge.time()
	s.updated = s.created
	all := r.statuses[h]
	i := slices.IndexFunc(all, func(o status) bool { return o.context == s.context })
	if i < 0 {
		r.statuses[h] = append(all, s)
	} else {
		old := all[i]
		if old.state == s.state && old.description == s.description && old.url == s.url {
			return old, false, nil
		}
		all[i] = s
	}
	r.forge.wrote(who, "status", r.name, 0, short(h)+" "+s.context+" "+string(s.state))
	r.announceStatus(who, h, s.check())
	return s, true, nil
}
