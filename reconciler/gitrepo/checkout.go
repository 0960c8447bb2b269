package gitrepo

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Checkout is a work tree on this machine.
type Checkout struct {
	Root string         // its top folder, without symlinks
	Repo fleet.RepoName // which repo it is of, by its remotes
}

// FindCheckout finds the work tree that a folder is in. Which repo it is of is
// told by the remote "upstream", else "origin", else the only one. Errors are
// for people, and hold no URL.
func FindCheckout(dir string) (Checkout, error) {
	repo, err := git.PlainOpenWithOptions(dir, &git.PlainOpenOptions{DetectDotGit: true, EnableDotGitCommonDir: true})
	if err != nil {
		return Checkout{}, fmt.Errorf("%s is in no checkout of a repo", dir)
	}
	work, err := repo.Worktree()
	if err != nil {
		return Checkout{}, fmt.Errorf("%s is in a repo without a work tree", dir)
	}
	root, err := filepath.EvalSymlinks(work.Filesystem.Root())
	if err != nil {
		return Checkout{}, errors.New("the top of the checkout can't be found")
	}
	remotes, err := repo.Remotes()
	if err != nil {
		return Checkout{}, fmt.Errorf("the remotes of the checkout at %s can't be read", root)
	}
	slices.SortFunc(remotes, func(a, b *git.Remote) int { return rank(a.Config().Name) - rank(b.Config().Name) })
	if len(remotes) == 0 || len(remotes) > 1 && rank(remotes[0].Config().Name) == 2 || len(remotes[0].Config().URLs) == 0 {
		return Checkout{}, fmt.Errorf("the checkout at %s has no remote \"origin\" that tells which repo it is of", root)
	}
	name, ok := NameOf(remotes[0].Config().URLs[0])
	if !ok {
		return Checkout{}, fmt.Errorf("the remote %q of the checkout at %s is not of the form https://host/owner/name", remotes[0].Config().Name, root)
	}
	return Checkout{root, name}, nil
}

func rank(remote string) int {
	switch remote {
	case "upstream":
		return 0
	case "origin":
		return 1
	}
	return 2
}

// named is a repo's name as a forge has it.
var named = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*/[A-Za-z0-9._-]+$`)

// NameOf is the repo that a remote's URL, or its short form for SSH, is of on
// its forge.
func NameOf(remote string) (fleet.RepoName, bool) {
	path := remote
	if u, err := url.Parse(remote); err == nil && u.Host != "" {
		path = u.Path
	} else if host, rest, ok := strings.Cut(remote, ":"); ok && !strings.Contains(host, "/") {
		path = rest
	}
	name := strings.TrimSuffix(strings.Trim(path, "/"), ".git")
	if !named.MatchString(name) {
		return "", false
	}
	return fleet.RepoName(name), true
}
