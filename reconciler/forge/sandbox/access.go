package sandbox

import (
	"cmp"
	"context"
	"net/http"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
)

// team is a team of an organisation.
type team struct {
	id      int64
	name    string // "acme/payments"
	secret  bool
	members []*user
}

// Manage has the forge know who is in an organisation: from then on there are no
// teams but those that were added, and teams and users may do what SetAccess gave
// them. Of any other, every name is taken to be there and to write everywhere.
func (f *Forge) Manage(org string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.managed[strings.ToLower(org)] = true
}

// SetSecret hides a team from all but its members.
func (f *Forge) SetSecret(name string, secret bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if t := f.teams[strings.ToLower(name)]; t != nil {
		t.secret = secret
	}
}

// RemoveTeam deletes a team.
func (f *Forge) RemoveTeam(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.teams, strings.ToLower(name))
}

// SetAccess gives a team or a user a role in a repo; the empty one is none.
func (f *Forge) SetAccess(name fleet.RepoName, account string, role fleet.Role) error {
	return f.with(name, func(r *repo) error {
		r.setRole(account, role)
		return nil
	})
}

// HideAccess hides who may do what from a user, as it is from an App that may
// not read an organisation's members.
func (f *Forge) HideAccess(login string) {
	who := f.user(login)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.uninformed[who] = true
}

func (f *Forge) seesAccess(who *user) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.uninformed[who]
}

// team finds a team; nil if there is none.
func (f *Forge) team(name string) *team {
	f.mu.Lock()
	defer f.mu.Unlock()
	t := f.teams[strings.ToLower(name)]
	org, _, _ := strings.Cut(strings.ToLower(name), "/")
	if t != nil || f.managed[org] {
		return t
	}
	for repo := range f.repos {
		if repo.Owner() == org {
			return &team{name: name}
		}
	}
	return nil
}

// known finds a user who is there.
func (f *Forge) known(login string) *user {
	f.mu.Lock()
	defer f.mu.Unlock()
	if u := f.users[strings.ToLower(login)]; u != nil || len(f.managed) > 0 {
		return u
	}
	return &user{login: login}
}

// role is what a team or a user that is there may do; it needs the repo's lock.
func (r *repo) role(account string) fleet.Role {
	if role, ok := r.access[strings.ToLower(account)]; ok {
		return role
	}
	r.forge.mu.Lock()
	defer r.forge.mu.Unlock()
	if r.forge.managed[strings.ToLower(r.name.Owner())] {
		return ""
	}
	return fleet.RoleWrite
}

// accessOf needs the repo's lock.
func (r *repo) accessOf(account string) fleet.Access {
	if !strings.Contains(account, "/") {
		if r.forge.known(account) == nil {
			return fleet.Access{Missing: true}
		}
		return fleet.Access{Role: r.role(account)}
	}
	t := r.forge.team(account)
	if t == nil {
		return fleet.Access{Missing: true}
	}
	access := fleet.Access{Secret: t.secret}
	if org, _, _ := strings.Cut(account, "/"); strings.EqualFold(org, r.name.Owner()) {
		access.Role = r.role(account)
	}
	return access
}

func (m *member) Access(ctx context.Context, accounts []forge.Account) map[forge.Account]forge.Answer[fleet.Access] {
	out := make(map[forge.Account]forge.Answer[fleet.Access], len(accounts))
	for _, a := range accounts {
		var access fleet.Access
		err := m.call(ctx, "Access", false, a.Repo, func() error {
			if !m.forge.seesAccess(m.user) {
				return &Refusal{Status: 403, Message: hidden}
			}
			return m.forge.with(a.Repo, func(r *repo) error {
				access = r.accessOf(a.Name)
				return nil
			})
		})
		out[a] = forge.Answer[fleet.Access]{Value: access, Err: err}
	}
	return out
}

func (m *member) OwnersErrors(ctx context.Context, commits []forge.Commit) map[forge.Commit]forge.Answer[[]fleet.OwnersError] {
	out := make(map[forge.Commit]forge.Answer[[]fleet.OwnersError], len(commits))
	for _, c := range commits {
		var found []fleet.OwnersError
		err := m.call(ctx, "OwnersErrors", false, c.Repo, func() error {
			return m.forge.with(c.Repo, func(r *repo) error {
				all, _, err := r.ownersErrors(string(c.ID))
				for _, e := range all {
					found = append(found, e.OwnersError)
				}
				return err
			})
		})
		out[c] = forge.Answer[[]fleet.OwnersError]{Value: found, Err: err}
	}
	return out
}

// ownersError is an error in CODEOWNERS with what only REST tells.
type ownersError struct {
	fleet.OwnersError
	column  int
	message string
}

// ownersErrors are those of a commit's CODEOWNERS; false says that it has none.
func (r *repo) ownersErrors(ref string) (out []ownersError, there bool, err error) {
	c, err := r.resolve(ref)
	if err != nil {
		return nil, false, nil // no such commit, and so no such file
	}
	for _, path := range ownersPaths {
		text, ok := r.git.readFile(c.TreeHash, path)
		if !ok {
			continue
		}
		n := 0
		for line := range strings.Lines(string(text)) {
			n++
			line = strings.TrimRight(line, "\r\n")
			for _, e := range r.wrong(line) {
				e.Path, e.Line, e.Source = fleet.Path(path), n, line
				out = append(out, e)
			}
		}
		return out, true, nil
	}
	return nil, false, nil
}

// wrong is what GitHub would say of a line.
func (r *repo) wrong(line string) (out []ownersError) {
	told, _, _ := strings.Cut(line, "#")
	if strings.HasPrefix(strings.TrimSpace(line), `\#`) {
		told = line
	}
	fields := strings.Fields(strings.ReplaceAll(told, `\ `, "\\\x00"))
	if len(fields) == 0 {
		return nil
	}
	add := func(kind, at, message string) {
		column := max(0, strings.Index(line, at)) + 1
		out = append(out, ownersError{fleet.OwnersError{Kind: kind}, column, kind + " on this line: " + message + "\n\n  " + line})
	}
	if p := fields[0]; strings.HasPrefix(p, "!") || strings.ContainsAny(p, "[]") || strings.HasPrefix(p, `\#`) {
		add("Invalid pattern", strings.ReplaceAll(p, "\x00", " "), "it is not supported")
		return out
	}
	for _, owner := range fields[1:] {
		name, handle := strings.CutPrefix(owner, "@")
		switch {
		case !handle && strings.Contains(owner, "@"):
		case !handle || name == "":
			add("Invalid owner", owner, "an owner is @user, @organisation/team or an email address")
		case !r.accessOf(name).Owns() && strings.Contains(name, "/"):
			add("Unknown owner", owner, "make sure the team "+owner+" exists, is publicly visible, and has write access to the repository")
		case !r.accessOf(name).Owns():
			add("Unknown owner", owner, "make sure "+owner+" exists and has write access to the repository")
		}
	}
	return out
}

func getOwnersErrors(c *call) (status int, body any, err error) {
	err = c.repo(func(r *repo) error {
		found, there, err := r.ownersErrors(cmp.Or(c.req.URL.Query().Get("ref"), r.defaultBranch))
		switch {
		case err != nil:
			return err
		case !there:
			return notFound()
		}
		all := []obj{}
		for _, e := range found {
			all = append(all, obj{
				"line": e.Line, "column": e.column, "source": e.Source, "kind": e.Kind, "suggestion": nil,
				"message": e.message, "path": string(e.Path),
			})
		}
		body = obj{"errors": all}
		return nil
	})
	return http.StatusOK, body, err
}
