package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/portreeve/portreeve/cmd/internal/members"
	"github.com/portreeve/portreeve/reconciler/catalog"
	"github.com/portreeve/portreeve/reconciler/dashboard"
	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge/github"
	"github.com/portreeve/portreeve/reconciler/gitrepo"
	"github.com/portreeve/portreeve/reconciler/held"
	"github.com/portreeve/portreeve/reconciler/kind"
)

func ownerCommand() *cobra.Command {
	var a asking
	var format, config, namespace string
	var all bool
	cmd := &cobra.Command{
		Use:   "owner PATH...",
		Short: "Say who owns a file, and which line of which declaration says so",
		Long: `Owner answers for each PATH, a file or folder of the checkout that it is in, or
REPO:PATH: which teams own it, which line of which declaration says so at which
revision, and how old that is. It asks the daemon at --url or, with --config,
reads the config repo itself: without the forge, and it says what it could not
know so. A folder's answer is that for a file in it that no line names.

It is about what is declared. Whether the repo's CODEOWNERS says the same by now
is told where a daemon is asked, and by "portreeve why".

With --all --output backstage it prints a Group for each team and a Component
for each repo, as Backstage's catalog takes them. What came from a catalog is
left out, and owners of paths are, since no entity stands for a part of a repo.
The daemon serves the same at /api/backstage/catalog-info.yaml: register that as
a location of type url, and allow its host in backend.reading.allow. An import
learns nothing from entities that came from here.`,
		Example: `  portreeve owner src/main.go --url http://127.0.0.1:8080
  portreeve owner acme/ledger:deploy/prod.yaml --config ../config
  portreeve owner --all --output json --config https://github.com/acme/config
  portreeve owner --all --output backstage --url http://127.0.0.1:8080 > entities.yaml`,
		Args: func(_ *cobra.Command, args []string) error {
			if (len(args) == 0) != all {
				return usagef("owner takes paths, or --all, as in: portreeve owner src/main.go")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			entities := format == "backstage"
			err := catalog.CheckNamespace(namespace)
			switch {
			case a.url == "" && config == "":
				return usagef("say whom to ask: a daemon with --url (or $PORTREEVE_URL), or a config repo with --config")
			case entities && !all:
				return usagef("--output backstage is for --all that is owned")
			case !entities && cmd.Flags().Changed("namespace"):
				return usagef("--namespace is for --output backstage")
			case err != nil:
				return usagef("--namespace: %w", err)
			case entities:
				return a.entities(cmd, config, namespace)
			}
			asked, err := places(args)
			if err != nil {
				return err
			}
			told, err := a.ownership(cmd.Context(), config, asked)
			if err != nil {
				return err
			}
			switch {
			case format == "json":
				return printJSON(cmd.OutOrStdout(), told)
			case all:
				printLines(cmd.OutOrStdout(), told)
			default:
				printOwners(cmd.OutOrStdout(), told)
			}
			return nil
		},
	}
	a.flags(cmd)
	cmd.Flags().StringVar(&config, "config", "", "the config repo to read where no daemon is asked: `PATH` or URL")
	cmd.Flags().BoolVar(&all, "all", false, "list all that is declared: of repos, their paths, and namespaces")
	cmd.Flags().StringVar(&namespace, "namespace", catalog.DefaultNamespace, "`NAME` of the namespace of Backstage's entities")
	outputFlag(cmd, &format, "table", "json", "backstage")
	return cmd
}

// entities prints who owns what as entities of Backstage's catalog. What is not
// known, or not as it should be, goes to standard error.
func (a *asking) entities(cmd *cobra.Command, where, namespace string) error {
	if a.url != "" {
		return ask(cmd.Context(), a.url, "/api/backstage/catalog-info.yaml?namespace="+namespace, func(body io.Reader) error {
			_, err := io.Copy(cmd.OutOrStdout(), io.LimitReader(body, maxStatus))
			return err
		})
	}
	config, err := a.declared(cmd.Context(), where)
	if config == nil {
		return outside(err)
	}
	if err != nil {
		fmt.Fprintln(cmd.ErrOrStderr(), safe("trouble: "+err.Error()))
	}
	if len(config.Defaults) > 0 {
		fmt.Fprintln(cmd.ErrOrStderr(), "not known without a daemon: the repos that have an owner by default")
	}
	_, err = cmd.OutOrStdout().Write(catalog.Entities(config, nil, namespace))
	return outside(err)
}

// places are arguments as "owner/name:path".
func places(args []string) ([]string, error) {
	var all []string
	for _, arg := range args {
		if _, _, ok := dashboard.ParseAsked(arg); ok {
			all = append(all, arg)
			continue
		}
		p, err := inCheckout(arg)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// inCheckout finds the repo that a path on this machine is of. The path need
// not be there; its folder, or one above, has to.
func inCheckout(arg string) (string, error) {
	abs, err := filepath.Abs(arg)
	if err != nil {
		return "", usagef("%s: %v", arg, err)
	}
	dir, slash := abs, "/"
	for info, err := os.Stat(dir); err != nil || !info.IsDir(); info, err = os.Stat(dir) {
		if dir == filepath.Dir(dir) {
			break
		}
		dir, slash = filepath.Dir(dir), ""
	}
	checkout, err := gitrepo.FindCheckout(dir)
	if err != nil {
		return "", usagef("%v; name the repo, as in acme/ledger:%s", err, filepath.ToSlash(arg))
	}
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return "", usagef("%s: %v", arg, err)
	}
	rel, err := filepath.Rel(checkout.Root, filepath.Join(real, strings.TrimPrefix(abs, dir)))
	if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return "", usagef("%s is not below the top of its checkout, %s", arg, checkout.Root)
	}
	return string(checkout.Repo) + ":" + filepath.ToSlash(rel) + slash, nil
}

// ownership asks the daemon, or the config repo; nothing asked is everything.
func (a *asking) ownership(ctx context.Context, where string, asked []string) (*dashboard.Ownership, error) {
	if a.url != "" {
		query := url.Values{"path": asked}
		if asked == nil {
			query = url.Values{"all": {"true"}}
		}
		told := &dashboard.Ownership{}
		return told, fetch(ctx, a.url, "/api/owner?"+query.Encode(), maxStatus, told)
	}
	config, err := a.declared(ctx, where)
	if config == nil {
		return nil, outside(err)
	}
	told := &dashboard.Ownership{Revision: config.Revision, Committed: config.Time, Unknown: []string{
		"the forge: which repos there are; topics, by which a default may choose; renames; whether CODEOWNERS says so by now",
	}}
	if err != nil {
		told.Trouble = err.Error()
	}
	if len(config.Lent) > 0 {
		told.Unknown = append(told.Unknown, "whether engineers who are lent may write there, without which they don't own")
	}
	if config.Revision == "" {
		told.Unknown = append(told.Unknown, "what the daemon has: these files are as they lie there, committed or not")
	}
	kinds := members.Kinds()
	if asked == nil {
		told.Lines = kinds.Everything(config, nil)
	}
	alone := func(name fleet.RepoName) fleet.Repo { return fleet.Repo{Name: name} }
	if told.Answers, err = dashboard.Ask(kinds, config, asked, alone); err != nil {
		return nil, usagef("%v", err)
	}
	return told, nil
}

// declared reads the config repo, with what is invalid in it held. It asks no
// forge, but for the repo itself if that is where it is.
func (a *asking) declared(ctx context.Context, where string) (*fleet.Config, error) {
	carry, err := a.transport()
	if err != nil {
		return nil, err
	}
	var client *github.Client
	if isURL(where) { // of a folder no forge has to be asked
		if client, err = a.client(where, carry, func(string, time.Time) {}); err != nil {
			return nil, err
		}
	}
	src, err := a.source(where, false, client, carry)
	if err != nil {
		return nil, err
	}
	tree, err := src.Current(ctx)
	if err != nil {
		return nil, err
	}
	data, err := a.dataDir()
	if err != nil {
		return nil, err
	}
	reader := &held.Reader{Source: src, Kinds: members.Kinds(), Load: loader(data, a.disk).Load}
	config, err := reader.Read(ctx, tree)
	if config != nil {
		config = kind.Lend(config, time.Now(), nil)
	}
	return config, err
}

// printOwners prints answers, the teams first.
func printOwners(w io.Writer, told *dashboard.Ownership) {
	for _, a := range told.Answers {
		fmt.Fprintln(w, safe(fmt.Sprintf("%s:%s  %s", a.Repo, a.Path, ownersIn(a.Line))))
		t := table{indent: "  "}
		if l := a.Line; l != nil {
			why := l.Pattern
			if l.Default {
				why += ", by default"
			}
			t.add("line", why)
			t.add("from", from(l))
			for _, lent := range l.Lent {
				t.add("lent", fmt.Sprintf("%s by %s, until %s (%s)", lent.Engineer, lent.From, lent.Until, lent.Loan))
			}
			if l.Stale != nil {
				t.add("stale", l.Stale.How()+"; "+l.Stale.Why())
			}
		} else {
			t.add("why", a.Why)
		}
		if a.Contact != "" {
			t.add("ask", a.Contact)
		}
		if a.OnCall != "" {
			t.add("on call", a.OnCall)
		}
		if a.State != "" {
			t.add("repo", strings.ToUpper(string(a.State))+", "+a.Reason)
		}
		t.print(w)
	}
	printAge(w, told)
}

// from is where a line stands.
func from(l *kind.Line) string {
	text := l.Declaration.String() + " · " + l.Pos.String()
	if l.Revision != "" {
		text += " at " + l.Revision.Short()
	}
	return text
}

func ownersIn(l *kind.Line) string {
	switch {
	case l == nil:
		return "unknown"
	case l.Unowned:
		return "nobody, on purpose"
	}
	text := string(l.Owner)
	for i, c := range l.CoOwners {
		text += []string{", with ", ", "}[min(i, 1)] + string(c)
	}
	return text
}

// printLines prints all that is declared.
func printLines(w io.Writer, told *dashboard.Ownership) {
	var t table
	for i := range told.Lines {
		l := &told.Lines[i]
		where := []string{string(l.Repo), l.Pattern}
		if l.Namespace != "" {
			where = []string{string(l.Cluster), "namespace " + l.Namespace}
		}
		text := from(l)
		if l.Stale != nil {
			text += " (STALE, " + l.Stale.How() + ")"
		}
		t.add(where[0], where[1], ownersIn(l), text)
	}
	t.print(w)
	printAge(w, told)
}

// printAge says how old the answer is, and what it does not know.
func printAge(w io.Writer, told *dashboard.Ownership) {
	text := "revision " + told.Revision.Short()
	if !told.Committed.IsZero() {
		text += " of " + told.Committed.Local().Format("2 Jan 2006 15:04")
	}
	if !told.Seen.IsZero() {
		text += " · seen " + told.Seen.Local().Format("2 Jan 15:04:05")
	}
	fmt.Fprintln(w, text)
	if told.Trouble != "" {
		fmt.Fprintln(w, safe("trouble: "+told.Trouble))
	}
	for _, u := range told.Unknown {
		fmt.Fprintln(w, safe("not known: "+u))
	}
}
