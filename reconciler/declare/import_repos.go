package declare

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// claim is what components say of a place in a repo.
type claim struct {
	teams map[fleet.TeamName][]string // to the components
	kept  bool                        // stays as committed
	from  []string
}

// components sorts what components say by repo and path, and decides.
func (m *importer) components() {
	claims := map[string]map[string]*claim{} // by repoKey, then by pattern; "" is the root
	for _, p := range m.Catalog.Components {
		m.component(p, claims)
	}
	for _, key := range slices.Sorted(maps.Keys(claims)) {
		if d := m.owners[key]; d != nil {
			m.declared(d, claims[key])
			continue
		}
		m.repo(key, claims[key])
	}
}

func (m *importer) component(p fleet.CatalogComponent, claims map[string]map[string]*claim) {
	name := p.Repo
	if given, ok := m.b.Repos[p.Ref]; ok {
		if name != given {
			p.Path = ""
		}
		name = given
	}
	key := repoKey(name)
	if _, in := m.fleet[key]; name == "" || !in {
		if name == "" {
			m.pass(p.Ref, "no annotation says where its repo is; name it in fleet.ownership.backstage.repos")
		} else {
			m.pass(p.Ref, "%s is not in the fleet", name)
		}
		return
	}
	pattern, err := pathPattern(p.Path)
	if err != nil {
		m.pass(p.Ref, "its path %.80q can't stand in CODEOWNERS: %v", p.Path, err)
		return
	}
	doubt := cmp.Or(p.Doubt, m.Fed[p.Ref])
	var team resolved
	if doubt == "" {
		if team = m.owner(p, name); team.why != "" {
			m.pass(p.Ref, "%s", team.why)
			return
		}
	}
	if claims[key] == nil {
		claims[key] = map[string]*claim{}
	}
	c := claims[key][pattern]
	if c == nil {
		c = &claim{teams: map[fleet.TeamName][]string{}}
		claims[key][pattern] = c
	}
	c.from = append(c.from, p.Ref)
	if doubt != "" {
		c.kept = true
		m.keep(p.Ref, doubt)
		return
	}
	c.teams[team.team] = append(c.teams[team.team], p.Ref)
}

// owner is the team of a component's owner in a repo.
func (m *importer) owner(p fleet.CatalogComponent, repo fleet.RepoName) resolved {
	team, known := m.byGroup[p.Owner]
	switch {
	case p.Owner == "":
		return resolved{why: "it has no owner"}
	case !strings.HasPrefix(p.Owner, "group:"):
		return resolved{why: p.Owner + " owns it, and that is no group"}
	case !known:
		return resolved{why: p.Owner + " owns it, and the catalog has no such group that can be used"}
	case team.why != "":
		return resolved{why: p.Owner + " owns it: " + team.why}
	case team.org != "" && !strings.EqualFold(team.org, repo.Owner()):
		return resolved{why: fmt.Sprintf("%s owns it, whose GitHub team is in %s, and can own nothing in %s", p.Owner, team.org, repo)}
	}
	return team
}

// pathPattern is the pattern of CODEOWNERS for a folder, which is taken
// literally.
func pathPattern(p fleet.Path) (string, error) {
	if p == "" {
		return "", nil
	}
	if err := transform.CheckPath(string(p)); err != nil {
		return "", err
	}
	if strings.ContainsAny(string(p), `*?`) {
		return "", fmt.Errorf("it holds a wildcard")
	}
	pattern := "/" + string(p) + "/"
	return pattern, transform.CheckOwnersPattern(pattern)
}

// declared lists where the catalog says otherwise of a repo than people do.
func (m *importer) declared(d *fleet.Declaration, claims map[string]*claim) {
	root := claims[""]
	if root == nil || root.kept || root.teams[d.Owner] != nil || len(root.teams) == 0 {
		return
	}
	var says []string
	for _, team := range slices.Sorted(maps.Keys(root.teams)) {
		says = append(says, fmt.Sprintf("%s, by %s", team, strings.Join(root.teams[team], ", ")))
	}
	m.out.Differences = append(m.out.Differences, fleet.CatalogDifference{
		What: string(d.Owns), Declared: string(d.Owner), Catalog: strings.Join(says, "; "), Pos: d.Pos,
	})
}

// repo decides on a repo that nobody else declares.
func (m *importer) repo(key string, claims map[string]*claim) {
	was := m.was[key]
	r := &importedRepo{Repo: m.fleet[key], Paths: map[string]struct{ Owner fleet.TeamName }{}}
	all := map[fleet.TeamName]bool{}
	for _, pattern := range slices.Sorted(maps.Keys(claims)) {
		c := claims[pattern]
		r.from = append(r.from, c.from...)
		team := m.decide(c, was, pattern, r.Repo)
		if team == "" {
			continue
		}
		all[team] = true
		if pattern == "" {
			r.Owner = team
		} else {
			r.Paths[pattern] = struct{ Owner fleet.TeamName }{team}
		}
	}
	switch {
	case len(all) == 0:
		return
	case r.Owner == "" && len(all) == 1: // whoever owns all that is described
		for team := range all {
			r.Owner = team
		}
	case r.Owner == "":
		m.pass(r.from[0], "%s has several owners, and none of the whole: describe a component at its root", r.Repo)
		return
	}
	maps.DeleteFunc(r.Paths, func(_ string, p struct{ Owner fleet.TeamName }) bool { return p.Owner == r.Owner })
	slices.Sort(r.from)
	m.repos[key] = r
}

// decide is the team of one place, empty for none.
func (m *importer) decide(c *claim, was *importedRepo, pattern string, repo fleet.RepoName) fleet.TeamName {
	if len(c.teams) == 1 && !c.kept {
		for team := range c.teams {
			return team
		}
	}
	if len(c.teams) > 1 {
		var names []string
		for _, team := range slices.Sorted(maps.Keys(c.teams)) {
			names = append(names, string(team))
		}
		m.keep(c.from[0], fmt.Sprintf("components at one place of %s have several owners: %s", repo, strings.Join(names, ", ")))
	}
	if was == nil {
		return ""
	}
	if p, ok := was.Paths[pattern]; ok {
		return p.Owner
	}
	return was.Owner
}

// neededTeams leaves the teams that something refers to: what is imported, or
// what people declare in other files.
func (m *importer) neededTeams() {
	needed := map[fleet.TeamName]bool{}
	for _, r := range m.repos {
		needed[r.Owner] = true
		for _, p := range r.Paths {
			needed[p.Owner] = true
		}
	}
	for _, d := range m.Config.Declarations {
		for _, ref := range d.Refs {
			if _, was := m.old.Teams[ref.Team]; was && d.Pos.File != fleet.ImportFile {
				needed[ref.Team] = true
			}
		}
	}
	for name, team := range m.Config.Teams {
		if _, hand := m.byHand(name); hand {
			needed[team.Parent] = true
		}
	}
	for name := range needed {
		_, there := m.teams[name]
		if was, ok := m.old.Teams[name]; ok && !there {
			if _, hand := m.byHand(name); !hand {
				m.teams[name] = was
				m.keep("team "+string(name), "declarations refer to it, and the catalog has it no more")
			}
		}
	}
	maps.DeleteFunc(m.teams, func(name fleet.TeamName, _ importedTeam) bool { return !needed[name] })
	m.out.Teams, m.out.Repos = len(m.teams), len(m.repos)
}

// parents gives each team the parent that its group has, where that is a team,
// too. A way that leads in a circle is cut where it would close.
func (m *importer) parents() {
	parent := map[fleet.TeamName]fleet.TeamName{}
	for name, team := range m.Config.Teams {
		if _, hand := m.byHand(name); hand {
			parent[name] = team.Parent
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.teams)) {
		t := m.teams[name]
		if g, ok := m.groups[t.from]; ok && g.Doubt == "" {
			t.Parent = m.byGroup[g.Parent].team
		}
		_, made := m.teams[t.Parent]
		if _, hand := m.byHand(t.Parent); !made && !hand || partOf(parent, t.Parent, name) {
			t.Parent = ""
		}
		m.teams[name], parent[name] = t, t.Parent
	}
}

// partOf reports whether a team is another one, or a part of it.
func partOf(parent map[fleet.TeamName]fleet.TeamName, team, of fleet.TeamName) bool {
	for range len(parent) + 1 {
		if team == of {
			return true
		}
		team = parent[team]
	}
	return false
}
