// Package members lists the members of the contracts that every command
// knows: what a declaration may be, and what a migration may do. It is the
// one list of them.
package members

import (
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/kind/cluster"
	"github.com/portreeve/portreeve/reconciler/kind/loan"
	"github.com/portreeve/portreeve/reconciler/kind/migration"
	"github.com/portreeve/portreeve/reconciler/kind/ownership"
	"github.com/portreeve/portreeve/reconciler/kind/prometheus"
	"github.com/portreeve/portreeve/reconciler/transform"
	"github.com/portreeve/portreeve/reconciler/transform/codeowners"
	"github.com/portreeve/portreeve/reconciler/transform/delete"
	"github.com/portreeve/portreeve/reconciler/transform/file"
	"github.com/portreeve/portreeve/reconciler/transform/gomod"
	"github.com/portreeve/portreeve/reconciler/transform/json"
	"github.com/portreeve/portreeve/reconciler/transform/rename"
	"github.com/portreeve/portreeve/reconciler/transform/replace"
	"github.com/portreeve/portreeve/reconciler/transform/toml"
	"github.com/portreeve/portreeve/reconciler/transform/yaml"
)

// Transforms is the list of transforms.
func Transforms() transform.Set {
	return transform.Set{
		replace.New(), file.New(), delete.New(), rename.New(),
		yaml.New(), json.New(), toml.New(), gomod.New(), codeowners.New(),
	}
}

// Kinds is the list of kinds.
func Kinds() kind.Set {
	return kind.Set{ownership.New(Transforms()), loan.New(), cluster.New(), prometheus.New(Transforms()), migration.New(Transforms())}
}
