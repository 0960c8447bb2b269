package kind

import (
	"slices"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// addWriter adds a file to the index of those that are written whole. Of each
// key it keeps two writers, of two contents: whoever asks differs from one.
func addWriter(config *fleet.Config, d *fleet.Declaration, w fleet.Write) {
	if w.Content == "" {
		return
	}
	for _, key := range []fleet.WriteKey{{Path: w.Path, Select: w.Select}, {Path: w.Path, Any: true}} {
		all := config.Writers[key]
		if len(all) < 2 && !slices.ContainsFunc(all, func(other fleet.Writer) bool { return other.Content == w.Content }) {
			config.Writers[key] = append(all, fleet.Writer{Declaration: d, Write: w})
		}
	}
}

// Contrary finds another declaration that writes a file of d with another
// content in a repo of d: one of the two selects every repo, or both the same.
// Where neither can be told without the repos, planning tells.
func Contrary(config *fleet.Config, d *fleet.Declaration, w fleet.Write) (fleet.Writer, bool) {
	if w.Content == "" {
		return fleet.Writer{}, false
	}
	keys := []fleet.WriteKey{{Path: w.Path, Select: w.Select}, {Path: w.Path}}
	if w.Select == "" {
		keys = []fleet.WriteKey{{Path: w.Path, Any: true}}
	}
	for _, key := range keys {
		for _, other := range config.Writers[key] {
			if other.Declaration.ID != d.ID && other.Content != w.Content {
				return other, true
			}
		}
	}
	return fleet.Writer{}, false
}
