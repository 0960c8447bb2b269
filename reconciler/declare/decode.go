package declare

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // a time zone is known or not, wherever this runs

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
)

// builder makes a Config of evaluated values.
type builder struct {
	kinds    kind.Set
	config   *fleet.Config
	byID     map[fleet.ID]*declared
	all      []*declared // those of byID; sorted once they are all there
	settings bool        // a "fleet" stands somewhere
	// badTeams are teams that stand in the config repo and are invalid.
	badTeams map[fleet.TeamName]fleet.Pos
	// invalid are the declarations that own a repo, by its name in lower case,
	// as far as their text tells, and are invalid by themselves.
	invalid map[string][]*fleet.Declaration
	// teams are the others, as they are written.
	teams map[fleet.TeamName]*value
	// settingsFields are where the fields of the settings stand.
	settingsFields map[string]fleet.Pos
	// bench holds the policies in force.
	bench *bench
}

// declared is a declaration and, if it was evaluated, its value.
type declared struct {
	*fleet.Declaration
	value *value
}

func newBuilder(kinds kind.Set, size int) *builder {
	return &builder{
		kinds:    kinds,
		byID:     make(map[fleet.ID]*declared, size),
		all:      make([]*declared, 0, size),
		badTeams: map[fleet.TeamName]fleet.Pos{},
		invalid:  map[string][]*fleet.Declaration{},
		teams:    map[fleet.TeamName]*value{},
		config: &fleet.Config{
			Settings:    fleet.Settings{Mode: fleet.Observe},
			Teams:       map[fleet.TeamName]fleet.Team{},
			BrokenTeams: map[fleet.TeamName]fleet.Problem{},
		},
	}
}

func (b *builder) take(values []*value) {
	for _, v := range values {
		switch v.field {
		case "": // what only a file's loop knows to be there
			b.problems(v.problems)
			b.config.Unreadable = append(b.config.Unreadable, v.pos.File)
		case "fleet":
			b.fleet(*v)
		case "teams":
			if b.team(*v) {
				b.teams[fleet.TeamName(v.name)] = v
			}
		default:
			if k, ok := b.kinds.ByField(v.field); ok {
				b.declaration(k, v)
			}
		}
	}
}

// add takes a declaration that is not there yet.
func (b *builder) add(d *declared) {
	b.byID[d.ID] = d
	b.all = append(b.all, d)
}

// sort sorts all declarations. Those of one kind mostly stand in order already.
func (b *builder) sort() {
	byKind := map[string][]*declared{}
	for _, d := range b.all {
		byKind[d.ID.Kind] = append(byKind[d.ID.Kind], d)
	}
	b.all = b.all[:0]
	for _, name := range slices.Sorted(maps.Keys(byKind)) {
		slices.SortFunc(byKind[name], func(a, b *declared) int { return strings.Compare(a.ID.Name, b.ID.Name) })
		b.all = append(b.all, byKind[name]...)
	}
}

// problems notes problems, and reports whether one is an error.
func (b *builder) problems(problems []fleet.Problem) bool {
	b.config.Problems = append(b.config.Problems, problems...)
	return fleet.HasErrors(problems)
}

func problem(code string, pos fleet.Pos, field, hint, format string, args ...any) fleet.Problem {
	return fleet.Problem{
		Severity: fleet.Error, Code: code, Pos: pos, Field: field,
		Message: fmt.Sprintf(format, args...), Hint: hint,
	}
}

func (b *builder) declaration(k kind.Kind, v *value) {
	id := fleet.ID{Kind: k.Name, Name: v.name}
	if twin := b.byID[id]; twin != nil {
		return // reported by duplicates
	}
	d := &fleet.Declaration{
		ID: id, Pos: v.pos, End: v.end, Owner: v.owner,
		Owns: v.owns, Within: v.within, Default: v.defaults, Loan: v.loan, Cluster: v.cluster, Kept: v.kept,
		Refs: v.refs, Writes: v.writes, Fields: v.fields, Hash: v.hash, Acknowledged: v.acknowledged,
	}
	b.add(&declared{d, v})
	b.freeze(d, v.problems)
	if len(d.Frozen) > 0 && d.Owns != "" { // it owns nothing; see checkRest
		key := strings.ToLower(string(d.Owns))
		b.invalid[key] = append(b.invalid[key], d)
		d.Owns = ""
	}
}

// freeze notes problems of a declaration; an error among them freezes it.
func (b *builder) freeze(d *fleet.Declaration, problems []fleet.Problem) {
	if len(problems) == 0 {
		return
	}
	problems = slices.Clone(problems)
	for i := range problems {
		problems[i].Declaration = d.ID.String()
	}
	if b.problems(problems) {
		d.Frozen = append(d.Frozen, problems...)
	}
}

// team takes a team, and reports whether it is valid.
func (b *builder) team(v value) (valid bool) {
	name := fleet.TeamName(v.name)
	problems := v.problems
	if !teamName.MatchString(v.name) {
		problems = append(problems, problem("bad-name", v.pos, "teams."+v.name, "",
			`found name %q, expected at most 64 letters, digits, ".", "_" and "-"`, v.name))
	}
	var spec struct {
		Name, Title, GitHub, Contact, Timezone, OnCall string
		Parent                                         fleet.TeamName
		Members                                        []string
	}
	if v.json != nil {
		if err := json.Unmarshal(v.json, &spec); err != nil {
			problems = append(problems, problem("bad-value", v.pos, "teams."+v.name, "", "%v", err))
		}
	}
	if spec.Name != "" && spec.Name != v.name && !v.wrong("name") {
		problems = append(problems, problem("bad-value", v.at("name"), "teams."+v.name+".name", "leave it out",
			"found %q, expected %q", spec.Name, v.name))
	}
	if _, err := time.LoadLocation(spec.Timezone); (err != nil || spec.Timezone == "Local") && !v.wrong("timezone") {
		problems = append(problems, problem("bad-value", v.at("timezone"), "teams."+v.name+".timezone",
			`for example "Europe/London"`, "unknown time zone %q", spec.Timezone))
	}
	problems = append(problems, v.members(spec.Members)...)
	if valid = !b.problems(problems); !valid {
		b.badTeam(name, v.pos, problems)
	}
	team := fleet.Team{Name: name, Pos: v.pos}
	if len(v.problems) == 0 { // else some of it nobody wrote
		team.Title, team.GitHub, team.Members = spec.Title, spec.GitHub, spec.Members
		team.Contact, team.Timezone, team.Parent, team.OnCall = spec.Contact, spec.Timezone, spec.Parent, spec.OnCall
	}
	b.config.Teams[name] = team
	return valid
}

// members warns of a person who is named twice.
func (v value) members(all []string) []fleet.Problem {
	var problems []fleet.Problem
	seen := map[string]bool{}
	for i, m := range all {
		name := strings.ToLower(m)
		field := fmt.Sprintf("members[%d]", i)
		if seen[name] && !v.wrong(field) {
			p := problem("named-twice", v.at(field), v.field+"."+v.name+"."+field, "leave it out", "%q is named twice", m)
			p.Severity = fleet.Warning
			problems = append(problems, p)
		}
		seen[name] = true
	}
	return problems
}

// wrong reports whether a field of the value has a problem already.
func (v value) wrong(field string) bool {
	at := v.field + "."
	if v.name != "" {
		at += v.name + "."
	}
	return slices.ContainsFunc(v.problems, func(p fleet.Problem) bool { return below(p.Field, at+field) })
}

// badTeam notes a team that is declared and invalid.
func (b *builder) badTeam(name fleet.TeamName, pos fleet.Pos, problems []fleet.Problem) {
	b.badTeams[name] = pos
	b.config.BrokenTeams[name] = fleet.FirstError(problems)
}

// badSettings notes that the settings are declared and invalid.
func (b *builder) badSettings(pos fleet.Pos, problems []fleet.Problem) {
	b.config.Settings = fleet.Settings{
		Pos: pos, Mode: fleet.Observe, Invalid: &fleet.InvalidSettings{Problem: fleet.FirstError(problems)},
	}
}

// at is the position of a field of the value.
func (v value) at(field string) fleet.Pos {
	d := fleet.Declaration{Pos: v.pos, Fields: v.fields}
	if v.packed != "" {
		d.Fields = (&decoder{s: v.packed}).fields(v.pos.File)
	}
	return d.FieldPos(field)
}

func (b *builder) fleet(v value) {
	b.settings = true
	problems := v.problems
	s := fleet.Settings{Pos: v.pos, Mode: fleet.Observe}
	var spec struct {
		Org     string
		Repos   []fleet.RepoName
		Include []string
		Exclude []string
		Mode    fleet.Mode
		Limits  struct {
			OpenPerTeam    int
			NewPerDay      int
			UpdatesPerHour *int
			Removals       json.RawMessage
		}
		Policies  map[string]fleet.PolicySetting
		Ownership struct {
			Backstage *backstageSpec
			OnDrift   fleet.Drift
		}
		Loans struct {
			NoticeDays *int
		}
		Prometheus json.RawMessage
	}
	if v.json != nil {
		if err := json.Unmarshal(v.json, &spec); err != nil {
			problems = append(problems, problem("bad-value", v.pos, "fleet", "", "%v", err))
		}
		if (spec.Org == "") == (len(spec.Repos) == 0) && !v.wrong("org") && !v.wrong("repos") {
			problems = append(problems, problem("missing-field", v.pos, "fleet", `for example org: "acme"`,
				`expected either "org" or "repos"`))
		}
		problems = append(problems, v.globs("include", spec.Include)...)
		problems = append(problems, v.globs("exclude", spec.Exclude)...)
		problems = append(problems, spec.Ownership.Backstage.check(v)...)
	}
	if b.problems(problems) || b.config.Settings.Pos.File != "" { // a second one: see duplicates
		b.badSettings(v.pos, problems)
		return
	}
	s.Org, s.Repos, s.Include, s.Exclude = spec.Org, spec.Repos, spec.Include, spec.Exclude
	if spec.Mode != "" {
		s.Mode = spec.Mode
	}
	s.Limits = fleet.Limits{
		OpenPerTeam: spec.Limits.OpenPerTeam, NewPerDay: spec.Limits.NewPerDay,
		UpdatesPerHour: 20, Removals: share(spec.Limits.Removals, 5),
	}
	if spec.Limits.UpdatesPerHour != nil {
		s.Limits.UpdatesPerHour = *spec.Limits.UpdatesPerHour
	}
	s.Policies, s.Backstage, b.settingsFields = spec.Policies, spec.Ownership.Backstage.settings(v), v.fields
	s.OnDrift, s.Prometheus = spec.Ownership.OnDrift, string(spec.Prometheus)
	if s.LoanNotice = 7; spec.Loans.NoticeDays != nil {
		s.LoanNotice = *spec.Loans.NoticeDays
	}
	b.config.Settings = s
}

// share reads what passed the schema; so many percent if nothing was written.
func share(data json.RawMessage, percent int) fleet.Share {
	s, err := fleet.ParseShare(strings.Trim(string(data), `"`))
	if err != nil {
		return fleet.Share{Number: percent, Percent: true}
	}
	return s
}

// globs checks globs on repos' names.
func (v value) globs(field string, globs []string) []fleet.Problem {
	var problems []fleet.Problem
	for i, g := range globs {
		if !validGlob(g) {
			at := fmt.Sprintf("%s[%d]", field, i)
			problems = append(problems, problem("bad-value", v.at(at), "fleet."+at, "", "glob %q can't be read", g))
		}
	}
	return problems
}

// file takes what a file says besides its values.
func (b *builder) file(m *member) {
	problems := slices.Clone(m.problems)
	for _, k := range m.marks {
		problems = append(problems, k.problems...)
	}
	b.problems(problems)
	if m.partial {
		b.config.Unreadable = append(b.config.Unreadable, m.path)
	}
	if !m.broken {
		return
	}
	b.config.Broken = append(b.config.Broken, m.path)
	for _, e := range m.entries {
		switch e.field {
		case "fleet":
			b.settings = true
			b.badSettings(e.pos, problems)
		case "teams":
			b.badTeam(fleet.TeamName(e.name), e.pos, problems)
			b.config.Teams[fleet.TeamName(e.name)] = fleet.Team{Name: fleet.TeamName(e.name), Pos: e.pos}
		default:
			b.broken(e, problems)
		}
	}
}

// broken notes a declaration of a file that could not be evaluated. The
// problems are the file's and are listed there.
func (b *builder) broken(e spot, problems []fleet.Problem) {
	k, ok := b.kinds.ByField(e.field)
	id := fleet.ID{Kind: k.Name, Name: e.name}
	if ok && b.byID[id] == nil {
		b.add(&declared{&fleet.Declaration{ID: id, Pos: e.pos, End: e.end, Owner: e.owner, Frozen: slices.Clip(problems)}, nil})
	}
}
