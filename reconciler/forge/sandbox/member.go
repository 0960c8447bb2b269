package sandbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
)

// member is the forge as one identity sees it, without HTTP.
type member struct {
	forge *Forge
	user  *user
}

var _ forge.Forge = (*member)(nil)

// As is the forge as the member that acts as login sees it. Of the limits,
// only those on content creation apply to it.
func (f *Forge) As(login string) forge.Forge { return &member{f, f.user(login)} }

// errCut stands for a connection that ended without an answer.
var errCut = errors.New("connection reset")

// call carries out one call: counted, faulty if told so, its error
// classified.
func (m *member) call(ctx context.Context, method string, write bool, repo fleet.RepoName, do func() error) error {
	if err := ctx.Err(); err != nil {
		return &fleet.Failure{Class: fleet.Transient, Op: method, On: string(repo), Err: err}
	}
	m.forge.mu.Lock()
	m.forge.counts.Member[method]++
	m.forge.mu.Unlock()
	fault := m.forge.fault(Request{Kind: "member", Route: method, Write: write, Repo: repo, Login: m.user.login})
	if fault == nil {
		return classify(method, repo, do())
	}
	if fault.Done || fault.Half {
		if err := do(); err != nil {
			return classify(method, repo, err)
		}
	}
	if fault.Reset || fault.Half {
		return classify(method, repo, errCut)
	}
	if r := fault.refusal(m.forge.now()); r != nil {
		return classify(method, repo, r)
	}
	if fault.Done {
		return nil
	}
	return classify(method, repo, do())
}

// classify makes a *fleet.Failure of an error.
func classify(op string, repo fleet.RepoName, err error) error {
	if err == nil {
		return nil
	}
	out := &fleet.Failure{Class: fleet.Transient, Op: op, On: string(repo), Err: err}
	if out.On == "" {
		out.On = "forge"
	}
	if r := (*Refusal)(nil); errors.As(err, &r) {
		switch {
		case r.limit != "" || r.Status == 429:
			out.Class, out.Until = fleet.Limited, r.until
		case r.Status == 409:
			out.Class = fleet.Moved
		case r.Status < 500:
			out.Class = fleet.Permanent
		}
	}
	return out
}

func (m *member) Self(ctx context.Context) (fleet.Actor, error) {
	err := m.call(ctx, "Self", false, "", func() error { return nil })
	return fleet.Actor{Login: m.user.login, Bot: m.user.bot, Self: true}, err
}

// Allowance is what the limits on content creation leave.
func (m *member) Allowance() fleet.Allowance {
	m.forge.mu.Lock()
	defer m.forge.mu.Unlock()
	spent, l := m.forge.meter(m.user.login), m.forge.limits
	var a fleet.Allowance
	for _, w := range []struct {
		spending
		limit, minutes int
	}{{spent.createMin, l.CreatePerMin, 1}, {spent.createHour, l.CreatePerHour, 60}} {
		if w.limit == 0 {
			continue
		}
		a.Limits = append(a.Limits, fleet.Limit{
			Of: fleet.Creations, Minutes: w.minutes, Most: w.limit, Left: max(0, w.limit-w.used),
			Reset: w.reset, Back: []fleet.Return{{At: w.reset, Units: w.used}},
		})
	}
	return a
}

func (m *member) OpenPull(ctx context.Context, name fleet.RepoName, n forge.NewPull) (out forge.Opened, err error) {
	err = m.call(ctx, "OpenPull", true, name, func() error {
		return m.forge.with(name, func(r *repo) error {
			p := r.open(n.Head, n.Base)
			if p == nil {
				if err := m.forge.spendCreation(m.user); err != nil {
					return err
				}
				var err error
				if p, err = r.openPull(m.user, n, false); err != nil {
					return err
				}
			}
			out = forge.Opened{Number: p.number, URL: r.pullURL(p)}
			return nil
		})
	})
	return out, err
}

func (r *repo) pullURL(p *pull) string {
	return fmt.Sprintf("%s/%s/pull/%d", r.forge.baseURL, r.name, p.number)
}

func (m *member) onPull(ctx context.Context, method string, name fleet.RepoName, number int, do func(*repo, *pull) error) error {
	return m.call(ctx, method, true, name, func() error { return m.forge.withPull(name, number, do) })
}

func (m *member) EditPull(ctx context.Context, name fleet.RepoName, number int, text forge.Text) error {
	return m.onPull(ctx, "EditPull", name, number, func(r *repo, p *pull) error {
		if _, err := r.edit(m.user, p, cmp.Or(text.Title, p.title), cmp.Or(text.Body, p.body)); err != nil {
			return err
		}
		_, err := r.label(m.user, p, text.Labels)
		return err
	})
}

func (m *member) Comment(ctx context.Context, name fleet.RepoName, number int, body string) error {
	return m.onPull(ctx, "Comment", name, number, func(r *repo, p *pull) error {
		if err := m.forge.spendCreation(m.user); err != nil {
			return err
		}
		_, err := r.comment(m.user, p, body)
		return err
	})
}

func (m *member) ClosePull(ctx context.Context, name fleet.RepoName, number int) error {
	return m.onPull(ctx, "ClosePull", name, number, func(r *repo, p *pull) error { return r.close(m.user, p) })
}

func (m *member) MergePull(ctx context.Context, name fleet.RepoName, number int, head fleet.CommitID, method fleet.MergeMethod) error {
	return m.onPull(ctx, "MergePull", name, number, func(r *repo, p *pull) error {
		if p.headOID.String() != string(head) {
			return &Refusal{Status: 409, Message: "Head branch was modified. Review and try the merge again."}
		}
		if p.state == fleet.PullMerged {
			return nil
		}
		_, err := r.mergePull(m.user, p, mergeRequest{sha: string(head), method: method})
		return err
	})
}

func (m *member) SetStatus(ctx context.Context, name fleet.RepoName, commit fleet.CommitID, s fleet.CommitStatus) error {
	return m.call(ctx, "SetStatus", true, name, func() error {
		return m.forge.with(name, func(r *repo) error {
			_, _, err := r.setStatus(m.user, plumbing.NewHash(string(commit)), status{
				context: fleet.StatusContext, state: s.State, description: s.Description, url: s.URL,
			})
			return err
		})
	})
}

func (m *member) Credentials(context.Context, fleet.RepoName) (user, secret string, err error) {
	if m.user.token == "" {
		return "", "", nil
	}
	return "x-access-token", m.user.token, nil
}
