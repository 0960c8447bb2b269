package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge/sandbox"
	"github.com/portreeve/portreeve/reconciler/rollout"
	"github.com/portreeve/portreeve/reconciler/store"
)

// drip is an answer of which a byte comes each minute.
type drip struct {
	io.ReadCloser
	ctx context.Context
}

func (d *drip) Read(p []byte) (int, error) {
	select {
	case <-d.ctx.Done():
		return 0, d.ctx.Err()
	case <-time.After(time.Minute):
		return d.ReadCloser.Read(p[:min(1, len(p))])
	}
}

// drips lets the answers to some requests drip.
func (p *paced) drips(which func(*http.Request) bool) {
	p.answered = func(req *http.Request, resp *http.Response) {
		if which(req) {
			resp.Body = &drip{resp.Body, req.Context()}
		}
	}
}

// once makes passes until one ends, and gives the last.
func (p *paced) once(passes int) *store.Pass {
	all := p.run(time.Minute, func(*store.Pass) bool { passes--; return passes == 0 })
	return all[len(all)-1]
}

// saying counts the outcomes of a pass by state and a part of the reason.
func saying(pass *store.Pass, state rollout.State, reason string) (n int) {
	for i := range pass.Plan.Outcomes {
		if o := &pass.Plan.Outcomes[i]; o.State == state && strings.Contains(o.Reason, reason) {
			n++
		}
	}
	return n
}

// TestForgeDrips has the forge answer queries, or requests, a byte a minute.
// The pass ends in bounded time and tells why nothing could be seen; when the
// forge is well again, so is the fleet.
func TestForgeDrips(t *testing.T) {
	for name, path := range map[string]string{"queries": "/graphql", "requests": "/repos"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPaced(t, 3, sandbox.GitHubLimits())
				p.drips(func(req *http.Request) bool { return strings.HasSuffix(req.URL.Path, path) })
				pass := p.once(1)
				if took := pass.Finished.Sub(pass.Started); took > 5*time.Minute {
					t.Errorf("the pass took %v", took)
				}
				const why = "no whole answer within 1m0s"
				if seen := pass.Plan != nil && saying(pass, rollout.Waiting, why) == 3; !seen && !strings.Contains(pass.Err, why) {
					t.Errorf("it does not say why: %q, %+v", pass.Err, pass.Plan)
				}
				p.answered = nil
				if pass := p.once(1); pass.Err != "" || opened(pass) != 3 {
					t.Errorf("afterwards %d were opened: %q", opened(pass), pass.Err)
				}
			})
		})
	}
}

// TestReposHang has many repos hang whenever they are read over Git, more than
// can be waited for, and their names come first. Each pass ends in time and gets
// further than the one before, and whoever was not read is told so.
func TestReposHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const hang = 100 // of which 16 are waited for at once, 2 minutes each
		p := newPaced(t, hang+3, sandbox.GitHubLimits())
		p.drips(func(req *http.Request) bool {
			var n int
			_, err := fmt.Sscanf(req.URL.Path, "/acme/r%04d.git", &n)
			return err == nil && n < hang
		})
		p.once(4)
		sum := 0
		for n, pass := range p.passes {
			if took := pass.Finished.Sub(pass.Started); took > 6*time.Minute {
				t.Errorf("pass %d took %v", n, took)
			}
			slow := saying(pass, rollout.Waiting, "no whole answer within 2m0s") + saying(pass, rollout.Waiting, "reading repos took longer than 5m0s")
			if sum += opened(pass); slow+sum != p.repos {
				t.Errorf("pass %d: %d of %d repos say that they were not read, %d are open", n, slow, p.repos, sum)
			}
		}
		if sum != 3 {
			t.Errorf("%d of the repos that answer have a pull request", sum)
		}
	})
}

// TestPushHangs has one repo hang whenever it is pushed to. The others are
// served, the step is given up, and says why.
func TestPushHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPaced(t, 12, sandbox.GitHubLimits())
		const bad = fleet.RepoName("acme/r0000")
		p.Fault(func(q sandbox.Request) *sandbox.FaultAnswer {
			if q.Kind == "git" && q.Write && q.Repo == bad {
				return &sandbox.FaultAnswer{Latency: 24 * time.Hour}
			}
			return nil
		})
		pass := p.once(1)
		if took := pass.Finished.Sub(pass.Started); took > 3*time.Minute {
			t.Errorf("the pass took %v", took)
		}
		if n := opened(pass); n != 11 {
			t.Errorf("%d were opened", n)
		}
		for _, d := range pass.Done {
			if d.Repo == bad && !strings.Contains(d.Err, "no whole answer within") {
				t.Errorf("it does not say why: %+v", d)
			}
		}
	})
}

// TestPushesHang has many repos hang whenever they are pushed to, and their
// names come first. The first pass gives up in time and says of those that were
// left why; those come first in the next.
func TestPushesHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const hang = 60 // of which 8 are waited for at once, 2 minutes each
		p := newPaced(t, hang+5, sandbox.GitHubLimits())
		p.Fault(func(q sandbox.Request) *sandbox.FaultAnswer {
			var n int
			if _, err := fmt.Sscanf(string(q.Repo), "acme/r%04d", &n); err == nil && n < hang && q.Kind == "git" && q.Write {
				return &sandbox.FaultAnswer{Latency: 24 * time.Hour}
			}
			return nil
		})
		p.once(4)
		sum := 0
		for n, pass := range p.passes {
			if took := pass.Finished.Sub(pass.Started); took > 9*time.Minute {
				t.Errorf("pass %d took %v", n, took)
			}
			sum += opened(pass)
			slow, later := failing(pass, "no whole answer within"), failing(pass, "put off to the next pass")
			if slow+later+sum != p.repos || slow > 30 {
				t.Errorf("pass %d: %d hung and %d were put off, of %d with %d open", n, slow, later, p.repos, sum)
			}
		}
		if sum != 5 {
			t.Errorf("%d of the repos that answer have a pull request", sum)
		}
	})
}

// failing counts the steps of a pass that failed for a reason.
func failing(pass *store.Pass, reason string) (n int) {
	for _, d := range pass.Done {
		if strings.Contains(d.Err, reason) {
			n++
		}
	}
	return n
}
