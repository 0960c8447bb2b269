package sandbox

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
	"github.com/portreeve/portreeve/reconciler/forge/sandbox/lines"
)

func listPulls(c *call) (status int, body any, err error) {
	q := c.req.URL.Query()
	state := cmp.Or(q.Get("state"), "open")
	err = c.repo(func(r *repo) error {
		head := q.Get("head")
		if owner, branch, ok := strings.Cut(head, ":"); ok {
			if head = branch; !strings.EqualFold(owner, r.name.Owner()) {
				body = []obj{}
				return nil
			}
		}
		var found []*pull
		for _, p := range r.pulls {
			open := p.state == fleet.PullOpen
			if state != "all" && open != (state == "open") || head != "" && p.head != head ||
				q.Get("base") != "" && p.base != q.Get("base") {
				continue
			}
			found = append(found, p)
		}
		if q.Get("sort") == "updated" {
			slices.SortStableFunc(found, func(a, b *pull) int { return a.updated.Compare(b.updated) })
		}
		if q.Get("direction") != "asc" {
			slices.Reverse(found)
		}
		out := []obj{}
		for _, p := range page(c, found) {
			out = append(out, c.pullJSON(r, p))
		}
		body = out
		return nil
	})
	return 200, body, err
}

func postPull(c *call) (status int, body any, err error) {
	var in struct {
		Title, Head, Base, Body string
		Draft                   bool
	}
	if err := c.input(&in); err != nil {
		return 0, nil, err
	}
	err = c.writing(func(r *repo) error {
		head := in.Head
		if owner, branch, ok := strings.Cut(head, ":"); ok && strings.EqualFold(owner, r.name.Owner()) {
			head = branch
		}
		if err := c.forge.spendCreation(c.who); err != nil {
			return err
		}
		p, err := r.openPull(c.who, forge.NewPull{
			Head: head, Base: strings.TrimPrefix(in.Base, headsPrefix), Text: forge.Text{Title: in.Title, Body: in.Body},
		}, in.Draft)
		if err != nil {
			return err
		}
		out, err := c.fullPullJSON(r, p)
		body = out
		c.head.Set("Location", fmt.Sprintf("%s/repos/%s/pulls/%d", c.api, r.name, p.number))
		return err
	})
	return 201, body, err
}

func getPull(c *call) (status int, body any, err error) {
	err = c.pull(func(r *repo, p *pull) (err error) {
		body, err = c.fullPullJSON(r, p)
		return err
	})
	return 200, body, err
}

func patchPull(c *call) (status int, body any, err error) {
	var in struct {
		Title, Body, State, Base *string
	}
	if err := c.input(&in); err != nil {
		return 0, nil, err
	}
	err = c.writingPull(func(r *repo, p *pull) error {
		title, text := p.title, p.body
		if in.Title != nil {
			title = *in.Title
		}
		if in.Body != nil {
			text = *in.Body
		}
		if _, err := r.edit(c.who, p, title, text); err != nil {
			return err
		}
		if in.Base != nil && *in.Base != p.base {
			if r.heads[*in.Base].IsZero() || p.state != fleet.PullOpen {
				return invalid("PullRequest", "base", "invalid", "")
			}
			r.point(p, c.who, *in.Base)
		}
		if in.State != nil {
			if err := r.setState(c.who, p, *in.State); err != nil {
				return err
			}
		}
		var err error
		body, err = c.fullPullJSON(r, p)
		return err
	})
	return 200, body, err
}

func (r *repo) setState(who *user, p *pull, state string) error {
	switch state {
	case "open":
		return r.reopen(who, p)
	case "closed":
		return r.close(who, p)
	}
	return invalid("PullRequest", "state", "invalid", "")
}

func getMerge(c *call) (int, any, error) {
	return 204, nil, c.pull(func(_ *repo, p *pull) error {
		if p.state != fleet.PullMerged {
			return notFound()
		}
		return nil
	})
}

func putMerge(c *call) (status int, body any, err error) {
	var in struct {
		CommitTitle   string `json:"commit_title"`
		CommitMessage string `json:"commit_message"`
		SHA           string `json:"sha"`
		MergeMethod   string `json:"merge_method"`
	}
	if err := c.input(&in); err != nil {
		return 0, nil, err
	}
	err = c.writingPull(func(r *repo, p *pull) error {
		h, err := r.mergePull(c.who, p, mergeRequest{
			sha: in.SHA, method: fleet.MergeMethod(cmp.Or(in.MergeMethod, "merge")),
			title: in.CommitTitle, message: in.CommitMessage,
		})
		body = obj{"sha": h.String(), "merged": true, "message": "Pull Request successfully merged"}
		return err
	})
	return 200, body, err
}

// changes are the files that a pull request changes.
func (r *repo) changes(p *pull) ([]change, error) {
	base, err := r.mergeBase(p.baseOID, p.headOID)
	if err != nil {
		return nil, err
	}
	if p.state == fleet.PullOpen {
		if base, err = r.mergeBase(r.heads[p.base], p.headOID); err != nil {
			return nil, err
		}
	}
	head, err := r.git.commit(p.headOID)
	if err != nil {
		return nil, err
	}
	from := emptyTree
	if !base.IsZero() {
		b, err := r.git.commit(base)
		if err != nil {
			return nil, err
		}
		from = b.TreeHash
	}
	if from == emptyTree {
		return r.git.diff([20]byte{}, head.TreeHash)
	}
	return r.git.diff(from, head.TreeHash)
}

// texts are a change's two contents; false for what is no text.
func (g objects) texts(c change) (before, after string, ok bool) {
	read := func(e [20]byte) ([]byte, bool) {
		if e == ([20]byte{}) {
			return nil, true
		}
		content, err := g.blob(e)
		return content, err == nil && !slices.Contains(content, 0)
	}
	a, okA := read(c.old.Hash)
	b, okB := read(c.new.Hash)
	return string(a), string(b), okA && okB
}

func (g objects) stat(c change) (added, deleted int) {
	before, after, ok := g.texts(c)
	if !ok {
		return 0, 0
	}
	return lines.Stat(before, after)
}

func (c change) status() string {
	switch {
	case c.old.Hash.IsZero():
		return "added"
	case c.new.Hash.IsZero():
		return "removed"
	}
	return "modified"
}

func listFiles(c *call) (status int, body any, err error) {
	err = c.pull(func(r *repo, p *pull) error {
		changes, err := r.changes(p)
		if err != nil {
			return err
		}
		out := []obj{}
		for _, ch := range page(c, changes) {
			added, deleted := r.git.stat(ch)
			sha := ch.new.Hash
			if sha.IsZero() {
				sha = ch.old.Hash
			}
			one := obj{
				"sha": sha.String(), "filename": ch.path, "status": ch.status(),
				"additions": added, "deletions": deleted, "changes": added + deleted,
				"contents_url": c.api + "/repos/" + string(r.name) + "/contents/" + ch.path + "?ref=" + p.headOID.String(),
				"blob_url":     c.web + "/" + string(r.name) + "/blob/" + p.headOID.String() + "/" + ch.path,
				"raw_url":      c.web + "/" + string(r.name) + "/raw/" + p.headOID.String() + "/" + ch.path,
			}
			if before, after, ok := r.git.texts(ch); ok {
				one["patch"] = patch(before, after)
			}
			out = append(out, one)
		}
		body = out
		return nil
	})
	return 200, body, err
}

func patch(before, after string) string {
	var out []string
	for _, h := range lines.Unified(before, after) {
		out = append(out, h.Header())
		out = append(out, h.Lines...)
	}
	return strings.Join(out, "\n")
}

func listCommits(c *call) (status int, body any, err error) {
	err = c.pull(func(r *repo, p *pull) error {
		commits, err := r.commitsOf(p.baseOID, p.headOID)
		if err != nil {
			return err
		}
		out := []obj{}
		for _, commit := range page(c, commits) {
			out = append(out, c.commitJSON(r, commit))
		}
		body = out
		return nil
	})
	return 200, body, err
}
