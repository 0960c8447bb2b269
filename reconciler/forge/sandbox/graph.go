package sandbox

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"

	"github.com/graph-gophers/graphql-go"
	gqlerrors "github.com/graph-gophers/graphql-go/errors"
)

//go:embed schema.graphql
var schemaText string

// graph answers GraphQL queries.
type graph struct {
	forge  *Forge
	schema *graphql.Schema
}

func newGraph(f *Forge) *graph {
	return &graph{f, graphql.MustParseSchema(schemaText, &queryNode{f}, graphql.UseFieldResolvers(), graphql.MaxQueryLength(1<<20), graphql.MaxDepth(50))}
}

// asked is what resolvers need to know of their request.
type asked struct {
	who    *user
	web    string
	weight weight
}

type askedKey struct{}

func askedOf(ctx context.Context) asked {
	a, _ := ctx.Value(askedKey{}).(asked)
	return a
}

// serveGraphQL counts a query, applies faults and limits, and answers it.
func (s *skin) serveGraphQL(w http.ResponseWriter, r *http.Request) {
	who, err := s.identify(r)
	login := nobody.login
	if err == nil {
		login = who.login
	}
	s.forge.mu.Lock()
	s.forge.counts.GraphQL++
	s.forge.mu.Unlock()
	q := Request{Kind: "graphql", Route: "query", Login: login}
	if name := s.mutation(w, r); name != "" {
		q.Route, q.Write = "mutation "+name, true
	}
	s.faulty(w, r, q, func(w http.ResponseWriter) {
		switch {
		case err != nil:
			s.refuse(w, refusalOf(err), rate{})
		case who == nobody:
			s.refuse(w, &Refusal{Status: 401, Message: "This endpoint requires you to be authenticated."}, rate{})
		case r.Method != http.MethodPost:
			s.refuse(w, &Refusal{Status: 404, Message: "Not Found"}, rate{})
		default:
			s.query(w, r, who)
		}
	})
}

var mutating = regexp.MustCompile(`^\s*mutation\b[^{]*\{\s*(?:\w+\s*:\s*)?(\w+)`)

// mutation is the first field of a mutation, empty for anything else. What was
// read of the body, which is no JSON where that failed, can be read again.
func (s *skin) mutation(w http.ResponseWriter, r *http.Request) string {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, cmp.Or(s.forge.currentLimits().RESTBody, 4<<20)))
	r.Body = io.NopCloser(bytes.NewReader(text))
	var in struct{ Query string }
	if err != nil || json.Unmarshal(text, &in) != nil {
		return ""
	}
	if found := mutating.FindStringSubmatch(in.Query); found != nil {
		return found[1]
	}
	return ""
}

func (s *skin) query(w http.ResponseWriter, r *http.Request, who *user) {
	refuse := func(err error) { s.refuse(w, refusalOf(err), s.forge.rate(who.login, "graphql")) }
	if err := s.forge.enter(who.login); err != nil {
		refuse(err)
		return
	}
	defer s.forge.leave(who.login)
	var in struct {
		Query         string         `json:"query"`
		OperationName string         `json:"operationName"`
		Variables     map[string]any `json:"variables"`
	}
	text, err := io.ReadAll(r.Body)
	if err != nil || json.Unmarshal(text, &in) != nil {
		refuse(&Refusal{Status: 400, Message: "Problems parsing JSON"})
		return
	}
	cost := weigh(in.Query, in.Variables)
	if err := s.forge.spendGraphQL(who.login, cost.points()); err != nil {
		refuse(err)
		return
	}
	s.rateHeaders(w, s.forge.rate(who.login, "graphql"))
	limits := s.forge.currentLimits()
	switch {
	case limits.NodesPerQuery > 0 && cost.nodes > limits.NodesPerQuery:
		s.graphErrors(w, 200, obj{
			"type":    "MAX_NODE_LIMIT_EXCEEDED",
			"message": "This query requests too many possible nodes, which exceeds the maximum limit.",
		})
		return
	case limits.HeavyQuery > 0 && cost.nodes > limits.HeavyQuery:
		s.graphErrors(w, http.StatusBadGateway, obj{
			"message": "Something went wrong while executing your query. This may be the result of a timeout, or it could be a GitHub bug.",
		})
		return
	}
	ctx := context.WithValue(r.Context(), askedKey{}, asked{who, baseOf(r), cost})
	got := s.graphql.schema.Exec(ctx, in.Query, in.OperationName, in.Variables)
	out := obj{}
	if got.Data != nil {
		out["data"] = got.Data
	}
	if got.Errors != nil {
		out["errors"] = githubErrors(got.Errors)
	}
	body, err := encode(out)
	if err != nil {
		refuse(err)
		return
	}
	writeJSON(w, 200, body)
}

func (f *Forge) currentLimits() Limits {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.limits
}

func (s *skin) graphErrors(w http.ResponseWriter, status int, errs ...obj) {
	body, _ := encode(obj{"data": nil, "errors": errs})
	writeJSON(w, status, body)
}

// graphError is an error with GitHub's type.
type graphError struct{ kind, message string }

func (e *graphError) Error() string { return e.message }

// githubErrors writes errors as GitHub does: with the type beside the
// message.
func githubErrors(errs []*gqlerrors.QueryError) []obj {
	var out []obj
	for _, e := range errs {
		one := obj{"message": e.Message}
		if e.Path != nil {
			one["path"] = e.Path
		}
		if e.Locations != nil {
			one["locations"] = e.Locations
		}
		if g, ok := errors.AsType[*graphError](e.ResolverError); ok {
			one["message"], one["type"] = g.message, g.kind
		}
		out = append(out, one)
	}
	return out
}
