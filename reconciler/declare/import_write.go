package declare

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/literal"
	"cuelang.org/go/cue/parser"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

var notName = regexp.MustCompile(`[^a-z0-9]+`)

// name names the declarations: after the repo, as far as that is a name, and
// told apart from others by a digest of the repo's full name.
func (m *importer) name() {
	m.names = map[string]string{}
	taken := map[string]bool{}
	for _, d := range m.Config.Declarations {
		if d.ID.Kind == "ownership" && d.Pos.File != fleet.ImportFile {
			taken[d.ID.Name] = true
		}
	}
	for _, key := range slices.Sorted(maps.Keys(m.repos)) {
		name := nameFrom(m.repos[key].Repo.Short())
		if !declarationName.MatchString(name) || taken[name] {
			name = digestName(name, key)
		}
		taken[name], m.names[key] = true, name
	}
}

// nameFrom is a text as far as it can stand in a declaration's name.
func nameFrom(text string) string {
	return strings.Trim(notName.ReplaceAllString(strings.ToLower(text), "-"), "-")
}

// digestName is a plain name, told apart from others by a digest of what it is
// the name of.
func digestName(plain, of string) string {
	return strings.TrimPrefix(strings.Trim(fmt.Sprintf("%.50s", plain), "-")+"-"+digest(of), "-")
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:4])
}

// perBlock is how many declarations stand in one struct: CUE takes quadratic
// time for more.
const perBlock = 2000

// write writes the file.
func (m *importer) write() {
	m.name()
	var b strings.Builder
	comment(&b, "Made by Portreeve from Backstage's catalog at")
	comment(&b, m.b.URL)
	comment(&b, "Edits are overwritten: change the catalog, or declare a repo or a team in another file, which wins.")
	b.WriteString("package " + packageName + "\n")
	var teams, repos []string
	for _, n := range slices.Sorted(maps.Keys(m.teams)) {
		teams = append(teams, m.teams[n].text(string(n)))
	}
	byName := map[string]*importedRepo{}
	for key, n := range m.names {
		byName[n] = m.repos[key]
	}
	for _, n := range slices.Sorted(maps.Keys(byName)) {
		repos = append(repos, byName[n].text(n))
	}
	for _, group := range []struct {
		field   string
		entries []string
	}{{"teams", teams}, {"ownership", repos}} {
		for block := range slices.Chunk(group.entries, perBlock) {
			fmt.Fprintf(&b, "\n%s: {\n%s}\n", group.field, strings.Join(block, "\n"))
		}
	}
	if len(m.teams)+len(m.repos) == 0 && m.Config.Imported == nil {
		return
	}
	if m.out.Content = []byte(b.String()); len(m.out.Content) > maxBytes {
		m.out.Refused = fmt.Sprintf("the file would be larger than %d MiB; narrow the components with filter", maxBytes>>20)
	}
}

// importLine is a declaration on one line, formatted as CUE would, below a comment
// that says where it comes from.
func importLine(from, as string, fields ...string) string {
	var b strings.Builder
	comment(&b, from)
	lines := strings.ReplaceAll(b.String(), "// ", "\t// ")
	return fmt.Sprintf("%s\t%s: {%s}\n", lines, Label(as), strings.Join(fields, ", "))
}

func field(name, text string) string { return name + ": " + literal.String.Quote(text) }

func (t importedTeam) text(as string) string {
	var fields []string
	for _, f := range []struct{ name, value string }{{"title", t.Title}, {"github", t.GitHub}, {"contact", t.Contact}, {"parent", string(t.Parent)}} {
		if f.value != "" {
			fields = append(fields, field(f.name, f.value))
		}
	}
	if len(t.Members) > 0 {
		var quoted []string
		for _, login := range t.Members {
			quoted = append(quoted, literal.String.Quote(login))
		}
		fields = append(fields, "members: ["+strings.Join(quoted, ", ")+"]")
	}
	return importLine(t.from, as, fields...)
}

func (r *importedRepo) text(as string) string {
	fields := []string{field("repo", string(r.Repo)), field("owner", string(r.Owner))}
	if len(r.Paths) > 0 {
		var paths []string
		for _, pattern := range slices.Sorted(maps.Keys(r.Paths)) {
			paths = append(paths, literal.String.Quote(pattern)+": "+field("owner", string(r.Paths[pattern].Owner)))
		}
		fields = append(fields, "paths: {"+strings.Join(paths, ", ")+"}")
	}
	return importLine(strings.Join(r.from, ", "), as, fields...)
}

// readImported reads the file as it is committed. What of it is not plain data
// is not there.
func readImported(data []byte) imported {
	old := imported{Teams: map[fleet.TeamName]importedTeam{}, Ownership: map[string]*importedRepo{}}
	tree, err := parser.ParseFile(fleet.ImportFile, data)
	if err != nil {
		return old
	}
	for _, d := range tree.Decls {
		field, ok := d.(*ast.Field)
		if !ok {
			continue
		}
		text := appendJSON(nil, field.Value)
		var part imported
		switch labelName(field.Label) {
		case "teams":
			if json.Unmarshal(text, &part.Teams) == nil {
				maps.Copy(old.Teams, part.Teams)
			}
		case "ownership":
			if json.Unmarshal(text, &part.Ownership) == nil {
				maps.DeleteFunc(part.Ownership, func(_ string, r *importedRepo) bool { return r == nil })
				maps.Copy(old.Ownership, part.Ownership)
			}
		}
	}
	return old
}
