package declare

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Importing is what an import is computed from.
type Importing struct {
	Catalog *fleet.Catalog
	Config  *fleet.Config    // with Settings.Backstage, and Imported as committed
	Repos   []fleet.RepoName // of the fleet
	// Fed says why components are not to be believed, by their references: the
	// catalog has their owner from a CODEOWNERS file that Portreeve writes.
	Fed map[string]string
}

// Import computes what a catalog comes to as declarations. The same input
// gives the same bytes. It guarantees:
//
//  1. What people declare in other files is never contradicted: a repo or a
//     team of theirs is left out, and where the catalog says otherwise is
//     listed.
//  2. What the catalog can't be believed in stays as it is committed.
//  3. No more is taken away than Backstage.MaxShrink lets, else Refused says so.
func Import(in Importing) *fleet.Import {
	m := &importer{
		Importing: in, b: in.Config.Settings.Backstage, old: readImported(in.Config.Imported),
		out:   &fleet.Import{What: []string{}, Differences: []fleet.CatalogDifference{}},
		teams: map[fleet.TeamName]importedTeam{}, repos: map[string]*importedRepo{},
		byGroup: map[string]resolved{}, groups: map[string]fleet.CatalogGroup{},
		was: map[string]*importedRepo{}, owners: map[string]*fleet.Declaration{}, fleet: map[string]fleet.RepoName{},
	}
	for _, d := range in.Config.Declarations {
		if key := repoKey(d.Owns); key != "" && d.Pos.File != fleet.ImportFile && m.owners[key] == nil {
			m.owners[key] = d
		}
	}
	for _, n := range slices.Sorted(maps.Keys(m.old.Ownership)) {
		m.was[repoKey(m.old.Ownership[n].Repo)] = m.old.Ownership[n]
	}
	for _, name := range in.Repos {
		m.fleet[repoKey(name)] = name
	}
	m.out.Passed = slices.Clone(in.Catalog.Passed)
	m.resolveAll()
	m.components()
	m.neededTeams()
	m.parents()
	m.write()
	m.compare()
	m.out.Passed, m.out.Kept = inOrder(m.out.Passed), inOrder(m.out.Kept)
	slices.SortFunc(m.out.Differences, func(a, b fleet.CatalogDifference) int { return strings.Compare(a.What, b.What) })
	return m.out
}

func comparePassed(a, b fleet.CatalogPassed) int {
	return cmp.Or(strings.Compare(a.Ref, b.Ref), strings.Compare(a.Reason, b.Reason))
}

// mostListed bounds a list of entities: what is wrong with more is not read by
// anybody.
const mostListed = 1000

// inOrder is a list in order, its end counted.
func inOrder(all []fleet.CatalogPassed) []fleet.CatalogPassed {
	slices.SortFunc(all, comparePassed)
	if n := len(all) - mostListed; n > 0 {
		all = append(all[:mostListed:mostListed], fleet.CatalogPassed{Ref: "…", Reason: fmt.Sprintf("and %d more", n)})
	}
	return slices.Concat(all, []fleet.CatalogPassed{}) // in JSON a list, never null
}

func repoKey(name fleet.RepoName) string { return strings.ToLower(string(name)) }

// imported is what the file holds.
type imported struct {
	Teams     map[fleet.TeamName]importedTeam
	Ownership map[string]*importedRepo
}

type importedTeam struct {
	Title   string
	GitHub  string
	Members []string
	Contact string
	Parent  fleet.TeamName
	from    string // the group, for people
}

type importedRepo struct {
	Repo  fleet.RepoName
	Owner fleet.TeamName
	Paths map[string]struct{ Owner fleet.TeamName }
	from  []string // the components, for people
}

type importer struct {
	Importing
	b   *fleet.Backstage
	old imported
	out *fleet.Import

	groups  map[string]fleet.CatalogGroup // by reference
	byGroup map[string]resolved
	was     map[string]*importedRepo      // as committed, by repoKey
	owners  map[string]*fleet.Declaration // what people declare, by repoKey
	fleet   map[string]fleet.RepoName     // by repoKey

	teams map[fleet.TeamName]importedTeam // to be written
	repos map[string]*importedRepo        // likewise, by repoKey
	names map[string]string               // of the declarations, by repoKey
}

// resolved is the team that a group stands for, or why there is none.
type resolved struct {
	team fleet.TeamName
	made bool // by the import; otherwise people declare it
	org  string
	why  string
}

func (m *importer) pass(ref, format string, args ...any) {
	m.out.Passed = append(m.out.Passed, fleet.CatalogPassed{Ref: ref, Reason: fmt.Sprintf(format, args...)})
}

func (m *importer) keep(ref, why string) {
	m.out.Kept = append(m.out.Kept, fleet.CatalogPassed{Ref: ref, Reason: why})
}

// byHand is a team that people declare in another file, valid or not.
func (m *importer) byHand(name fleet.TeamName) (fleet.Team, bool) {
	team, ok := m.Config.Teams[name]
	if p, broken := m.Config.BrokenTeams[name]; broken && !ok {
		team, ok = fleet.Team{Name: name, Pos: p.Pos}, true
	}
	return team, ok && team.Pos.File != fleet.ImportFile
}

// resolveAll finds each group's team: the one that the settings name, the one
// that people declare with its GitHub team or its name, else one of its own.
func (m *importer) resolveAll() {
	byGitHub := map[string]fleet.TeamName{} // what people declare, then what is made
	for _, name := range slices.Sorted(maps.Keys(m.Config.Teams)) {
		if team, hand := m.byHand(name); hand && team.GitHub != "" && byGitHub[strings.ToLower(team.GitHub)] == "" {
			byGitHub[strings.ToLower(team.GitHub)] = name
		}
	}
	for _, g := range m.Catalog.Groups {
		m.groups[g.Ref] = g
		m.byGroup[g.Ref] = m.resolve(g, byGitHub)
	}
}

func (m *importer) resolve(g fleet.CatalogGroup, byGitHub map[string]fleet.TeamName) resolved {
	name, given := m.b.Teams[g.Ref]
	if !given {
		name = byGitHub[strings.ToLower(g.GitHub)]
		if _, made := m.teams[name]; g.GitHub != "" && made {
			return resolved{team: name, made: true, org: ownerOf(g.GitHub)} // two groups, one GitHub team
		}
	}
	if plain := fleet.TeamName(strings.TrimPrefix(g.Ref, "group:default/")); name == "" {
		if _, hand := m.byHand(plain); hand { // whose name may hold a dot
			name = plain
		}
	}
	name = cmp.Or(name, groupName(g.Ref))
	if team, hand := m.byHand(name); hand {
		if !given {
			m.differs(g, team)
		}
		return resolved{team: name, org: ownerOf(team.GitHub)}
	}
	was, known := m.old.Teams[name]
	switch _, taken := m.teams[name]; {
	case !teamName.MatchString(string(name)):
		return resolved{why: fmt.Sprintf("%q is no name for a team; name one in fleet.ownership.backstage.teams", name)}
	case taken:
		return resolved{why: fmt.Sprintf("another group is team %q already; name one in fleet.ownership.backstage.teams", name)}
	case g.Doubt != "" && known:
		m.keep(g.Ref, g.Doubt)
		was.from = g.Ref
		m.teams[name] = was
		return resolved{team: name, made: true, org: ownerOf(was.GitHub)}
	case g.Doubt != "":
		return resolved{why: g.Doubt}
	case g.GitHub == "" && len(g.Members) == 0:
		return resolved{why: "it has neither the annotation github.com/team-slug nor members with github.com/user-login"}
	}
	t := importedTeam{GitHub: g.GitHub, Contact: g.Contact, from: g.Ref}
	if g.Title != string(name) {
		t.Title = g.Title
	}
	if g.GitHub == "" {
		t.Members = g.Members
	} else {
		byGitHub[strings.ToLower(g.GitHub)] = name
	}
	m.teams[name] = t
	return resolved{team: name, made: true, org: ownerOf(g.GitHub)}
}

// groupName is a group's name for the team: its own, with its namespace unless
// that is the default one. A namespace holds no dots, so that the name tells the
// group again; see catalog.Entities.
func groupName(ref string) fleet.TeamName {
	_, rest, _ := strings.Cut(ref, ":")
	namespace, name, _ := strings.Cut(rest, "/")
	if namespace != "default" || strings.Contains(name, ".") {
		name = namespace + "." + name
	}
	return fleet.TeamName(name)
}

func ownerOf(slug string) string {
	org, _, _ := strings.Cut(slug, "/")
	return org
}

// differs notes where a team that people declare is another on GitHub.
func (m *importer) differs(g fleet.CatalogGroup, team fleet.Team) {
	if g.Doubt == "" && g.GitHub != "" && !strings.EqualFold(g.GitHub, team.GitHub) {
		m.out.Differences = append(m.out.Differences, fleet.CatalogDifference{
			What: "team " + string(team.Name), Declared: "GitHub team " + cmp.Or(team.GitHub, "none"),
			Catalog: g.GitHub + ", by " + g.Ref, Pos: team.Pos,
		})
	}
}
