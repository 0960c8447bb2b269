// Package published holds exchanges with a forge to what GitHub publishes of
// its API: the GraphQL schema and the OpenAPI description, as npm packages.
package published

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/portreeve/portreeve/e2e/recorder"
)

// Where the descriptions are, below the e2e module's root.
const (
	SchemaFile  = "node_modules/@octokit/graphql-schema/schema.graphql"
	OpenAPIFile = "node_modules/@octokit/openapi/generated/api.github.com.json"
)

// GraphQL is a published GraphQL schema.
type GraphQL struct {
	schema *ast.Schema
}

// ReadGraphQL reads a schema from a file.
func ReadGraphQL(file string) (*GraphQL, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("published descriptions (make e2e fetches them): %w", err)
	}
	return ParseGraphQL(file, string(text))
}

// ParseGraphQL reads a schema. GitHub publishes a field twice now and then,
// which GraphQL forbids and nobody minds: the first one counts.
func ParseGraphQL(name, text string) (*GraphQL, error) {
	doc, err := parser.ParseSchemas(validator.Prelude, &ast.Source{Name: name, Input: text})
	if err != nil {
		return nil, err
	}
	for _, def := range doc.Definitions {
		seen := map[string]bool{}
		def.Fields = slices.DeleteFunc(def.Fields, func(f *ast.FieldDefinition) bool {
			again := seen[f.Name]
			seen[f.Name] = true
			return again
		})
	}
	schema, err := validator.ValidateSchemaDocument(doc)
	if err != nil {
		return nil, err
	}
	return &GraphQL{schema}, nil
}

// answer is a GraphQL answer's body.
type answer struct {
	Data   json.RawMessage `json:"data"`
	Errors []fieldError    `json:"errors"`
}

type fieldError struct {
	Type      string `json:"type"`
	Message   string `json:"message"`
	Path      []any  `json:"path"`
	Locations []struct {
		Line   int `json:"line"`
		Column int `json:"column"`
	} `json:"locations"`
	Extensions map[string]any `json:"extensions"`
}

// Check holds an exchange to the schema: the query is valid and within
// GitHub's published bounds, and the answer has exactly what was asked for,
// each value of its type. It names every fault.
func (g *GraphQL) Check(e recorder.Exchange) []string {
	var body struct {
		Query         string         `json:"query"`
		OperationName string         `json:"operationName"`
		Variables     map[string]any `json:"variables"`
	}
	if err := decode(e.Request.Body, &body); err != nil {
		return []string{"the request is not JSON: " + err.Error()}
	}
	query, errs := gqlparser.LoadQueryWithRules(g.schema, body.Query, rules.NewDefaultRules())
	if len(errs) > 0 {
		return []string{"the query is not valid: " + errs.Error()}
	}
	op := query.Operations.ForName(body.OperationName)
	if op == nil {
		return []string{fmt.Sprintf("the query has no one operation %q", body.OperationName)}
	}
	vars, err := validator.VariableValues(g.schema, op, body.Variables)
	if err != nil {
		return []string{"the variables are not valid: " + err.Error()}
	}
	faults := bounds(op.SelectionSet, query.Fragments, vars)
	return append(faults, g.checkAnswer(e, op, vars)...)
}

func (g *GraphQL) checkAnswer(e recorder.Exchange, op *ast.OperationDefinition, vars map[string]any) []string {
	var faults []string
	if t := e.Response.Header.Get("Content-Type"); !strings.HasPrefix(t, "application/json") {
		faults = append(faults, fmt.Sprintf("the answer is of type %q", t))
	}
	if e.Status != 200 {
		return append(faults, checkRefusal(e)...)
	}
	var a answer
	if err := decode(e.Response.Body, &a); err != nil {
		return append(faults, "the answer is not JSON: "+err.Error())
	}
	for i, fe := range a.Errors {
		if fe.Message == "" {
			faults = append(faults, fmt.Sprintf("errors[%d] has no message", i))
		}
	}
	if a.Data == nil || string(a.Data) == "null" {
		if len(a.Errors) == 0 {
			faults = append(faults, "the answer has neither data nor errors")
		}
		return faults
	}
	var data any
	if err := decode(a.Data, &data); err != nil {
		return append(faults, "the data are not JSON: "+err.Error())
	}
	for i, fe := range a.Errors {
		if fault := null(data, fe.Path); fault != "" {
			faults = append(faults, fmt.Sprintf("errors[%d] %q: %s", i, fe.Message, fault))
		}
	}
	c := checker{schema: g.schema, vars: vars}
	c.object("data", g.root(op), op.SelectionSet, data)
	return append(faults, c.faults...)
}

func (g *GraphQL) root(op *ast.OperationDefinition) *ast.Definition {
	switch op.Operation {
	case ast.Mutation:
		return g.schema.Mutation
	case ast.Subscription:
		return g.schema.Subscription
	}
	return g.schema.Query
}

// checkRefusal holds an answer with an HTTP status other than 200 to the
// shape that GitHub gives it: message and documentation_url as REST does, or
// errors when a query took too long.
func checkRefusal(e recorder.Exchange) []string {
	var said struct {
		Message string       `json:"message"`
		Errors  []fieldError `json:"errors"`
	}
	if err := decode(e.Response.Body, &said); err != nil {
		return []string{fmt.Sprintf("the answer with status %d is not JSON: %v", e.Status, err)}
	}
	if said.Message == "" && (len(said.Errors) == 0 || said.Errors[0].Message == "") {
		return []string{fmt.Sprintf("the answer with status %d says nothing", e.Status)}
	}
	return nil
}

// null says what is wrong if the path of an error does not lead to a null.
func null(data any, at []any) string {
	for _, step := range at {
		switch v := data.(type) {
		case nil:
			return ""
		case map[string]any:
			key, ok := step.(string)
			if !ok {
				return fmt.Sprintf("path %v: %v is no field", at, step)
			}
			field, ok := v[key]
			if !ok {
				return fmt.Sprintf("path %v: no field %s in the data", at, key)
			}
			data = field
		case []any:
			n, ok := step.(json.Number)
			i, err := n.Int64()
			if !ok || err != nil || int(i) >= len(v) {
				return fmt.Sprintf("path %v: %v is no index", at, step)
			}
			data = v[i]
		default:
			return fmt.Sprintf("path %v leads through a value", at)
		}
	}
	if len(at) > 0 && data != nil {
		return fmt.Sprintf("path %v leads to a value that is there", at)
	}
	return ""
}

// decode reads one JSON value, numbers as they are written.
func decode(body []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("more than one value")
	}
	return nil
}
