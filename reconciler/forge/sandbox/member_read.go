package sandbox

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
)

func (m *member) Repos(ctx context.Context, org string, names []fleet.RepoName) (out []fleet.Repo, err error) {
	err = m.call(ctx, "Repos", false, "", func() error {
		wanted := m.forge.named(names)
		for _, r := range m.forge.all() {
			formerly, named := wanted[r]
			if org == "" && !named || org != "" && !strings.EqualFold(r.name.Owner(), org) {
				continue
			}
			listing := r.listing()
			if org == "" {
				listing.Formerly = formerly
			}
			out = append(out, listing)
		}
		return nil
	})
	return out, err
}

func (r *repo) listing() fleet.Repo {
	r.mu.Lock()
	defer r.mu.Unlock()
	return fleet.Repo{
		Name: r.name, ID: r.nodeID(), DefaultBranch: r.defaultBranch, Topics: slices.Clone(r.topics),
		Language: r.language, Archived: r.archived, Private: r.private, Fork: r.fork,
		CloneURL: r.forge.baseURL + "/" + string(r.name) + ".git", WebURL: r.forge.baseURL + "/" + string(r.name),
	}
}

func (m *member) Heads(ctx context.Context, repos []fleet.RepoName) map[fleet.RepoName]forge.Answer[fleet.Head] {
	out := make(map[fleet.RepoName]forge.Answer[fleet.Head], len(repos))
	for _, name := range repos {
		var h fleet.Head
		err := m.call(ctx, "Heads", false, name, func() error {
			return m.forge.with(name, func(r *repo) (err error) {
				h, err = r.head()
				return err
			})
		})
		out[name] = forge.Answer[fleet.Head]{Value: h, Err: err}
	}
	return out
}

func (r *repo) head() (fleet.Head, error) {
	var h fleet.Head
	for _, name := range slices.Sorted(maps.Keys(r.heads)) {
		if !strings.HasPrefix(name, fleet.BranchPrefix) {
			continue
		}
		c, err := r.git.commit(r.heads[name])
		if err != nil {
			return h, err
		}
		h.Branches = append(h.Branches, fleet.Branch{
			Name: name, Commit: fleet.CommitID(c.Hash.String()), Tree: fleet.TreeID(c.TreeHash.String()), Message: c.Message,
		})
	}
	tip := r.heads[r.defaultBranch]
	if tip.IsZero() {
		return h, nil
	}
	c, err := r.git.commit(tip)
	if err != nil {
		return h, err
	}
	h.Commit, h.Tree = fleet.CommitID(tip.String()), fleet.TreeID(c.TreeHash.String())
	h.Checked = slices.ContainsFunc(r.checks(tip), func(k check) bool { return k.name != fleet.StatusContext })
	for _, s := range r.statuses[tip] {
		if s.context == fleet.StatusContext {
			h.Status = &fleet.CommitStatus{State: s.state, Description: s.description, URL: s.url}
		}
	}
	return h, nil
}

func (m *member) PullRequests(ctx context.Context, branches []forge.Branch) map[forge.Branch]forge.Answer[*fleet.PullRequest] {
	out := make(map[forge.Branch]forge.Answer[*fleet.PullRequest], len(branches))
	for _, b := range branches {
		var found *fleet.PullRequest
		err := m.call(ctx, "PullRequests", false, b.Repo, func() error {
			return m.forge.with(b.Repo, func(r *repo) error {
				p := r.of(b.Name)
				if p == nil {
					return nil
				}
				pr, err := r.show(p, m.user)
				found = &pr
				return err
			})
		})
		out[b] = forge.Answer[*fleet.PullRequest]{Value: found, Err: err}
	}
	return out
}

// newestComments is how many comments a pull request is read with.
const newestComments = 50

// show is a pull request in the fleet's words, as one identity sees it; with
// nobody looking, nothing begins to be worked out.
func (r *repo) show(p *pull, as *user) (fleet.PullRequest, error) {
	c, err := r.git.commit(p.headOID)
	if err != nil {
		return fleet.PullRequest{}, err
	}
	mergeable := p.known()
	if as != nil {
		if mergeable, err = r.mergeable(p, false); err != nil {
			return fleet.PullRequest{}, err
		}
	}
	out := fleet.PullRequest{
		Repo: r.name, Number: p.number, URL: r.pullURL(p), State: p.state, Draft: p.draft,
		Title: p.title, Body: p.body, Labels: slices.Clone(p.labels), Base: p.base, Head: p.head,
		HeadCommit: fleet.CommitID(p.headOID.String()), HeadTree: fleet.TreeID(c.TreeHash.String()),
		HeadMessage: c.Message, HeadTime: c.Committer.When.UTC(), Signature: signatureOf(c),
		Author: p.author.actor(as), Created: p.created, Updated: p.updated, Closed: p.ended,
		Mergeable: mergeable, Review: reviewOf(p.decision()),
		BaseCommit: commitID(r.heads[r.defaultBranch]), Held: r.mergeStateOf(p, mergeable) == "blocked", Queued: p.entry().show(as),
	}
	if p.autoMerge != nil {
		by := p.autoMerge.actor(as)
		out.AutoMerge = &by
	}
	if p.state == fleet.PullClosed && p.endedBy != nil {
		out.ClosedBy = p.endedBy.actor(as)
	}
	for _, k := range r.checks(p.headOID) {
		out.Checks = append(out.Checks, fleet.Check{Name: k.name, State: k.state(), URL: k.url, App: k.app})
	}
	for _, c := range p.comments[max(0, len(p.comments)-newestComments):] {
		out.Comments = append(out.Comments, fleet.Comment{ID: c.id, Author: c.by.actor(as), Body: c.body, Created: c.at})
	}
	return out, nil
}

func commitID(h plumbing.Hash) fleet.CommitID {
	if h.IsZero() {
		return ""
	}
	return fleet.CommitID(h.String())
}

func (u *user) actor(as *user) fleet.Actor {
	return fleet.Actor{Login: u.login, Bot: u.bot, Self: as != nil && u.login == as.login}
}

func reviewOf(decision string) fleet.Review {
	switch decision {
	case "APPROVED":
		return fleet.ReviewApproved
	case "REVIEW_REQUIRED":
		return fleet.ReviewRequired
	case "CHANGES_REQUESTED":
		return fleet.ReviewChangesRequested
	}
	return fleet.ReviewNone
}

func (m *member) OpenedSince(ctx context.Context, owners []string, since time.Time) (out fleet.Openings, err error) {
	err = m.call(ctx, "OpenedSince", false, "", func() error {
		for _, r := range m.forge.all() {
			if !slices.ContainsFunc(owners, func(o string) bool { return strings.EqualFold(o, r.name.Owner()) }) {
				continue
			}
			r.mu.Lock()
			for _, p := range r.pulls {
				if p.author.login == m.user.login && !p.created.Before(since) {
					out.Told = append(out.Told, fleet.Opening{Repo: r.name, Branch: p.head, At: p.created})
				}
			}
			r.mu.Unlock()
		}
		return nil
	})
	slices.SortStableFunc(out.Told, func(a, b fleet.Opening) int { return a.At.Compare(b.At) })
	out.Count = len(out.Told)
	return out, err
}

// Pull is a pull request with its newest comments, as nobody in particular
// sees it.
func (f *Forge) Pull(name fleet.RepoName, number int) (out fleet.PullRequest, err error) {
	err = f.withPull(name, number, func(r *repo, p *pull) (err error) {
		out, err = r.show(p, nil)
		return err
	})
	return out, err
}

// Pulls are a repo's pull requests, oldest first.
func (f *Forge) Pulls(name fleet.RepoName) (out []fleet.PullRequest, err error) {
	err = f.with(name, func(r *repo) error {
		for _, p := range r.pulls {
			pr, err := r.show(p, nil)
			if err != nil {
				return err
			}
			out = append(out, pr)
		}
		return nil
	})
	return out, err
}

// ReadFile is a file's content at a branch's head; an empty branch is the
// default branch.
func (f *Forge) ReadFile(name fleet.RepoName, branch, path string) (content string, err error) {
	err = f.with(name, func(r *repo) error {
		if branch == "" {
			branch = r.defaultBranch
		}
		h := r.heads[branch]
		if h.IsZero() {
			return notFound()
		}
		c, err := r.git.commit(h)
		if err != nil {
			return err
		}
		got, ok := r.git.readFile(c.TreeHash, path)
		if !ok {
			return notFound()
		}
		content = string(got)
		return nil
	})
	return content, err
}
