package sandbox

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
)

// invitation is a role that waits to be accepted; its repo's lock guards it.
type invitation struct {
	id   int64
	who  *user
	by   *user
	role fleet.Role
	at   time.Time
}

// Outside makes a user one who is no member of any organisation: what is given
// to such a user has to be accepted first.
func (f *Forge) Outside(login string) {
	who := f.user(login)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.outsiders[who] = true
}

// AnswerInvitation accepts what the user is invited to in a repo, or declines it.
func (p *Person) AnswerInvitation(name fleet.RepoName, accept bool) error {
	return p.forge.with(name, func(r *repo) error {
		key := strings.ToLower(p.user.login)
		i := r.invited[key]
		if i == nil {
			return notFound()
		}
		delete(r.invited, key)
		if accept {
			r.setRole(key, i.role)
		}
		r.forge.wrote(p.user, "access", r.name, 0, "answers the invitation")
		return nil
	})
}

func (r *repo) setRole(account string, role fleet.Role) {
	if r.access == nil {
		r.access = map[string]fleet.Role{}
	}
	r.access[strings.ToLower(account)] = role
}

// permit gives a user a role, or invites to it.
func (r *repo) permit(by, who *user, role fleet.Role) (*invitation, error) {
	if err := r.writable(); err != nil {
		return nil, err
	}
	key := strings.ToLower(who.login)
	r.forge.mu.Lock()
	outside := r.forge.outsiders[who]
	r.forge.mu.Unlock()
	r.forge.wrote(by, "access", r.name, 0, who.login+" "+string(role))
	if r.access[key] != "" || !outside {
		r.setRole(key, role)
		return nil, nil
	}
	if r.invited == nil {
		r.invited = map[string]*invitation{}
	}
	i := &invitation{r.forge.newID(), who, by, role, r.forge.time()}
	r.invited[key] = i
	return i, nil
}

// expel takes a user's own role.
func (r *repo) expel(by *user, login string) {
	if _, in := r.access[strings.ToLower(login)]; in {
		delete(r.access, strings.ToLower(login))
		r.forge.wrote(by, "access", r.name, 0, login+" none")
	}
}

// direct are the users with a role of their own, by login.
func (r *repo) direct() map[string]fleet.Role {
	out := map[string]fleet.Role{}
	for account, role := range r.access {
		if role != "" && !strings.Contains(account, "/") {
			out[account] = role
		}
	}
	return out
}

func (m *member) Collaborators(ctx context.Context, repos []fleet.RepoName) map[fleet.RepoName]forge.Answer[fleet.Collaborators] {
	out := make(map[fleet.RepoName]forge.Answer[fleet.Collaborators], len(repos))
	for _, name := range repos {
		found := fleet.Collaborators{Invited: map[string]fleet.Role{}}
		err := m.call(ctx, "Collaborators", false, name, func() error {
			if !m.forge.seesAccess(m.user) {
				return &Refusal{Status: 403, Message: hidden}
			}
			return m.forge.with(name, func(r *repo) error {
				found.Direct = r.direct()
				for login, i := range r.invited {
					found.Invited[login] = i.role
				}
				return nil
			})
		})
		out[name] = forge.Answer[fleet.Collaborators]{Value: found, Err: err}
	}
	return out
}

func (m *member) Grant(ctx context.Context, name fleet.RepoName, login string) error {
	return m.call(ctx, "Grant", true, name, func() error {
		who := m.forge.known(login)
		if who == nil {
			return notFound()
		}
		return m.forge.with(name, func(r *repo) error {
			_, err := r.permit(m.user, who, fleet.RoleWrite)
			return err
		})
	})
}

func (m *member) Revoke(ctx context.Context, name fleet.RepoName, login string, before fleet.Role) error {
	return m.call(ctx, "Revoke", true, name, func() error {
		return m.forge.with(name, func(r *repo) error {
			key := strings.ToLower(login)
			if i := r.invited[key]; i != nil && i.role == fleet.RoleWrite {
				delete(r.invited, key)
			}
			switch {
			case r.access[key] != fleet.RoleWrite:
			case before != "":
				r.setRole(key, before)
			default:
				r.expel(m.user, login)
			}
			return nil
		})
	})
}

func (m *member) EditIssue(ctx context.Context, name fleet.RepoName, number int, body string) error {
	return m.call(ctx, "EditIssue", true, name, func() error {
		return m.forge.with(name, func(r *repo) error { return r.editIssue(m.user, number, body) })
	})
}

func (r *repo) editIssue(who *user, number int, body string) error {
	i, err := r.issue(number)
	if err == nil {
		err = checkText("Issue", i.title, body)
	}
	if err == nil && i.body != body {
		i.body, i.updated = body, r.forge.time()
		r.forge.wrote(who, "edit", r.name, number, "")
	}
	return err
}

func (c *call) access(do func(r *repo) error) error {
	if !c.forge.seesAccess(c.who) {
		return &Refusal{Status: 403, Message: hidden}
	}
	return c.repo(do)
}

func listCollaborators(c *call) (status int, body any, err error) {
	err = c.access(func(r *repo) error {
		out := []obj{}
		for _, login := range page(c, slices.Sorted(maps.Keys(r.direct()))) {
			u := c.user(c.forge.user(login)).(obj)
			role := r.direct()[login]
			u["role_name"] = role
			may := obj{}
			for i, p := range []string{"pull", "triage", "push", "maintain", "admin"} {
				may[p] = slices.Index(roleOrder, role) >= i
			}
			u["permissions"] = may
			for _, sub := range []string{"followers", "subscriptions", "organizations", "repos", "received_events"} {
				u[sub+"_url"] = fmt.Sprintf("%s/users/%s/%s", c.api, login, sub)
			}
			u["following_url"] = fmt.Sprintf("%s/users/%s/following{/other_user}", c.api, login)
			u["gists_url"] = fmt.Sprintf("%s/users/%s/gists{/gist_id}", c.api, login)
			u["starred_url"] = fmt.Sprintf("%s/users/%s/starred{/owner}{/repo}", c.api, login)
			u["events_url"] = fmt.Sprintf("%s/users/%s/events{/privacy}", c.api, login)
			out = append(out, u)
		}
		body = out
		return nil
	})
	return 200, body, err
}

var roleOrder = []fleet.Role{fleet.RoleRead, fleet.RoleTriage, fleet.RoleWrite, fleet.RoleMaintain, fleet.RoleAdmin}

// roleOf is a role by the name that a request has for it.
func roleOf(permission string) (fleet.Role, bool) {
	role, ok := map[string]fleet.Role{
		"": fleet.RoleWrite, "pull": fleet.RoleRead, "triage": fleet.RoleTriage, "push": fleet.RoleWrite,
		"maintain": fleet.RoleMaintain, "admin": fleet.RoleAdmin,
	}[permission]
	return role, ok
}

func putCollaborator(c *call) (status int, body any, err error) {
	var in struct{ Permission string }
	if err := c.input(&in); err != nil {
		return 0, nil, err
	}
	status = 204
	err = c.writing(func(r *repo) error {
		role, ok := roleOf(in.Permission)
		who := c.forge.known(c.req.PathValue("login"))
		switch {
		case who == nil:
			return notFound()
		case !ok:
			return invalid("Repository", "permission", "invalid", "")
		}
		i, err := r.permit(c.who, who, role)
		if err == nil && i != nil {
			status, body = 201, c.invitationJSON(r, i)
		}
		return err
	})
	return status, body, err
}

func deleteCollaborator(c *call) (int, any, error) {
	err := c.writing(func(r *repo) error {
		r.expel(c.who, c.req.PathValue("login"))
		return nil
	})
	return 204, nil, err
}

func (c *call) invitationJSON(r *repo, i *invitation) obj {
	return obj{
		"id": i.id, "node_id": fmt.Sprintf("RI_%d", i.id), "repository": c.repoJSON(r), "invitee": c.user(i.who), "inviter": c.user(i.by),
		"permissions": i.role, "created_at": i.at, "expired": false,
		"url":      fmt.Sprintf("%s/user/repository_invitations/%d", c.api, i.id),
		"html_url": fmt.Sprintf("%s/%s/invitations", c.web, r.name),
	}
}

func listInvitations(c *call) (status int, body any, err error) {
	err = c.access(func(r *repo) error {
		out := []obj{}
		for _, login := range page(c, slices.Sorted(maps.Keys(r.invited))) {
			out = append(out, c.invitationJSON(r, r.invited[login]))
		}
		body = out
		return nil
	})
	return 200, body, err
}

func deleteInvitation(c *call) (int, any, error) {
	err := c.writing(func(r *repo) error {
		for login, i := range r.invited {
			if fmt.Sprint(i.id) == c.req.PathValue("id") {
				delete(r.invited, login)
				return nil
			}
		}
		return notFound()
	})
	return 204, nil, err
}

func patchIssue(c *call) (status int, body any, err error) {
	var in struct{ Body *string }
	if err := c.input(&in); err != nil {
		return 0, nil, err
	}
	err = c.writing(func(r *repo) error {
		i, err := r.issue(c.number())
		if err == nil && in.Body != nil {
			err = r.editIssue(c.who, i.number, *in.Body)
		}
		if err == nil {
			body = c.plainIssueJSON(r, i)
		}
		return err
	})
	return 200, body, err
}
