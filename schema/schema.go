// Package schema embeds the CUE definitions of what a config repo may
// declare. They say types, bounds, enumerations and shape; references between
// declarations and rules across fields are checked in Go, where they can be
// worded well. Each field's comment is its reference: what it is, its unit,
// its default and an example.
package schema

import "embed"

// ImportPath is the path by which a config repo imports the definitions:
//
//	import "github.com/portreeve/portreeve/schema"
const ImportPath = "github.com/portreeve/portreeve/schema"

// FS holds the definitions, *.cue at its root, of one package.
//
//go:embed *.cue
var FS embed.FS
