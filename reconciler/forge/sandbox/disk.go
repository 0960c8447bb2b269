package sandbox

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

// openGit makes the repo's storage, on disk if the forge has a directory.
func (r *repo) openGit() error {
	if r.forge.dir == "" {
		head := plumbing.NewSymbolicReference(plumbing.HEAD, plumbing.NewBranchReferenceName(r.defaultBranch))
		r.git = objects{Storer: newMemoryStore(), reindex: func() {}}
		return r.git.SetReference(head)
	}
	dir := filepath.Join(r.forge.dir, string(key(r.name))+".git")
	if _, err := os.Stat(dir); err == nil {
		return fmt.Errorf("%s exists already", filepath.Base(dir))
	}
	cmd := exec.Command("git", "init", "-q", "--bare", "--template=", "--initial-branch="+r.defaultBranch, dir)
	cmd.Env = gitEnv(r.forge.dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("git init: %w: %s", err, out)
	}
	r.dir, r.git = dir, openDisk(dir)
	return nil
}

func openDisk(dir string) objects {
	s := filesystem.NewStorage(osfs.New(dir), cache.NewObjectLRU(4*cache.MiByte))
	return objects{Storer: s, reindex: s.Reindex}
}

// gitEnv keeps git away from anybody's configuration, and gives it what the
// forge wants: checked objects, partial fetches, no packs and no maintenance
// behind the forge's back.
func gitEnv(home string) []string {
	settings := [][2]string{
		{"receive.fsckObjects", "true"},
		{"receive.unpackLimit", "1000000"},
		{"receive.autogc", "false"},
		{"receive.denyCurrentBranch", "ignore"},
		{"receive.denyDeleteCurrent", "refuse"},
		{"gc.auto", "0"},
		{"maintenance.auto", "false"},
		{"uploadpack.allowFilter", "true"},
		{"uploadpack.allowAnySHA1InWant", "true"},
		{"receive.hideRefs", "refs/pull"},
		{"core.hooksPath", os.DevNull},
		{"safe.directory", "*"},
	}
	env := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "LC_ALL=C",
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_TERMINAL_PROMPT=0",
		fmt.Sprintf("GIT_CONFIG_COUNT=%d", len(settings)),
	}
	for i, s := range settings {
		env = append(env, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", i, s[0]), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", i, s[1]))
	}
	return env
}
