package published

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/portreeve/portreeve/e2e/recorder"
)

const small = `
scalar DateTime
scalar GitObjectID
scalar URI
enum State { OPEN CLOSED }
interface GitObject { oid: GitObjectID! }
type Commit implements GitObject { oid: GitObjectID! at: DateTime! }
type Tag implements GitObject { oid: GitObjectID! name: String! }
type Repo { name: String! url: URI! state: State! size: Int! target: GitObject pulls(first: Int, last: Int): PullConnection! }
type Pull { number: Int! repo: Repo! }
type PullConnection { nodes: [Pull] totalCount: Int! }
type Query { repo(name: String!): Repo }
`

// TestGraphQLCheck proves that what does not fit the schema is found, and
// that what fits is let through.
func TestGraphQLCheck(t *testing.T) {
	g, err := ParseGraphQL("small.graphql", small)
	if err != nil {
		t.Fatal(err)
	}
	const oid = `"0123456789012345678901234567890123456789"`
	for _, c := range []struct{ name, query, vars, answer, want string }{
		{"right", `{repo(name:"a"){name url state size}}`, ``, `{"data":{"repo":{"name":"a","url":"https://x.example/a","state":"OPEN","size":1}}}`, ""},
		{"variable", `query Q($n:String!){repo(name:$n){name}}`, `{"n":"a"}`, `{"data":{"repo":{"name":"a"}}}`, ""},
		{"variable missing", `query Q($n:String!){repo(name:$n){name}}`, `{}`, `{"data":{"repo":{"name":"a"}}}`, "variables"},
		{"alias", `{a:repo(name:"a"){name} b:repo(name:"b"){name}}`, ``, `{"data":{"a":{"name":"a"},"b":null},"errors":[{"message":"no","type":"NOT_FOUND","path":["b"]}]}`, ""},
		{"field unknown", `{repo(name:"a"){nam}}`, ``, `{}`, "not valid"},
		{"field left out", `{repo(name:"a"){name size}}`, ``, `{"data":{"repo":{"name":"a"}}}`, "data.repo.size: was asked for"},
		{"field too many", `{repo(name:"a"){name}}`, ``, `{"data":{"repo":{"name":"a","size":1}}}`, "size: was not asked for"},
		{"null forbidden", `{repo(name:"a"){name}}`, ``, `{"data":{"repo":{"name":null}}}`, "never null"},
		{"enum", `{repo(name:"a"){state}}`, ``, `{"data":{"repo":{"state":"open"}}}`, "no State"},
		{"int", `{repo(name:"a"){size}}`, ``, `{"data":{"repo":{"size":"1"}}}`, "no Int"},
		{"int too large", `{repo(name:"a"){size}}`, ``, `{"data":{"repo":{"size":3000000000}}}`, "no Int"},
		{"url", `{repo(name:"a"){url}}`, ``, `{"data":{"repo":{"url":"/a"}}}`, "no URI"},
		{"type by name", `{repo(name:"a"){target{__typename oid ...on Commit{at}}}}`, ``, `{"data":{"repo":{"target":{"__typename":"Commit","oid":` + oid + `,"at":"2026-11-02T10:00:00Z"}}}}`, ""},
		{"type by shape", `{repo(name:"a"){target{oid ...on Commit{at}}}}`, ``, `{"data":{"repo":{"target":{"oid":` + oid + `}}}}`, ""},
		{"type impossible", `{repo(name:"a"){target{__typename}}}`, ``, `{"data":{"repo":{"target":{"__typename":"Repo"}}}}`, "can't be a Repo"},
		{"type wrong", `{repo(name:"a"){target{__typename ...on Commit{at}}}}`, ``, `{"data":{"repo":{"target":{"__typename":"Commit","at":"yesterday"}}}}`, "no DateTime"},
		{"object id", `{repo(name:"a"){target{oid}}}`, ``, `{"data":{"repo":{"target":{"oid":"abc"}}}}`, "hexadecimal"},
		{"page missing", `{repo(name:"a"){pulls{nodes{number}}}}`, ``, `{"data":{"repo":{"pulls":{"nodes":[{"number":1}]}}}}`, "first or last"},
		{"page too large", `{repo(name:"a"){pulls(first:101){nodes{number}}}}`, ``, `{"data":{"repo":{"pulls":{"nodes":[null]}}}}`, "first or last"},
		{"page not needed", `{repo(name:"a"){pulls{totalCount}}}`, ``, `{"data":{"repo":{"pulls":{"totalCount":3}}}}`, ""},
		{"page of a variable", `query Q($n:Int!){repo(name:"a"){pulls(last:$n){nodes{number}}}}`, `{"n":5}`, `{"data":{"repo":{"pulls":{"nodes":[]}}}}`, ""},
		{"nodes too many", `{repo(name:"a"){pulls(first:100){nodes{repo{pulls(first:100){nodes{repo{pulls(first:100){nodes{number}}}}}}}}}}`, ``, `{"data":{"repo":null}}`, "1010100 nodes"},
		{"error without null", `{repo(name:"a"){name}}`, ``, `{"data":{"repo":{"name":"a"}},"errors":[{"message":"no","path":["repo"]}]}`, "a value that is there"},
		{"error without message", `{repo(name:"a"){name}}`, ``, `{"data":{"repo":null},"errors":[{"path":["repo"]}]}`, "no message"},
		{"nothing", `{repo(name:"a"){name}}`, ``, `{}`, "neither data nor errors"},
		{"fragment", `query Q{repo(name:"a"){...f}} fragment f on Repo{name size @skip(if:true)}`, ``, `{"data":{"repo":{"name":"a"}}}`, ""},
	} {
		vars := c.vars
		if vars == "" {
			vars = "null"
		}
		query, _ := json.Marshal(c.query)
		found := g.Check(recorder.Exchange{
			Request:  recorder.Message{Body: []byte(`{"query":` + string(query) + `,"variables":` + vars + `}`)},
			Status:   200,
			Response: recorder.Message{Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(c.answer)},
		})
		if got := strings.Join(found, "\n"); c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: found %q, want %q", c.name, got, c.want)
		}
	}
}

// TestPublishedSchema reads the schema that GitHub publishes.
func TestPublishedSchema(t *testing.T) {
	g, err := ReadGraphQL("../" + SchemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if g.schema.Query.Fields.ForName("repository") == nil {
		t.Error("no repository in it")
	}
}

// TestSubset proves that each way to leave a schema is found.
func TestSubset(t *testing.T) {
	g, err := ParseGraphQL("small.graphql", small)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		`type Query { repo(name: String!): Repo } type Repo { name: String! } enum State { OPEN }`: "",
		`type Fork { name: String! }`:                             "Fork: is not published",
		`enum Repo { A }`:                                         "Repo: is ENUM, published as OBJECT",
		`enum State { MERGED }`:                                   "State.MERGED: is not published",
		`type Repo { id: ID! }`:                                   "Repo.id: is not published",
		`type Repo { name: String }`:                              "Repo.name: is String, published as String!",
		`type Query { repo: Repo }`:                               "argument name is required",
		`type Query { repo(name: ID!): Repo }`:                    "argument name is ID!, published as String!",
		`type Query { repo(name: String!, owner: String): Repo }`: "argument owner is not published",
		`type Pull implements GitObject { number: Int! }`:         "GitObject is not published as one",
	} {
		found, err := g.Subset("x", text)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(found, "\n"); want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: found %q, want %q", text, got, want)
		}
	}
}
