package github

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// query builds a GraphQL query of many aliased parts. Values are variables,
// never part of the text, so that no name can become syntax; equal values
// share a variable.
type query struct {
	name      string
	mutation  bool
	body      strings.Builder
	fragments string
	args      strings.Builder
	names     map[arg]string
	values    map[string]any
}

type arg struct {
	kind  string
	value any
}

func newQuery(name string) *query {
	return &query{name: name, names: map[arg]string{}, values: map[string]any{}}
}

// arg makes a value a variable of a GraphQL type, and gives its "$name".
func (q *query) arg(kind string, value any) string {
	key := arg{kind, value}
	if known, ok := q.names[key]; ok {
		return known
	}
	name := "v" + strconv.Itoa(len(q.values))
	if q.args.Len() > 0 {
		q.args.WriteByte(',')
	}
	q.args.WriteString("$" + name + ":" + kind)
	q.values[name] = value
	q.names[key] = "$" + name
	return "$" + name
}

func (q *query) str(value string) string { return q.arg("String!", value) }

// line adds to the query; format's operands are results of arg, and aliases.
func (q *query) line(format string, operands ...any) {
	fmt.Fprintf(&q.body, format, operands...)
	q.body.WriteByte('\n')
}

// repo adds an aliased repo with what is asked of it.
func (q *query) repo(alias, owner, name, selection string) {
	q.line("%s:repository(owner:%s,name:%s){%s}", alias, q.str(owner), q.str(name), selection)
}

// encode is the request's body. Only of a query can be asked what it cost.
func (q *query) encode() ([]byte, error) {
	text, cost := "query "+q.name, "rateLimit{cost limit remaining resetAt}\n"
	if q.mutation {
		text, cost = "mutation "+q.name, ""
	}
	if q.args.Len() > 0 {
		text += "(" + q.args.String() + ")"
	}
	text += "{\n" + q.body.String() + cost + "}\n" + q.fragments
	return json.Marshal(struct {
		Query         string         `json:"query"`
		Variables     map[string]any `json:"variables"`
		OperationName string         `json:"operationName"`
	}{text, q.values, q.name})
}

// alias names the i-th part of a query.
func alias(i int) string { return "a" + strconv.Itoa(i) }
