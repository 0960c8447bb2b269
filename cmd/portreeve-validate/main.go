// Command portreeve-validate checks the declarations of a config repo. It is
// what pre-commit installs: the same check as "portreeve validate", in a
// binary that is small and quick to build.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/portreeve/portreeve/reconciler/declare"
	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/kind/migration"
	"github.com/portreeve/portreeve/reconciler/kind/ownership"
	"github.com/portreeve/portreeve/reconciler/transform"
	"github.com/portreeve/portreeve/reconciler/transform/codeowners"
	"github.com/portreeve/portreeve/reconciler/transform/delete"
	"github.com/portreeve/portreeve/reconciler/transform/file"
	"github.com/portreeve/portreeve/reconciler/transform/gomod"
	"github.com/portreeve/portreeve/reconciler/transform/json"
	"github.com/portreeve/portreeve/reconciler/transform/rename"
	"github.com/portreeve/portreeve/reconciler/transform/replace"
	"github.com/portreeve/portreeve/reconciler/transform/toml"
	"github.com/portreeve/portreeve/reconciler/transform/yaml"
)

// Exit statuses.
const (
	exitProblems = 1 // a declaration is wrong
	exitUse      = 2 // the command line is
	exitOutside  = 3 // something can't be read or written
)

const usage = `Usage: portreeve-validate [--output text|json|github] [PATH]

Checks all declarations below PATH, the folder of a config repo; the current
one by default. Each problem is told with file, line and column, all at once.
Exit status: 0 fine, 1 problems, 2 wrong use, 3 PATH can't be read.
`

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("portreeve-validate", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { fmt.Fprint(stderr, usage) }
	format := flags.String("output", "text", "text, json or github")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return exitUse
	case flags.NArg() > 1 || !slices.Contains([]string{"text", "json", "github"}, *format):
		flags.Usage()
		return exitUse
	}
	dir := "."
	if flags.NArg() == 1 {
		dir = flags.Arg(0)
	}
	problems, err := declare.Validate(dir, kinds())
	if err == nil {
		err = declare.Print(stdout, problems, *format)
	}
	switch {
	case err != nil:
		fmt.Fprintln(stderr, "portreeve-validate:", err)
		return exitOutside
	case fleet.HasErrors(problems):
		return exitProblems
	}
	return 0
}

func kinds() kind.Set {
	transforms := transform.Set{
		replace.New(), file.New(), delete.New(), rename.New(),
		yaml.New(), json.New(), toml.New(), gomod.New(), codeowners.New(),
	}
	return kind.Set{ownership.New(), migration.New(transforms)}
}
