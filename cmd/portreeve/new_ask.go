package main

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/portreeve/portreeve/reconciler/declare"
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
		n.asker.more(n.draft.Kind.Name, n.draft.Kind.Definition.Fields, n.draft.Values, n.askField)
	}
	if len(n.draft.Values) == 0 {
		return usagef("no field is given; give some with --set FIELD=VALUE")
	}
	return nil
}

func (n *addition) askField(f schema.Field) bool {
	if f.Type.Kind == "list" && f.Type.Elem != nil {
		if of, ok := schema.Find(f.Type.Elem.Ref); ok && of.Choice != "" {
			return n.askEach(f, of)
		}
	}
	return n.asker.field(f, func(answer string) string {
		if answer == "" && !f.Required {
			return "" // its default holds
		}
		return n.answer(f, answer)
	})
}

// askEach asks for the elements of a list one after the other, and for the
// fields of each, which are those of the sort that it is.
func (n *addition) askEach(f schema.Field, of schema.Definition) bool {
	var sorts, items []string
	for _, v := range of.Variants {
		sorts = append(sorts, v.Value)
	}
	about, which, end := f.Doc, "first", ""
	for {
		var chosen schema.Choice
		went := n.asker.ask(about, fmt.Sprintf("%s, the %s (%s)%s", f.Name, which, strings.Join(sorts, ", "), end), func(answer string) string {
			i := slices.Index(sorts, answer)
			switch {
			case i >= 0:
				chosen = of.Variants[i]
			case strings.HasPrefix(answer, "["): // all of them, in CUE
				return n.answer(f, answer)
			case answer != "" || len(items) == 0:
				return fmt.Sprintf("found %q, %s", answer, expected(answer, sorts))
			}
			return ""
		})
		if !went || chosen.Value == "" {
			return went
		}
		about, which, end = "", "next", ", or nothing"
		item, ok := n.asker.element(of.Choice, chosen)
		if !ok {
			return false
		}
		if trouble := n.answer(f, listOf(append(slices.Clip(items), item))); trouble != "" {
			fmt.Fprintln(n.asker.out, "  "+safe(trouble))
			continue
		}
		items = append(items, item)
	}
}

// listOf is a list in CUE, of several elements with one on each line.
func listOf(items []string) string {
	if len(items) == 1 {
		return "[" + items[0] + "]"
	}
	return "[\n" + strings.Join(items, ",\n") + ",\n]"
}

// element asks for the fields of one that was chosen, and gives it in CUE.
func (a *asker) element(choice string, chosen schema.Choice) (item string, ok bool) {
	of, _ := schema.Find(chosen.Definition)
	fields := slices.DeleteFunc(slices.Clone(of.Fields), func(f schema.Field) bool { return f.Name == choice })
	values := map[string]string{}
	askOne := func(f schema.Field) bool {
		return a.field(f, func(answer string) string {
			if answer == "" && !f.Required {
				return ""
			}
			value, err := declare.Literal(f.Type, answer)
			if err != nil {
				return err.Error()
			}
			values[f.Name] = value
			return ""
		})
	}
	for _, f := range fields {
		if f.Required && !askOne(f) {
			return "", false
		}
	}
	a.more(chosen.Value, fields, values, askOne)
	item = fmt.Sprintf("{%s: %q", choice, chosen.Value)
	for _, f := range fields {
		if value, given := values[f.Name]; given {
			item += ", " + f.Name + ": " + value
		}
	}
	return item + "}", true
}

// field asks for the value of a field.
func (a *asker) field(f schema.Field, take func(answer string) string) bool {
	about := f.Doc
	if f.Default != "" {
		about += " Default: " + f.Default + "."
	}
	prompt := f.Name
	if f.Example != "" {
		prompt += " (for example " + f.Example + ")"
	}
	return a.ask(about, prompt, take)
}

// more asks for fields that may be left out.
func (a *asker) more(of string, fields []schema.Field, given map[string]string, askOne func(schema.Field) bool) {
	for {
		var names []string
		for _, f := range fields {
			if _, there := given[f.Name]; !there {
				names = append(names, f.Name)
			}
		}
		if len(names) == 0 {
			return
		}
		var chosen schema.Field
		went := a.ask("", "another field ("+strings.Join(names, ", ")+"), or nothing", func(answer string) string {
			if answer == "" {
				return ""
			}
			f, err := fieldOf(of, fields, answer)
			if err != nil {
				return err.Error()
			}
			chosen = f
			return ""
		})
		if !went || chosen.Name == "" || !askOne(chosen) {
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
