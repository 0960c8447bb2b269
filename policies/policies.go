// Package policies embeds the built-in policies: rules in CUE on declarations
// and on what one revision would do to the fleet, each with its reason and
// with examples of what passes and what fails. README.md lists them.
package policies

import "embed"

// FS holds the policies, *.cue at its root, of one package. Each field at the
// top is a policy by its id, as the definition #Policy has it.
//
//go:embed *.cue
var FS embed.FS
