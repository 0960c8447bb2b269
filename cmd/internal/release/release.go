// Package release knows which version of the module this program is.
package release

import (
	"cmp"
	"regexp"
	"runtime/debug"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// described is what "git describe" said when the program was built; the
// Makefile sets it.
var described string

// Name is the version for people: never empty, and another for each commit
// as far as the build knows.
func Name() string {
	name := Ref()
	if len(name) >= 40 { // a commit's id
		name = "dev-" + name[:12]
	}
	return cmp.Or(described, name, "dev")
}

// Version is the module's version, such as v1.2.3, or of a commit between two
// releases a version that sorts between them. It is empty where the build
// does not know it.
func Version() string { return version(info(), described) }

// Ref is what Git knows this version by: a tag or a commit's id. It is empty
// where the build does not know it.
func Ref() string { return ref(info(), described) }

func info() *debug.BuildInfo {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info
	}
	return &debug.BuildInfo{}
}

// between is what git describe says of a commit after a tag. As a version it
// would sort before the tag.
var between = regexp.MustCompile(`-[0-9]+-g[0-9a-f]+$|-dirty$`)

func version(info *debug.BuildInfo, described string) string {
	if semver.IsValid(described) && !between.MatchString(described) {
		return described
	}
	v, _, _ := strings.Cut(info.Main.Version, "+")
	if !semver.IsValid(v) {
		return ""
	}
	return v
}

func ref(info *debug.BuildInfo, described string) string {
	v := version(info, described)
	if v != "" && !module.IsPseudoVersion(v) {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	if rev, err := module.PseudoVersionRev(v); err == nil {
		return rev
	}
	return ""
}
