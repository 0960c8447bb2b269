package sandbox

import (
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

func getRoot(c *call) (int, any, error) {
	return 200, obj{
		"current_user_url": c.api + "/user", "rate_limit_url": c.api + "/rate_limit",
		"repository_url":                c.api + "/repos/{owner}/{repo}",
		"organization_repositories_url": c.api + "/orgs/{org}/repos{?type,page,per_page,sort}",
	}, nil
}

func getMeta(*call) (int, any, error) {
	return 200, obj{"verifiable_password_authentication": false, "installed_version": "sandbox"}, nil
}

func getRateLimit(c *call) (int, any, error) {
	c.forge.refundREST(c.who.login) // asking is free
	core, graphql := c.forge.rate(c.who.login, "core"), c.forge.rate(c.who.login, "graphql")
	return 200, obj{"resources": obj{"core": core, "graphql": graphql}, "rate": core}, nil
}

func getSelf(c *call) (int, any, error) {
	if c.who == nobody {
		return 0, nil, &Refusal{Status: 401, Message: "Requires authentication"}
	}
	return 200, c.profile(c.user(c.who)), nil
}

func getUser(c *call) (int, any, error) {
	login := strings.ToLower(c.req.PathValue("login"))
	c.forge.mu.Lock()
	u := c.forge.users[login]
	c.forge.mu.Unlock()
	if u != nil {
		return 200, c.profile(c.user(u)), nil
	}
	if len(c.owned(login)) == 0 {
		return 0, nil, notFound()
	}
	return 200, c.profile(c.owner(login)), nil
}

func getOrg(c *call) (int, any, error) {
	login := c.req.PathValue("owner")
	if len(c.owned(login)) == 0 {
		return 0, nil, notFound()
	}
	return 200, c.owner(login), nil
}

// owned are an owner's repos as far as the caller may see them.
func (c *call) owned(owner string) []*repo {
	return slices.DeleteFunc(c.forge.all(), func(r *repo) bool {
		return !strings.EqualFold(r.name.Owner(), owner) || !c.sees(r)
	})
}

func (c *call) sees(r *repo) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.private || c.who != nobody
}

func listRepos(c *call) (int, any, error) {
	repos := c.owned(c.req.PathValue("owner"))
	if len(repos) == 0 {
		return 0, nil, notFound()
	}
	return 200, c.repos(page(c, repos)), nil
}

func listOwnRepos(c *call) (int, any, error) {
	if c.who == nobody {
		return 0, nil, &Refusal{Status: 401, Message: "Requires authentication"}
	}
	return 200, c.repos(page(c, c.forge.all())), nil
}

func (c *call) repos(repos []*repo) []obj {
	out := []obj{}
	for _, r := range repos {
		r.mu.Lock()
		out = append(out, c.repoJSON(r))
		r.mu.Unlock()
	}
	return out
}

func getRepo(c *call) (status int, body any, err error) {
	err = c.repo(func(r *repo) error {
		body = c.repoJSON(r)
		return nil
	})
	return 200, body, err
}

func getTopics(c *call) (status int, body any, err error) {
	err = c.repo(func(r *repo) error {
		body = obj{"names": list(r.topics)}
		return nil
	})
	return 200, body, err
}

// list is never null in JSON.
func list[T any](in []T) []T { return append([]T{}, in...) }

func (c *call) branchJSON(r *repo, name string) obj {
	protected := name == r.defaultBranch && (r.classic() || r.rules.Ruleset)
	return obj{
		"name": name, "protected": protected,
		"commit": obj{"sha": r.heads[name].String(), "url": fmt.Sprintf("%s/repos/%s/commits/%s", c.api, r.name, r.heads[name])},
	}
}

func listBranches(c *call) (status int, body any, err error) {
	err = c.repo(func(r *repo) error {
		out := []obj{}
		for _, name := range page(c, slices.Sorted(maps.Keys(r.heads))) {
			out = append(out, c.branchJSON(r, name))
		}
		body = out
		return nil
	})
	return 200, body, err
}

func getBranch(c *call) (status int, body any, err error) {
	err = c.repo(func(r *repo) error {
		name := c.req.PathValue("branch")
		if r.heads[name].IsZero() {
			return &Refusal{Status: 404, Message: "Branch not found"}
		}
		commit, err := r.git.commit(r.heads[name])
		if err != nil {
			return err
		}
		out := c.branchJSON(r, name)
		out["commit"] = c.commitJSON(r, commit)
		body = out
		return nil
	})
	return 200, body, err
}

func (c *call) refJSON(r *repo, branch string) obj {
	h := r.heads[branch].String()
	return obj{
		"ref": headsPrefix + branch, "node_id": "REF_" + r.nodeID() + branch,
		"url":    fmt.Sprintf("%s/repos/%s/git/refs/heads/%s", c.api, r.name, branch),
		"object": obj{"type": "commit", "sha": h, "url": fmt.Sprintf("%s/repos/%s/git/commits/%s", c.api, r.name, h)},
	}
}

func getRef(c *call) (status int, body any, err error) {
	err = c.repo(func(r *repo) error {
		branch, ok := strings.CutPrefix(c.req.PathValue("ref"), "heads/")
		if !ok || r.heads[branch].IsZero() {
			return notFound()
		}
		body = c.refJSON(r, branch)
		return nil
	})
	return 200, body, err
}

func matchingRefs(c *call) (status int, body any, err error) {
	err = c.repo(func(r *repo) error {
		out := []obj{}
		for _, branch := range slices.Sorted(maps.Keys(r.heads)) {
			if strings.HasPrefix("heads/"+branch, c.req.PathValue("ref")) {
				out = append(out, c.refJSON(r, branch))
			}
		}
		body = page(c, out)
		return nil
	})
	return 200, body, err
}

func deleteRef(c *call) (int, any, error) {
	return 204, nil, c.writing(func(r *repo) error {
		branch, ok := strings.CutPrefix(c.req.PathValue("ref"), "heads/")
		if !ok {
			return &Refusal{Status: 422, Message: "Reference does not exist"}
		}
		return r.deleteBranch(c.who, branch)
	})
}

// resolve finds the commit that a branch, a full ref or an id names.
func (r *repo) resolve(ref string) (*object.Commit, error) {
	if ref == "" || ref == "HEAD" {
		ref = r.defaultBranch
	}
	h := r.heads[strings.TrimPrefix(strings.TrimPrefix(ref, "refs/"), "heads/")]
	if h.IsZero() && plumbing.IsHash(ref) {
		h = plumbing.NewHash(ref)
	}
	if h.IsZero() {
		return nil, &Refusal{Status: 422, Message: "No commit found for SHA: " + ref}
	}
	commit, err := r.git.commit(h)
	if err != nil {
		return nil, &Refusal{Status: 422, Message: "No commit found for SHA: " + ref}
	}
	return commit, nil
}

func getContents(c *call) (status int, body any, err error) {
	err = c.repo(func(r *repo) error {
		commit, err := r.resolve(c.req.URL.Query().Get("ref"))
		if err != nil {
			return &Refusal{Status: 404, Message: "No commit found for the ref " + c.req.URL.Query().Get("ref")}
		}
		path := strings.Trim(c.req.PathValue("path"), "/")
		e, ok := r.git.find(commit.TreeHash, path)
		if !ok {
			return notFound()
		}
		if e.Mode == filemode.Dir {
			body, err = c.dirJSON(r, path, e.Hash)
			return err
		}
		body, err = c.fileJSON(r, path, e)
		return err
	})
	return 200, body, err
}

func (c *call) entryJSON(r *repo, path string, e object.TreeEntry) obj {
	kind := "file"
	switch e.Mode {
	case filemode.Dir:
		kind = "dir"
	case filemode.Symlink:
		kind = "symlink"
	case filemode.Submodule:
		kind = "submodule"
	}
	size, _ := r.git.EncodedObjectSize(e.Hash)
	if kind == "dir" {
		size = 0
	}
	return obj{
		"type": kind, "name": path[strings.LastIndexByte(path, '/')+1:], "path": path, "sha": e.Hash.String(), "size": size,
		"url":      fmt.Sprintf("%s/repos/%s/contents/%s", c.api, r.name, path),
		"html_url": fmt.Sprintf("%s/%s/blob/%s/%s", c.web, r.name, r.defaultBranch, path),
		"git_url":  fmt.Sprintf("%s/repos/%s/git/blobs/%s", c.api, r.name, e.Hash),
	}
}

func (c *call) dirJSON(r *repo, dir string, tree plumbing.Hash) (any, error) {
	entries, err := r.git.entries(tree)
	if err != nil {
		return nil, err
	}
	out := []obj{}
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		out = append(out, c.entryJSON(r, strings.TrimPrefix(dir+"/"+name, "/"), entries[name]))
	}
	return out, nil
}

func (c *call) fileJSON(r *repo, path string, e object.TreeEntry) (any, error) {
	out := c.entryJSON(r, path, e)
	if e.Mode == filemode.Submodule {
		return out, nil
	}
	content, err := r.git.blob(e.Hash)
	if err != nil {
		return nil, err
	}
	if e.Mode == filemode.Symlink {
		out["target"] = string(content)
	}
	out["encoding"] = "base64"
	out["content"] = base64.StdEncoding.EncodeToString(content)
	return out, nil
}
