package source

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	fluxgit "github.com/fluxcd/pkg/git"
	"github.com/fluxcd/pkg/git/gogit"
	"github.com/fluxcd/pkg/git/repository"
	"github.com/go-git/go-billy/v5"
	"github.com/go-git/go-billy/v5/memfs"
	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
	"github.com/go-git/go-git/v5/storage/filesystem"
	"github.com/go-git/go-git/v5/storage/memory"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Reasons why a remote has no revision, each for a person to mend.
var (
	errNoBranch  = errors.New("no such branch")
	errNoDefault = errors.New("the remote names no default branch; name one")
)

// secretErr is an error met while a secret was at hand.
type secretErr struct {
	err    error
	secret string
}

func (e *secretErr) Error() string { return e.err.Error() }
func (e *secretErr) Unwrap() error { return e.err }

func (s *remote) login(ctx context.Context) (user, secret string, err error) {
	if s.Auth == nil {
		return "", "", nil
	}
	return s.Auth(ctx)
}

// head asks the remote for the branch and its commit. The Flux client's own
// shortcut for this needs the branch's name, and has "master" built in.
func (s *remote) head(ctx context.Context) (commit, branch string, err error) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	user, secret, err := s.login(ctx)
	if err != nil {
		return "", "", err
	}
	list := &git.ListOptions{}
	if secret != "" {
		list.Auth = &githttp.BasicAuth{Username: user, Password: secret}
	}
	refs, err := git.NewRemote(memory.NewStorage(), &config.RemoteConfig{
		Name: "origin", URLs: []string{s.URL},
	}).ListContext(ctx, list)
	if err != nil {
		return "", "", &secretErr{err, secret}
	}
	name := plumbing.NewBranchReferenceName(s.Branch)
	if s.Branch == "" {
		name = ""
		for _, r := range refs {
			if r.Name() == plumbing.HEAD && r.Type() == plumbing.SymbolicReference {
				name = r.Target()
			}
		}
		if !name.IsBranch() {
			return "", "", errNoDefault
		}
	}
	for _, r := range refs {
		if r.Name() == name && r.Type() == plumbing.HashReference {
			return r.Hash().String(), name.Short(), nil
		}
	}
	return "", "", fmt.Errorf("%w: %q", errNoBranch, name.Short())
}

// clone gives the branch's tree and the folder of its clone. The files of the
// worktree are of no use to us and exist only until the clone is done.
func (s *remote) clone(ctx context.Context, branch string) (*Tree, string, error) {
	ctx, cancel := context.WithTimeout(ctx, cloneWithin)
	defer cancel()
	user, secret, err := s.login(ctx)
	if err != nil {
		return nil, "", err
	}
	if err := s.Disk.MkdirAll(s.Dir); err != nil {
		return nil, "", plain(err)
	}
	temp, err := s.Disk.MkdirTemp(s.Dir, tempPrefix)
	if err != nil {
		return nil, "", plain(err)
	}
	// go-git may overrun its deadline, so nobody waits for it; whoever is
	// late finds its folder removed, or removes it.
	done := make(chan error, 1)
	go func() {
		err := cloneInto(ctx, guarded(s.Disk, temp), s.URL, branch, user, secret)
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			_ = s.Disk.RemoveAll(temp)
		}
		done <- err
	}()
	select {
	case err = <-done:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		return nil, "", &secretErr{err, secret}
	}
	tree, folder, err := s.settle(temp)
	if err != nil {
		_ = s.Disk.RemoveAll(temp)
	}
	return tree, folder, err
}

// settle reads a clone and gives it its final name. The tree is read before,
// as a proof, and again after, since it is bound to its folder's name.
func (s *remote) settle(temp string) (*Tree, string, error) {
	tree, err := s.read(temp)
	if err != nil {
		return nil, "", err
	}
	folder := filepath.Join(s.Dir, clonePrefix+string(tree.Revision))
	if err := s.discard(folder); err != nil { // a garbled one
		return nil, "", plain(err)
	}
	if err := s.Disk.Rename(temp, folder); err != nil {
		return nil, "", fmt.Errorf("rename the clone: %w", err)
	}
	tree, err = s.read(folder)
	return tree, folder, err
}

func cloneInto(ctx context.Context, folder billy.Filesystem, remote, branch, user, secret string) error {
	auth := &fluxgit.AuthOptions{Transport: fluxgit.HTTPS, Username: user, Password: secret}
	if strings.HasPrefix(remote, "http:") {
		auth.Transport = fluxgit.HTTP
	}
	options := []gogit.ClientOption{
		gogit.WithStorer(filesystem.NewStorage(folder, cache.NewObjectLRUDefault())),
		gogit.WithWorkTreeFS(memfs.New()),
	}
	if secret != "" {
		// Git has seen to it that http leads to this machine.
		options = append(options, gogit.WithInsecureCredentialsOverHTTP())
	}
	client, err := gogit.NewClient(folder.Root(), auth, options...)
	if err != nil {
		return err
	}
	commit, err := client.Clone(ctx, remote, repository.CloneConfig{
		CheckoutStrategy: repository.CheckoutStrategy{Branch: branch},
	})
	if err == nil && commit == nil {
		return transport.ErrEmptyRemoteRepository
	}
	return err
}

// failure classifies what went wrong with the remote, by type.
func (s *remote) failure(op string, err error) *fleet.Failure {
	f := failed(op, s.name, fleet.ClassOf(err), err) // Auth may have classified
	if inner := (*fleet.Failure)(nil); errors.As(err, &inner) {
		f.Until = inner.Until
	}
	for _, permanent := range []error{
		transport.ErrAuthenticationRequired, transport.ErrAuthorizationFailed,
		transport.ErrRepositoryNotFound, transport.ErrEmptyRemoteRepository,
		transport.ErrInvalidAuthMethod, errNoBranch, errNoDefault, os.ErrPermission,
	} {
		if errors.Is(err, permanent) {
			f.Class = fleet.Permanent
		}
	}
	if missing := (fluxgit.ErrRepositoryNotFound{}); errors.As(err, &missing) {
		f.Class = fleet.Permanent
	}
	text := s.text(err)
	if r := response(err); r != nil {
		text = fmt.Sprintf("the server answers %d %s", r.StatusCode, http.StatusText(r.StatusCode))
		switch {
		case r.StatusCode == http.StatusTooManyRequests:
			f.Class, f.Until = fleet.Limited, retryAfter(r)
		case r.StatusCode >= 400 && r.StatusCode < 500 && r.StatusCode != http.StatusRequestTimeout:
			f.Class = fleet.Permanent
		}
	}
	f.Err = &quiet{err: err, text: text}
	return f
}

// text is an error's, without the secret in any form it may have been sent in.
func (s *remote) text(err error) string {
	text := err.Error()
	if e := (*secretErr)(nil); errors.As(err, &e) && e.secret != "" {
		for _, form := range []string{e.secret, url.QueryEscape(e.secret), url.PathEscape(e.secret)} {
			text = strings.ReplaceAll(text, form, "…")
		}
	}
	return oneLine(text)
}

// quiet stands for an error whose own text is not to be shown; errors.Is
// still sees it.
type quiet struct {
	err  error
	text string
}

func (e *quiet) Error() string        { return e.text }
func (e *quiet) Is(target error) bool { return errors.Is(e.err, target) }

// response finds the HTTP answer in an error. go-git's UnexpectedError does
// not unwrap.
func response(err error) *http.Response {
	if u := (*plumbing.UnexpectedError)(nil); errors.As(err, &u) {
		err = u.Err
	}
	if e := (*githttp.Err)(nil); errors.As(err, &e) {
		return e.Response
	}
	return nil
}

func retryAfter(r *http.Response) time.Time {
	wait := time.Minute
	if s, err := strconv.Atoi(r.Header.Get("Retry-After")); err == nil && s > 0 && s <= 3600 {
		wait = time.Duration(s) * time.Second
	}
	return time.Now().Add(wait)
}
