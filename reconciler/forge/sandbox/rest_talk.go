package sandbox

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

func listReviews(c *call) (status int, body any, err error) {
	err = c.pull(func(r *repo, p *pull) error {
		out := []obj{}
		for _, v := range page(c, p.reviews) {
			out = append(out, c.reviewJSON(r, p, v))
		}
		body = out
		return nil
	})
	return 200, body, err
}

func postReview(c *call) (status int, body any, err error) {
	var in struct{ Body, Event string }
	if err := c.input(&in); err != nil {
		return 0, nil, err
	}
	state := map[string]string{"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}[in.Event]
	err = c.writingPull(func(r *repo, p *pull) error {
		if state == "" {
			return invalid("PullRequestReview", "event", "invalid", "")
		}
		if err := c.forge.spendCreation(c.who); err != nil {
			return err
		}
		v, err := r.review(c.who, p, state, in.Body)
		if err == nil {
			body = c.reviewJSON(r, p, v)
		}
		return err
	})
	return 200, body, err
}

func listComments(c *call) (status int, body any, err error) {
	err = c.pull(func(r *repo, p *pull) error {
		out := []obj{}
		for _, m := range page(c, p.comments) {
			out = append(out, c.commentJSON(r, p, m))
		}
		body = out
		return nil
	})
	return 200, body, err
}

func postComment(c *call) (status int, body any, err error) {
	var in struct{ Body string }
	if err := c.input(&in); err != nil {
		return 0, nil, err
	}
	err = c.writingPull(func(r *repo, p *pull) error {
		if err := c.forge.spendCreation(c.who); err != nil {
			return err
		}
		m, err := r.comment(c.who, p, in.Body)
		if err == nil {
			body = c.commentJSON(r, p, m)
		}
		return err
	})
	return 201, body, err
}

func listLabels(c *call) (status int, body any, err error) {
	err = c.pull(func(r *repo, p *pull) error {
		body = page(c, c.labels(r, p))
		return nil
	})
	return 200, body, err
}

// postLabels takes {"labels": [...]} as well as a bare list, as GitHub does.
func postLabels(c *call) (status int, body any, err error) {
	var raw json.RawMessage
	if err := c.input(&raw); err != nil {
		return 0, nil, err
	}
	var names []string
	if json.Unmarshal(raw, &names) != nil {
		var in struct{ Labels []string }
		if err := json.Unmarshal(raw, &in); err != nil {
			return 0, nil, &Refusal{Status: 422, Message: "Invalid request.\n\nFor 'links/0/schema', labels is not an array."}
		}
		names = in.Labels
	}
	err = c.writingPull(func(r *repo, p *pull) error {
		if _, err := r.label(c.who, p, names); err != nil {
			return err
		}
		body = c.labels(r, p)
		return nil
	})
	return 200, body, err
}

func getIssue(c *call) (status int, body any, err error) {
	err = c.repo(func(r *repo) error {
		i, err := r.issue(c.number())
		if err == nil {
			body = c.plainIssueJSON(r, i)
		}
		return err
	})
	if err == nil {
		return 200, body, nil
	}
	err = c.pull(func(r *repo, p *pull) error {
		body = c.issueJSON(r, p)
		return nil
	})
	return 200, body, err
}

func searchIssues(c *call) (int, any, error) {
	query, err := parseSearch(c.req.URL.Query().Get("q"))
	if err != nil {
		return 0, nil, err
	}
	items := []obj{}
	for _, r := range c.forge.all() {
		if !c.sees(r) {
			continue
		}
		err := r.do(func(r *repo) error {
			for _, p := range r.pulls {
				if query.matches(r, p) {
					item := c.issueJSON(r, p)
					item["score"] = 1
					items = append(items, item)
				}
			}
			return nil
		})
		if err != nil {
			return 0, nil, err
		}
	}
	slices.SortStableFunc(items, func(a, b obj) int {
		if query.oldestFirst {
			a, b = b, a
		}
		return strings.Compare(fmt.Sprint(b["created_at"]), fmt.Sprint(a["created_at"]))
	})
	return 200, obj{"total_count": len(items), "incomplete_results": false, "items": page(c, items)}, nil
}

// commitAt is the commit that the path's ref names.
func (c *call) commitAt(do func(r *repo, h plumbing.Hash) error) error {
	return c.repo(func(r *repo) error {
		commit, err := r.resolve(c.req.PathValue("ref"))
		if err != nil {
			return err
		}
		return do(r, commit.Hash)
	})
}

func getCommit(c *call) (status int, body any, err error) {
	err = c.repo(func(r *repo) error {
		commit, err := r.resolve(c.req.PathValue("ref"))
		if err != nil {
			return err
		}
		body = c.commitJSON(r, commit)
		return nil
	})
	return 200, body, err
}

// getStatus is the combined status: of commit statuses alone, not of check
// runs.
func getStatus(c *call) (status int, body any, err error) {
	err = c.commitAt(func(r *repo, h plumbing.Hash) error {
		statuses, state := []obj{}, "pending"
		var of []check
		for _, k := range r.checks(h) {
			if k.isStatus {
				of = append(of, k)
				statuses = append(statuses, c.statusJSON(r, h, k))
			}
		}
		switch rollup(of) {
		case "SUCCESS":
			state = "success"
		case "FAILURE", "ERROR":
			state = "failure"
		}
		body = obj{
			"state": state, "sha": h.String(), "total_count": len(statuses), "statuses": page(c, statuses),
			"repository": c.repoJSON(r), "url": fmt.Sprintf("%s/repos/%s/commits/%s/status", c.api, r.name, h),
			"commit_url": fmt.Sprintf("%s/repos/%s/commits/%s", c.api, r.name, h),
		}
		return nil
	})
	return 200, body, err
}

func listStatuses(c *call) (status int, body any, err error) {
	err = c.commitAt(func(r *repo, h plumbing.Hash) error {
		out := []obj{}
		for _, k := range r.checks(h) {
			if k.isStatus {
				out = append(out, c.statusJSON(r, h, k))
			}
		}
		slices.Reverse(out)
		body = page(c, out)
		return nil
	})
	return 200, body, err
}

func listCheckRuns(c *call) (status int, body any, err error) {
	err = c.commitAt(func(r *repo, h plumbing.Hash) error {
		runs := []obj{}
		for _, k := range r.checks(h) {
			if !k.isStatus {
				runs = append(runs, c.checkRunJSON(r, h, k))
			}
		}
		body = obj{"total_count": len(runs), "check_runs": page(c, runs)}
		return nil
	})
	return 200, body, err
}

func postStatus(c *call) (code int, body any, err error) {
	var in struct {
		State, Description, Context string
		TargetURL                   string `json:"target_url"`
	}
	if err := c.input(&in); err != nil {
		return 0, nil, err
	}
	err = c.writing(func(r *repo) error {
		h := plumbing.NewHash(c.req.PathValue("sha"))
		s, _, err := r.setStatus(c.who, h, status{
			context: in.Context, state: fleet.StatusState(in.State), description: in.Description, url: in.TargetURL,
		})
		if err != nil {
			return err
		}
		body = c.statusJSON(r, h, check{
			id: s.id, name: s.context, done: true, conclusion: string(s.state), text: s.description, url: s.url,
			by: s.by, started: s.created,
		})
		return nil
	})
	return 201, body, err
}
