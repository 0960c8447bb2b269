package main

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portreeve/portreeve/reconciler/forge/sandbox"
)

// TestHourOfCreations opens more pull requests than the forge lets be created
// in an hour, over HTTP and with its published limits in force. None is
// refused, no hour has more than it may, and what is left comes in the next.
func TestHourOfCreations(t *testing.T) {
	if testing.Short() {
		t.Skip("opens 515 pull requests")
	}
	synctest.Test(t, func(t *testing.T) {
		limits := sandbox.GitHubLimits()
		p := newPaced(t, limits.CreatePerHour+15, limits)
		passes := p.run(30*time.Minute, p.allOpen())
		if n := p.Counts().Refused; n != 0 {
			t.Errorf("the forge refused %d requests", n)
		}
		var created []time.Time // in order
		for _, w := range p.Counts().Writes {
			if w.Do == "open" || w.Do == "comment" {
				created = append(created, w.At)
			}
		}
		for n, at := range created {
			if before := n - limits.CreatePerHour; before >= 0 && at.Sub(created[before]) < time.Hour {
				t.Errorf("number %d was created %v after number %d", n, at.Sub(created[before]), before)
			}
		}
		if took := created[len(created)-1].Sub(created[0]); took > 70*time.Minute {
			t.Errorf("the last came %v after the first", took)
		}
		t.Logf("%d passes in %v", len(passes), passes[len(passes)-1].Finished.Sub(passes[0].Started))
	})
}

// TestPrimaryLimit has less of an hour's requests than the fleet needs, or
// another program of the same user takes the rest of them. The first is planned
// with, and nothing refused; of the second one refusal tells each request that
// was under way. Then nothing is asked until the hour is over, that is told, and
// the fleet comes to its end.
func TestPrimaryLimit(t *testing.T) {
	const rest, graphql = "/user", "/graphql"
	for name, c := range map[string]struct {
		limit func(*sandbox.Limits)
		taken string // path of what another program asks for
	}{
		"planned with":      {limit: func(l *sandbox.Limits) { l.REST = 30 }},
		"requests taken":    {limit: func(l *sandbox.Limits) { l.REST = 300 }, taken: rest},
		"query points gone": {limit: func(l *sandbox.Limits) { l.GraphQL = 300 }, taken: graphql},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				limits := sandbox.GitHubLimits()
				c.limit(&limits)
				p := newPaced(t, 40, limits)
				var mu sync.Mutex
				refusals, answers, until := 0, 0, time.Time{}
				p.answered = func(req *http.Request, resp *http.Response) {
					mu.Lock()
					defer mu.Unlock()
					same := strings.HasSuffix(req.URL.Path, graphql) == (c.taken == graphql) && !strings.HasSuffix(req.URL.Path, ".git")
					switch answers++; {
					case resp.StatusCode == http.StatusForbidden:
						refusals++
						reset, err := strconv.ParseInt(resp.Header.Get("X-Ratelimit-Reset"), 10, 64)
						must(t, err)
						until = time.Unix(reset, 0)
						if refusals > 8 {
							t.Errorf("%s was refused too", req.URL.Path)
						}
					case same && time.Now().Before(until):
						t.Errorf("%s was answered %v before the hour was over", req.URL.Path, time.Until(until))
					case c.taken != "" && answers == 30:
						p.use(c.taken, 300)
					}
				}
				passes := p.run(10*time.Minute, p.allOpen())
				if (refusals > 0) != (c.taken != "") {
					t.Errorf("%d refusals", refusals)
				}
				told := 0
				for _, pass := range passes {
					if pass.Pause != nil {
						told++
					}
					for i := 0; pass.Plan != nil && i < len(pass.Plan.Outcomes); i++ {
						if pass.Plan.Outcomes[i].Turn != nil {
							told++
						}
					}
				}
				took := passes[len(passes)-1].Finished.Sub(passes[0].Started)
				if told == 0 || took < 50*time.Minute {
					t.Errorf("told %d times in %v", told, took)
				}
				t.Logf("%d refusals, %d passes in %v", refusals, len(passes), took)
			})
		})
	}
}

// use has another program ask for a path as the same user, so many times.
func (p *paced) use(path string, times int) {
	for range times {
		req, err := http.NewRequest(http.MethodGet, "http://127.0.0.1:1/api/v3"+path, nil)
		if path == "/graphql" {
			req, err = http.NewRequest(http.MethodPost, "http://127.0.0.1:1/api/graphql", strings.NewReader(`{"query":"{viewer{login}}"}`))
		}
		must(p.t, err)
		req.Header.Set("Authorization", "Bearer token-of-portreeve")
		resp, err := p.carry.RoundTrip(req)
		must(p.t, err)
		must(p.t, resp.Body.Close())
	}
}
