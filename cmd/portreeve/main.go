// Command portreeve reconciles a fleet with what a config repo declares.
//
// Each command is a file of this folder. This one holds what they share:
// exit statuses, flags, and the lists of members.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/portreeve/portreeve/cmd/internal/release"
)

// Exit statuses.
const (
	exitProblems = 1 // in the input: declarations
	exitUsage    = 2
	exitOutside  = 3 // forge, network or disk failed
	exitChanges  = 4 // plan --exit-code: there is something to do
)

// exitError is an error with the status to exit with. Its text is printed;
// an empty one has been told already.
type exitError struct {
	status int
	err    error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

func outside(err error) error {
	if err == nil {
		return nil
	}
	return &exitError{exitOutside, err}
}

func main() { os.Exit(run(os.Args[1:])) }

// run runs one command line and returns its exit status.
func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := rootCommand()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	status := exitUsage // cobra's own errors are of use
	if exit := (*exitError)(nil); errors.As(err, &exit) {
		status = exit.status
	}
	if err.Error() != "" {
		fmt.Fprintln(os.Stderr, "portreeve:", err)
	}
	return status
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "portreeve",
		Short: "Reconcile a fleet of repos with what one config repo declares",
		Long: `Portreeve reads declarations from one Git repo, computes what every repo of
the fleet should hold, and opens, updates and merges pull requests until it is
so. It says of each target, at any time, what state it is in and why.

Exit status: 0 all is well; 1 problems in declarations; 2 wrong use; 3 the
forge, the network or the disk failed; 4 plan --exit-code found something to do.`,
		Example: `  portreeve demo                       see it work, on a forge of its own
  portreeve validate                   check the declarations in this folder
  portreeve plan --diff                what would change, and why
  portreeve why acme/ledger            what state one repo is in, and why`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       release.Name(),
	}
	root.AddCommand(
		initCommand(), newCommand(), adoptCommand(), validateCommand(), fmtCommand(), planCommand(), reconcileCommand(), runCommand(),
		statusCommand(), whyCommand(), ownerCommand(), backstageCommand(), prometheusCommand(), demoCommand(), schemaCommand(), docsCommand(),
	)
	return root
}
