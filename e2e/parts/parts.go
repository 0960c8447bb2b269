// Package parts has the programs that the tests need and nobody installs: those
// that are built out of Go modules, and those that Debian packages. What was made
// once stays in the user's cache directory.
package parts

import (
	"crypto/sha256"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// Build builds packages of one of the modules in the folder modules, each a
// module of its own, and gives the folder with the programs.
func Build(module, tags string, packages ...string) (string, error) {
	source := filepath.Join("modules", module)
	h := sha256.New()
	fmt.Fprintln(h, runtime.Version(), tags, packages)
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(source, name))
		if err != nil {
			return "", err
		}
		_, _ = h.Write(text) // a hash never fails
	}
	return once(fmt.Sprintf("%s-%x", module, h.Sum(nil)[:8]), func(dir string) error {
		args := append([]string{"build", "-tags", tags, "-o", dir + string(filepath.Separator)}, packages...)
		return run(source, "go", args...)
	})
}

// Module is the folder of a module that one of those in the folder modules
// requires.
func Module(module, path string) (string, error) {
	source := filepath.Join("modules", module)
	if err := run(source, "go", "mod", "download", path); err != nil {
		return "", err
	}
	cmd := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", path)
	cmd.Dir = source
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w", cmd, err)
	}
	return strings.TrimSpace(string(out)), nil
}

// Debian unpacks a package of Debian's, without installing it, and gives the
// folder in which its files stand as at the root.
func Debian(name string) (string, error) {
	return once("debian-"+name, func(dir string) error {
		if err := run(dir, "apt-get", "download", "-q", name); err != nil {
			if err := run(dir, "apt-get", "update", "-q"); err != nil {
				return err
			}
			if err := run(dir, "apt-get", "download", "-q", name); err != nil {
				return err
			}
		}
		packages, err := filepath.Glob(filepath.Join(dir, "*.deb"))
		if err != nil || len(packages) != 1 {
			return fmt.Errorf("the download of %s left %v, %w", name, packages, err)
		}
		if err := run(dir, "dpkg", "-x", packages[0], dir); err != nil {
			return err
		}
		return os.Remove(packages[0])
	})
}

// once makes a folder of the cache, whole or not at all.
func once(name string, fill func(dir string) error) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "portreeve-e2e", name)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", err
	}
	stage, err := os.MkdirTemp(filepath.Dir(dir), "."+name+"-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(stage)
	if err := fill(stage); err != nil {
		return "", err
	}
	if err := os.Rename(stage, dir); err != nil && !os.IsExist(err) {
		return "", err
	}
	return dir, nil
}

func run(dir, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	return nil
}

// Free is a port of this machine that nothing listens on.
func Free() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
