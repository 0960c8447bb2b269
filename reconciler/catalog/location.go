package catalog

import (
	"io/fs"
	"net/url"
	"path"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// location is a place in a repo of the forge; the zero value is elsewhere.
type location struct {
	repo fleet.RepoName
	path fleet.Path // empty is the root
}

// dir is the folder of a file.
func (l location) dir() fleet.Path {
	if d := path.Dir(string(l.path)); d != "." {
		return fleet.Path(d)
	}
	return ""
}

// locate reads a location, "url:https://github.com/acme/ledger/tree/main/a/".
// A branch is taken for one element: a name with a slash in it can't be told
// from a folder. A location without a branch is the root of its repo, where
// that makes sense.
func locate(text, forge string, bare bool) location {
	kind, address, ok := strings.Cut(text, ":")
	if !ok || kind != "url" {
		return location{}
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || !strings.EqualFold(u.Host, forge) {
		return location{}
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	if len(parts) < 2 {
		return location{}
	}
	name := parts[0] + "/" + strings.TrimSuffix(parts[1], ".git")
	if !repoPattern.MatchString(name) {
		return location{}
	}
	l := location{repo: fleet.RepoName(name)}
	switch {
	case len(parts) == 2 && bare:
		return l
	case len(parts) < 4 || parts[2] != "tree" && parts[2] != "blob" && parts[2] != "edit" && parts[2] != "raw":
		return location{}
	}
	below := strings.Join(parts[4:], "/")
	if below != "" && !fs.ValidPath(below) {
		return location{}
	}
	l.path = fleet.Path(below)
	return l
}
