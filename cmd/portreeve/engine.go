package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"log/slog"
	"net/http"
	"net/mail"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/portreeve/portreeve/cmd/internal/members"
	"github.com/portreeve/portreeve/cmd/internal/release"
	"github.com/portreeve/portreeve/reconciler"
	"github.com/portreeve/portreeve/reconciler/apply"
	"github.com/portreeve/portreeve/reconciler/cluster"
	"github.com/portreeve/portreeve/reconciler/cluster/files"
	"github.com/portreeve/portreeve/reconciler/cluster/kube"
	"github.com/portreeve/portreeve/reconciler/declare"
	"github.com/portreeve/portreeve/reconciler/disk"
	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge/github"
	"github.com/portreeve/portreeve/reconciler/gitrepo"
	"github.com/portreeve/portreeve/reconciler/metrics"
	"github.com/portreeve/portreeve/reconciler/observe"
	"github.com/portreeve/portreeve/reconciler/plan"
	"github.com/portreeve/portreeve/reconciler/source"
	"github.com/portreeve/portreeve/reconciler/store"
)

// connection holds the flags of every command that talks to a forge.
type connection struct {
	forgeURL  string
	tokenFile string
	data      string
	author    string
	poll      time.Duration
	repo      string
	settle    time.Duration
	access

	files              string // folder of the delivery "files"
	kubeconfig         string // of the delivery "apply"
	backstageTokenFile string
	catalogWait        time.Duration // catalogWaitOnce if zero

	// These have no flags.
	disk    disk.Disk                   // changes the data directory
	backoff func(try int) time.Duration // between tries of a read; nil is the client's own
}

func (c *connection) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&c.forgeURL, "forge-url", os.Getenv("PORTREEVE_FORGE_URL"), "base `URL` of a GitHub Enterprise server or a sandbox, or $PORTREEVE_FORGE_URL; github.com if empty")
	f.Lookup("forge-url").DefValue = "" // help shows it, and it may hold a password
	f.StringVar(&c.tokenFile, "token-file", "", "`FILE` that holds the forge's token; $PORTREEVE_TOKEN or $GITHUB_TOKEN if empty")
	f.StringVar(&c.data, "data", "", "`DIR` for caches and history, which may be deleted at any time; the user's cache directory if empty")
	f.StringVar(&c.author, "author", "Portreeve <portreeve@noreply.invalid>", "author of commits")
	f.DurationVar(&c.settle, "settle", 30*time.Second, "how long after a push to wait for more checks than have reported, where none is required")
	f.StringVar(&c.repo, "config-repo", "", "the config repo's `OWNER/NAME` on the forge, for its commit status; taken from its URL if empty")
	f.StringVar(&c.backstageTokenFile, "backstage-token-file", "", "`FILE` that holds the token of fleet.ownership.backstage; $"+backstageTokenEnv+" if empty")
	f.StringVar(&c.files, "files", "", "`DIR` below which the folders of clusters with the delivery files lie; no such cluster is reached if empty")
	f.StringVar(&c.kubeconfig, "kubeconfig", "", "`FILE` with the contexts of clusters with the delivery apply; it is read anew when it changes")
	c.access.flags(cmd)
}

// token reads the token anew at each use, so that a renewed one is taken up.
func (c *connection) token(context.Context) (string, error) {
	if c.tokenFile != "" {
		b, err := os.ReadFile(c.tokenFile)
		if err != nil {
			return "", errors.New("the token file can't be read")
		}
		return strings.TrimSpace(string(b)), nil
	}
	for _, name := range []string{"PORTREEVE_TOKEN", "GITHUB_TOKEN"} {
		if t := os.Getenv(name); t != "" {
			return t, nil
		}
	}
	return "", nil
}

// isURL tells a remote config repo from a folder.
func isURL(s string) bool { return strings.Contains(s, "://") }

// dataDir is where caches live.
func (c *connection) dataDir() (string, error) {
	if c.data != "" {
		return c.data, nil
	}
	base, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no place for caches; name one with --data: %w", err)
	}
	return filepath.Join(base, "portreeve"), nil
}

// source is the config repo: a URL, or a folder, committed or as it lies.
func (c *connection) source(where string, committed bool, forge *github.Client, carry http.RoundTripper) (source.Source, error) {
	switch {
	case !isURL(where) && committed:
		return source.Dir(where), nil
	case !isURL(where):
		return source.Files(where), nil
	}
	data, err := c.dataDir()
	if err != nil {
		return nil, err
	}
	options := source.GitOptions{URL: where, Dir: filepath.Join(data, "config"), Disk: c.disk, Poll: c.poll, HTTP: carry}
	if c.onForge(where) {
		options.Auth = func(ctx context.Context) (string, string, error) { return forge.Credentials(ctx, c.configRepo(where)) }
	}
	return source.Git(options)
}

// onForge reports whether a URL is of the forge, so that its token may be
// sent there.
func (c *connection) onForge(where string) bool {
	u, err := url.Parse(where)
	if err != nil {
		return false
	}
	base, err := github.Web(c.forgeURL)
	return err == nil && strings.EqualFold(u.Host, base.Host) && u.Scheme == base.Scheme
}

// configRepo is the config repo's name on the forge, empty when it is not
// known to be there.
func (c *connection) configRepo(where string) fleet.RepoName {
	if c.repo != "" {
		return fleet.RepoName(c.repo)
	}
	u, err := url.Parse(where)
	if err != nil || !isURL(where) || !c.onForge(where) {
		return ""
	}
	return fleet.RepoName(strings.TrimSuffix(strings.Trim(u.Path, "/"), ".git"))
}

// engine is everything that a pass needs, and what has to be closed after.
type engine struct {
	*reconciler.Reconciler
	store    *store.Store
	progress *progress
}

func (e *engine) Close() error { return e.store.Close() }

// newEngine wires the parts. Without memory, wants are computed anew, so
// that a diff can show the files they came from.
func newEngine(c *connection, where string, committed, memory bool, log *slog.Logger, progress *progress) (*engine, error) {
	if err := members.Kinds().Validate(); err != nil {
		return nil, err
	}
	author, err := mail.ParseAddress(c.author)
	if err != nil {
		return nil, usagef("--author %q is not of the form Name <mail@host>", c.author)
	}
	carry, err := c.transport()
	if err != nil {
		return nil, err
	}
	signer, err := c.signer()
	if err != nil {
		return nil, err
	}
	client, err := c.client(where, carry, func(reason string, until time.Time) {
		log.Info("waiting", "until", until, "reason", reason)
		progress.waits(reason, until)
	})
	if err != nil {
		return nil, err
	}
	src, err := c.source(where, committed, client, carry)
	if err != nil {
		return nil, &exitError{exitUsage, err}
	}
	data := ""
	if memory {
		if data, err = c.dataDir(); err != nil {
			return nil, &exitError{exitUsage, err}
		}
	}
	kept, err := store.Open(data, c.disk)
	if err != nil {
		return nil, outside(err)
	}
	clusters := c.clusters()
	git := gitrepo.New(gitrepo.Options{HTTP: &http.Client{Transport: carry}, Signer: signer})
	observer := &observe.Observer{
		Forge: client, Git: git, Now: time.Now, ConfigRepo: c.configRepo(where), Settle: c.settle, Signs: signer != nil,
		Progress: progress.step, Catalog: c.catalog(carry), CatalogWait: cmp.Or(c.catalogWait, catalogWaitOnce),
		Clusters: clusters,
	}
	return &engine{store: kept, progress: progress, Reconciler: &reconciler.Reconciler{
		Source: src, Kinds: members.Kinds(), Loader: loader(data, c.disk), Forge: client, Observer: observer,
		Applier: &apply.Applier{
			Forge: client, Git: git, Author: gitrepo.Signature{Name: author.Name, Email: author.Address}, SignOff: c.signOff, Now: time.Now,
			Clusters: clusters,
			Progress: func(_ apply.Result, done, of int) { progress.step("writing", done, of) },
		},
		Memo: memo(kept), Log: log, Now: time.Now,
	}}, nil
}

// clusters reaches clusters that are reached through no repo.
func (c *connection) clusters() cluster.Set {
	s := cluster.Set{Kube: &kube.Delivery{Connect: kube.Kubeconfig(c.kubeconfig), Now: time.Now}}
	if c.files != "" {
		s.Files = &files.Delivery{Root: c.files, Reload: (&metrics.Client{}).Reload, Now: time.Now, Disk: c.disk}
	}
	return s
}

// loader keeps what it reads in the data directory, if there is one.
func loader(data string, d disk.Disk) *declare.Loader {
	l := declare.NewLoader(members.Kinds())
	if data != "" {
		l.Dir, l.Disk = filepath.Join(data, "declarations"), d
	}
	return l
}

// memo keeps wants, apart for each build of the program that computes them.
func memo(s *store.Store) plan.Memo {
	h := fnv.New64a()
	fmt.Fprint(h, release.Name())
	if path, err := os.Executable(); err == nil {
		if info, err := os.Stat(path); err == nil {
			fmt.Fprint(h, info.Size(), info.ModTime().UnixNano())
		}
	}
	name := fmt.Sprintf("wants-%x", h.Sum64())
	s.Sweep("wants-", name, time.Now())
	return s.Cache(name, 1_000_000, 256<<20)
}

// logger writes events to w: readable on a terminal, else as text lines.
func logger(w io.Writer, verbose bool) *slog.Logger {
	level := slog.LevelWarn
	if verbose {
		level = slog.LevelInfo
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}

// place is the config repo that a command is about: its argument, or here.
func place(args []string) string {
	if len(args) > 0 {
		return args[0]
	}
	return "."
}
