package declare

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // a time zone is known or not, wherever this runs

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
)

// loader makes a Config of evaluated values.
type loader struct {
	kinds    kind.Set
	config   *fleet.Config
	byID     map[fleet.ID]*fleet.Declaration
	json     map[fleet.ID]json.RawMessage
	settings bool // a "fleet" stands somewhere
	// badTeams are teams that stand in the config repo and are invalid.
	badTeams map[fleet.TeamName]fleet.Pos
}

func newLoader(kinds kind.Set) *loader {
	return &loader{
		kinds:    kinds,
		byID:     map[fleet.ID]*fleet.Declaration{},
		json:     map[fleet.ID]json.RawMessage{},
		badTeams: map[fleet.TeamName]fleet.Pos{},
		config: &fleet.Config{
			Settings:    fleet.Settings{Mode: fleet.Observe},
			Teams:       map[fleet.TeamName]fleet.Team{},
			BrokenTeams: map[fleet.TeamName]fleet.Problem{},
		},
	}
}

func (l *loader) take(values []value) {
	for _, v := range values {
		switch v.field {
		case "": // what only a file's loop knows to be there
			l.problems(v.problems)
			l.config.Unreadable = append(l.config.Unreadable, v.pos.File)
		case "fleet":
			l.fleet(v)
		case "teams":
			l.team(v)
		default:
			if k, ok := l.kinds.ByField(v.field); ok {
				l.declaration(k, v)
			}
		}
	}
}

// problems notes problems, and reports whether one is an error.
func (l *loader) problems(problems []fleet.Problem) bool {
	l.config.Problems = append(l.config.Problems, problems...)
	return fleet.HasErrors(problems)
}

func problem(code string, pos fleet.Pos, field, hint, format string, args ...any) fleet.Problem {
	return fleet.Problem{
		Severity: fleet.Error, Code: code, Pos: pos, Field: field,
		Message: fmt.Sprintf(format, args...), Hint: hint,
	}
}

var (
	declarationName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}[a-z0-9]$`)
	teamName        = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
)

func (l *loader) declaration(k kind.Kind, v value) {
	id := fleet.ID{Kind: k.Name, Name: v.name}
	d := &fleet.Declaration{ID: id, Pos: v.pos, End: v.end, Fields: v.fields, Owner: v.owner}
	if twin := l.byID[id]; twin != nil {
		return // reported by duplicates
	}
	l.byID[id] = d
	problems := v.problems
	if !declarationName.MatchString(v.name) || strings.Contains(v.name, "--") {
		problems = append(problems, problem("bad-name", v.pos, v.field+"."+v.name, "",
			`found name %q, expected 2 to 64 of a-z, 0-9 and single "-", no "-" at an end`, v.name))
	}
	if len(problems) == 0 {
		source := kind.Source{ID: id, Pos: v.pos, Fields: v.fields, JSON: v.json}
		decoded, more := k.Decode(source)
		d.Owner, d.Spec = decoded.Owner, decoded.Spec
		d.SpecHash, d.Hash = hash(k.Name, decoded.Effect), hash(k.Name, json.RawMessage(v.json))
		problems, l.json[id] = more, v.json
	}
	l.freeze(d, problems)
}

// freeze notes problems of a declaration; an error among them freezes it.
func (l *loader) freeze(d *fleet.Declaration, problems []fleet.Problem) {
	for i := range problems {
		problems[i].Declaration = d.ID.String()
	}
	if l.problems(problems) {
		d.Frozen = append(d.Frozen, problems...)
	}
}

// hash covers the JSON of a value of a kind, with sorted names, so that it does
// not depend on the order of a struct's fields.
func hash(kindName string, effect any) string {
	data, err := json.Marshal(effect)
	if err == nil {
		var tree any
		dec := json.NewDecoder(bytes.NewReader(data))
		dec.UseNumber()
		if err = dec.Decode(&tree); err == nil {
			data, err = json.Marshal(tree)
		}
	}
	if err != nil {
		panic(fmt.Sprintf("declare: effect of kind %s: %v", kindName, err))
	}
	sum := sha256.Sum256(append([]byte(kindName+"\n"), data...))
	return hex.EncodeToString(sum[:])[:16]
}

func (l *loader) team(v value) {
	name := fleet.TeamName(v.name)
	problems := v.problems
	if !teamName.MatchString(v.name) {
		problems = append(problems, problem("bad-name", v.pos, "teams."+v.name, "",
			`found name %q, expected at most 64 letters, digits, ".", "_" and "-"`, v.name))
	}
	var spec struct {
		Name, Title, GitHub, Contact, Timezone string
		Members                                []string
	}
	if v.json != nil {
		if err := json.Unmarshal(v.json, &spec); err != nil {
			problems = append(problems, problem("bad-value", v.pos, "teams."+v.name, "", "%v", err))
		}
	}
	if spec.Name != "" && spec.Name != v.name {
		problems = append(problems, problem("bad-value", v.at("name"), "teams."+v.name+".name", "leave it out",
			"found %q, expected %q", spec.Name, v.name))
	}
	if _, err := time.LoadLocation(spec.Timezone); err != nil || spec.Timezone == "Local" {
		problems = append(problems, problem("bad-value", v.at("timezone"), "teams."+v.name+".timezone",
			`for example "Europe/London"`, "unknown time zone %q", spec.Timezone))
	}
	if l.problems(problems) {
		l.badTeam(name, v.pos, problems)
	}
	l.config.Teams[name] = fleet.Team{
		Name: name, Pos: v.pos, Title: spec.Title, GitHub: spec.GitHub,
		Members: spec.Members, Contact: spec.Contact, Timezone: spec.Timezone,
	}
}

// badTeam notes a team that is declared and invalid.
func (l *loader) badTeam(name fleet.TeamName, pos fleet.Pos, problems []fleet.Problem) {
	l.badTeams[name] = pos
	l.config.BrokenTeams[name] = fleet.FirstError(problems)
}

// badSettings notes that the settings are declared and invalid.
func (l *loader) badSettings(pos fleet.Pos, problems []fleet.Problem) {
	l.config.Settings = fleet.Settings{
		Pos: pos, Mode: fleet.Observe, Invalid: &fleet.InvalidSettings{Problem: fleet.FirstError(problems)},
	}
}

// at is the position of a field of the value.
func (v value) at(field string) fleet.Pos {
	d := fleet.Declaration{Pos: v.pos, Fields: v.fields}
	return d.FieldPos(field)
}

func (l *loader) fleet(v value) {
	l.settings = true
	problems := v.problems
	s := fleet.Settings{Pos: v.pos, Mode: fleet.Observe}
	var spec struct {
		Org     string
		Repos   []fleet.RepoName
		Include []string
		Exclude []string
		Mode    fleet.Mode
		Limits  struct {
			OpenPerTeam int
			NewPerDay   int
			Removals    json.RawMessage
		}
	}
	if v.json != nil {
		if err := json.Unmarshal(v.json, &spec); err != nil {
			problems = append(problems, problem("bad-value", v.pos, "fleet", "", "%v", err))
		}
		if (spec.Org == "") == (len(spec.Repos) == 0) {
			problems = append(problems, problem("missing-field", v.pos, "fleet", `for example org: "acme"`,
				`expected either "org" or "repos"`))
		}
		problems = append(problems, v.globs("include", spec.Include)...)
		problems = append(problems, v.globs("exclude", spec.Exclude)...)
	}
	if l.problems(problems) || l.config.Settings.Pos.File != "" { // a second one: see duplicates
		l.badSettings(v.pos, problems)
		return
	}
	s.Org, s.Repos, s.Include, s.Exclude = spec.Org, spec.Repos, spec.Include, spec.Exclude
	if spec.Mode != "" {
		s.Mode = spec.Mode
	}
	s.Limits = fleet.Limits{
		OpenPerTeam: spec.Limits.OpenPerTeam, NewPerDay: spec.Limits.NewPerDay,
		Removals: share(spec.Limits.Removals),
	}
	l.config.Settings = s
}

// share reads what passed the schema; 5% if nothing was written.
func share(data json.RawMessage) fleet.Share {
	s, err := fleet.ParseShare(strings.Trim(string(data), `"`))
	if err != nil {
		return fleet.Share{Number: 5, Percent: true}
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
func (l *loader) file(f *file) {
	l.problems(f.problems)
	if f.partial {
		l.config.Unreadable = append(l.config.Unreadable, f.path)
	}
	if !f.broken {
		return
	}
	l.config.Broken = append(l.config.Broken, f.path)
	for _, e := range f.entries {
		v := value{field: e.field, name: e.name, pos: e.pos, end: e.end, owner: e.owner(), problems: slices.Clone(f.problems)}
		switch {
		case e.field == "fleet":
			l.settings = true
			l.badSettings(e.pos, f.problems)
		case e.field == "teams":
			l.badTeam(fleet.TeamName(e.name), e.pos, f.problems)
			l.config.Teams[fleet.TeamName(e.name)] = fleet.Team{Name: fleet.TeamName(e.name), Pos: e.pos}
		default:
			l.broken(v)
		}
	}
}

// broken notes a declaration of a file that could not be evaluated. The
// problems are the file's and are listed there.
func (l *loader) broken(v value) {
	k, ok := l.kinds.ByField(v.field)
	id := fleet.ID{Kind: k.Name, Name: v.name}
	if ok && l.byID[id] == nil {
		l.byID[id] = &fleet.Declaration{ID: id, Pos: v.pos, End: v.end, Owner: v.owner, Frozen: v.problems}
	}
}
