package migration

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"
	"unicode/utf8"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
)

// Bounds on what templates make: of a body in bytes, of a title in characters
// (the forge's own).
const (
	maxBody  = 16 << 10
	maxTitle = 256
	maxWhat  = 20 // lines of .What that a template sees
)

// data is what templates see.
type data struct {
	Repo        string   // "acme/ledger"
	Name        string   // "ledger"
	Owner       string   // "acme"
	Team        string   // label of the team that owns the repo
	Declaration string   // "migration/go-1-26"
	Why         string   //
	What        []string // what the edits do, a line each
}

// functions are the ones a template may call: none makes a text longer than
// what it is given, so that a template is bounded by its own length.
var functions = []string{"and", "or", "not", "eq", "ne", "lt", "le", "gt", "ge", "len", "index", "slice"}

// template parses a field's template and tries it on sample data.
func (d *decoder) template(field, text string) *template.Template {
	t, err := template.New(field).Option("missingkey=error").Parse(text)
	if err == nil {
		err = check(t)
	}
	for _, what := range [][]string{{"one", "two"}, nil} { // both ways of an if
		if err == nil {
			_, err = execute(t, data{
				Repo: "acme/ledger", Name: "ledger", Owner: "acme", Team: "Payments",
				Declaration: d.source.ID.String(), Why: "why", What: what,
			})
		}
	}
	if err != nil {
		d.report("template", field, hint(err), "%s", worded(err))
		return nil
	}
	if field == "title" && strings.Contains(strings.TrimSpace(text), "\n") {
		d.report("template", field, "", "a title is one line")
	}
	return t
}

// located is how package template words its errors: the template's name,
// line, and perhaps column.
var located = regexp.MustCompile(`(?s)^template: [a-z]+:(\d+)(?::\d+)?: (.*)$`)

// worded says the line of the template in which an error is.
func worded(err error) string {
	m := located.FindStringSubmatch(err.Error())
	if m == nil {
		return err.Error()
	}
	what := m[2]
	for _, w := range templateWords {
		what = w.at.ReplaceAllString(what, w.words)
	}
	return fmt.Sprintf("line %s of the template: %s", m[1], what)
}

// templateWords are package template's words that need others.
var templateWords = []struct {
	at    *regexp.Regexp
	words string
}{
	{regexp.MustCompile(`(?s)^.*can't evaluate field (\w+) in type migration\.data.*$`), "there is no field .$1"},
	{regexp.MustCompile(`^function "(\w+)" not defined$`), `there is no function "$1"`},
	{regexp.MustCompile(`^unclosed action.*$`), `a "{{" is not closed`},
	{regexp.MustCompile(`^unexpected EOF$`), `a "{{if}}" or "{{range}}" has no "{{end}}"`},
	{regexp.MustCompile(`^unexpected \{\{end\}\}$`), `"{{end}}" ends nothing`},
	{regexp.MustCompile(`^unexpected "}" in (?:operand|command)$`), `a "{{" is closed by one "}"`},
}

// names are the fields of data.
var names = []string{"Repo", "Name", "Owner", "Team", "Declaration", "Why", "What"}

var (
	// lacking is how package template words a field that data lacks, and
	// uncalled a function that there is not.
	lacking  = regexp.MustCompile(`can't evaluate field (\w+) in type migration\.data`)
	uncalled = regexp.MustCompile(`function "(\w+)" not defined`)
)

func hint(err error) string {
	if m := lacking.FindStringSubmatch(err.Error()); m != nil {
		if near := fleet.DidYouMean(m[1], names); near != "" {
			return near
		}
		return "there are ." + strings.Join(names, ", .")
	}
	if m := uncalled.FindStringSubmatch(err.Error()); m != nil {
		if near := fleet.Nearest(m[1], names); near != "" {
			return fmt.Sprintf("did you mean %q?", "."+near)
		}
		return "there are " + strings.Join(functions, ", ")
	}
	switch text := err.Error(); {
	case strings.Contains(text, "unclosed action"), strings.Contains(text, `unexpected "}"`):
		return "close it with }}"
	case strings.HasSuffix(text, "unexpected EOF"):
		return "close it with {{end}}"
	}
	return ""
}

// check walks a template and refuses what could run away: templates that
// call one another, and loops over anything but .What or within another loop.
func check(t *template.Template) error {
	if len(t.Templates()) > 1 {
		return errors.New("a template can't define or call another")
	}
	if t.Tree == nil {
		return nil
	}
	w := walker{tree: t.Tree}
	w.node(t.Root)
	return w.err
}

type walker struct {
	tree   *parse.Tree
	inLoop bool
	err    error
}

func (w *walker) refuse(n parse.Node, format string, args ...any) {
	if w.err == nil {
		at, _ := w.tree.ErrorContext(n)
		w.err = fmt.Errorf("template: %s: %s", at, fmt.Sprintf(format, args...))
	}
}

func (w *walker) node(n parse.Node) {
	switch n := n.(type) {
	case *parse.ListNode:
		if n == nil {
			return
		}
		for _, c := range n.Nodes {
			w.node(c)
		}
	case *parse.ActionNode:
		w.node(n.Pipe)
	case *parse.PipeNode:
		if n == nil {
			return
		}
		for _, c := range n.Cmds {
			for _, arg := range c.Args {
				w.node(arg)
			}
		}
	case *parse.ChainNode:
		w.node(n.Node)
	case *parse.IdentifierNode:
		if !slices.Contains(functions, n.Ident) {
			w.refuse(n, "function %q can't be used here; there are %s", n.Ident, strings.Join(functions, ", "))
		}
	case *parse.IfNode:
		w.branch(&n.BranchNode)
	case *parse.WithNode:
		w.branch(&n.BranchNode)
	case *parse.RangeNode:
		if source := n.Pipe.Cmds; w.inLoop || len(source) != 1 || len(source[0].Args) != 1 || !isWhat(source[0].Args[0]) {
			w.refuse(n, "range goes over .What alone, and not within another range")
		}
		w.inLoop = true
		w.branch(&n.BranchNode)
		w.inLoop = false
	case *parse.TemplateNode:
		w.refuse(n, "a template can't define or call another")
	}
}

func (w *walker) branch(n *parse.BranchNode) {
	w.node(n.Pipe)
	w.node(n.List)
	w.node(n.ElseList)
}

func isWhat(n parse.Node) bool { return n.String() == ".What" || n.String() == "$.What" }

// limited is a buffer that refuses to grow beyond maxBody.
type limited struct{ bytes.Buffer }

var errTooLong = fmt.Errorf("the text is longer than %d bytes", maxBody)

func (l *limited) Write(p []byte) (int, error) {
	if l.Len()+len(p) > maxBody {
		return 0, errTooLong
	}
	return l.Buffer.Write(p)
}

func execute(t *template.Template, d data) (string, error) {
	var out limited
	if err := t.Execute(&out, d); err != nil {
		return "", err
	}
	return strings.TrimSpace(out.String()), nil
}

// texts are the pull request's title and body.
func (s *Spec) texts(p *kind.Pass, what []string) (title, body string, err error) {
	if len(what) > maxWhat {
		left := len(what) - maxWhat + 1
		what = append(slices.Clone(what[:maxWhat-1]), fmt.Sprintf("and %d more", left))
	}
	d := data{
		Repo: string(p.Repo.Name), Name: p.Repo.Name.Short(), Owner: p.Repo.Name.Owner(), Team: label(p.Config, decides(p)),
		Declaration: p.Declaration.ID.String(), Why: s.Why, What: what,
	}
	if title, err = execute(s.title, d); err == nil {
		body, err = execute(s.body, d)
	}
	if err != nil {
		return "", "", errors.New(worded(err))
	}
	title = strings.Join(strings.Fields(title), " ")
	if utf8.RuneCountInString(title) > maxTitle {
		title = string([]rune(title)[:maxTitle-1]) + "…"
	}
	return title, body, nil
}

func label(config *fleet.Config, name fleet.TeamName) string {
	team := config.Teams[name]
	team.Name = name
	return team.Label()
}
