package published

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/portreeve/portreeve/e2e/recorder"
)

// REST is a published OpenAPI description. GitHub's has 13 MB, and reading it
// as a whole takes seconds; so it is kept as text, and of an operation that is
// asked about only what it refers to is read.
type REST struct {
	doc rawDoc

	mu    sync.Mutex
	known map[string]*routers.Route // by method and path
}

type rawDoc struct {
	OpenAPI    string                                `json:"openapi"`
	Info       json.RawMessage                       `json:"info"`
	Paths      map[string]map[string]json.RawMessage `json:"paths"`
	Components map[string]map[string]json.RawMessage `json:"components"`
	Webhooks   map[string]map[string]json.RawMessage `json:"x-webhooks,omitempty"`
}

// ReadREST reads a description from a file.
func ReadREST(file string) (*REST, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("published descriptions (make e2e fetches them): %w", err)
	}
	return ParseREST(text)
}

// ParseREST reads a description.
func ParseREST(text []byte) (*REST, error) {
	r := &REST{known: map[string]*routers.Route{}}
	return r, json.Unmarshal(text, &r.doc)
}

// Check holds an exchange to the description: the operation exists, takes
// what was sent, and answers so. It names every fault.
func (r *REST) Check(e recorder.Exchange) []string {
	path := strings.TrimPrefix(e.URL.EscapedPath(), "/api/v3")
	template, params := r.match(path)
	if template == "" {
		// Asking for what GitHub has not is the client's fault, unless the
		// answer says so as GitHub does.
		return append([]string{fmt.Sprintf("%s %s: no such path is published", e.Method, path)}, refused(e)...)
	}
	route, err := r.route(e.Method, template)
	if err != nil {
		return []string{err.Error()}
	}
	in, err := input(e, route, params)
	if err != nil {
		return []string{err.Error()}
	}
	var faults []string
	add := func(part string, err error) {
		var several openapi3.MultiError
		if errors.As(err, &several) {
			for _, one := range several {
				faults = append(faults, part+": "+firstLines(one))
			}
		} else if err != nil {
			faults = append(faults, part+": "+firstLines(err))
		}
	}
	for name := range in.GetQueryParams() {
		if parameter(route, "query", name) == nil {
			faults = append(faults, fmt.Sprintf("request: no parameter %q is published", name))
		}
	}
	// Status 400 says of the request that it is not as published: it is a test
	// of that, and only the answer counts.
	if e.Status != http.StatusBadRequest {
		add("request", openapi3filter.ValidateRequest(context.Background(), in))
	}
	if e.Status >= 400 {
		faults = append(faults, refused(e)...)
	}
	if route.Operation.Responses.Status(e.Status) == nil && general(e.Status) {
		return faults
	}
	out := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: e.Status, Header: e.Response.Header, Options: in.Options,
	}
	if e.Status != http.StatusNotModified && e.Status != http.StatusNoContent {
		out.SetBodyBytes(e.Response.Body)
	}
	add(fmt.Sprintf("answer %d", e.Status), openapi3filter.ValidateResponse(context.Background(), out))
	return faults
}

func input(e recorder.Exchange, route *routers.Route, params map[string]string) (*openapi3filter.RequestValidationInput, error) {
	req, err := http.NewRequest(e.Method, e.URL.String(), bytes.NewReader(e.Request.Body))
	if err != nil {
		return nil, err
	}
	req.Header = e.Request.Header.Clone()
	if json.Valid(e.Request.Body) {
		// GitHub's documentation has curl send JSON without saying so.
		req.Header.Set("Content-Type", "application/json")
	}
	return &openapi3filter.RequestValidationInput{
		Request: req, PathParams: params, Route: route,
		Options: &openapi3filter.Options{
			IncludeResponseStatus: true, MultiError: true, SkipSettingDefaults: true,
			AuthenticationFunc: openapi3filter.NoopAuthenticationFunc,
		},
	}, nil
}

// general are the statuses that any request may get; not each operation's
// description lists them.
func general(status int) bool {
	switch status {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusTooManyRequests:
		return true
	}
	return status >= 500
}

// refused holds an answer to the shape that GitHub gives its refusals.
func refused(e recorder.Exchange) []string {
	var said struct {
		Message       string `json:"message"`
		Documentation string `json:"documentation_url"`
	}
	if err := json.Unmarshal(e.Response.Body, &said); err != nil {
		return []string{fmt.Sprintf("answer %d: not JSON: %v", e.Status, err)}
	}
	if said.Message == "" || said.Documentation == "" {
		return []string{fmt.Sprintf("answer %d: a refusal has message and documentation_url", e.Status)}
	}
	return nil
}

// match finds the template of a path, the one with the fewest parameters, and
// the parameters' values.
func (r *REST) match(path string) (template string, params map[string]string) {
	parts := strings.Split(path, "/")
	for candidate := range r.doc.Paths {
		pieces := strings.Split(candidate, "/")
		if len(pieces) != len(parts) {
			continue
		}
		values := map[string]string{}
		fits := true
		for i, piece := range pieces {
			name, isParam := strings.CutPrefix(piece, "{")
			if isParam && parts[i] != "" {
				value, err := url.PathUnescape(parts[i])
				fits = fits && err == nil
				values[strings.TrimSuffix(name, "}")] = value
			} else if piece != parts[i] {
				fits = false
			}
		}
		if fits && (template == "" || len(values) < len(params)) {
			template, params = candidate, values
		}
	}
	return template, params
}

// route reads one operation, with all that it refers to.
func (r *REST) route(method, template string) (*routers.Route, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := method + " " + template
	if known := r.known[key]; known != nil {
		return known, nil
	}
	item := r.doc.Paths[template]
	operation, ok := item[strings.ToLower(method)]
	if !ok {
		return nil, fmt.Errorf("%s: no such operation is published", key)
	}
	part := rawDoc{
		OpenAPI: r.doc.OpenAPI, Info: r.doc.Info,
		Paths:      map[string]map[string]json.RawMessage{template: {strings.ToLower(method): operation}},
		Components: map[string]map[string]json.RawMessage{},
	}
	if shared, ok := item["parameters"]; ok {
		part.Paths[template]["parameters"] = shared
	}
	r.gather(part.Components, operation)
	r.gather(part.Components, item["parameters"])
	text, err := mended(part)
	if err != nil {
		return nil, err
	}
	spec, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		return nil, fmt.Errorf("%s: the description can't be read: %w", key, err)
	}
	path := spec.Paths.Value(template)
	route := &routers.Route{Spec: spec, Path: template, PathItem: path, Method: method, Operation: path.GetOperation(method)}
	r.known[key] = route
	return route, nil
}

// mended is the description's text, put right where it contradicts itself.
func mended(part rawDoc) ([]byte, error) {
	text, err := json.Marshal(part)
	if err != nil {
		return nil, err
	}
	var doc any
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	mend(doc)
	return json.Marshal(doc)
}

// mend puts right the account of an installation: where it is listed it has to
// be a user and an enterprise at once, which the schema of an installation
// itself says otherwise.
func mend(node any) {
	switch node := node.(type) {
	case []any:
		for _, v := range node {
			mend(v)
		}
	case map[string]any:
		if account, ok := node["account"].(map[string]any); ok && node["access_tokens_url"] != nil && account["allOf"] != nil {
			account["anyOf"] = account["allOf"]
			delete(account, "allOf")
		}
		for _, v := range node {
			mend(v)
		}
	}
}

// gather adds the components that a text refers to, and what those refer to.
func (r *REST) gather(into map[string]map[string]json.RawMessage, text json.RawMessage) {
	d := json.NewDecoder(bytes.NewReader(text))
	isRef := false
	for {
		token, err := d.Token()
		if err == io.EOF || err != nil {
			return
		}
		s, ok := token.(string)
		if ok && isRef {
			if section, name, ok := strings.Cut(strings.TrimPrefix(s, "#/components/"), "/"); ok && into[section][name] == nil {
				if into[section] == nil {
					into[section] = map[string]json.RawMessage{}
				}
				into[section][name] = r.doc.Components[section][name]
				r.gather(into, into[section][name])
			}
		}
		isRef = ok && s == "$ref"
	}
}

// parameter is the description of a parameter, nil if there is none.
func parameter(route *routers.Route, in, name string) *openapi3.Parameter {
	if p := route.Operation.Parameters.GetByInAndName(in, name); p != nil {
		return p
	}
	return route.PathItem.Parameters.GetByInAndName(in, name)
}

// firstLines leaves out the schema and value that an error quotes in full.
func firstLines(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\nSchema:")
	value := ""
	if _, after, ok := strings.Cut(err.Error(), "\nValue:"); ok {
		value = strings.Join(strings.Fields(after), " ")
	}
	if len(value) > 200 {
		value = value[:200] + "…"
	}
	return strings.TrimSpace(text + " " + value)
}
