package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/portreeve/portreeve/reconciler/dashboard"
	"github.com/portreeve/portreeve/reconciler/rollout"
	"github.com/portreeve/portreeve/reconciler/store"
)

// asking holds the flags of commands that ask a daemon, or look themselves.
type asking struct {
	connection
	url string
}

func (a *asking) flags(cmd *cobra.Command) {
	a.connection.flags(cmd)
	cmd.Flags().StringVar(&a.url, "url", os.Getenv("PORTREEVE_URL"), "`URL` of a running daemon to ask, or $PORTREEVE_URL; without either, the fleet is looked at now")
	cmd.Flags().Lookup("url").DefValue = "" // help shows it, and it may hold a password
}

// pass is the daemon's last pass, or what is seen now.
func (a *asking) pass(ctx context.Context, where string) (*store.Pass, error) {
	if a.url != "" {
		return fetchPass(ctx, a.url)
	}
	bar := newProgress()
	e, err := newEngine(&a.connection, where, false, true, logger(os.Stderr, false), bar)
	if err != nil {
		return nil, err
	}
	defer e.Close()
	started := time.Now()
	look, err := e.Plan(ctx)
	bar.clear()
	if err != nil {
		return nil, outside(err)
	}
	return &store.Pass{
		Started: started, Finished: time.Now(), Revision: look.Plan.Revision,
		Problems: look.Plan.Problems, Plan: look.Plan, Config: look.Config,
	}, nil
}

// Bounds of a daemon's answers.
const (
	maxStatus = 256 << 20
	maxNow    = 64 << 10
)

// fetchPass asks a daemon for its last pass.
func fetchPass(ctx context.Context, url string) (*store.Pass, error) {
	var pass store.Pass
	if err := fetch(ctx, url, "/status.json", maxStatus, &pass); err != nil {
		return nil, err
	}
	if pass.Plan == nil {
		return nil, outside(fmt.Errorf("the daemon has no plan yet: %s", pass.Err))
	}
	return &pass, nil
}

// printNow says what a daemon is doing, if it can say so.
func printNow(ctx context.Context, w io.Writer, url string) {
	var now dashboard.Now
	if fetch(ctx, url, "/now.json", maxNow, &now) == nil && now.Doing != "" {
		fmt.Fprintln(w, safe(fmt.Sprintf("now: %s, since %s", now.Doing, now.Since.Local().Format("15:04:05"))))
	}
}

// fetch asks a daemon. Its errors leave out a password in the URL.
func fetch(ctx context.Context, url, path string, most int64, into any) error {
	return ask(ctx, url, path, func(body io.Reader) error {
		if err := json.NewDecoder(io.LimitReader(body, most)).Decode(into); err != nil {
			return fmt.Errorf("its answer is not a pass: %w", err)
		}
		return nil
	})
}

// ask is fetch of any answer.
func ask(ctx context.Context, url, path string, take func(io.Reader) error) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(url, "/")+path, nil)
	if err != nil || req.URL.Host == "" || req.URL.Scheme != "http" && req.URL.Scheme != "https" {
		return usagef("--url is not of the form http://host:port")
	}
	url = req.URL.Redacted()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return outside(fmt.Errorf("ask the daemon: %w", err))
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return outside(fmt.Errorf("ask the daemon at %s: it answers %s", url, res.Status))
	}
	if err := take(res.Body); err != nil {
		return outside(fmt.Errorf("ask the daemon at %s: %w", url, err))
	}
	return nil
}

func statusCommand() *cobra.Command {
	var a asking
	var format string
	var all bool
	cmd := &cobra.Command{
		Use:   "status [PATH]",
		Short: "Show the state of every target",
		Long: `Status shows the state of every target of the fleet: as the daemon at --url saw
it in its last pass, or without --url as it is seen now. It says what the daemon
is doing or waiting for, what the forge's limits leave this hour, and when what
waits for a limit has its turn, if nothing comes before it that is not there yet.`,
		Example: `  portreeve status --url http://127.0.0.1:8080
  portreeve status --all https://github.com/acme/config`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			pass, err := a.pass(cmd.Context(), place(args))
			if err != nil {
				return err
			}
			if format == "json" {
				return printJSON(cmd.OutOrStdout(), pass)
			}
			printStatus(cmd.OutOrStdout(), pass, all)
			if a.url != "" {
				printNow(cmd.Context(), cmd.OutOrStdout(), a.url)
			}
			return nil
		},
	}
	a.flags(cmd)
	cmd.Flags().BoolVar(&all, "all", false, "show also what is as declared and what is out")
	outputFlag(cmd, &format, "table", "json")
	return cmd
}

// printStatus prints the targets, the ones that need a person first.
func printStatus(w io.Writer, pass *store.Pass, all bool) {
	fmt.Fprintf(w, "revision %s · pass ended %s · mode %s\n",
		pass.Revision.Short(), pass.Finished.Local().Format("2 Jan 15:04:05"), pass.Plan.Mode)
	if pass.Err != "" {
		fmt.Fprintln(w, safe("last pass ended early: "+pass.Err))
	}
	if pass.Plan.Halted != "" {
		fmt.Fprintf(w, "nothing is written: %s\n", pass.Plan.Halted)
	}
	printWaits(w, pass)
	printForge(w, pass.Finished, pass.Plan)
	if made := pass.Plan.Import; made != nil {
		fmt.Fprintln(w, safe(made.Line(pass.Finished)))
	}
	printProblems(w, pass.Problems)
	printStale(w, pass.Plan.Stale)
	var t table
	for _, state := range rollout.States {
		if !all && (state == rollout.Done || state == rollout.Out) {
			continue
		}
		for i := range pass.Plan.Outcomes {
			if o := &pass.Plan.Outcomes[i]; o.State == state {
				t.add(string(o.State), orDash(o.Target.String()), declaration(o), detail(o))
			}
		}
	}
	t.print(w)
	fmt.Fprintln(w, planSummary(pass.Plan))
}
