package kind

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Index fills in what Config knows of who owns and writes what: Owners, Parts,
// Doubtful, Defaults, Claims, Clusters and Writers. It is called whenever declarations
// have been added or frozen, before anything asks who owns a repo.
func Index(config *fleet.Config) {
	config.Owners = make(map[string][]*fleet.Declaration, len(config.Declarations))
	config.Parts, config.Doubtful = map[string][]*fleet.Declaration{}, map[string][]*fleet.Declaration{}
	config.Claims, config.Writers = map[string][]*fleet.Declaration{}, map[fleet.WriteKey][]fleet.Writer{}
	config.Clusters = map[fleet.ClusterName]*fleet.Declaration{}
	config.Defaults = nil
	single := make([]*fleet.Declaration, 0, len(config.Declarations)) // the first of each key: most have no other
	add := func(to map[string][]*fleet.Declaration, key string, d *fleet.Declaration) {
		switch all := to[key]; {
		case len(all) == 0:
			single = append(single, d)
			n := len(single)
			to[key] = single[n-1 : n : n]
		case all[len(all)-1] != d:
			to[key] = append(all, d)
		}
	}
	for _, d := range config.Declarations {
		if len(d.Frozen) > 0 && d.Spec == nil {
			for _, r := range d.Refs {
				// A loan that was never valid lends nobody; what it last said may
				// not be known yet.
				if r.Repo != "" && (d.Loan == nil || d.Stale == nil) {
					add(config.Doubtful, ownersKey(r.Repo), d)
				}
			}
			continue
		}
		for _, w := range d.Writes {
			addWriter(config, d, w)
		}
		switch {
		case d.Owns != "":
			add(config.Owners, ownersKey(d.Owns), d)
		case d.Within != "":
			add(config.Parts, ownersKey(d.Within), d)
		case d.Default != nil:
			config.Defaults = append(config.Defaults, d)
		}
		if d.Cluster != nil {
			config.Clusters[fleet.ClusterName(d.ID.Name)] = d
		}
		for _, r := range d.Refs {
			if r.Claim != "" {
				add(config.Claims, r.Claim, d)
			}
		}
	}
	slices.SortStableFunc(config.Defaults, func(a, b *fleet.Declaration) int {
		return cmp.Compare(wideness(a.Default), wideness(b.Default))
	})
}

// wideness orders defaults: what asks for names and topics comes before what
// asks for names, for topics, and for nothing.
func wideness(s *fleet.Selection) int {
	n := 0
	if len(s.Names) == 0 {
		n += 2
	}
	if len(s.Topics) == 0 {
		n++
	}
	return n
}

// ownersKey is one for names that differ in case alone: forges take them for
// one.
func ownersKey(repo fleet.RepoName) string { return strings.ToLower(string(repo)) }

// Follow gives a config in which repos that were renamed belong to whom they
// belonged by the names they had, where nothing is declared of the new ones.
func Follow(config *fleet.Config, renamed map[fleet.RepoName]fleet.RepoName) *fleet.Config {
	out := *config
	out.Owners, out.Parts, out.Doubtful = maps.Clone(config.Owners), maps.Clone(config.Parts), maps.Clone(config.Doubtful)
	out.Declarations = slices.Clone(config.Declarations)
	for i, d := range out.Declarations {
		out.Declarations[i] = followLoan(d, renamed)
	}
	for _, former := range slices.Sorted(maps.Keys(renamed)) {
		from, to := ownersKey(former), ownersKey(renamed[former])
		for _, index := range []map[string][]*fleet.Declaration{out.Owners, out.Parts, out.Doubtful} {
			if len(index[to]) == 0 && len(index[from]) > 0 {
				index[to] = index[from]
			}
		}
	}
	return &out
}

// followLoan is a loan with the names that its repos have now.
func followLoan(d *fleet.Declaration, renamed map[fleet.RepoName]fleet.RepoName) *fleet.Declaration {
	if d.Loan == nil || !slices.ContainsFunc(d.Loan.Repos, func(r fleet.RepoName) bool { return renamed[r] != "" }) {
		return d
	}
	with, loan := *d, *d.Loan
	loan.Repos = slices.Clone(loan.Repos)
	for i, r := range loan.Repos {
		loan.Repos[i] = cmp.Or(renamed[r], r)
	}
	with.Loan = &loan
	return &with
}

// Owners are the declarations that say whom a repo belongs to, sorted by ID.
// More than one is a problem of each.
func Owners(config *fleet.Config, repo fleet.RepoName) []*fleet.Declaration {
	return config.Owners[ownersKey(repo)]
}

// Parts are the declarations that say who owns some paths of a repo that
// another one owns, sorted by ID.
func Parts(config *fleet.Config, repo fleet.RepoName) []*fleet.Declaration {
	return config.Parts[ownersKey(repo)]
}

// Doubtful is the first declaration that names a repo and is invalid, so that
// what it would say of it is not known; nil if there is none.
func Doubtful(config *fleet.Config, repo fleet.RepoName) *fleet.Declaration {
	if all := config.Doubtful[ownersKey(repo)]; len(all) > 0 {
		return all[0]
	}
	return nil
}

// Owning is the declaration that says whom a repo belongs to: the one that
// names it, of two the first by ID, else the default for it; nil if there is
// none.
func Owning(config *fleet.Config, repo fleet.Repo) *fleet.Declaration {
	if all := Owners(config, repo.Name); len(all) > 0 {
		return all[0]
	}
	for _, d := range config.Defaults {
		if d.Default.Selects(repo) {
			return d
		}
	}
	return nil
}

// OwnerOf is the team that a repo belongs to by declaration.
func OwnerOf(config *fleet.Config, repo fleet.Repo) (fleet.TeamName, bool) {
	if d := Owning(config, repo); d != nil {
		return d.Owner, true
	}
	return "", false
}

// TeamsOf are the teams that a declaration refers to: a held one's are as old
// as it is.
func TeamsOf(config *fleet.Config, d *fleet.Declaration) map[fleet.TeamName]fleet.Team {
	if d.Teams != nil {
		return d.Teams
	}
	return config.Teams
}

// HandleKey is one for handles that are one on a forge.
func HandleKey(handle string) string { return strings.ToLower(strings.TrimPrefix(handle, "@")) }

// CheckOwners are the problems that others own the repo that a declaration owns;
// none where it owns no repo.
func CheckOwners(k Kind, d *fleet.Declaration, repo fleet.RepoName, others []*fleet.Declaration) []fleet.Problem {
	var problems []fleet.Problem
	for _, other := range others {
		if repo != "" && other.ID != d.ID {
			problems = append(problems, ProblemAt(k, d, "double-owner", "repo", `keep one of the two, or write only: ["/web/"] in the one that owns but some paths`,
				"%s is declared twice: here (%s) and by %s (%s)", repo, d.FieldPos("repo"), other.ID, other.FieldPos("repo")))
		}
	}
	return problems
}

// CheckClaims are the problems that other declarations claim what one claims.
func CheckClaims(k Kind, d *fleet.Declaration, config *fleet.Config) []fleet.Problem {
	var problems []fleet.Problem
	for _, r := range d.Refs {
		if r.Claim == "" {
			continue
		}
		for _, other := range config.Claims[r.Claim] {
			if other.ID == d.ID {
				continue
			}
			i := slices.IndexFunc(other.Refs, func(o fleet.Ref) bool { return o.Claim == r.Claim })
			problems = append(problems, ProblemAt(k, d, "double-claim", r.Field, "keep it in one of the two",
				"%s is declared twice: here (%s) and by %s (%s)", r.Claim, d.FieldPos(r.Field), other.ID, other.FieldPos(other.Refs[i].Field)))
		}
	}
	return problems
}
