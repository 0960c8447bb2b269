package published

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/portreeve/portreeve/e2e/recorder"
)

// TestRESTCheck proves, on GitHub's own description, that what does not fit
// is found and that what fits is let through.
func TestRESTCheck(t *testing.T) {
	r, err := ReadREST("../" + OpenAPIFile)
	if err != nil {
		t.Fatal(err)
	}
	const status = `{"url":"https://x.example/s","avatar_url":null,"id":1,"node_id":"a","state":"success","description":null,"target_url":null,"context":"portreeve","created_at":"2026-11-02T10:00:00Z","updated_at":"2026-11-02T10:00:00Z","creator":null}`
	const statuses = "/api/v3/repos/acme/ledger/statuses/0123456789012345678901234567890123456789"
	const notFound = `{"message":"Not Found","documentation_url":"https://docs.github.com/rest"}`
	for _, c := range []struct {
		name, method, url, body string
		status                  int
		answer, want            string
	}{
		{"right", "POST", statuses, `{"state":"success","context":"portreeve"}`, 201, status, ""},
		{"value", "POST", statuses, `{"state":"green"}`, 201, status, "request"},
		{"type", "POST", statuses, `{"state":"success"}`, 201, strings.Replace(status, `"id":1`, `"id":"1"`, 1), `answer 201`},
		{"part", "POST", statuses, `{"state":"success"}`, 201, `{"id":1}`, `answer 201: Error at "/url"`},
		{"deep", "GET", "/api/v3/repos/acme/ledger/pulls/1", ``, 200, `{"number":1,"head":{"sha":1}}`, "/head/sha"},
		{"missing", "POST", statuses, `{"context":"portreeve"}`, 201, status, "request"},
		{"refused", "POST", statuses, `{"state":"green"}`, 422, strings.Replace(notFound, "Not Found", "Validation Failed", 1), "request"},
		{"several", "GET", "/api/v3/user", ``, 200, `{"login":"portreeve","id":1,"user_view_type":"public"}`, `property "avatar_url" is missing`},
		{"of none", "GET", "/api/v3/user", ``, 200, `{"login":"portreeve","id":1}`, "user_view_type"},
		{"status", "POST", statuses, `{"state":"success"}`, 200, status, "answer 200"},
		{"path", "GET", "/api/v3/repos/acme/ledger/nothing", ``, 404, notFound, "no such path"},
		{"method", "DELETE", statuses, ``, 404, notFound, "no such operation"},
		{"refusal", "GET", "/api/v3/repos/acme/ledger/pulls/1", ``, 404, notFound, ""},
		{"refusal's shape", "GET", "/api/v3/repos/acme/ledger/pulls/1", ``, 500, `{"error":"Not Found"}`, "message and documentation_url"},
		{"parameter", "GET", "/api/v3/repos/acme/ledger/pulls?size=3", ``, 200, `[]`, `no parameter "size"`},
		{"parameter's value", "GET", "/api/v3/repos/acme/ledger/pulls?state=gone", ``, 200, `[]`, "request"},
		{"list", "GET", "/api/v3/repos/acme/ledger/pulls?state=all&per_page=100", ``, 200, `[]`, ""},
		{"unchanged", "GET", "/api/v3/repos/acme/ledger/pulls", ``, 304, ``, ""},
	} {
		u, err := url.Parse("http://forge.example" + c.url)
		if err != nil {
			t.Fatal(err)
		}
		found := r.Check(recorder.Exchange{
			Method: c.method, URL: u, Status: c.status,
			Request:  recorder.Message{Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(c.body)},
			Response: recorder.Message{Header: http.Header{"Content-Type": {"application/json; charset=utf-8"}}, Body: []byte(c.answer)},
		})
		if got := strings.Join(found, "\n"); c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: found %q, want %q", c.name, got, c.want)
		}
	}
}
