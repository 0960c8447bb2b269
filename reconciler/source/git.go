package source

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"

	"github.com/portreeve/portreeve/reconciler/disk"
	"github.com/portreeve/portreeve/reconciler/fleet"
)

// GitOptions say where a remote config repo is.
type GitOptions struct {
	URL    string    // http, https or a path; without credentials
	Branch string    // empty is the remote's default branch, asked for each time
	Dir    string    // for clones, and for nothing else; may be deleted at any time
	Disk   disk.Disk // makes all changes in Dir
	// Auth gives user name and secret, at each connection; nil for none. They
	// are sent over https, and over http to this machine alone.
	Auth func(ctx context.Context) (user, secret string, err error)
	Poll time.Duration // between looks of Watch; a minute if not positive
	// HTTP carries the requests; http.DefaultTransport when nil. go-git has one
	// for the whole process, so the last that is given holds.
	HTTP http.RoundTripper
}

// Bounds of one connection.
const (
	askWithin   = 30 * time.Second
	cloneWithin = 5 * time.Minute
)

// Git reads a branch of a remote repo. It keeps a clone with all history, and
// makes a new one when the branch has moved: a clone is right after a force
// push, too, and whatever had happened to the one before. It is made under
// another name and renamed once it is whole, so a crash leaves nothing half.
// While the remote can't be had, Current fails and Last stays.
func Git(o GitOptions) (Source, error) {
	u, err := url.Parse(o.URL)
	switch {
	case err != nil: // whose text would repeat the URL
		return nil, failed("read URL", "config repo", fleet.Permanent, errors.New("not a URL"))
	case u.User != nil || u.RawQuery != "":
		return nil, failed("read URL", "config repo", fleet.Permanent,
			errors.New("the URL holds credentials or a query; a token belongs into the environment"))
	case o.Dir == "":
		return nil, failed("keep clones", o.URL, fleet.Permanent, errors.New("no folder is given"))
	}
	local := u.Scheme == "" || u.Scheme == "file"
	if u.Scheme != "http" && u.Scheme != "https" && !local {
		return nil, failed("read URL", o.URL, fleet.Permanent, errors.New("neither http nor https"))
	}
	if o.Auth != nil && u.Scheme == "http" && !loopback(u.Hostname()) {
		return nil, failed("read URL", o.URL, fleet.Permanent, errors.New("credentials are not sent over plain http"))
	}
	if local {
		o.Auth = nil
	}
	if o.Poll <= 0 {
		o.Poll = time.Minute
	}
	carry(o.HTTP)
	return &remote{GitOptions: o, memory: newRecall(), name: strings.TrimSuffix(o.URL, ".git")}, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

type remote struct {
	GitOptions
	name   string
	memory *recall

	mu sync.Mutex // held while looking and cloning

	state  sync.Mutex // guards what follows
	last   *Tree
	folder string // of last's clone
	before string // of the clone before, which may still be read
	looked bool   // for a clone of an earlier process
}

func (s *remote) Current(ctx context.Context) (*Tree, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := s.Last()
	head, branch, err := s.head(ctx)
	if err != nil {
		return nil, s.failure("look at the branch", err)
	}
	if last != nil && last.Revision == fleet.Revision(head) && s.standing() {
		return last, nil
	}
	tree, folder, err := s.clone(ctx, branch)
	if err != nil {
		return nil, s.failure("clone", err)
	}
	s.state.Lock()
	defer s.state.Unlock()
	s.last, s.folder, s.before = tree, folder, s.folder
	s.sweep()
	return tree, nil
}

// standing says that the clone of the last tree has not been deleted.
func (s *remote) standing() bool {
	s.state.Lock()
	defer s.state.Unlock()
	_, err := os.Stat(filepath.Join(s.folder, "HEAD"))
	return err == nil
}

// Last also finds the clone that an earlier process left.
func (s *remote) Last() *Tree {
	s.state.Lock()
	defer s.state.Unlock()
	if s.looked {
		return s.last
	}
	s.looked = true
	newest := time.Time{}
	entries, _ := os.ReadDir(s.Dir)
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !strings.HasPrefix(e.Name(), clonePrefix) || info.ModTime().Before(newest) {
			continue
		}
		folder := filepath.Join(s.Dir, e.Name())
		if tree, err := s.read(folder); err == nil {
			s.last, s.folder, newest = tree, folder, info.ModTime()
		}
	}
	return s.last
}

// Watch asks the remote now and then. That it can't be had is for Current to
// tell, which a pass calls anyway.
func (s *remote) Watch(ctx context.Context, changed func()) error {
	changed()
	poll := time.NewTicker(s.Poll)
	defer poll.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-poll.C:
		}
		head, _, err := s.head(ctx)
		last := s.Last()
		if err == nil && (last == nil || last.Revision != fleet.Revision(head)) {
			changed()
		}
	}
}

func (s *remote) LastChanged(ctx context.Context, tree *Tree, file string, from, to int) (fleet.Revision, error) {
	return lastChanged(ctx, tree, file, from, to)
}

// Before looks into the clone, which holds all history.
func (s *remote) Before(ctx context.Context, tree *Tree, rev fleet.Revision) (fleet.Revision, int, error) {
	return before(ctx, tree, rev)
}

// At reads from the clone.
func (s *remote) At(ctx context.Context, tree *Tree, rev fleet.Revision) (*Tree, error) {
	return at(ctx, tree, rev)
}

// Names of folders in Dir. A clone's says its branch's revision, so that
// whoever looks into the data directory sees what is there.
const (
	clonePrefix = "config-"
	tempPrefix  = "new-"
)

// sweep removes all clones but the two newest, and what a crash left.
func (s *remote) sweep() {
	entries, _ := os.ReadDir(s.Dir)
	for _, e := range entries {
		folder := filepath.Join(s.Dir, e.Name())
		ours := strings.HasPrefix(e.Name(), clonePrefix) || strings.HasPrefix(e.Name(), tempPrefix)
		if ours && folder != s.folder && folder != s.before {
			_ = s.discard(folder) // in vain is harmless: the next sweep tries again
		}
	}
}

// discard removes a folder of Dir. It takes a clone's name away first: what a
// crash leaves of it must not be taken for a clone, and for the newest one.
func (s *remote) discard(folder string) error {
	name := filepath.Base(folder)
	if _, err := os.Lstat(folder); err == nil && strings.HasPrefix(name, clonePrefix) {
		aside := filepath.Join(s.Dir, tempPrefix+name)
		if err := s.Disk.RemoveAll(aside); err != nil {
			return err
		}
		if err := s.Disk.Rename(folder, aside); err != nil {
			return err
		}
		folder = aside
	}
	return s.Disk.RemoveAll(folder)
}

// read opens a clone and reads its tree, which proves that it is whole.
func (s *remote) read(folder string) (*Tree, error) {
	open := func() (*git.Repository, error) { return git.PlainOpen(folder) }
	repo, err := open()
	if err == nil {
		repo, err = keepOpen(repo)
	}
	if err != nil {
		return nil, err
	}
	head, err := repo.Reference(plumbing.HEAD, true)
	if err != nil {
		return nil, err
	}
	tree, err := treeAt(repo, head.Hash(), "", s.memory, open)
	if err != nil {
		return nil, err
	}
	tree.Name = s.name
	return tree, nil
}
