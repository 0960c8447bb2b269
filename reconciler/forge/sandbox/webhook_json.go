package sandbox

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// The functions of this file say things as GitHub's webhooks do, which give
// more of them than the REST API; where they are about a repo they need its
// lock.

func (c *call) hookOrganization(login string) obj {
	o := c.owner(login)
	out := obj{"login": login, "id": o["id"], "node_id": o["node_id"], "avatar_url": c.web + "/avatars/" + login, "description": nil}
	return addURLs(out, c.api+"/orgs/"+login, "url ", "repos_url /repos", "events_url /events", "hooks_url /hooks",
		"issues_url /issues", "members_url /members{/member}", "public_members_url /public_members{/member}")
}

func (c *call) hookRepo(r *repo) obj {
	out := c.repoJSON(r)
	delete(out, "permissions")
	return out
}

func (c *call) pingJSON(h *hook) obj {
	events := h.Events
	if len(events) == 0 {
		events = []string{"*"}
	}
	now := c.forge.time()
	return obj{
		"zen": "A webhook is a hint.", "hook_id": h.id, "sender": c.user(c.who),
		"hook": obj{
			"type": "Organization", "id": h.id, "name": "web", "active": true, "events": events,
			"config":     obj{"content_type": "json", "insecure_ssl": "0", "url": h.URL, "secret": "********"},
			"created_at": now, "updated_at": now,
		},
	}
}

func (c *call) hookCommit(r *repo, commit *object.Commit) obj {
	who := func(s object.Signature) obj { return obj{"name": s.Name, "email": s.Email, "date": s.When.UTC()} }
	return obj{
		"id": commit.Hash.String(), "tree_id": commit.TreeHash.String(), "distinct": true,
		"message": strings.TrimRight(commit.Message, "\n"), "timestamp": commit.Committer.When.UTC(),
		"url":    fmt.Sprintf("%s/%s/commit/%s", c.web, r.name, commit.Hash),
		"author": who(commit.Author), "committer": who(commit.Committer),
		"added": []string{}, "removed": []string{}, "modified": []string{},
	}
}

// pushedCommits bounds the commits in a payload, as GitHub bounds them.
const pushedCommits = 20

func (c *call) pushJSON(r *repo, branch string, before, after plumbing.Hash) obj {
	commits, head := []obj{}, any(nil)
	from := before
	if from.IsZero() {
		from = r.heads[r.defaultBranch]
	}
	forced := false
	if !after.IsZero() {
		tip, err := r.git.commit(after)
		if err != nil {
			return nil
		}
		head = c.hookCommit(r, tip)
		if !from.IsZero() && from != after {
			new, _ := r.commitsOf(from, after) // none where the old one is gone
			for _, commit := range new[max(0, len(new)-pushedCommits):] {
				commits = append(commits, c.hookCommit(r, commit))
			}
		}
		if !before.IsZero() {
			kept, err := r.contains(after, before)
			forced = err == nil && !kept
		}
	}
	return obj{
		"ref": headsPrefix + branch, "before": before.String(), "after": after.String(), "base_ref": nil,
		"created": before.IsZero(), "deleted": after.IsZero(), "forced": forced, "commits": commits, "head_commit": head,
		"compare": fmt.Sprintf("%s/%s/compare/%s...%s", c.web, r.name, short(before), short(after)),
		"pusher":  obj{"name": c.who.login, "email": c.who.login + "@users.noreply.sandbox.invalid"},
	}
}

func (c *call) hookPull(r *repo, p *pull) obj {
	out := c.pullJSON(r, p)
	for _, end := range []string{"head", "base"} {
		out[end].(obj)["repo"] = c.hookRepo(r)
	}
	return out
}

// hookFullPull adds what pull_request events have. Whether it can be merged
// is, as on GitHub, not known at that moment.
func (c *call) hookFullPull(r *repo, p *pull) obj {
	out := c.hookPull(r, p)
	commits, _ := r.commitsOf(p.baseNow(), p.headOID)
	changes, _ := r.changes(p) // nothing where a branch is gone
	added, deleted := 0, 0
	for _, ch := range changes {
		a, d := r.git.stat(ch)
		added, deleted = added+a, deleted+d
	}
	out["merged"], out["merged_by"] = p.state == fleet.PullMerged, nil
	if p.state == fleet.PullMerged {
		out["merged_by"] = c.user(p.endedBy)
	}
	out["mergeable"], out["rebaseable"], out["mergeable_state"] = nil, nil, "unknown"
	out["comments"], out["review_comments"], out["commits"] = len(p.comments), 0, len(commits)
	out["additions"], out["deletions"], out["changed_files"] = added, deleted, len(changes)
	out["maintainer_can_modify"] = false
	return out
}

func (c *call) hookReview(r *repo, p *pull, v review) obj {
	out := c.reviewJSON(r, p, v)
	out["state"], out["updated_at"] = strings.ToLower(v.state), v.at
	return out
}

func (c *call) hookApp() obj {
	made := c.forge.time()
	return obj{
		"id": ciUser.id, "slug": ciUser.login, "node_id": "A_1", "name": "Sandbox CI", "description": nil,
		"owner": c.user(ciUser), "external_url": c.web, "html_url": c.web + "/apps/" + ciUser.login,
		"created_at": made, "updated_at": made, "permissions": obj{"checks": "write"}, "events": []string{},
	}
}

// suiteOf is the check suite of a commit: what its runs come to.
func (c *call) suiteOf(r *repo, h plumbing.Hash) (out obj, runs []check) {
	runs = slices.DeleteFunc(r.checks(h), func(k check) bool { return k.isStatus })
	status, conclusion := "completed", any(strings.ToLower(rollup(runs)))
	if slices.ContainsFunc(runs, func(k check) bool { return !k.done }) {
		status, conclusion = "in_progress", nil
	}
	id := checkID(h, "")
	out = obj{
		"id": id, "node_id": fmt.Sprintf("CS_%d", id), "head_branch": orNull(r.headBranch(h)), "head_sha": h.String(),
		"status": status, "conclusion": conclusion, "before": nil, "after": h.String(), "pull_requests": []obj{},
		"url": fmt.Sprintf("%s/repos/%s/check-suites/%d", c.api, r.name, id), "app": c.hookApp(),
		"created_at": r.since[h], "updated_at": r.forge.time(),
	}
	return out, runs
}

func (c *call) hookCheckRun(r *repo, h plumbing.Hash, k check) obj {
	out := c.checkRunJSON(r, h, k)
	suite, _ := c.suiteOf(r, h)
	out["app"], out["check_suite"] = c.hookApp(), suite
	output := out["output"].(obj)
	output["annotations_url"] = out["url"].(string) + "/annotations"
	return out
}

func (c *call) hookSuite(r *repo, h plumbing.Hash) obj {
	commit, err := r.git.commit(h)
	if err != nil {
		return nil
	}
	suite, runs := c.suiteOf(r, h)
	suite["latest_check_runs_count"], suite["check_runs_url"] = len(runs), suite["url"].(string)+"/check-runs"
	suite["head_commit"] = c.hookCommit(r, commit)
	return obj{"check_suite": suite}
}

func (c *call) hookStatus(r *repo, h plumbing.Hash, k check) obj {
	commit, err := r.git.commit(h)
	if err != nil {
		return nil
	}
	out := c.statusJSON(r, h, k)
	whole := c.commitJSON(r, commit)
	whole["comments_url"] = whole["url"].(string) + "/comments"
	branches := []obj{}
	if name := r.headBranch(h); name != "" {
		branches = append(branches, obj{"name": name, "protected": false, "commit": obj{"sha": h.String(), "url": whole["url"]}})
	}
	return obj{
		"id": out["id"], "sha": h.String(), "name": r.name, "context": out["context"], "state": out["state"],
		"description": out["description"], "target_url": out["target_url"], "avatar_url": nil,
		"created_at": out["created_at"], "updated_at": out["updated_at"], "commit": whole, "branches": branches,
	}
}
