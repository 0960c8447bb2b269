package catalog

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// fields are those of an entity that are asked for.
var fields = []string{
	"kind", "metadata.name", "metadata.namespace", "metadata.title", "metadata.annotations",
	"spec.owner", "spec.profile", "relations", "status",
}

// entity is what is read of one.
type entity struct {
	Kind     string `json:"kind"`
	Metadata struct {
		Name        string            `json:"name"`
		Namespace   string            `json:"namespace"`
		Title       string            `json:"title"`
		Annotations map[string]string `json:"annotations"`
	} `json:"metadata"`
	Spec struct {
		Owner   string `json:"owner"`
		Profile struct {
			DisplayName string `json:"displayName"`
			Email       string `json:"email"`
		} `json:"profile"`
	} `json:"spec"`
	Relations []struct {
		Type      string `json:"type"`
		TargetRef string `json:"targetRef"`
	} `json:"relations"`
	Status struct {
		Items []struct {
			Level string `json:"level"`
		} `json:"items"`
	} `json:"status"`

	sum [32]byte // of what was read
}

// Annotations that are read.
const (
	annotationSlug   = "github.com/project-slug"
	annotationTeam   = "github.com/team-slug"
	annotationLogin  = "github.com/user-login"
	annotationSource = "backstage.io/source-location"
	annotationFrom   = "backstage.io/managed-by-location"
	annotationOrphan = "backstage.io/orphan"
)

var (
	namePattern  = regexp.MustCompile(`^[A-Za-z0-9]([-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?$`)
	repoPattern  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,99}/[A-Za-z0-9._-]{1,100}$`)
	loginPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,99}(_[A-Za-z0-9]{1,20})?$`)
)

// ref is an entity's reference; false if it is none.
func ref(kind, namespace, name string) (string, bool) {
	namespace = cmp.Or(namespace, "default")
	for _, part := range []string{kind, namespace, name} {
		if !namePattern.MatchString(part) {
			return "", false
		}
	}
	return strings.ToLower(kind + ":" + namespace + "/" + name), true
}

// parseRef reads "[kind:][namespace/]name".
func parseRef(text, kind, namespace string) (string, bool) {
	if before, after, ok := strings.Cut(text, ":"); ok {
		kind, text = before, after
	}
	if before, after, ok := strings.Cut(text, "/"); ok {
		namespace, text = before, after
	}
	return ref(kind, namespace, text)
}

// take takes an item of a page. One that came before stays as it came last.
func (r *reading) take(item json.RawMessage) {
	e := &entity{}
	err := json.Unmarshal(item, e)
	name, ok := ref(e.Kind, e.Metadata.Namespace, e.Metadata.Name)
	switch {
	case err != nil && ok:
		r.strange = append(r.strange, fleet.CatalogPassed{Ref: name, Reason: "it has a field of another type than entities have"})
	case !ok:
		shown := fmt.Sprintf("%.40q", e.Kind+":"+e.Metadata.Namespace+"/"+e.Metadata.Name)
		r.strange = append(r.strange, fleet.CatalogPassed{Ref: shown, Reason: "this is no name that the catalog gives"})
	default:
		e.sum = sha256.Sum256(item)
		r.entities[name] = e
	}
}

// digest is equal for readings of the same entities, in whatever order.
func (r *reading) digest() [32]byte {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(r.entities)) {
		fmt.Fprintf(h, "%s %x\n", name, r.entities[name].sum)
	}
	for _, p := range slices.SortedFunc(slices.Values(r.strange), comparePassed) {
		fmt.Fprintln(h, p.Ref)
	}
	return [32]byte(h.Sum(nil))
}

func comparePassed(a, b fleet.CatalogPassed) int {
	return cmp.Or(strings.Compare(a.Ref, b.Ref), strings.Compare(a.Reason, b.Reason))
}

// doubt is why what an entity says is not to be believed, or empty.
func (e *entity) doubt() string {
	for _, item := range e.Status.Items {
		if item.Level == "error" {
			return "the catalog reports an error of it"
		}
	}
	return ""
}

// orphaned reports whether nothing in the catalog refers to the entity any
// more: it is about to go.
func (e *entity) orphaned() bool { return e.Metadata.Annotations[annotationOrphan] == "true" }

// catalog is what the entities say, in our words.
func (r *reading) catalog(forge string) *fleet.Catalog {
	c := &fleet.Catalog{Passed: slices.Clone(r.strange)}
	logins := map[string]string{}
	for name, e := range r.entities {
		if login := e.Metadata.Annotations[annotationLogin]; kindOf(name) == "user" && !e.orphaned() && loginPattern.MatchString(login) {
			logins[name] = login
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.entities)) {
		e := r.entities[name]
		why := ""
		switch kind := kindOf(name); {
		case e.Metadata.Annotations[annotationOurs] != "":
			why = "Portreeve serves it, and learns nothing from it"
		case e.orphaned():
			why = "it is orphaned: nothing in the catalog refers to it any more"
		case kind == "group":
			var g fleet.CatalogGroup
			if g, why = e.group(name, logins); why == "" {
				c.Groups = append(c.Groups, g)
			}
		case kind == "component":
			var p fleet.CatalogComponent
			if p, why = e.component(name, forge); why == "" {
				c.Components = append(c.Components, p)
			}
		}
		if why != "" {
			c.Passed = append(c.Passed, fleet.CatalogPassed{Ref: name, Reason: why})
		}
	}
	slices.SortFunc(c.Passed, comparePassed)
	return c
}

func kindOf(ref string) string {
	kind, _, _ := strings.Cut(ref, ":")
	return kind
}

// line is a text for people as one short line.
func line(text string, most int) string {
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool {
		return unicode.IsControl(r) || unicode.IsSpace(r) || r == unicode.ReplacementChar || unicode.Is(unicode.Cf, r)
	}), " ")
	if r := []rune(text); len(r) > most {
		text = string(r[:most-1]) + "…"
	}
	return text
}

func (e *entity) group(name string, logins map[string]string) (fleet.CatalogGroup, string) {
	g := fleet.CatalogGroup{Ref: name, Doubt: e.doubt(), Title: line(cmp.Or(e.Spec.Profile.DisplayName, e.Metadata.Title), 100)}
	if mail := line(e.Spec.Profile.Email, 200); strings.Contains(mail, "@") && !strings.Contains(mail, " ") {
		g.Contact = mail
	}
	if slug := e.Metadata.Annotations[annotationTeam]; repoPattern.MatchString(slug) {
		g.GitHub = slug
	} else if slug != "" {
		return g, fmt.Sprintf("annotation %s: found %.80q, expected org/team", annotationTeam, slug)
	}
	var parents []string
	for _, relation := range e.Relations {
		switch relation.Type {
		case "hasMember":
			if member, ok := parseRef(relation.TargetRef, "user", "default"); ok && logins[member] != "" {
				g.Members = append(g.Members, logins[member])
			}
		case "childOf":
			if parent, ok := parseRef(relation.TargetRef, "group", "default"); ok && !slices.Contains(parents, parent) {
				parents = append(parents, parent)
			}
		}
	}
	if len(parents) == 1 {
		g.Parent = parents[0]
	}
	slices.Sort(g.Members)
	g.Members = slices.Compact(g.Members)
	return g, ""
}

// component finds the repo in the order project-slug, source-location,
// managed-by-location, the owner by relation before spec.owner.
func (e *entity) component(name, forge string) (fleet.CatalogComponent, string) {
	p := fleet.CatalogComponent{Ref: name, Doubt: e.doubt()}
	var why string
	if p.Owner, why = e.owner(name); why != "" {
		return p, why
	}
	a := e.Metadata.Annotations
	source, from := locate(a[annotationSource], forge, true), locate(a[annotationFrom], forge, false)
	p.FileRepo, p.File = from.repo, from.path
	switch slug := a[annotationSlug]; {
	case slug != "" && !repoPattern.MatchString(slug):
		return p, fmt.Sprintf("annotation %s: found %.80q, expected owner/name", annotationSlug, slug)
	case slug != "":
		p.Repo = fleet.RepoName(slug)
		if strings.EqualFold(slug, string(source.repo)) {
			p.Path = source.path
		}
	case source.repo != "":
		p.Repo, p.Path = source.repo, source.path
	case from.repo != "":
		p.Repo, p.Path = from.repo, from.dir()
	}
	return p, ""
}

// owner is the one owner that relations name, else the one that spec names.
func (e *entity) owner(name string) (owner, why string) {
	_, rest, _ := strings.Cut(name, ":")
	namespace, _, _ := strings.Cut(rest, "/")
	var owners []string
	for _, relation := range e.Relations {
		if relation.Type == "ownedBy" {
			o, ok := parseRef(relation.TargetRef, "group", namespace)
			if !ok {
				return "", fmt.Sprintf("relation ownedBy: found %.80q, expected a reference", relation.TargetRef)
			}
			owners = append(owners, o)
		}
	}
	slices.Sort(owners)
	switch owners = slices.Compact(owners); {
	case len(owners) > 1:
		return "", "it has more than one owner: " + line(strings.Join(owners, ", "), 200)
	case len(owners) == 1:
		return owners[0], ""
	case e.Spec.Owner == "":
		return "", ""
	}
	owner, ok := parseRef(e.Spec.Owner, "group", namespace)
	if !ok {
		return "", fmt.Sprintf("spec.owner: found %.80q, expected a reference", e.Spec.Owner)
	}
	return owner, ""
}
