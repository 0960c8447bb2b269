package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/schema"
)

// asker asks a person, a line for each answer.
type asker struct {
	in    *bufio.Scanner
	out   io.Writer
	asked bool // something
	ended bool // nothing more will be answered
}

func newAsker(in io.Reader, out io.Writer) *asker {
	a := &asker{in: bufio.NewScanner(in), out: out}
	a.in.Buffer(nil, 1<<20)
	return a
}

// ask asks until take finds nothing wrong with the answer. It reports false
// when there is no more answer.
func (a *asker) ask(about, prompt string, take func(answer string) (trouble string)) bool {
	if a.ended {
		return false
	}
	a.asked = true
	if about != "" {
		fmt.Fprintln(a.out, about)
	}
	for {
		fmt.Fprintf(a.out, "%s: ", prompt)
		if !a.in.Scan() {
			fmt.Fprintln(a.out)
			a.ended = true
			return false
		}
		trouble := take(strings.TrimSpace(a.in.Text()))
		if trouble == "" {
			return true
		}
		fmt.Fprintln(a.out, "  "+safe(trouble))
	}
}

// askAll asks for the name and for each required field that is not given,
// and, once a person is answering, which others there should be.
func (n *addition) askAll() error {
	if n.draft.Name == "" && !n.asker.ask("", "name", func(answer string) string {
		n.draft.Name = answer
		return n.nameTrouble(answer)
	}) {
		return usagef("the name is missing, as in: portreeve new %s NAME", n.draft.Kind.Name)
	}
	var missing []string
	for _, f := range n.draft.Kind.Definition.Fields {
		if _, given := n.draft.Values[f.Name]; f.Required && !given && !n.askField(f) {
			missing = append(missing, f.Name)
		}
	}
	if len(missing) > 0 {
		return usagef("missing: %s; give each with --set FIELD=VALUE", strings.Join(missing, ", "))
	}
	if n.asker.asked || len(n.draft.Values) == 0 {
		n.askMore()
	}
	if len(n.draft.Values) == 0 {
		return usagef("no field is given; give some with --set FIELD=VALUE")
	}
	return nil
}

func (n *addition) askField(f schema.Field) bool {
	about := f.Doc
	if f.Default != "" {
		about += " Default: " + f.Default + "."
	}
	prompt := f.Name
	if f.Example != "" {
		prompt += " (for example " + f.Example + ")"
	}
	return n.asker.ask(about, prompt, func(answer string) string {
		if answer == "" && !f.Required {
			return "" // its default holds
		}
		return n.answer(f, answer)
	})
}

// askMore asks for fields that may be left out.
func (n *addition) askMore() {
	for {
		var names []string
		for _, f := range n.draft.Kind.Definition.Fields {
			if _, given := n.draft.Values[f.Name]; !given {
				names = append(names, f.Name)
			}
		}
		if len(names) == 0 {
			return
		}
		var chosen schema.Field
		went := n.asker.ask("", "another field ("+strings.Join(names, ", ")+"), or nothing", func(answer string) string {
			if answer == "" {
				return ""
			}
			f, err := n.field(answer)
			if err != nil {
				return err.Error()
			}
			chosen = f
			return ""
		})
		if !went || chosen.Name == "" || !n.askField(chosen) {
			return
		}
	}
}

// again asks once more for the fields that problems are about. It reports
// false where there is nobody to ask, or nothing that could be.
func (n *addition) again(problems []fleet.Problem) bool {
	if !n.asker.asked || n.asker.ended {
		return false
	}
	asked := false
	base := n.draft.Kind.Field + "." + n.draft.Name + "."
	for _, f := range n.draft.Kind.Definition.Fields {
		for _, p := range problems {
			rest, ours := strings.CutPrefix(p.Field, base)
			if ours && (rest == f.Name || strings.HasPrefix(rest, f.Name+".") || strings.HasPrefix(rest, f.Name+"[")) {
				fmt.Fprintln(n.asker.out, "  "+safe(joinHint(p)))
				if !n.askField(f) {
					return false
				}
				asked = true
				break
			}
		}
	}
	return asked
}
