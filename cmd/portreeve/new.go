package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/portreeve/portreeve/cmd/internal/members"
	"github.com/portreeve/portreeve/reconciler/declare"
	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/schema"
)

func newCommand() *cobra.Command {
	var n addition
	var dir, format string
	var set []string
	var names []string
	for _, k := range schema.Kinds() {
		names = append(names, k.Name)
	}
	cmd := &cobra.Command{
		Use:   "new KIND [NAME]",
		Short: "Write a new declaration, asking for its fields",
		Long: `New writes a declaration into a file of the config repo, with what the schema
says above each field. KIND is ` + strings.Join(names, ", ") + `.

What --set does not give is asked for on standard input, and each answer is
held against the schema. A text is written as it is, a list of texts with
commas between, anything else in CUE; steps are asked for one by one, or taken as
a list in CUE. The declaration is held against the whole
config repo before it is written; a name that exists is refused.`,
		Example: `  portreeve new ownership
  portreeve new team payments --set github=acme/payments
  portreeve new migration no-travis --set title="Remove Travis" --set why="It is gone." \
    --set owner=platform --set steps='[{do: "delete", paths: [".travis.yml"]}]'`,
		ValidArgs: names,
		Args:      cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			root, err := os.OpenRoot(dir)
			if err != nil {
				return outside(err)
			}
			defer root.Close()
			n.root, n.dir = root, dir
			n.asker = newAsker(cmd.InOrStdin(), cmd.ErrOrStderr())
			if err := n.begin(args, set); err != nil {
				return err
			}
			written, err := n.write(cmd.OutOrStdout())
			if err != nil {
				return err
			}
			if format == "json" {
				return printJSON(cmd.OutOrStdout(), map[string]string{"file": written, "kind": n.draft.Kind.Name, "name": n.draft.Name})
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), safe(written))
			return outside(err)
		},
	}
	cmd.Flags().StringArrayVar(&set, "set", nil, "`FIELD=VALUE`; may be given many times")
	cmd.Flags().StringVar(&n.file, "file", "", "`FILE` in the config repo to write to, at its end if it exists; FIELD/NAME.cue if empty")
	cmd.Flags().StringVar(&dir, "config", ".", "the config repo's `FOLDER`")
	outputFlag(cmd, &format, "text", "json")
	return cmd
}

// addition is a declaration on its way into a config repo.
type addition struct {
	asker  *asker
	root   *os.Root
	dir    string
	file   string
	config *fleet.Config // before
	draft  declare.Draft
}

// begin takes what the command line gives and asks for the rest.
func (n *addition) begin(args, set []string) error {
	kind, err := kindOf(args[0])
	if err != nil {
		return err
	}
	n.draft = declare.Draft{Kind: kind, Values: map[string]string{}}
	n.config = declare.Load(n.root.FS(), members.Kinds())
	for _, s := range set {
		if err := n.set(s); err != nil {
			return err
		}
	}
	if len(args) == 2 {
		n.draft.Name = args[1]
		if trouble := n.nameTrouble(args[1]); trouble != "" {
			return usagef("%s", trouble)
		}
	}
	return n.askAll()
}

func kindOf(name string) (schema.Kind, error) {
	var names []string
	for _, k := range schema.Kinds() {
		if k.Name == name {
			return k, nil
		}
		names = append(names, k.Name)
	}
	return schema.Kind{}, usagef("unknown kind %q; %s", name, expected(name, names))
}

// expected says which of the names was meant, or all of them.
func expected(name string, names []string) string {
	if hint := fleet.DidYouMean(name, names); hint != "" {
		return hint
	}
	return "expected " + strings.Join(names, ", ")
}

// set takes FIELD=VALUE.
func (n *addition) set(text string) error {
	field, value, ok := strings.Cut(text, "=")
	if !ok {
		return usagef("--set %q: expected FIELD=VALUE", text)
	}
	f, err := fieldOf(n.draft.Kind.Name, n.draft.Kind.Definition.Fields, field)
	if err != nil {
		return usagef("--set %s: %v", field, err)
	}
	if trouble := n.answer(f, value); trouble != "" {
		return usagef("--set %s: %s", field, trouble)
	}
	return nil
}

// fieldOf is the field of that name, of what has these.
func fieldOf(what string, fields []schema.Field, name string) (schema.Field, error) {
	var names []string
	for _, f := range fields {
		if f.Name == name {
			return f, nil
		}
		names = append(names, f.Name)
	}
	return schema.Field{}, fmt.Errorf("%s has no field %q; %s", what, name, expected(name, names))
}
