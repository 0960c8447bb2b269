package kind

import (
	"maps"
	"slices"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Index fills in Config.Owners and Config.Writers. It is called whenever
// declarations have been added or frozen, before anything asks who owns a repo.
func Index(config *fleet.Config) {
	config.Owners = make(map[string][]*fleet.Declaration, len(config.Declarations))
	config.Writers = map[fleet.WriteKey][]fleet.Writer{}
	owners := make([]*fleet.Declaration, 0, len(config.Declarations)) // the first of each repo: most have no other
	for _, d := range config.Declarations {
		if len(d.Frozen) > 0 && d.Spec == nil {
			continue
		}
		for _, w := range d.Writes {
			addWriter(config, d, w)
		}
		if d.Owns == "" {
			continue
		}
		key := ownersKey(d.Owns)
		if others := config.Owners[key]; others != nil {
			config.Owners[key] = append(others, d)
			continue
		}
		n := len(owners)
		owners = append(owners, d)
		config.Owners[key] = owners[n : n+1 : n+1]
	}
}

// ownersKey is one for names that differ in case alone: forges take them for
// one.
func ownersKey(repo fleet.RepoName) string { return strings.ToLower(string(repo)) }

// Follow gives a config in which repos that were renamed belong to whom they
// belonged by the names they had, where nothing is declared of the new ones.
func Follow(config *fleet.Config, renamed map[fleet.RepoName]fleet.RepoName) *fleet.Config {
	out := *config
	out.Owners = maps.Clone(config.Owners)
	for _, former := range slices.Sorted(maps.Keys(renamed)) {
		if now := renamed[former]; len(Owners(&out, now)) == 0 && len(Owners(config, former)) > 0 {
			out.Owners[ownersKey(now)] = Owners(config, former)
		}
	}
	return &out
}

// Owners are the declarations that say whom a repo belongs to, sorted by ID.
// More than one is a problem of each.
func Owners(config *fleet.Config, repo fleet.RepoName) []*fleet.Declaration {
	return config.Owners[ownersKey(repo)]
}

// OwnerOf is the team that a repo belongs to by declaration. Where two
// declarations speak of one repo, the first by ID counts.
func OwnerOf(config *fleet.Config, repo fleet.RepoName) (fleet.TeamName, bool) {
	if all := Owners(config, repo); len(all) > 0 {
		return all[0].Owner, true
	}
	return "", false
}
