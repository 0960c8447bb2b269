package declare

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"cuelang.org/go/cue/literal"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// Adoption is what a fleet has already, as declarations.
type Adoption struct {
	// Edits are new files of the config repo, those of teams first: in this
	// order no declaration ever stands there before its teams.
	Edits []transform.Edit
	// Made are the declarations in them, sorted by repo, and Teams the teams.
	Made  []AdoptedDeclaration
	Teams []fleet.TeamName
	// Remarks are what is not declared, and why, sorted by repo.
	Remarks []AdoptedRemark
}

// AdoptedDeclaration is a declaration for a repo.
type AdoptedDeclaration struct {
	ID    fleet.ID
	Repo  fleet.RepoName
	File  fleet.Path // of the config repo
	Owner fleet.TeamName
	Paths int // how many patterns have owners of their own
}

// AdoptedRemark is a remark on a repo; see kind.Remark.
type AdoptedRemark struct {
	Repo fleet.RepoName
	kind.Remark
}

// Adopt writes declarations for what repos have already, one in a file of its
// own for each repo that no remark bars, and the teams that they need and Config
// has not. It writes over nothing that stands in files. The same input gives the
// same bytes.
//
// Where nobody owns a repo the declaration acknowledges that, until a year after
// today.
func Adopt(config *fleet.Config, files fs.FS, found []kind.Adopted, today time.Time) (*Adoption, error) {
	a := &adopter{
		config: config, files: files, until: today.UTC().AddDate(1, 0, -1).Format(time.DateOnly), out: &Adoption{},
		byHandle: map[string]fleet.TeamName{}, taken: map[fleet.TeamName]bool{}, names: map[string]bool{},
	}
	a.known()
	for _, repo := range found {
		for _, r := range repo.Remarks {
			a.remark(repo.Repo, r)
		}
		if repo.Barred() {
			continue
		}
		if why := a.declare(repo); why != "" {
			a.remark(repo.Repo, kind.Remark{Place: kind.Place{File: repo.File}, Why: why, Bars: true})
		}
	}
	slices.SortStableFunc(a.out.Remarks, func(x, y AdoptedRemark) int {
		return cmp.Or(cmp.Compare(x.Repo, y.Repo), cmp.Compare(x.File, y.File), cmp.Compare(x.Line, y.Line))
	})
	made := a.out.Edits
	a.out.Edits = nil
	for _, handle := range slices.SortedFunc(maps.Keys(a.needed), func(x, y string) int { return cmp.Compare(a.needed[x], a.needed[y]) }) {
		if err := a.team(a.needed[handle], handle); err != nil {
			return nil, err
		}
	}
	a.out.Edits = append(a.out.Edits, made...)
	return a.out, nil
}

type adopter struct {
	config *fleet.Config
	files  fs.FS
	until  string
	out    *Adoption

	byHandle map[string]fleet.TeamName // by kind.HandleKey
	needed   map[string]fleet.TeamName // those that are new, by handle as it was met first
	taken    map[fleet.TeamName]bool
	names    map[string]bool // of declarations
}

func (a *adopter) remark(repo fleet.RepoName, r kind.Remark) {
	a.out.Remarks = append(a.out.Remarks, AdoptedRemark{repo, r})
}

// known notes what is declared: teams by how CODEOWNERS names them, a user as the
// team of which it is the only member.
func (a *adopter) known() {
	a.needed = map[string]fleet.TeamName{}
	for name := range a.config.BrokenTeams {
		a.taken[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(a.config.Teams)) {
		team := a.config.Teams[name]
		a.taken[name] = true
		handle := team.GitHub
		if handle == "" && len(team.Members) == 1 {
			handle = team.Members[0]
		}
		if key := kind.HandleKey(handle); key != "" && a.byHandle[key] == "" {
			a.byHandle[key] = name
		}
	}
	for _, d := range a.config.Declarations {
		if d.ID.Kind == "ownership" {
			a.names[d.ID.Name] = true
		}
	}
}

// named is the team of an owner; a new one is called as on the forge, a user's by
// the login.
func (a *adopter) named(owner string) fleet.TeamName {
	key := kind.HandleKey(owner)
	if name, ok := a.byHandle[key]; ok {
		return name
	}
	org, slug, isTeam := strings.Cut(key, "/")
	if !isTeam {
		org, slug = "user", key
	}
	free := func(name string) bool {
		return teamName.MatchString(name) && !a.taken[fleet.TeamName(name)] && !a.exists(teamFile(name))
	}
	name := slug
	if !free(name) {
		name = org + "-" + slug
	}
	if !free(name) {
		name = "team-" + digest(key)
	}
	a.byHandle[key], a.taken[fleet.TeamName(name)] = fleet.TeamName(name), true
	a.needed[strings.TrimPrefix(owner, "@")] = fleet.TeamName(name)
	return fleet.TeamName(name)
}

func teamFile(name string) fleet.Path { return fleet.Path("teams/" + name + ".cue") }

func (a *adopter) exists(p fleet.Path) bool {
	_, err := fs.Lstat(a.files, string(p))
	return err == nil
}

// nameFor names the declaration of a repo after it, where that is free, and its
// file.
func (a *adopter) nameFor(repo fleet.RepoName) (string, fleet.Path) {
	short, full := nameFrom(repo.Short()), nameFrom(string(repo))
	for _, name := range []string{short, full, digestName(full, repoKey(repo))} {
		file := fleet.Path("ownership/" + name + ".cue")
		if declarationName.MatchString(name) && !a.names[name] && !a.exists(file) {
			a.names[name] = true
			return name, file
		}
	}
	return "", ""
}

// declare writes the declaration of one repo, or says why it can't.
func (a *adopter) declare(repo kind.Adopted) string {
	as, file := a.nameFor(repo.Repo)
	if as == "" {
		return "the names that its declaration could have are taken"
	}
	owners := repo.Owners
	if len(owners) == 0 {
		owners = []string{repo.Answers}
	}
	owner := a.named(owners[0])
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("ownership: %s: {", Label(as))
	line("%s\n%s", field("repo", string(repo.Repo)), field("owner", string(owner)))
	if len(repo.Owners) == 0 {
		line("unowned: true")
		a.remark(repo.Repo, kind.Remark{Place: kind.Place{File: repo.File}, Why: fmt.Sprintf("no line gives all of the repo an owner: declared as unowned, for which %s answers until somebody says otherwise", owner)})
	} else if len(owners) > 1 {
		line("coOwners: %s", a.list(owners[1:]))
	}
	if len(repo.Paths) > 0 {
		line("paths: {")
		for _, p := range repo.Paths {
			line("%s: %s", literal.String.Quote(p.Pattern), a.entry(p))
		}
		line("}")
	}
	line("keep: true")
	if repo.Catalog != "" {
		line("catalog: %s", a.catalog(repo, owner))
	}
	if len(repo.Owners) == 0 {
		line("acknowledge: \"ownership-unowned-root\": {%s, %s}", field("reason", "As its CODEOWNERS said when it was adopted."), field("until", a.until))
	}
	line("}")
	text, err := a.file(file, fmt.Sprintf("Adopted from %s of %s.", repo.File, repo.Repo), b.String())
	if err != nil {
		return err.Error()
	}
	a.out.Edits = append(a.out.Edits, text)
	a.out.Made = append(a.out.Made, AdoptedDeclaration{
		ID: fleet.ID{Kind: "ownership", Name: as}, Repo: repo.Repo, File: file, Owner: owner, Paths: len(repo.Paths),
	})
	return ""
}

// entry is who owns a pattern.
func (a *adopter) entry(p kind.AdoptedPath) string {
	var fields []string
	if len(p.Owners) == 0 {
		fields = append(fields, "unowned: true")
	} else {
		fields = append(fields, field("owner", string(a.named(p.Owners[0]))))
	}
	if len(p.Owners) > 1 {
		fields = append(fields, "coOwners: "+a.list(p.Owners[1:]))
	}
	if p.Rank != 0 {
		fields = append(fields, fmt.Sprintf("rank: %d", p.Rank))
	}
	if len(fields) == 1 {
		return fields[0]
	}
	return "{" + strings.Join(fields, ", ") + "}"
}

func (a *adopter) list(owners []string) string {
	var all []string
	for _, o := range owners {
		all = append(all, literal.String.Quote(string(a.named(o))))
	}
	return "[" + strings.Join(all, ", ") + "]"
}

// catalog is the field that keeps the catalog's owner as it is; where that is
// somebody else than CODEOWNERS says, that is told.
func (a *adopter) catalog(repo kind.Adopted, owner fleet.TeamName) string {
	called := repo.Catalog[strings.LastIndexAny(repo.Catalog, ":/")+1:]
	same := false
	for _, o := range repo.Owners {
		key := kind.HandleKey(o)
		same = same || strings.EqualFold(called, key[strings.LastIndex(key, "/")+1:]) || strings.EqualFold(called, string(a.named(o)))
	}
	if !same {
		by := "nobody"
		if len(repo.Owners) > 0 {
			by = string(owner)
		}
		a.remark(repo.Repo, kind.Remark{Place: repo.CatalogAt, Why: fmt.Sprintf("the catalog calls the owner %q, and by CODEOWNERS it is %s; both are declared as they are", repo.Catalog, by)})
	}
	if repo.Catalog == string(owner) {
		return "{}"
	}
	return field("owner", repo.Catalog)
}

// team writes a team.
func (a *adopter) team(as fleet.TeamName, handle string) error {
	text := fmt.Sprintf("teams: %s: %s\n", Label(string(as)), field("github", handle))
	if !strings.Contains(handle, "/") {
		text = fmt.Sprintf("teams: %s: {members: [%s], %s}\n", Label(string(as)), literal.String.Quote(handle), field("contact", handle+" on GitHub"))
	}
	edit, err := a.file(teamFile(string(as)), "", text)
	if err != nil {
		return err
	}
	a.out.Edits = append(a.out.Edits, edit)
	a.out.Teams = append(a.out.Teams, as)
	return nil
}

// file is a file of the config repo, formatted.
func (a *adopter) file(p fleet.Path, why, text string) (transform.Edit, error) {
	var b strings.Builder
	comment(&b, why)
	b.WriteString("package " + packageName + "\n\n" + text)
	data, problems := Format(string(p), []byte(b.String()))
	if len(problems) > 0 {
		return transform.Edit{}, fmt.Errorf("what would be written is no CUE: %s", problems[0])
	}
	return transform.Edit{Path: p, Content: data}, nil
}
