// Package index shows the Git index of a checkout as a tree of files: what
// the next commit will hold, whatever lies in the work tree. It asks the git
// command, which knows every form that an index has, and never a network.
//
// Of a large repo only what can matter to declarations is there: files named
// *.cue, symlinks, and what lies at the top or below cue.mod.
package index

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"time"
	"unicode"
)

const (
	patience   = 2 * time.Minute // for one list of git's
	maxEntries = 200_000         // of what is kept
	maxName    = 4096            // bytes of a path
)

// FS is an index, as an fs.FS whose root is the folder that was asked for.
type FS struct {
	// Conflicts are files that a merge has left without one content.
	Conflicts []string

	folders map[string]map[string]*node
	objects *objects
}

// Open reads the index of the checkout in which dir lies, from dir down. The
// caller closes it.
func Open(ctx context.Context, dir string) (*FS, error) {
	f := &FS{folders: map[string]map[string]*node{".": {}}, objects: &objects{ctx: ctx, dir: dir}}
	var empty []*node
	err := list(ctx, dir, func(record []byte) error {
		n, err := f.add(record)
		if err == nil && n != nil && emptyBlob[n.id] {
			empty = append(empty, n)
		}
		return err
	}, "ls-files", "--stage", "-z")
	if err == nil && len(empty) > 0 {
		err = f.withoutIntents(ctx, dir)
	}
	if err != nil {
		return nil, fmt.Errorf("read the index of %s: %w", dir, err)
	}
	return f, nil
}

// Close ends what reads the index.
func (f *FS) Close() error { return f.objects.close() }

// emptyBlob are the ids of a file without content.
var emptyBlob = map[string]bool{
	"e69de29bb2d1d6434b8b29ae775ad8c2e48c5391":                         true,
	"473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813": true,
}

// withoutIntents takes out files of which only the intent to add them was
// noted ("git add -N"): the commit will not hold them.
func (f *FS) withoutIntents(ctx context.Context, dir string) error {
	return list(ctx, dir, func(record []byte) error {
		name := string(record)
		delete(f.folders[path.Dir(name)], path.Base(name))
		return nil
	}, "diff-files", "--name-only", "--diff-filter=A", "--relative", "-z")
}

// add takes a record of git ls-files, "MODE ID STAGE<tab>PATH"; the node is
// nil where the file does not matter.
func (f *FS) add(record []byte) (*node, error) {
	head, name, ok := strings.Cut(string(record), "\t")
	parts := strings.Fields(head)
	if !ok || len(parts) != 3 {
		return nil, fmt.Errorf("git says %q", clean(record))
	}
	n := &node{fs: f, path: name, name: path.Base(name), id: parts[1], mode: modes[parts[0]]}
	switch {
	case !matters(name, n.mode) || parts[0] == "160000": // a submodule
		return nil, nil
	case !fs.ValidPath(name) || len(name) > maxName:
		if strings.HasSuffix(name, ".cue") {
			return nil, fmt.Errorf("it holds a file whose name can't be one: %q", name)
		}
		return nil, nil
	case parts[2] != "0":
		if len(f.Conflicts) == 0 || f.Conflicts[len(f.Conflicts)-1] != name {
			f.Conflicts = append(f.Conflicts, name)
		}
		return nil, nil
	}
	f.objects.entries++
	if f.objects.entries > maxEntries {
		return nil, fmt.Errorf("it holds more than %d files", maxEntries)
	}
	for at := name; at != "."; at = path.Dir(at) {
		dir := path.Dir(at)
		if f.folders[dir] == nil {
			f.folders[dir] = map[string]*node{}
		}
		if at == name {
			f.folders[dir][n.name] = n
		} else if f.folders[dir][path.Base(at)] == nil {
			f.folders[dir][path.Base(at)] = &node{fs: f, path: at, name: path.Base(at), mode: fs.ModeDir | 0o755}
		}
	}
	return n, nil
}

var modes = map[string]fs.FileMode{"100644": 0o644, "100755": 0o755, "120000": fs.ModeSymlink | 0o777}

func matters(name string, mode fs.FileMode) bool {
	return strings.HasSuffix(name, ".cue") || mode&fs.ModeSymlink != 0 ||
		!strings.Contains(name, "/") || strings.HasPrefix(name, "cue.mod/")
}

// list runs git in dir and takes its answer, record by record.
func list(ctx context.Context, dir string, take func(record []byte) error, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := git(ctx, dir, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &limited{&stderr, 4096}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return started(err)
	}
	records := bufio.NewScanner(out)
	records.Buffer(nil, 64<<10)
	records.Split(byZero)
	for err == nil && records.Scan() {
		err = take(records.Bytes())
	}
	if err = errors.Join(err, records.Err()); err != nil {
		cancel()
		_ = cmd.Wait() // it was stopped
		return err
	}
	if err := cmd.Wait(); err != nil {
		if text := clean(bytes.TrimPrefix(bytes.TrimSpace(stderr.Bytes()), []byte("fatal: "))); text != "" {
			return errors.New(text)
		}
		return err
	}
	return nil
}

// git is a command that writes nothing, runs nothing of the repo's and talks
// to nobody.
func git(ctx context.Context, dir string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-c", "core.fsmonitor=false", "-C", dir}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_OPTIONAL_LOCKS=0", "GIT_NO_LAZY_FETCH=1", "LC_ALL=C")
	// A hook may have been told these relative to where it runs.
	for _, name := range []string{"GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR"} {
		if at := os.Getenv(name); at != "" {
			if abs, err := filepath.Abs(at); err == nil {
				cmd.Env = append(cmd.Env, name+"="+abs)
			}
		}
	}
	return cmd
}

func started(err error) error {
	if errors.Is(err, exec.ErrNotFound) {
		return errors.New("there is no git command, which knows what is staged")
	}
	return err
}

func byZero(data []byte, atEOF bool) (advance int, token []byte, err error) {
	if i := bytes.IndexByte(data, 0); i >= 0 {
		return i + 1, data[:i], nil
	}
	if atEOF && len(data) > 0 {
		return 0, nil, io.ErrUnexpectedEOF
	}
	return 0, nil, nil
}

// clean is text of git's for a terminal, in one line.
func clean(text []byte) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return ' '
		}
		return r
	}, string(text))
}

// limited keeps the beginning of what is written.
type limited struct {
	to   *bytes.Buffer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	n := min(len(p), l.left)
	l.to.Write(p[:n])
	l.left -= n
	return len(p), nil
}
