package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/portreeve/portreeve/cmd/internal/release"
	"github.com/portreeve/portreeve/reconciler/catalog"
	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge/github"
	"github.com/portreeve/portreeve/reconciler/observe"
	"github.com/portreeve/portreeve/reconciler/plan"
)

const backstageTokenEnv = "PORTREEVE_BACKSTAGE_TOKEN"

// How long a pass waits for a catalog: the daemon's others go on without it, a
// command has no other.
const (
	catalogWaitDaemon = 10 * time.Second
	catalogWaitOnce   = 3 * time.Minute
)

// backstageToken reads the token anew at each use. Its error has no path:
// people paste the token itself where the file is asked for.
func (c *connection) backstageToken() (string, error) {
	if c.backstageTokenFile == "" {
		return strings.TrimSpace(os.Getenv(backstageTokenEnv)), nil
	}
	b, err := os.ReadFile(c.backstageTokenFile)
	if err != nil {
		return "", fmt.Errorf("--backstage-token-file can't be read: %w", withoutPath(err))
	}
	return strings.TrimSpace(string(b)), nil
}

// catalog reads what the settings name. Repos are those of the forge: a place
// on another host is none of the fleet.
func (c *connection) catalog(carry http.RoundTripper) func(*fleet.Backstage) observe.Catalog {
	return func(b *fleet.Backstage) observe.Catalog {
		web, err := github.Web(c.forgeURL)
		if err != nil {
			return badCatalog{err}
		}
		client, err := catalog.New(catalog.Options{
			URL: b.URL, Filter: b.Filter, Token: c.backstageToken, Forge: web.Host, HTTP: carry,
			UserAgent: "portreeve/" + release.Name(),
		})
		if err != nil {
			return badCatalog{err}
		}
		return client
	}
}

// badCatalog is one that can't be read at all.
type badCatalog struct{ err error }

func (b badCatalog) Read(context.Context) (*fleet.Catalog, error) {
	return nil, &fleet.Failure{Class: fleet.Permanent, Op: "read the catalog", On: "fleet.ownership.backstage.url", Err: b.err}
}

func backstageCommand() *cobra.Command {
	var a asking
	var format string
	var all bool
	cmd := &cobra.Command{
		Use:   "backstage [PATH]",
		Short: "Show what Backstage's catalog comes to as ownership; writes nothing",
		Long: `Backstage shows what the catalog of fleet.ownership.backstage comes to: what a
pull request to the config repo changes in ` + fleet.ImportFile + `, where
declarations of people say otherwise (theirs stand), what stays as committed
since the catalog can't be believed in it, and why nothing is proposed, if so.
It shows what the daemon at --url saw in its last pass, or without --url looks
itself, with the token of $` + backstageTokenEnv + ` or --backstage-token-file.

The status is 1 when an import is refused, 3 when the catalog can't be read.`,
		Example: `  portreeve backstage --url http://127.0.0.1:8080
  portreeve backstage --output json https://github.com/acme/config | jq .differences`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			pass, err := a.pass(cmd.Context(), place(args))
			if err != nil {
				return err
			}
			made := pass.Plan.Import
			if made == nil {
				return usagef("the settings name no catalog: write fleet: ownership: backstage: url: \"https://…\"")
			}
			if format == "json" {
				err = printJSON(cmd.OutOrStdout(), made)
			} else {
				printImport(cmd.OutOrStdout(), pass.Plan, all)
			}
			return errors.Join(err, importStatus(made))
		},
	}
	a.flags(cmd)
	cmd.Flags().BoolVar(&all, "all", false, "show all entities that can't be used, and not the first few")
	outputFlag(cmd, &format, "table", "json")
	return cmd
}

// importStatus is how the command exits.
func importStatus(made *plan.Imported) error {
	switch {
	case made.Err != "":
		return &exitError{status: exitOutside}
	case made.Import != nil && made.Refused != "":
		return &exitError{status: exitProblems}
	}
	return nil
}

// fewPassed is how many entities that can't be used are shown.
const fewPassed = 10

func printImport(w io.Writer, p *plan.Plan, all bool) {
	made := p.Import
	fmt.Fprintln(w, safe(made.Line(p.Observed)))
	if made.Import == nil {
		return
	}
	section := func(title string, lines []string, most int) {
		if len(lines) == 0 {
			return
		}
		fmt.Fprintf(w, "\n%s:\n", title)
		for i, line := range lines {
			if i == most && !all {
				fmt.Fprintf(w, "  and %d more; see --all\n", len(lines)-most)
				break
			}
			fmt.Fprintln(w, safe("  "+line))
		}
	}
	var differences []string
	for _, d := range made.Differences {
		differences = append(differences, fmt.Sprintf("%s (%s)", d, d.Pos))
	}
	section("changes to "+fleet.ImportFile, made.What, len(made.What))
	section("declared otherwise by people, which stands", differences, len(differences))
	section("stays as committed", passedLines(made.Kept), fewPassed)
	section("can't be used", passedLines(made.Passed), fewPassed)
	for i := range p.Outcomes {
		if o := p.Outcomes[i]; o.Declaration.Kind == "import" {
			o.What = nil // told above, whole
			fmt.Fprintln(w)
			printOutcome(w, o.Target.String(), &o)
		}
	}
}

func passedLines(all []fleet.CatalogPassed) []string {
	var lines []string
	for _, p := range all {
		lines = append(lines, p.Ref+": "+p.Reason)
	}
	return lines
}
