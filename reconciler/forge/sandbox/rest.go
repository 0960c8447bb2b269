package sandbox

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// call is one REST request.
type call struct {
	forge *Forge
	who   *user
	req   *http.Request
	web   string // base of the pages' URLs
	api   string // base of the API's URLs
	head  http.Header
}

// answer answers a call with a status and what is sent as JSON; nil is no
// body.
type answer func(*call) (status int, body any, err error)

// routes lists the REST routes, by GitHub's patterns.
func (s *skin) routes() *http.ServeMux {
	mux := http.NewServeMux()
	for pattern, act := range map[string]answer{
		"GET /{$}":                 getRoot,
		"GET /meta":                getMeta,
		"GET /rate_limit":          getRateLimit,
		"GET /user":                getSelf,
		"GET /user/repos":          listOwnRepos,
		"GET /users/{login}":       getUser,
		"GET /users/{owner}/repos": listRepos,
		"GET /orgs/{owner}":        getOrg,
		"GET /orgs/{owner}/repos":  listRepos,
		"GET /search/issues":       searchIssues,

		"GET /app":               getApp,
		"GET /apps/{slug}":       getAppBySlug,
		"GET /app/installations": listInstallations,
		"POST /app/installations/{id}/access_tokens": postToken,
		"GET /orgs/{owner}/installation":             getInstallation,
		"GET /users/{owner}/installation":            getInstallation,

		"GET /repos/{owner}/{repo}": getRepo,

		"GET /repos/{owner}/{repo}/codeowners/errors":                                   getOwnersErrors,
		"GET /repos/{owner}/{repo}/topics":                                              getTopics,
		"GET /repos/{owner}/{repo}/branches":                                            listBranches,
		"GET /repos/{owner}/{repo}/branches/{branch}":                                   getBranch,
		"GET /repos/{owner}/{repo}/git/ref/{ref...}":                                    getRef,
		"DELETE /repos/{owner}/{repo}/git/refs/{ref...}":                                deleteRef,
		"GET /repos/{owner}/{repo}/git/matching-refs/{ref...}":                          matchingRefs,
		"GET /repos/{owner}/{repo}/contents/{path...}":                                  getContents,
		"GET /repos/{owner}/{repo}/commits/{ref}":                                       getCommit,
		"GET /repos/{owner}/{repo}/commits/{ref}/status":                                getStatus,
		"GET /repos/{owner}/{repo}/commits/{ref}/statuses":                              listStatuses,
		"GET /repos/{owner}/{repo}/commits/{ref}/check-runs":                            listCheckRuns,
		"POST /repos/{owner}/{repo}/statuses/{sha}":                                     postStatus,
		"GET /repos/{owner}/{repo}/rules/branches/{branch}":                             getRules,
		"GET /repos/{owner}/{repo}/rulesets/{id}":                                       getRuleset,
		"GET /repos/{owner}/{repo}/branches/{branch}/protection/required_status_checks": getRequiredChecks,

		"GET /repos/{owner}/{repo}/pulls":                     listPulls,
		"POST /repos/{owner}/{repo}/pulls":                    postPull,
		"GET /repos/{owner}/{repo}/pulls/{number}":            getPull,
		"PATCH /repos/{owner}/{repo}/pulls/{number}":          patchPull,
		"GET /repos/{owner}/{repo}/pulls/{number}/merge":      getMerge,
		"PUT /repos/{owner}/{repo}/pulls/{number}/merge":      putMerge,
		"GET /repos/{owner}/{repo}/pulls/{number}/files":      listFiles,
		"GET /repos/{owner}/{repo}/pulls/{number}/commits":    listCommits,
		"GET /repos/{owner}/{repo}/pulls/{number}/reviews":    listReviews,
		"POST /repos/{owner}/{repo}/pulls/{number}/reviews":   postReview,
		"GET /repos/{owner}/{repo}/issues/{number}/comments":  listComments,
		"POST /repos/{owner}/{repo}/issues/{number}/comments": postComment,
		"GET /repos/{owner}/{repo}/issues/{number}/labels":    listLabels,
		"POST /repos/{owner}/{repo}/issues/{number}/labels":   postLabels,
		"GET /repos/{owner}/{repo}/issues/{number}":           getIssue,
		"GET /repos/{owner}/{repo}/issues":                    listIssues,
		"POST /repos/{owner}/{repo}/issues":                   postIssue,
		"PATCH /repos/{owner}/{repo}/issues/{number}":         patchIssue,

		"GET /repos/{owner}/{repo}/collaborators":            listCollaborators,
		"PUT /repos/{owner}/{repo}/collaborators/{login}":    putCollaborator,
		"DELETE /repos/{owner}/{repo}/collaborators/{login}": deleteCollaborator,
		"GET /repos/{owner}/{repo}/invitations":              listInvitations,
		"DELETE /repos/{owner}/{repo}/invitations/{id}":      deleteInvitation,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { s.answer(w, r, act) })
	}
	return mux
}

// serveREST counts a request, applies faults and limits, and answers it.
func (s *skin) serveREST(w http.ResponseWriter, r *http.Request) {
	r = joinRef(s.byID(r))
	_, pattern := s.rest.Handler(r)
	route := pattern
	if route == "" {
		route = "unknown"
	}
	who, err := s.identify(r)
	login := nobody.login
	if err == nil {
		login = who.login
	}
	s.forge.mu.Lock()
	s.forge.counts.REST[route]++
	s.forge.mu.Unlock()
	write := r.Method != http.MethodGet && r.Method != http.MethodHead
	q := Request{Kind: "rest", Route: route, Write: write, Repo: repoIn(r.URL.Path), Login: login}
	s.faulty(w, r, q, func(w http.ResponseWriter) {
		if err == nil {
			err = s.forge.enter(login)
			if err == nil {
				defer s.forge.leave(login)
				err = s.forge.spendREST(login, write)
			}
		}
		switch {
		case err != nil:
			s.refuse(w, refusalOf(err), s.forge.rate(login, "core"))
		case pattern == "":
			s.refuse(w, &Refusal{Status: 501, Message: "The sandbox does not know this route"}, s.forge.rate(login, "core"))
		case s.redirectREST(w, r):
		default:
			s.rest.ServeHTTP(w, r)
		}
	})
}

// refPath is a path with the name of a branch in it.
var refPath = regexp.MustCompile(`^(/repos/[^/]+/[^/]+/(?:commits|branches|rules/branches)/)(.+?)(/status|/statuses|/check-runs|/protection/.*)?$`)

// joinRef makes one segment of a branch's name that has slashes; GitHub takes
// both forms.
func joinRef(r *http.Request) *http.Request {
	parts := refPath.FindStringSubmatch(r.URL.EscapedPath())
	if parts == nil || !strings.Contains(parts[2], "/") {
		return r
	}
	out := r.Clone(r.Context())
	out.URL.RawPath = parts[1] + strings.ReplaceAll(parts[2], "/", "%2F") + parts[3]
	return out
}

func (s *skin) answer(w http.ResponseWriter, r *http.Request, act answer) {
	who, err := s.identify(r)
	if err != nil {
		s.refuse(w, refusalOf(err), rate{})
		return
	}
	web := baseOf(r)
	c := &call{forge: s.forge, who: who, req: r, web: web, api: web + "/api/v3", head: w.Header()}
	r.Body = http.MaxBytesReader(w, r.Body, cmp.Or(s.forge.currentLimits().RESTBody, 4<<20))
	status, body, err := act(c)
	if err == nil && status == http.StatusNoContent {
		s.rateHeaders(w, s.forge.rate(who.login, "core"))
		w.WriteHeader(status)
		return
	}
	var text []byte
	if err == nil {
		text, err = encode(body)
	}
	if err != nil {
		s.refuse(w, refusalOf(err), s.forge.rate(who.login, "core"))
		return
	}
	h := w.Header()
	if status == http.StatusOK && r.Method == http.MethodGet {
		tag := tagOf(r, text)
		h.Set("ETag", tag)
		h.Set("Vary", "Accept, Authorization, Cookie")
		h.Set("Cache-Control", "private, max-age=60, s-maxage=60")
		if sameTag(r.Header.Get("If-None-Match"), tag) {
			s.forge.refundREST(who.login)
			s.rateHeaders(w, s.forge.rate(who.login, "core"))
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	s.rateHeaders(w, s.forge.rate(who.login, "core"))
	writeJSON(w, status, text)
}

// tagOf is an ETag as github.com makes it: who asks is part of it.
func tagOf(r *http.Request, text []byte) string {
	sum := sha256.New()
	for _, name := range []string{"Accept", "Authorization", "Cookie"} {
		for _, value := range r.Header.Values(name) {
			fmt.Fprintf(sum, "%s:", value)
		}
	}
	sum.Write(text)
	return fmt.Sprintf(`W/"%x"`, sum.Sum(nil))
}

func sameTag(given, tag string) bool {
	for one := range strings.SplitSeq(given, ",") {
		if strings.TrimPrefix(strings.TrimSpace(one), "W/") == strings.TrimPrefix(tag, "W/") {
			return true
		}
	}
	return false
}

func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return b.Bytes(), err
}

func writeJSON(w http.ResponseWriter, status int, text []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-GitHub-Media-Type", "github.v3; format=json")
	w.WriteHeader(status)
	_, _ = w.Write(text)
}

func (s *skin) rateHeaders(w http.ResponseWriter, r rate) {
	if r.Resource == "" {
		return
	}
	h := w.Header()
	h.Set("X-RateLimit-Limit", strconv.Itoa(r.Limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(r.Remaining))
	h.Set("X-RateLimit-Used", strconv.Itoa(r.Used))
	h.Set("X-RateLimit-Reset", strconv.FormatInt(r.Reset, 10))
	h.Set("X-RateLimit-Resource", r.Resource)
}

const docs = "https://docs.github.com/rest"

// refuse answers in GitHub's form of an error.
func (s *skin) refuse(w http.ResponseWriter, r *Refusal, rates rate) {
	body := obj{"message": r.Message, "documentation_url": docs, "status": strconv.Itoa(r.Status)}
	if r.Errors != nil {
		body["errors"] = r.Errors
	}
	switch r.limit {
	case LimitPrimary:
		body["documentation_url"] = docs + "/overview/rate-limits-for-the-rest-api"
		rates.Used, rates.Remaining, rates.Reset = rates.Limit, 0, r.until.Unix()
	case LimitSecondary:
		body["documentation_url"] = docs + "/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits"
		wait := r.until.Sub(s.forge.now()).Round(time.Second)
		w.Header().Set("Retry-After", strconv.Itoa(max(1, int(wait.Seconds()))))
	}
	s.rateHeaders(w, rates)
	text, _ := encode(body)
	writeJSON(w, r.Status, text)
}

// obj is a JSON object.
type obj = map[string]any

func (c *call) name() fleet.RepoName {
	return fleet.RepoName(c.req.PathValue("owner") + "/" + c.req.PathValue("repo"))
}

// repo calls do with the repo that the path names.
func (c *call) repo(do func(*repo) error) error {
	return c.forge.with(c.name(), func(r *repo) error {
		if r.private && c.who == nobody {
			return notFound()
		}
		return do(r)
	})
}

// writing is repo for changes, which need an identity.
func (c *call) writing(do func(*repo) error) error {
	if c.who == nobody {
		return &Refusal{Status: 401, Message: "Requires authentication"}
	}
	return c.repo(do)
}

func (c *call) number() int {
	n, _ := strconv.Atoi(c.req.PathValue("number"))
	return n
}

func (c *call) pull(do func(*repo, *pull) error) error {
	return c.repo(func(r *repo) error {
		p, err := r.pull(c.number())
		if err != nil {
			return err
		}
		return do(r, p)
	})
}

func (c *call) writingPull(do func(*repo, *pull) error) error {
	return c.writing(func(r *repo) error {
		p, err := r.pull(c.number())
		if err != nil {
			return err
		}
		return do(r, p)
	})
}

// input decodes the request's body.
func (c *call) input(into any) error {
	text, err := io.ReadAll(c.req.Body)
	if tooBig := (*http.MaxBytesError)(nil); errors.As(err, &tooBig) {
		return &Refusal{Status: 413, Message: "Request body is too large"}
	} else if err != nil {
		return &Refusal{Status: 400, Message: "Problems reading the request"}
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return nil
	}
	if err := json.Unmarshal(text, into); err != nil {
		return &Refusal{Status: 400, Message: "Problems parsing JSON"}
	}
	return nil
}

// page cuts the asked page out of a list and sets the Link header.
func page[T any](c *call, all []T) []T {
	q := c.req.URL.Query()
	size, _ := strconv.Atoi(q.Get("per_page"))
	if size < 1 {
		size = 30
	}
	size = min(size, 100)
	at, _ := strconv.Atoi(q.Get("page"))
	at = max(at, 1)
	last := max(1, (len(all)+size-1)/size)
	var links []string
	link := func(n int, rel string) {
		q.Set("page", strconv.Itoa(n))
		links = append(links, fmt.Sprintf(`<%s%s?%s>; rel=%q`, c.web, c.path(), q.Encode(), rel))
	}
	if at > 1 {
		link(min(at-1, last), "prev")
	}
	if at < last {
		link(at+1, "next")
		link(last, "last")
	}
	if at > 1 {
		link(1, "first")
	}
	if links != nil {
		c.head.Set("Link", strings.Join(links, ", "))
	}
	from := min((at-1)*size, len(all))
	return append([]T{}, all[from:min(from+size, len(all))]...)
}

// path is the path as the client asked for it, with its prefix.
func (c *call) path() string {
	path, _, _ := strings.Cut(c.req.RequestURI, "?")
	if path == "" {
		return c.req.URL.EscapedPath()
	}
	return path
}
