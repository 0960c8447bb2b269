// Package examples holds config repos that run.
package examples

import "embed"

// Demo is the config repo that the demo starts with, below "demo".
//
//go:embed all:demo
var Demo embed.FS

// Start is what a new config repo begins with, below "start": the copy of the
// schema is missing, and the organisation is "acme".
//
//go:embed all:start
var Start embed.FS
