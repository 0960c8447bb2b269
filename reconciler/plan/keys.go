package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
)

// keys makes the memo keys of one world. A key covers all that a kind may
// look at: the declaration, the teams, who owns the repo and its paths, its
// listing and its tree. A kind that looks at more of the configuration would be remembered
// wrongly.
type keys struct {
	teams  [32]byte
	config *fleet.Config
	repos  map[fleet.RepoName][32]byte
}

func newKeys(config *fleet.Config) keys {
	return keys{config: config, teams: digestTeams(config.Teams), repos: map[fleet.RepoName][32]byte{}}
}

func digestTeams(all map[fleet.TeamName]fleet.Team) [32]byte {
	teams := make(map[fleet.TeamName]fleet.Team, len(all))
	for name, t := range all {
		t.Pos = fleet.Pos{}
		teams[name] = t
	}
	return digest(teams)
}

// of is the key of a declaration in a repo.
func (k keys) of(d *fleet.Declaration, repo *Repo) string {
	if d.Hash == "" {
		panic("plan: " + d.ID.String() + " has no hash, and what it wanted once would be taken for what it wants") // a bug
	}
	about, ok := k.repos[repo.Listing.Name]
	switch {
	case d.Teams != nil:
		about = k.about(repo, digestTeams(d.Teams))
	case !ok:
		about = k.about(repo, k.teams)
		k.repos[repo.Listing.Name] = about
	}
	sum := sha256.Sum256([]byte("want\n" + d.ID.String() + "\n" + d.Hash + "\n" + string(d.Owner) + "\n" + string(about[:])))
	return hex.EncodeToString(sum[:])
}

func (k keys) about(repo *Repo, teams [32]byte) [32]byte {
	owner, _ := kind.OwnerOf(k.config, repo.Listing)
	about := []any{repo.Listing, owner, treeOf(repo), teams}
	for _, d := range kind.Parts(k.config, repo.Listing.Name) {
		about = append(about, d.ID, d.Hash, digestTeams(kind.TeamsOf(k.config, d)))
	}
	if d := kind.Doubtful(k.config, repo.Listing.Name); d != nil {
		about = append(about, d.ID, d.Stale != nil)
	}
	return digest(about)
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
