package github

import (
	"context"
	"net/http"
	"strings"

	gogithub "github.com/google/go-github/v62/github"
	"golang.org/x/sync/errgroup"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
)

// collaboratorPages bounds how many of a repo are read, 100 in each.
const collaboratorPages = 20

// Collaborators reads them repo by repo: what is asked for is the repos of
// loans, and as long as nothing changes it is free.
func (c *Client) Collaborators(ctx context.Context, repos []fleet.RepoName) map[fleet.RepoName]forge.Answer[fleet.Collaborators] {
	repos = distinct(repos)
	answers := make([]forge.Answer[fleet.Collaborators], len(repos))
	var g errgroup.Group
	g.SetLimit(atOnce)
	for i, repo := range repos {
		g.Go(func() error {
			found, err := c.collaborators(ctx, repo)
			answers[i].Value = found
			if err != nil {
				answers[i].Err = c.fail("read collaborators", string(repo), err)
			}
			return nil
		})
	}
	_ = g.Wait()
	out := make(map[fleet.RepoName]forge.Answer[fleet.Collaborators], len(repos))
	for i, repo := range repos {
		out[repo] = answers[i]
	}
	return out
}

func (c *Client) collaborators(ctx context.Context, repo fleet.RepoName) (fleet.Collaborators, error) {
	out := fleet.Collaborators{Direct: map[string]fleet.Role{}, Invited: map[string]fleet.Role{}}
	owner, short, err := name(repo)
	if err != nil {
		return out, err
	}
	o := &gogithub.ListCollaboratorsOptions{Affiliation: "direct", ListOptions: gogithub.ListOptions{PerPage: 100}}
	for n := 0; ; n++ {
		found, answer, err := c.rest.Repositories.ListCollaborators(ctx, owner, short, o)
		if err != nil {
			return out, err
		}
		for _, u := range found {
			out.Direct[strings.ToLower(u.GetLogin())] = roleIn(u.GetRoleName(), u.GetPermissions())
		}
		if o.Page = answer.NextPage; o.Page == 0 {
			break
		}
		if n == collaboratorPages {
			return out, errEndless
		}
	}
	return out, c.invitations(ctx, owner, short, func(i *gogithub.RepositoryInvitation) {
		out.Invited[strings.ToLower(i.GetInvitee().GetLogin())] = roleIn(i.GetPermissions(), nil)
	})
}

func (c *Client) invitations(ctx context.Context, owner, short string, each func(*gogithub.RepositoryInvitation)) error {
	o := &gogithub.ListOptions{PerPage: 100}
	for range collaboratorPages {
		found, answer, err := c.rest.Repositories.ListInvitations(ctx, owner, short, o)
		if err != nil {
			return err
		}
		for _, i := range found {
			each(i)
		}
		if o.Page = answer.NextPage; o.Page == 0 {
			return nil
		}
	}
	return errEndless
}

// roleIn is a role by the names that REST has for it. One that an organisation
// made itself goes by what it may.
func roleIn(word string, may map[string]bool) fleet.Role {
	roles := []struct {
		word, old string
		role      fleet.Role
	}{
		{"admin", "admin", fleet.RoleAdmin},
		{"maintain", "maintain", fleet.RoleMaintain},
		{"write", "push", fleet.RoleWrite},
		{"triage", "triage", fleet.RoleTriage},
		{"read", "pull", fleet.RoleRead},
	}
	for _, r := range roles {
		if word == r.word || word == r.old {
			return r.role
		}
	}
	for _, r := range roles {
		if may[r.old] {
			if r.role == fleet.RoleWrite { // and more than that
				return fleet.RoleMaintain
			}
			return r.role
		}
	}
	return ""
}

// Grant gives write access.
func (c *Client) Grant(ctx context.Context, repo fleet.RepoName, login string) error {
	return c.permit(ctx, "give access", repo, login, "push")
}

func (c *Client) permit(ctx context.Context, op string, repo fleet.RepoName, login, permission string) error {
	owner, short, err := name(repo)
	if err == nil && !plain(login) {
		err = &refusal{"this is no login"}
	}
	if err == nil {
		_, _, err = c.rest.Repositories.AddCollaborator(ctx, owner, short, login, &gogithub.RepositoryAddCollaboratorOptions{Permission: permission})
	}
	if err != nil {
		return c.fail(op, string(repo), err)
	}
	return nil
}

// Revoke looks what there is just before it takes it.
func (c *Client) Revoke(ctx context.Context, repo fleet.RepoName, login string, before fleet.Role) error {
	const op = "take access back"
	owner, short, err := name(repo)
	if err == nil && !plain(login) {
		err = &refusal{"this is no login"}
	}
	if err != nil {
		return c.fail(op, string(repo), err)
	}
	var invitations []int64
	err = c.invitations(ctx, owner, short, func(i *gogithub.RepositoryInvitation) {
		if strings.EqualFold(i.GetInvitee().GetLogin(), login) && roleIn(i.GetPermissions(), nil) == fleet.RoleWrite {
			invitations = append(invitations, i.GetID())
		}
	})
	for _, id := range invitations {
		if err == nil {
			_, err = c.rest.Repositories.DeleteInvitation(ctx, owner, short, id)
		}
		if status(err) == http.StatusNotFound {
			err = nil // accepted, or gone
		}
	}
	if err != nil {
		return c.fail(op, string(repo), err)
	}
	now, err := c.collaborators(ctx, repo)
	switch {
	case err != nil:
		return c.fail(op, string(repo), err)
	case now.Direct[strings.ToLower(login)] != fleet.RoleWrite:
		return nil
	case before == fleet.RoleRead:
		return c.permit(ctx, op, repo, login, "pull")
	case before == fleet.RoleTriage:
		return c.permit(ctx, op, repo, login, "triage")
	}
	if _, err := c.rest.Repositories.RemoveCollaborator(ctx, owner, short, login); err != nil {
		return c.fail(op, string(repo), err)
	}
	return nil
}
