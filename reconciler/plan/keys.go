package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
)

// keys makes the memo keys of one world. A key covers all that a kind may
// look at: the declaration and the teams that it names, who owns the repo and
// its paths, who is lent there, its listing and its tree; and, where it is about a
// cluster, the cluster and the settings that go with it. A kind that looks at more of the
// configuration would be remembered wrongly. Teams that it knows by a handle
// alone are no part of the key, see named: so a team that changes concerns what
// names it, and no more.
type keys struct {
	config *fleet.Config
	teams  map[fleet.TeamName][32]byte // of the config, as they are asked for
	repos  map[fleet.RepoName][32]byte
	// byHandle are the config's teams by their handle in lower case; made when
	// it is first asked for.
	byHandle map[string][]fleet.Team
}

func newKeys(config *fleet.Config) keys {
	return keys{config: config, teams: map[fleet.TeamName][32]byte{}, repos: map[fleet.RepoName][32]byte{}}
}

// of is the key of a declaration in a repo, in which accounts have an access, for
// a cluster, which may be nil.
func (k keys) of(d *fleet.Declaration, repo *Repo, cluster *fleet.Declaration, access map[string]fleet.Access) string {
	if d.Hash == "" {
		panic("plan: " + d.ID.String() + " has no hash, and what it wanted once would be taken for what it wants") // a bug
	}
	about, ok := k.repos[repo.Listing.Name]
	if !ok || repo.Listing.Name == "" { // what a cluster holds is no repo
		about = k.about(repo)
		k.repos[repo.Listing.Name] = about
	}
	h := sha256.New()
	for _, part := range []string{"want 3", d.ID.String(), d.Hash, string(d.Owner), string(about[:])} {
		h.Write([]byte(part + "\n"))
	}
	h.Write(k.named(d))
	if cluster != nil {
		sum := digest([]any{cluster.ID, cluster.Owner, cluster.Cluster, k.config.Settings.Prometheus})
		h.Write(sum[:])
	}
	if unlike(access) {
		sum := digest(access)
		h.Write(sum[:])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// unlike reports whether a want may be another than if all could own code: which
// role lets them is none of its business.
func unlike(access map[string]fleet.Access) bool {
	for _, a := range access {
		if !a.Owns() {
			return true
		}
	}
	return false
}

// about covers a repo, and whose it and its paths are.
func (k keys) about(repo *Repo) [32]byte {
	about := []any{repo.Listing, treeOf(repo)}
	if d := kind.Owning(k.config, repo.Listing); d != nil {
		about = append(about, d.Owner, k.team(d.Owner))
	}
	for _, d := range kind.Parts(k.config, repo.Listing.Name) {
		about = append(about, d.ID, d.Hash, k.named(d))
	}
	for _, l := range kind.LentIn(k.config, kind.Owning(k.config, repo.Listing), repo.Listing.Name) {
		about = append(about, l.ID, l.Loan, l.Over, l.Without[repo.Listing.Name])
	}
	if d := kind.Doubtful(k.config, repo.Listing.Name); d != nil {
		about = append(about, d.ID, d.Stale != nil)
	}
	return digest(about)
}

// named covers the teams that a declaration names.
func (k keys) named(d *fleet.Declaration) []byte {
	names := make([]fleet.TeamName, 0, 1+len(d.Refs))
	names = append(names, d.Owner)
	for _, r := range d.Refs {
		if r.Team != "" {
			names = append(names, r.Team)
		}
	}
	slices.Sort(names)
	var all []byte
	for _, name := range slices.Compact(names) {
		sum := k.team(name)
		if d.Teams != nil {
			sum = digestTeam(d.Teams[name])
		}
		all = append(append(all, name...), sum[:]...)
	}
	return all
}

// team covers a team of the config.
func (k keys) team(name fleet.TeamName) [32]byte {
	sum, ok := k.teams[name]
	if !ok {
		sum = digestTeam(k.config.Teams[name])
		k.teams[name] = sum
	}
	return sum
}

func digestTeam(t fleet.Team) [32]byte {
	t.Pos = fleet.Pos{}
	return digest(t)
}

// handles covers the teams that have one of some handles, by whose names a want
// may call them.
func (k *keys) handles(d *fleet.Declaration, handles []string) string {
	if len(handles) == 0 {
		return ""
	}
	by := k.byHandle
	switch {
	case d.Teams != nil:
		by = teamsByHandle(d.Teams)
	case by == nil:
		by = teamsByHandle(k.config.Teams)
		k.byHandle = by
	}
	var found []any
	for _, h := range handles {
		for _, t := range by[kind.HandleKey(h)] {
			found = append(found, t.Name, digestTeam(t))
		}
	}
	sum := digest(found)
	return hex.EncodeToString(sum[:])
}

func teamsByHandle(teams map[fleet.TeamName]fleet.Team) map[string][]fleet.Team {
	by := map[string][]fleet.Team{}
	for _, t := range teams {
		if t.GitHub != "" {
			by[kind.HandleKey(t.GitHub)] = append(by[kind.HandleKey(t.GitHub)], t)
		}
	}
	for _, all := range by {
		slices.SortFunc(all, func(a, b fleet.Team) int { return strings.Compare(string(a.Name), string(b.Name)) })
	}
	return by
}

// treeOf names a repo's tree: by its id, or if a forge leaves that out by its
// commit.
func treeOf(repo *Repo) string {
	if repo.Head.Tree != "" {
		return string(repo.Head.Tree)
	}
	return "commit " + string(repo.Head.Commit)
}

func digest(v any) [32]byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain fields
	}
	return sha256.Sum256(b)
}
