package sandbox

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// The functions of this file say things as GitHub's REST API does; where they
// are about a repo they need its lock.

func (u *user) kind() string {
	if u.bot {
		return "Bot"
	}
	return "User"
}

func (u *user) nodeID() string { return fmt.Sprintf("U_%d", u.id) }

func (c *call) user(u *user) any {
	if u == nil {
		return nil
	}
	return c.account(u.login, u.id, u.nodeID(), u.kind())
}

func (c *call) owner(login string) obj {
	id := fnv.New32a()
	id.Write([]byte(strings.ToLower(login)))
	return c.account(login, int64(id.Sum32()), fmt.Sprintf("O_%d", id.Sum32()), "Organization")
}

func (c *call) account(login string, id int64, nodeID, kind string) obj {
	out := obj{
		"login": login, "id": id, "node_id": nodeID, "type": kind, "site_admin": false,
		"avatar_url": c.web + "/avatars/" + login, "gravatar_id": "", "html_url": c.web + "/" + login,
	}
	return addURLs(out, c.api+"/users/"+login, "url ", "followers_url /followers", "following_url /following{/other_user}",
		"gists_url /gists{/gist_id}", "starred_url /starred{/owner}{/repo}", "subscriptions_url /subscriptions",
		"organizations_url /orgs", "repos_url /repos", "events_url /events{/privacy}", "received_events_url /received_events")
}

// profile is an account as it is sent when asked for by itself.
func (c *call) profile(of any) obj {
	out := of.(obj)
	for _, unset := range []string{"name", "company", "blog", "location", "email", "hireable", "bio"} {
		out[unset] = nil
	}
	for _, none := range []string{"public_repos", "public_gists", "followers", "following"} {
		out[none] = 0
	}
	out["user_view_type"], out["created_at"], out["updated_at"] = "public", accountsSince, accountsSince
	return out
}

// accountsSince is when all accounts were made.
var accountsSince = time.Date(2020, time.January, 1, 0, 0, 0, 0, time.UTC)

// addURLs adds fields that are URLs below one: "name suffix".
func addURLs(to obj, below string, fields ...string) obj {
	for _, field := range fields {
		name, suffix, _ := strings.Cut(field, " ")
		to[name] = below + suffix
	}
	return to
}

func orNull[T comparable](v T) any {
	var zero T
	if v == zero {
		return nil
	}
	return v
}

func orNullTime(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t
}

func (c *call) repoJSON(r *repo) obj {
	url := c.api + "/repos/" + string(r.name)
	web := c.web + "/" + string(r.name)
	visibility := "public"
	if r.private {
		visibility = "private"
	}
	open := 0
	for _, p := range r.pulls {
		if p.state == fleet.PullOpen {
			open++
		}
	}
	out := obj{
		"id": r.id, "node_id": r.nodeID(), "name": r.name.Short(), "full_name": r.name, "private": r.private,
		"owner": c.owner(r.name.Owner()), "html_url": web, "description": nil, "fork": r.fork, "url": url,
		"created_at": r.created, "updated_at": r.updated, "pushed_at": r.pushed,
		"git_url": web + ".git", "ssh_url": web + ".git", "svn_url": web, "mirror_url": nil, "clone_url": web + ".git", "homepage": nil, "size": 1,
		"forks": 0, "watchers": 0, "open_issues": open, "has_downloads": false, "has_discussions": false, "allow_forking": true,
		"web_commit_signoff_required": false, "network_count": 0, "subscribers_count": 0,
		"stargazers_count": 0, "watchers_count": 0, "language": orNull(r.language), "forks_count": 0,
		"archived": r.archived, "disabled": false, "open_issues_count": open, "license": nil,
		"topics": list(r.topics), "visibility": visibility, "default_branch": r.defaultBranch,
		"has_issues": false, "has_wiki": false, "has_pages": false, "has_projects": false, "is_template": false,
		"permissions":        obj{"admin": false, "maintain": false, "push": c.who != nobody, "triage": c.who != nobody, "pull": true},
		"allow_squash_merge": r.allows(fleet.MergeSquash), "allow_merge_commit": r.allows(fleet.MergeCommit),
		"allow_rebase_merge": r.allows(fleet.MergeRebase), "delete_branch_on_merge": false,
	}
	return addURLs(out, url,
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

func (r *repo) allows(m fleet.MergeMethod) bool { return slices.Contains(r.methods, m) }

func signatureJSON(s object.Signature) obj {
	return obj{"name": s.Name, "email": s.Email, "date": s.When.UTC()}
}

func (c *call) commitJSON(r *repo, commit *object.Commit) obj {
	url := fmt.Sprintf("%s/repos/%s/commits/%s", c.api, r.name, commit.Hash)
	parents := []obj{}
	for _, h := range commit.ParentHashes {
		parents = append(parents, obj{
			"sha": h.String(), "url": fmt.Sprintf("%s/repos/%s/commits/%s", c.api, r.name, h),
			"html_url": fmt.Sprintf("%s/%s/commit/%s", c.web, r.name, h),
		})
	}
	return obj{
		"sha": commit.Hash.String(), "node_id": "C_" + commit.Hash.String(), "url": url,
		"html_url": fmt.Sprintf("%s/%s/commit/%s", c.web, r.name, commit.Hash),
		"commit": obj{
			"author": signatureJSON(commit.Author), "committer": signatureJSON(commit.Committer),
			"message": strings.TrimRight(commit.Message, "\n"), "comment_count": 0,
			"tree": obj{"sha": commit.TreeHash.String(), "url": fmt.Sprintf("%s/repos/%s/git/trees/%s", c.api, r.name, commit.TreeHash)},
			"url":  fmt.Sprintf("%s/repos/%s/git/commits/%s", c.api, r.name, commit.Hash),
			"verification": obj{
				"verified": false, "reason": "unsigned", "signature": nil, "payload": nil, "verified_at": nil,
			},
		},
		"author": nil, "committer": nil, "parents": parents,
	}
}

func (c *call) pullJSON(r *repo, p *pull) obj {
	url := fmt.Sprintf("%s/repos/%s/pulls/%d", c.api, r.name, p.number)
	issue := fmt.Sprintf("%s/repos/%s/issues/%d", c.api, r.name, p.number)
	web := fmt.Sprintf("%s/%s/pull/%d", c.web, r.name, p.number)
	state := "open"
	if p.state != fleet.PullOpen {
		state = "closed"
	}
	merged := any(nil)
	if p.state == fleet.PullMerged {
		merged = p.ended
	}
	out := obj{
		"id": p.id, "node_id": p.nodeID(), "url": url, "html_url": web, "diff_url": web + ".diff", "patch_url": web + ".patch",
		"issue_url": issue, "comments_url": issue + "/comments", "commits_url": url + "/commits",
		"statuses_url": fmt.Sprintf("%s/repos/%s/statuses/%s", c.api, r.name, p.headOID),
		"number":       p.number, "state": state, "locked": false, "title": p.title, "body": orNull(p.body), "user": c.user(p.author),
		"labels": c.labels(r, p), "milestone": nil, "draft": p.draft, "author_association": "MEMBER", "auto_merge": nil,
		"created_at": p.created, "updated_at": p.updated, "closed_at": orNullTime(p.ended), "merged_at": merged,
		"merge_commit_sha": c.mergeSHA(p), "assignee": nil, "assignees": []obj{}, "requested_reviewers": []obj{}, "requested_teams": []obj{},
		"head": c.endJSON(r, p.head, p.headOID), "base": c.endJSON(r, p.base, p.baseNow()),
	}
	addURLs(out, url, "review_comments_url /comments", "review_comment_url /comments{/number}")
	links := obj{}
	for name, field := range map[string]string{
		"self": "url", "html": "html_url", "issue": "issue_url", "comments": "comments_url", "commits": "commits_url",
		"statuses": "statuses_url", "review_comments": "review_comments_url", "review_comment": "review_comment_url",
	} {
		links[name] = obj{"href": out[field]}
	}
	out["_links"], out["active_lock_reason"] = links, nil
	return out
}

// baseNow is the base's commit: its branch's while open, then the last.
func (p *pull) baseNow() plumbing.Hash {
	if h := p.repo.heads[p.base]; p.state == fleet.PullOpen && !h.IsZero() {
		return h
	}
	return p.baseOID
}

func (c *call) mergeSHA(p *pull) any {
	if p.mergeCommit.IsZero() {
		return nil
	}
	return p.mergeCommit.String()
}

func (c *call) endJSON(r *repo, branch string, h plumbing.Hash) obj {
	return obj{
		"label": r.name.Owner() + ":" + branch, "ref": branch, "sha": h.String(),
		"user": c.owner(r.name.Owner()), "repo": c.repoJSON(r),
	}
}

func (c *call) labels(r *repo, p *pull) []obj {
	out := []obj{}
	for i, l := range p.labels {
		out = append(out, obj{
			"id": int64(i + 1), "node_id": "L_" + l, "name": l, "color": "ededed", "default": false, "description": "",
			"url": fmt.Sprintf("%s/repos/%s/labels/%s", c.api, r.name, l),
		})
	}
	return out
}

// mergeStateOf is GitHub's mergeable_state, in lower case.
func (r *repo) mergeStateOf(p *pull, state fleet.Mergeable) string {
	switch {
	case p.state != fleet.PullOpen || state == fleet.MergeableUnknown:
		return "unknown"
	case p.draft:
		return "draft"
	case state == fleet.MergeableConflict:
		return "dirty"
	}
	if r.rules.UpToDate && !r.rules.Queue && p.base == r.defaultBranch {
		if behind, _ := r.behind(p); behind {
			return "behind"
		}
	}
	if r.obeysRules(p) != nil {
		return "blocked"
	}
	if word := rollup(r.checks(p.headOID)); word != "" && word != "SUCCESS" {
		return "unstable"
	}
	return "clean"
}

// fullPullJSON adds what is sent for one pull request only.
func (c *call) fullPullJSON(r *repo, p *pull) (obj, error) {
	state, err := r.mergeable(p, false)
	if err != nil {
		return nil, err
	}
	out := c.pullJSON(r, p)
	out["merged"] = p.state == fleet.PullMerged
	out["mergeable"], out["rebaseable"] = nil, nil
	if state != fleet.MergeableUnknown {
		out["mergeable"], out["rebaseable"] = state == fleet.MergeableYes, state == fleet.MergeableYes
	}
	out["mergeable_state"] = r.mergeStateOf(p, state)
	out["merged_by"] = nil
	if p.state == fleet.PullMerged {
		out["merged_by"] = c.user(p.endedBy)
	}
	commits, err := r.commitsOf(p.baseOID, p.headOID)
	if err != nil {
		return nil, err
	}
	changes, err := r.changes(p)
	if err != nil {
		return nil, err
	}
	added, deleted := 0, 0
	for _, ch := range changes {
		a, d := r.git.stat(ch)
		added, deleted = added+a, deleted+d
	}
	out["comments"], out["review_comments"], out["commits"] = len(p.comments), 0, len(commits)
	out["additions"], out["deletions"], out["changed_files"] = added, deleted, len(changes)
	out["maintainer_can_modify"] = false
	return out, nil
}

func reactions(url string) obj {
	return obj{
		"url": url + "/reactions", "total_count": 0, "+1": 0, "-1": 0, "laugh": 0, "hooray": 0,
		"confused": 0, "heart": 0, "rocket": 0, "eyes": 0,
	}
}

func (c *call) issueJSON(r *repo, p *pull) obj {
	full := c.pullJSON(r, p)
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

func (c *call) commentJSON(r *repo, p *pull, m comment) obj {
	url := fmt.Sprintf("%s/repos/%s/issues/comments/%d", c.api, r.name, m.id)
	return obj{
		"id": m.id, "node_id": fmt.Sprintf("IC_%d", m.id), "body": m.body, "user": c.user(m.by),
		"created_at": m.at, "updated_at": m.at, "author_association": "MEMBER",
		"url": url, "html_url": fmt.Sprintf("%s/%s/pull/%d#issuecomment-%d", c.web, r.name, p.number, m.id),
		"issue_url":                fmt.Sprintf("%s/repos/%s/issues/%d", c.api, r.name, p.number),
		"performed_via_github_app": nil, "reactions": reactions(url),
	}
}

func (c *call) reviewJSON(r *repo, p *pull, v review) obj {
	web := fmt.Sprintf("%s/%s/pull/%d#pullrequestreview-%d", c.web, r.name, p.number, v.id)
	pull := fmt.Sprintf("%s/repos/%s/pulls/%d", c.api, r.name, p.number)
	return obj{
		"id": v.id, "node_id": fmt.Sprintf("PRR_%d", v.id), "user": c.user(v.by), "body": v.body, "state": v.state,
		"commit_id": v.commit.String(), "submitted_at": v.at, "author_association": "MEMBER",
		"html_url": web, "pull_request_url": pull,
		"_links": obj{"html": obj{"href": web}, "pull_request": obj{"href": pull}},
	}
}

func (c *call) statusJSON(r *repo, h plumbing.Hash, k check) obj {
	state := k.conclusion
	if !k.done {
		state = "pending"
	}
	return obj{
		"id": k.id, "node_id": fmt.Sprintf("SC_%d", k.id), "state": state, "context": k.name,
		"description": orNull(k.text), "target_url": orNull(k.url), "avatar_url": nil, "creator": c.user(k.by),
		"url":        fmt.Sprintf("%s/repos/%s/statuses/%s", c.api, r.name, h),
		"created_at": k.started, "updated_at": k.started,
	}
}

func (c *call) checkRunJSON(r *repo, h plumbing.Hash, k check) obj {
	status, conclusion := "in_progress", any(nil)
	if k.done {
		status, conclusion = "completed", k.conclusion
	}
	return obj{
		"id": k.id, "node_id": fmt.Sprintf("CR_%d", k.id), "name": k.name, "head_sha": h.String(), "external_id": "",
		"status": status, "conclusion": conclusion, "started_at": k.started, "completed_at": orNullTime(k.completed),
		"url":      fmt.Sprintf("%s/repos/%s/check-runs/%d", c.api, r.name, k.id),
		"html_url": k.url, "details_url": k.url,
		"output":        obj{"title": orNull(k.text), "summary": orNull(k.text), "text": nil, "annotations_count": 0, "annotations_url": ""},
		"app":           obj{"id": 1, "slug": "sandbox-ci", "name": "Sandbox CI", "node_id": "A_1"},
		"pull_requests": []obj{},
	}
}
