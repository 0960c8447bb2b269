package ownership

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
)

// accounts are those that the lines for a repo name, as the forge does: without
// email addresses, of which nobody can tell.
func accounts(p *kind.Pass) []string {
	if _, ok := p.Declaration.Spec.(*Spec); !ok || p.Cluster != nil {
		return nil
	}
	var all []string
	for _, d := range inOrder(p.Declaration, kind.Parts(p.Config, p.Repo.Name)) {
		teams := kind.TeamsOf(p.Config, d)
		for _, r := range d.Refs {
			if r.Team == "" {
				continue
			}
			for _, h := range handlesOf(teams[r.Team]) {
				if name, ok := account(h); ok {
					all = append(all, name)
				}
			}
		}
	}
	for _, l := range kind.LentIn(p.Config, p.Declaration, p.Repo.Name) {
		if !l.Over {
			all = append(all, l.Loan.Engineer)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// account is how the forge names an owner; false for an email address.
func account(handle string) (string, bool) {
	name, ok := strings.CutPrefix(handle, "@")
	return name, ok && !strings.Contains(name, "@")
}

// reached is what of lines can be written.
type reached struct {
	rules []rule
	lost  []kind.Unreached
	notes []string // a line each
	// leave says that nothing is to be written: what would be is less than
	// what stands there.
	leave bool
}

// reach leaves out of lines who could not own code, for the forge would pass
// them over. Who stands on a line already stays there, so that an access that is
// lost for a day removes nobody. A line with nobody left is not left out, which
// would hand its files to a broader one: it gives them to whom they belong
// today.
func reach(p *kind.Pass, all []rule, found []fleet.Path) (reached, error) {
	out := reached{rules: all}
	if !slices.ContainsFunc(all, func(r rule) bool {
		return slices.ContainsFunc(r.owners, func(o string) bool { return lacks(p, o) != nil })
	}) {
		return out, nil
	}
	var old []rule
	if len(found) > 0 {
		text, err := fs.ReadFile(p.Tree, string(found[0]))
		if err != nil {
			return out, err
		}
		old = parse(text)
	}
	called := namesOf(kind.TeamsOf(p.Config, p.Declaration), func(t fleet.Team) string { return string(t.Name) })
	out.rules = nil
	for _, r := range all {
		standing := stands(old, r.pattern)
		var stay, gone []string
		can := false
		for i, o := range r.owners {
			u := lacks(p, o)
			if u != nil && i < len(r.from) {
				u.By, u.Field = r.from[i].by, r.from[i].field
				out.lost = append(out.lost, *u)
			}
			can = can || u == nil
			if u == nil || containsFold(standing, o) {
				stay = append(stay, o)
			} else {
				gone = append(gone, o)
			}
		}
		switch {
		case r.owners == nil:
		case !can:
			if !sameOwners(standing, r.owners) {
				out.notes = append(out.notes, fmt.Sprintf("%s: %s can't own it, so it stays with %s", r.pattern, called.list(r.owners), called.list(standing)))
			}
			if stay = standing; len(stay) == 0 && len(out.rules) == 0 {
				out.leave = out.leave || len(old) > 0
				continue // nobody, and so says no line
			}
		case gone != nil:
			out.notes = append(out.notes, fmt.Sprintf("%s: without %s, who can't own it", r.pattern, called.list(gone)))
		}
		r.owners, r.from = stay, nil
		out.rules = append(out.rules, r)
	}
	out.leave = out.leave || len(out.rules) == 0
	return out, nil
}

// stands are the owners that a file gives to what a pattern matches: those of
// its last line that covers it.
func stands(old []rule, pattern string) []string {
	patterns := []string{pattern}
	for _, r := range old {
		patterns = append(patterns, r.pattern)
	}
	extents := extentsOf(patterns)
	for i := len(old) - 1; i >= 0; i-- {
		if normal(old[i].pattern) == normal(pattern) || extents[0].within(extents[i+1]) {
			return old[i].owners
		}
	}
	return nil
}

// lacks is what an owner lacks to own code, nil for nothing that is known.
func lacks(p *kind.Pass, handle string) *kind.Unreached {
	name, ok := account(handle)
	access, known := p.Access[kind.HandleKey(name)]
	sort, repo := "user", p.Repo.Name
	if strings.Contains(name, "/") {
		sort = "team"
	}
	switch {
	case !ok || !known || access.Unread != "" || access.Owns():
		return nil
	case access.Missing:
		return &kind.Unreached{
			Code: "unknown-account", Why: fmt.Sprintf("the forge knows no %s %s, or lets Portreeve see none", sort, name),
			Hint: "mend its name under teams, or make it",
		}
	case access.Secret:
		return &kind.Unreached{
			Code: "secret-team", Why: fmt.Sprintf("team %s is secret, and a code owner has to be visible", name),
			Hint: "make it visible in its settings",
		}
	}
	has := "no"
	if access.Role != "" {
		has = string(access.Role)
	}
	hint := "give it in the repo's settings"
	if p.Repo.WebURL != "" {
		hint = "give it in " + p.Repo.WebURL + "/settings/access"
	}
	return &kind.Unreached{
		Code: "no-write", Why: fmt.Sprintf("%s has %s access to %s; a code owner needs write", name, has, repo), Hint: hint,
	}
}
