package published

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// Webhook holds a delivery to the description of its event and action: all
// headers that it names are there, and the payload is as it says, with every
// field that it requires. It names every fault.
func (r *REST) Webhook(event, action string, header http.Header, body []byte) []string {
	name := strings.ReplaceAll(event, "_", "-")
	if action != "" {
		name += "-" + strings.ReplaceAll(action, "_", "-")
	}
	operation, err := r.webhook(name)
	if err != nil {
		return []string{err.Error()}
	}
	var faults []string
	for _, p := range operation.Parameters {
		if p.Value.In == "header" && header.Get(p.Value.Name) == "" {
			faults = append(faults, fmt.Sprintf("%s: no header %s", name, p.Value.Name))
		}
	}
	media := operation.RequestBody.Value.Content.Get(header.Get("Content-Type"))
	if media == nil {
		return append(faults, fmt.Sprintf("%s: Content-Type %q is not published", name, header.Get("Content-Type")))
	}
	var payload any
	if err := json.Unmarshal(body, &payload); err != nil {
		return append(faults, fmt.Sprintf("%s: not JSON: %v", name, err))
	}
	err = media.Schema.Value.VisitJSON(payload, openapi3.MultiErrors())
	var several openapi3.MultiError
	if errors.As(err, &several) {
		for _, one := range several {
			faults = append(faults, name+": "+firstLines(one))
		}
	} else if err != nil {
		faults = append(faults, name+": "+firstLines(err))
	}
	return faults
}

// webhook reads the description of one webhook, with all that it refers to.
// Unlike an answer's, nothing of it is relaxed.
func (r *REST) webhook(name string) (*openapi3.Operation, error) {
	text, ok := r.doc.Webhooks[name]["post"]
	if !ok {
		return nil, fmt.Errorf("webhook %s: no such event and action is published", name)
	}
	part := rawDoc{
		OpenAPI: r.doc.OpenAPI, Info: r.doc.Info,
		Paths:      map[string]map[string]json.RawMessage{"/": {"post": text}},
		Components: map[string]map[string]json.RawMessage{},
	}
	r.gather(part.Components, text)
	whole, err := json.Marshal(part)
	if err != nil {
		return nil, err
	}
	spec, err := openapi3.NewLoader().LoadFromData(whole)
	if err != nil {
		return nil, fmt.Errorf("webhook %s: the description can't be read: %w", name, err)
	}
	return spec.Paths.Value("/").Post, nil
}
