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

// addURLs adds fields that are URLs below one: "name suffix".
func addURLs(to obj, below string, fields ...string) obj {
	for _, field := range fields {
		name, suffix, _ := strings.Cut(field, " ")
		to[name] = below + suffix
	}
	return to
}

func (c *call) hookUser(u *user) obj {
	out, ok := c.user(u).(obj)
	if !ok {
		return nil
	}
	return c.addUserURLs(out, u.login)
}

func (c *call) addUserURLs(out obj, login string) obj {
	out["avatar_url"], out["gravatar_id"] = c.web+"/avatars/"+login, ""
	return addURLs(out, c.api+"/users/"+login, "followers_url /followers", "following_url /following{/other_user}",
		"gists_url /gists{/gist_id}", "starred_url /starred{/owner}{/repo}", "subscriptions_url /subscriptions",
		"organizations_url /orgs", "repos_url /repos", "events_url /events{/privacy}", "received_events_url /received_events")
}

func (c *call) hookOrganization(login string) obj {
	o := c.owner(login)
	out := obj{"login": login, "id": o["id"], "node_id": o["node_id"], "avatar_url": c.web + "/avatars/" + login, "description": nil}
	return addURLs(out, c.api+"/orgs/"+login, "url ", "repos_url /repos", "events_url /events", "hooks_url /hooks",
		"issues_url /issues", "members_url /members{/member}", "public_members_url /public_members{/member}")
}

func (c *call) hookRepo(r *repo) obj {
	out := c.repoJSON(r)
	delete(out, "permissions")
	owner := r.name.Owner()
	out["owner"] = c.addUserURLs(c.owner(owner), owner)
	web := c.web + "/" + string(r.name)
	out["git_url"], out["ssh_url"], out["svn_url"], out["mirror_url"] = web+".git", web+".git", web, nil
	out["forks"], out["watchers"], out["open_issues"] = 0, 0, out["open_issues_count"]
	out["has_downloads"], out["has_discussions"], out["allow_forking"] = false, false, true
	out["web_commit_signoff_required"] = false
	return addURLs(out, c.api+"/repos/"+string(r.name),
		"archive_url /{archive_format}{/ref}", "assignees_url /assignees{/user}", "blobs_url /git/blobs{/sha}",
		"branches_url /branches{/branch}", "collaborators_url /collaborators{/collaborator}", "comments_url /comments{/number}",
		"commits_url /commits{/sha}", "compare_url /compare/{base}...{head}", "contents_url /contents/{+path}",
		"contributors_url /contributors", "deployments_url /deployments", "downloads_url /downloads", "events_url /events",
		"forks_url /forks", "git_commits_url /git/commits{/sha}", "git_refs_url /git/refs{/sha}", "git_tags_url /git/tags{/sha}",
		"hooks_url /hooks", "issue_comment_url /issues/comments{/number}", "issue_events_url /issues/events{/number}",
		"issues_url /issues{/number}", "keys_url /keys{/key_id}", "labels_url /labels{/name}", "languages_url /languages",
		"merges_url /merges", "milestones_url /milestones{/number}", "notifications_url /notifications{?since,all,participating}",
		"pulls_url /pulls{/number}", "releases_url /releases{/id}", "stargazers_url /stargazers", "statuses_url /statuses/{sha}",
		"subscribers_url /subscribers", "subscription_url /subscription", "tags_url /tags", "teams_url /teams", "trees_url /git/trees{/sha}")
}

func (c *call) pingJSON(h *hook) obj {
	events := h.Events
	if len(events) == 0 {
		events = []string{"*"}
	}
	now := c.forge.time()
	return obj{
		"zen": "A webhook is a hint.", "hook_id": h.id, "sender": c.hookUser(c.who),
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
	url := out["url"].(string)
	addURLs(out, url, "review_comments_url /comments", "review_comment_url /comments{/number}")
	links := obj{}
	for name, field := range map[string]string{
		"self": "url", "html": "html_url", "issue": "issue_url", "comments": "comments_url", "commits": "commits_url",
		"statuses": "statuses_url", "review_comments": "review_comments_url", "review_comment": "review_comment_url",
	} {
		links[name] = obj{"href": out[field]}
	}
	out["_links"], out["active_lock_reason"], out["user"] = links, nil, c.hookUser(p.author)
	for _, end := range []string{"head", "base"} {
		of := out[end].(obj)
		of["repo"], of["user"] = c.hookRepo(r), c.addUserURLs(c.owner(r.name.Owner()), r.name.Owner())
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
		out["merged_by"] = c.hookUser(p.endedBy)
	}
	out["mergeable"], out["rebaseable"], out["mergeable_state"] = nil, nil, "unknown"
	out["comments"], out["review_comments"], out["commits"] = len(p.comments), 0, len(commits)
	out["additions"], out["deletions"], out["changed_files"] = added, deleted, len(changes)
	out["maintainer_can_modify"] = false
	return out
}

func reactions(url string) obj {
	return obj{
		"url": url + "/reactions", "total_count": 0, "+1": 0, "-1": 0, "laugh": 0, "hooray": 0,
		"confused": 0, "heart": 0, "rocket": 0, "eyes": 0,
	}
}

func (c *call) hookIssue(r *repo, p *pull) obj {
	full := c.hookPull(r, p)
	url := full["issue_url"].(string)
	out := obj{
		"url": url, "repository_url": c.api + "/repos/" + string(r.name), "reactions": reactions(url),
		"comments": len(p.comments), "performed_via_github_app": nil, "state_reason": nil,
		"pull_request": obj{
			"url": full["url"], "html_url": full["html_url"], "diff_url": full["diff_url"], "patch_url": full["patch_url"],
			"merged_at": full["merged_at"],
		},
	}
	for _, same := range []string{
		"id", "node_id", "html_url", "number", "title", "user", "labels", "state", "locked", "assignee", "assignees", "milestone",
		"created_at", "updated_at", "closed_at", "author_association", "active_lock_reason", "body", "draft",
	} {
		out[same] = full[same]
	}
	return addURLs(out, url, "labels_url /labels{/name}", "comments_url /comments", "events_url /events", "timeline_url /timeline")
}

func (c *call) hookComment(r *repo, p *pull, m comment) obj {
	out := c.commentJSON(r, p, m)
	out["user"], out["performed_via_github_app"] = c.hookUser(m.by), nil
	out["reactions"] = reactions(out["url"].(string))
	return out
}

func (c *call) hookReview(r *repo, p *pull, v review) obj {
	out := c.reviewJSON(r, p, v)
	out["user"], out["state"] = c.hookUser(v.by), strings.ToLower(v.state)
	out["updated_at"] = v.at
	out["_links"] = obj{"html": obj{"href": out["html_url"]}, "pull_request": obj{"href": out["pull_request_url"]}}
	return out
}

func (c *call) hookApp() obj {
	made := c.forge.time()
	return obj{
		"id": ciUser.id, "slug": ciUser.login, "node_id": "A_1", "name": "Sandbox CI", "description": nil,
		"owner": c.hookUser(ciUser), "external_url": c.web, "html_url": c.web + "/apps/" + ciUser.login,
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
