// Command portreeve-validate checks the declarations of a config repo, and
// formats its files. It is what pre-commit installs: the same as "portreeve
// validate" and "portreeve fmt", in a binary that is small and quick to build.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/portreeve/portreeve/cmd/internal/check"
)

// Exit statuses.
const (
	exitProblems = 1 // a declaration is wrong
	exitUse      = 2 // the command line is
	exitOutside  = 3 // something can't be read or written
)

const usage = `Usage: portreeve-validate [--staged] [--output FORMAT] [PATH]
       portreeve-validate fmt [--check] [--staged] [--output FORMAT] [PATH...]

Checks all declarations below PATH, the folder of a config repo; the current
one by default. Each problem is told with file, line and column, all at once.
With fmt it writes the files below each PATH, or the files that are named, in
CUE's standard format. FORMAT is text, json or github.

  portreeve-validate --staged          judge what the next commit will hold
  portreeve-validate fmt --check       list what is not formatted

Exit status: 0 fine, 1 problems, 2 wrong use, 3 PATH can't be read.

`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// run runs one command line and returns its exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("portreeve-validate", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(stderr, usage)
		flags.PrintDefaults()
	}
	output := flags.String("output", "text", "`FORMAT`: "+strings.Join(check.Outputs, " or "))
	validate, format := &check.Validate{Dir: "."}, &check.Format{}
	formats := len(args) > 0 && args[0] == "fmt"
	if formats {
		args = args[1:]
		format.Flags(flags)
	} else {
		validate.Flags(flags)
	}
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return exitUse
	}
	if formats {
		format.Paths, format.Output = flags.Args(), *output
		return status(format.Run(ctx, stdout), stderr)
	}
	if flags.NArg() > 1 {
		flags.Usage()
		return exitUse
	}
	if flags.NArg() == 1 {
		validate.Dir = flags.Arg(0)
	}
	validate.Output = *output
	return status(validate.Run(ctx, stdout), stderr)
}

// status is the exit status for an error, which is told unless it has been.
func status(err error, stderr io.Writer) int {
	use := (*check.UseError)(nil)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, check.ErrProblems):
		return exitProblems
	}
	fmt.Fprintln(stderr, "portreeve-validate:", err)
	if errors.As(err, &use) {
		return exitUse
	}
	return exitOutside
}
