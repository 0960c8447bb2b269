package sandbox

import (
	"bytes"
	"slices"
	"strings"

	"github.com/hmarr/codeowners"
)

// AddTeam makes a team, "acme/payments", whose members own what CODEOWNERS
// gives to "@acme/payments".
func (f *Forge) AddTeam(name string, logins ...string) {
	members := make([]*user, 0, len(logins))
	for _, login := range logins {
		members = append(members, f.user(login))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.teams[strings.ToLower(name)] = &team{id: f.nextID(), name: name, members: members}
}

// ownersPaths are where GitHub looks for owners; the first file counts.
var ownersPaths = []string{".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"}

// owners is CODEOWNERS as the pull request's base has it: what a head writes
// there decides nothing about itself. A file that can't be read owns nothing;
// that GitHub passes over single lines which it can't read is not played.
func (r *repo) owners(p *pull) codeowners.Ruleset {
	base, err := r.git.commit(r.heads[p.base])
	if err != nil {
		return nil
	}
	for _, path := range ownersPaths {
		if content, ok := r.git.readFile(base.TreeHash, path); ok {
			rules, _ := codeowners.ParseFile(bytes.NewReader(content))
			return rules
		}
	}
	return nil
}

// ownersOf are the owners of changed files, each file's once: one of them has
// to approve. A file that nobody owns asks for none.
func (r *repo) ownersOf(p *pull) [][]codeowners.Owner {
	rules := r.owners(p)
	changes, err := r.changes(p)
	if err != nil || len(rules) == 0 {
		return nil
	}
	var out [][]codeowners.Owner
	for _, c := range changes {
		rule, err := rules.Match(c.path)
		if err == nil && rule != nil && len(rule.Owners) > 0 {
			out = append(out, rule.Owners)
		}
	}
	return out
}

// lacksOwners reports whether files have owners, and which of them still have
// to approve, as CODEOWNERS names them; empty for none.
func (r *repo) lacksOwners(p *pull) (owned bool, missing string) {
	if !r.rules.CodeOwners {
		return false, ""
	}
	opinions := p.opinions()
	for _, owners := range r.ownersOf(p) {
		owned = true
		if !slices.ContainsFunc(opinions, func(v review) bool { return v.state == "APPROVED" && r.forge.among(v.by, owners) }) {
			return true, owners[0].Value
		}
	}
	return owned, ""
}

// among reports whether a user is one of the owners, or in a team that is.
func (f *Forge) among(who *user, owners []codeowners.Owner) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.ContainsFunc(owners, func(o codeowners.Owner) bool {
		return o.Type == codeowners.UsernameOwner && strings.EqualFold(o.Value, who.login) ||
			o.Type == codeowners.TeamOwner && f.teams[strings.ToLower(o.Value)].has(who)
	})
}

func (t *team) has(who *user) bool { return t != nil && slices.Contains(t.members, who) }
