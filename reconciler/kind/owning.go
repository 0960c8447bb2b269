package kind

import (
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Owning is a Spec that says which team a repo belongs to, so that other
// kinds can ask without knowing which kind says it.
type Owning interface {
	Owning() (fleet.RepoName, fleet.TeamName)
}

// OwnerOf is the team that a repo belongs to by declaration. Forges take
// names that differ in case alone for one. Where two declarations speak of
// one repo, which is a problem of both, the first by ID counts.
func OwnerOf(config *fleet.Config, repo fleet.RepoName) (fleet.TeamName, bool) {
	for _, d := range config.Declarations {
		if o, ok := d.Spec.(Owning); ok {
			if name, team := o.Owning(); strings.EqualFold(string(name), string(repo)) {
				return team, true
			}
		}
	}
	return "", false
}
