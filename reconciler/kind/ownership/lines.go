package ownership

import (
	"maps"
	"slices"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
)

// lines are the lines of a repo's CODEOWNERS, those left out of the file too.
func lines(config *fleet.Config, repo fleet.Repo) ([]kind.Line, error) {
	owning := kind.Owning(config, repo)
	if owning == nil {
		return nil, nil
	}
	all, err := rules(config, owning, repo.Name)
	if err != nil {
		return nil, err
	}
	told := make([]kind.Line, len(all))
	for i, r := range all {
		compiled := compile(r.pattern)
		l := lineOf(r.by, r.field, r.Entry)
		l.Repo, l.Pattern, l.Handles, l.Lent, l.Default = repo.Name, r.pattern, r.owners, r.lent, r.by.Default != nil
		l.Matches = func(p fleet.Path) bool { return compiled.match(strings.Split(string(p), "/")) }
		told[i] = l
	}
	return told, nil
}

// lineOf is a line that a field of a declaration says.
func lineOf(d *fleet.Declaration, field string, e Entry) kind.Line {
	l := kind.Line{Unowned: e.Unowned, Declaration: d.ID, Pos: d.FieldPos(field), Revision: d.Revision, Stale: d.Stale}
	if !e.Unowned {
		l.Owner, l.CoOwners = e.Owner, e.CoOwners
	}
	return l
}

// namespaces are the namespaces that have an owner, by declaration.
func namespaces(config *fleet.Config) []kind.Line {
	var all []kind.Line
	for _, d := range config.Declarations {
		s, ok := d.Spec.(*Spec)
		if !ok {
			continue
		}
		for _, cluster := range slices.Sorted(maps.Keys(s.Namespaces)) {
			field := fieldOf(d.Fields, "namespaces", string(cluster))
			for _, name := range s.Namespaces[cluster] {
				l := lineOf(d, field, Entry{Owner: s.Owner, CoOwners: s.CoOwners})
				l.Cluster, l.Namespace = cluster, name
				all = append(all, l)
			}
		}
	}
	return all
}
