package ownership

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// adopt reads the owners that a repo's CODEOWNERS gives, and how its catalog
// file calls the owner, as far as both can be declared so that they stay as they
// are.
func (m member) adopt(p *kind.Pass) (kind.Adopted, error) {
	out := kind.Adopted{Repo: p.Repo.Name}
	var unread transform.Questions
	err := adoptLines(&out, p)
	if !unread.Ask(err) && err != nil {
		return out, err
	}
	err = m.adoptCatalog(&out, p.Tree)
	if !unread.Ask(err) && err != nil {
		return out, err
	}
	if err := unread.Err(); err != nil {
		return out, err
	}
	switch {
	case out.File != "" || out.Barred():
	case out.Catalog != "":
		out.Bar(out.CatalogAt, fmt.Sprintf("it calls the owner %q, and the repo has no CODEOWNERS: to declare its owner has one created", out.Catalog))
	default:
		out.Bar(kind.Place{}, "it has no CODEOWNERS: to declare its owner has one created")
	}
	return out, nil
}

// mostTold bounds remarks on lines of one file.
const mostTold = 20

func adoptLines(out *kind.Adopted, p *kind.Pass) error {
	found, err := existing(p.Tree)
	switch {
	case errors.Is(err, fleet.ErrUnread):
		return err
	case err != nil:
		out.Bar(kind.Place{}, err.Error())
		return nil
	case len(found) == 0:
		return nil
	}
	out.File = found[0]
	for _, other := range found[1:] {
		out.Remark(kind.Place{File: other}, fmt.Sprintf("GitHub reads %s alone", out.File))
	}
	whole := kind.Place{File: out.File}
	content, err := fs.ReadFile(p.Tree, string(out.File))
	switch {
	case err != nil:
		return err
	case len(content) >= transform.MaxOwners:
		out.Bar(whole, "it is 3 MB or larger, and GitHub does not load it")
	case bytes.HasPrefix(content, []byte("\ufeff")):
		out.Bar(whole, "it begins with a byte order mark, of which it is not known what GitHub makes")
	case isOurs(content):
		out.Bar(whole, "Portreeve writes it, or a block of it, from another declaration")
	default:
		lines := countingLines(out, content)
		withoutLent(out, p, lines)
		adoptRules(out, lines)
	}
	return nil
}

// countingLines are the lines that GitHub heeds; of others a remark is made.
func countingLines(out *kind.Adopted, content []byte) []written {
	var all []written
	told := 0
	for _, w := range readLines(content) {
		why, at := w.why, kind.Place{File: out.File, Line: w.number}
		if w.state == counts {
			all = append(all, w)
			why = undeclarable(w.owners, out.Repo)
		}
		if why == "" {
			continue
		}
		switch told++; {
		case told > mostTold && (w.state == skipped || out.Barred()):
		case w.state == skipped:
			out.Remark(at, "GitHub skips it: "+why)
		default:
			out.Bar(at, why)
		}
	}
	if told > mostTold {
		out.Remark(kind.Place{File: out.File}, fmt.Sprintf("and %d more lines", told-mostTold))
	}
	return all
}

var (
	login = regexp.MustCompile(`^@[A-Za-z0-9][A-Za-z0-9-]*(_[A-Za-z0-9]+)?$`)
	slug  = regexp.MustCompile(`^@[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+$`)
)

// undeclarable says why owners can't be declared for a repo.
func undeclarable(owners []string, repo fleet.RepoName) string {
	for _, o := range owners {
		switch org, _, isTeam := strings.Cut(strings.TrimPrefix(o, "@"), "/"); {
		case !strings.HasPrefix(o, "@"):
			return "an owner is an email address, and teams have logins"
		case isTeam && !slug.MatchString(o) || !isTeam && !login.MatchString(o):
			return fmt.Sprintf("%.80q can't be the name of a team or a user", o)
		case isTeam && !strings.EqualFold(org, repo.Owner()):
			return fmt.Sprintf("%.80s is a team of another organisation than the repo", o)
		}
	}
	return ""
}

// adoptRules makes lines the entries of a declaration. Those that decide on
// nothing are left out, and where the file's order is not the one that patterns
// have by themselves, entries are given ranks.
func adoptRules(out *kind.Adopted, lines []written) {
	all := make([]rule, len(lines))
	for i, w := range lines {
		all[i] = w.rule
	}
	if !few(all) {
		out.Bar(kind.Place{File: out.File}, fmt.Sprintf("it has more than %d lines, or %d KiB of patterns, %d of them with wildcards", mostLines, mostText>>10, mostWild>>10))
		return
	}
	var kept []rule
	told := 0
	for i, later := range covered(all) {
		if later < 0 {
			kept = append(kept, all[i])
			continue
		}
		if told++; told <= mostTold {
			out.Remark(kind.Place{File: out.File, Line: lines[i].number}, fmt.Sprintf("it decides on nothing: line %d matches all that it does", lines[later].number))
		}
	}
	out.Answers = owningMost(kept)
	if out.Answers == "" && !out.Barred() {
		out.Bar(kind.Place{File: out.File}, "no line of it names an owner")
		return
	}
	if len(kept) > 0 && normal(kept[0].pattern) == "*" {
		out.Owners, kept = kept[0].owners, kept[1:]
	}
	if out.Barred() {
		return
	}
	for i, rank := range ranks(kept) {
		out.Paths = append(out.Paths, kind.AdoptedPath{Pattern: kept[i].plain(), Owners: kept[i].owners, Rank: rank})
	}
}

// owningMost is the owner that most lines name, of several the first.
func owningMost(rules []rule) string {
	count, most := map[string]int{}, ""
	for _, r := range rules {
		for _, o := range r.owners {
			count[strings.ToLower(o)]++
		}
	}
	for _, r := range rules {
		for _, o := range r.owners {
			if most == "" || count[strings.ToLower(o)] > count[strings.ToLower(most)] {
				most = o
			}
		}
	}
	return most
}

// ranks are the lowest ranks with which patterns decide as they do in this order.
func ranks(rules []rule) []int {
	patterns, place := make([]string, len(rules)), map[string]int{}
	lines := make([]line, len(rules))
	for i, r := range rules {
		patterns[i], lines[i] = r.plain(), compile(r.pattern).whole()
	}
	for i, p := range ordered(patterns) {
		place[p] = i
	}
	all := make([]int, len(rules))
	for i := range rules {
		for j := range i {
			least := all[j]
			if place[patterns[j]] > place[patterns[i]] {
				least++
			}
			if least > all[i] && !sameOwners(rules[i].owners, rules[j].owners) && overlap(lines[i], lines[j]) {
				all[i] = least
			}
		}
	}
	return all
}

// component is what is read of a component in a catalog file.
type component struct {
	owner string
	line  int
}

// adoptCatalog reads how the repo's catalog file calls the owner, if it calls
// all of its components' owner the same.
func (m member) adoptCatalog(out *kind.Adopted, tree fs.FS) error {
	entry, err := transform.Lookup(tree, catalogFile)
	if err != nil || entry == nil || !entry.Type().IsRegular() {
		return err
	}
	content, ok, err := transform.ReadText(tree, catalogFile)
	if err != nil {
		return err
	}
	at := kind.Place{File: catalogFile}
	leave := func(why string) { out.Remark(at, "it is left alone: "+why) }
	if !ok {
		leave("it is larger than 1 MiB, or binary")
		return nil
	}
	components, err := componentsOf(content)
	if err != nil {
		leave(err.Error())
		return nil
	}
	if len(components) == 0 {
		return nil
	}
	owner := components[0].owner
	at.Line = components[0].line
	for _, c := range components[1:] {
		if c.owner != owner {
			leave(fmt.Sprintf("its components have several owners, %.80q in line %d and %.80q in line %d", owner, at.Line, c.owner, c.line))
			return nil
		}
	}
	if !entityRef.MatchString(owner) || len(owner) > maxEntityName {
		leave(fmt.Sprintf("%.80q can't be the name of an owner", owner))
		return nil
	}
	s := &Spec{Catalog: &Catalog{Owner: owner}}
	if s.catalog, err = m.catalogStep(s); err != nil {
		return err
	}
	edits, _, err := s.editCatalog(tree, out.Repo)
	switch {
	case errors.Is(err, fleet.ErrUnread):
		return err
	case err != nil:
		leave(err.Error())
	case len(edits) > 0:
		leave(fmt.Sprintf("its owner %q would be written in another way", owner))
	default:
		out.Catalog, out.CatalogAt = owner, at
	}
	return nil
}

// componentsOf are the components of a catalog file.
func componentsOf(content []byte) ([]component, error) {
	var all []component
	loader, err := yaml.NewLoader(bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	for {
		doc := new(yaml.Node)
		switch err := loader.Load(doc); {
		case errors.Is(err, io.EOF):
			return all, nil
		case err != nil:
			return nil, errors.New("it is not valid YAML")
		}
		if at := valueAt(doc, "kind"); at == nil || at.Value != "Component" {
			continue
		}
		c := component{line: doc.Line}
		if at := valueAt(doc, "spec", "owner"); at != nil {
			c.owner, c.line = at.Value, at.Line
		}
		all = append(all, c)
	}
}

// valueAt is the text at a path of names, nil where there is none.
func valueAt(n *yaml.Node, path ...string) *yaml.Node {
	if n.Kind == yaml.DocumentNode && len(n.Content) > 0 {
		n = n.Content[0]
	}
	for _, name := range path {
		i := -1
		if n.Kind == yaml.MappingNode {
			for k := 0; k+1 < len(n.Content); k += 2 {
				if n.Content[k].Value == name {
					i = k
				}
			}
		}
		if i < 0 {
			return nil
		}
		n = n.Content[i+1]
	}
	if n.Kind != yaml.ScalarNode {
		return nil
	}
	return n
}
