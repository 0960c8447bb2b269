// Package examples holds config repos that run.
package examples

import "embed"

// Demo is the config repo that the demo starts with, below "demo".
//
//go:embed all:demo
var Demo embed.FS
