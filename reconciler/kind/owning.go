package kind

import "github.com/portreeve/portreeve/reconciler/fleet"

// Owning is a Spec that says who owns a repo as a whole. Kinds that need to
// know the owner ask through it, so that they need not know one another.
type Owning interface {
	Owning() (fleet.RepoName, fleet.TeamName)
}

// OwnerOf is the team that owns a repo by a valid declaration, if one does.
func OwnerOf(config *fleet.Config, repo fleet.RepoName) (fleet.TeamName, bool) {
	for _, d := range config.Declarations {
		if o, ok := d.Spec.(Owning); ok {
			if name, team := o.Owning(); name == repo {
				return team, true
			}
		}
	}
	return "", false
}
