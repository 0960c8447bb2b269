package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
)

// keys makes the memo keys of one world. A key covers all that a kind may
// look at: the declaration, the teams, who owns the repo, its listing and its
// tree. A kind that looks at more of the configuration would be remembered
// wrongly.
type keys struct {
	teams  [32]byte
	config *fleet.Config
	repos  map[fleet.RepoName][32]byte
}

func newKeys(config *fleet.Config) keys {
	k := keys{config: config, repos: map[fleet.RepoName][32]byte{}}
	teams := make(map[fleet.TeamName]fleet.Team, len(config.Teams))
	for name, t := range config.Teams {
		t.Pos = fleet.Pos{}
		teams[name] = t
	}
	k.teams = digest(teams)
	return k
}

// of is the key of a declaration in a repo.
func (k keys) of(d *fleet.Declaration, repo *Repo) string {
	if d.Hash == "" {
		panic("plan: " + d.ID.String() + " has no hash, and what it wanted once would be taken for what it wants") // a bug
	}
	about, ok := k.repos[repo.Listing.Name]
	if !ok {
		owner, _ := kind.OwnerOf(k.config, repo.Listing.Name)
		about = digest([]any{repo.Listing, owner, treeOf(repo), k.teams})
		k.repos[repo.Listing.Name] = about
	}
	sum := sha256.Sum256([]byte("want\n" + d.ID.String() + "\n" + d.Hash + "\n" + string(d.Owner) + "\n" + string(about[:])))
	return hex.EncodeToString(sum[:])
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
