package ownership

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// Catalog is what a Backstage catalog reads of the repo.
type Catalog struct {
	File        fleet.Path        `json:"file,omitempty"`
	Name        string            `json:"name,omitempty"`
	Owner       string            `json:"owner,omitempty"`
	System      string            `json:"system,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
	Create      bool              `json:"create,omitempty"`
	Type        string            `json:"type,omitempty"`
	Lifecycle   string            `json:"lifecycle,omitempty"`
}

// catalogFile is where a catalog looks.
const catalogFile = "catalog-info.yaml"

func (c *Catalog) file() fleet.Path {
	if c.File != "" {
		return c.File
	}
	return catalogFile
}

func describes(d *fleet.Declaration) fleet.Path {
	if s, ok := d.Spec.(*Spec); ok && s.Catalog != nil {
		return s.Catalog.file()
	}
	return ""
}

// claim is what no second declaration may keep.
func (c *Catalog) claim(repo fleet.RepoName) string {
	what := string(c.file())
	if c.Name != "" {
		what = "component " + c.Name + " of " + what
	}
	return what + " in " + strings.ToLower(string(repo))
}

var (
	// catalogPath is a file without characters that a glob gives a meaning.
	catalogPath = regexp.MustCompile(`^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*\.ya?ml$`)
	// entityName, entityRef and annotationKey are as Backstage has them.
	entityName    = regexp.MustCompile(`^[A-Za-z0-9]+([-_.][A-Za-z0-9]+)*$`)
	entityRef     = regexp.MustCompile(`^([A-Za-z]+:)?([a-z0-9]+(-[a-z0-9]+)*/)?[A-Za-z0-9]+([-_.][A-Za-z0-9]+)*$`)
	annotationKey = regexp.MustCompile(`^([a-z0-9]+([-.][a-z0-9]+)*/)?[A-Za-z0-9]+([-_.][A-Za-z0-9]+)*$`)
)

const maxEntityName = 63

func (m member) decodeCatalog(s *Spec, source kind.Source) []fleet.Problem {
	c := s.Catalog
	if c == nil {
		return nil
	}
	var problems []fleet.Problem
	report := func(field, hint, format string, args ...any) {
		problems = append(problems, source.Problem(self, "bad-value", field, hint, format, args...))
	}
	if f := c.file(); !catalogPath.MatchString(string(f)) || path.Clean(string(f)) != string(f) || strings.HasPrefix(string(f), "../") {
		report("catalog.file", `for example "web/catalog-info.yaml"`, "found %q, expected the path of a YAML file, of letters, digits, \".\", \"_\" and \"-\"", f)
	}
	name := func(field, value string, form *regexp.Regexp, what string) {
		if value != "" && (!form.MatchString(value) || len(value) > maxEntityName) {
			report("catalog."+field, "", "found %q, expected %s, at most %d characters", value, what, maxEntityName)
		}
	}
	name("name", c.Name, entityName, `letters and digits, separated by single "-", "_" or "."`)
	name("system", c.System, entityRef, `a name, or [kind:][namespace/]name`)
	if c.Owner == "" {
		if team := string(s.Owner); team != "" && (!entityName.MatchString(team) || len(team) > maxEntityName) {
			report("catalog", "give catalog.owner", "a catalog can't have an owner named %q", team)
		}
	}
	name("owner", c.Owner, entityRef, `a name, or [kind:][namespace/]name`)
	name("type", c.Type, entityName, "one word")
	name("lifecycle", c.Lifecycle, entityName, "one word")
	if s.Default != nil && (c.Name != "" || c.System != "") {
		report("catalog", "leave them out", "name and system are those of one repo, and default is about many")
	}
	for _, key := range slices.Sorted(maps.Keys(c.Annotations)) {
		if !annotationKey.MatchString(key) {
			report("catalog.annotations", "", "found annotation %q, expected letters and digits, separated by \"-\", \"_\" or \".\", with a domain and \"/\" before it", key)
		}
	}
	if problems != nil {
		return problems
	}
	var err error
	if s.catalog, err = m.catalogStep(s); err != nil {
		return []fleet.Problem{source.Problem(self, "bad-value", "catalog", "", "%s", err)}
	}
	return nil
}

// catalogStep keeps what is declared in the components of a file.
func (m member) catalogStep(s *Spec) (transform.Step, error) {
	document := map[string]any{"kind": "Component"}
	if s.Catalog.Name != "" {
		document["metadata.name"] = s.Catalog.Name
	}
	set := []map[string]any{{"at": "spec.owner", "value": s.entityOwner()}}
	if s.Catalog.System != "" {
		set = append(set, map[string]any{"at": "spec.system", "value": s.Catalog.System})
	}
	for _, key := range slices.Sorted(maps.Keys(s.Catalog.Annotations)) {
		set = append(set, map[string]any{"at": "metadata.annotations[" + strconv.Quote(key) + "]", "value": s.Catalog.Annotations[key]})
	}
	return m.transforms.Step("yaml", map[string]any{"paths": []fleet.Path{s.Catalog.file()}, "document": document, "set": set})
}

func (s *Spec) entityOwner() string {
	if s.Catalog.Owner != "" {
		return s.Catalog.Owner
	}
	return string(s.Owner)
}

// catalogs are the edits of the catalog's files, and what they do. A file that
// can't be edited keeps nothing else from being done, and is told.
func (m member) catalogs(p *kind.Pass, owning *Spec) (edits []transform.Edit, what []string, err error) {
	specs := []*Spec{owning}
	for _, d := range kind.Parts(p.Config, p.Repo.Name) {
		if s, ok := d.Spec.(*Spec); ok {
			specs = append(specs, s)
		}
	}
	specs = slices.DeleteFunc(specs, func(s *Spec) bool { return s.Catalog == nil })
	// One that names its component says more than one that is about all.
	slices.SortStableFunc(specs, func(a, b *Spec) int { return strings.Compare(a.Catalog.Name, b.Catalog.Name) })
	var unread transform.Questions
	for _, s := range specs {
		made, does, err := s.editCatalog(transform.Overlay(p.Tree, edits), p.Repo.Name)
		switch {
		case unread.Ask(err):
		case err != nil:
			what = append(what, fmt.Sprintf("%s stays as it is: %s", s.Catalog.file(), err))
		case len(made) > 0:
			edits, what = transform.Merge(edits, made), append(what, does)
		}
	}
	return edits, what, unread.Err()
}

// editCatalog is the edits of one declaration, and what they do.
func (s *Spec) editCatalog(tree fs.FS, repo fleet.RepoName) ([]transform.Edit, string, error) {
	file := s.Catalog.file()
	entry, err := transform.Lookup(tree, file)
	if err != nil {
		return nil, "", err
	}
	if entry == nil {
		if !s.Catalog.Create {
			return nil, "", nil
		}
		if err := transform.CheckTarget(tree, file); err != nil {
			return nil, "", err
		}
		if name := cmp.Or(s.Catalog.Name, repo.Short()); !entityName.MatchString(name) || len(name) > maxEntityName {
			return nil, "", fmt.Errorf("it is not created: no component can be named %q; give catalog.name", name)
		}
		return []transform.Edit{{Path: file, Content: s.newCatalog(repo)}}, fmt.Sprintf("%s created: owner %s", file, s.entityOwner()), nil
	}
	edits, _, err := transform.Apply([]transform.Step{s.catalog}, tree)
	return edits, fmt.Sprintf("%s: owner %s", file, s.entityOwner()), err
}

// newCatalog is a catalog file for a repo that has none.
func (s *Spec) newCatalog(repo fleet.RepoName) []byte {
	c := s.Catalog
	annotations := map[string]string{"github.com/project-slug": string(repo)}
	maps.Copy(annotations, c.Annotations)
	var b strings.Builder
	b.WriteString("apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n")
	fmt.Fprintf(&b, "  name: %s\n  annotations:\n", scalar(cmp.Or(c.Name, repo.Short())))
	for _, key := range slices.Sorted(maps.Keys(annotations)) {
		fmt.Fprintf(&b, "    %s: %s\n", scalar(key), scalar(annotations[key]))
	}
	fmt.Fprintf(&b, "spec:\n  type: %s\n  lifecycle: %s\n  owner: %s\n", scalar(cmp.Or(c.Type, "service")), scalar(cmp.Or(c.Lifecycle, "production")), scalar(s.entityOwner()))
	if c.System != "" {
		fmt.Fprintf(&b, "  system: %s\n", scalar(c.System))
	}
	return []byte(b.String())
}

// unquoted is a text that YAML reads as one without quotes.
var unquoted = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{2,}(/[A-Za-z0-9_.-]+)*$`)

// words are texts that some reader of YAML takes for something else.
var words = []string{"null", "true", "false", "yes", "off"}

// scalar writes a text; JSON's texts are YAML's, too.
func scalar(text string) string {
	if unquoted.MatchString(text) && !slices.Contains(words, strings.ToLower(text)) {
		return text
	}
	b, err := json.Marshal(text)
	if err != nil {
		panic(err) // a text
	}
	return string(b)
}
