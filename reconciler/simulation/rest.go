package simulation

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/rollout"
)

// quiet are the pauses between passes that find nothing to do; when all have
// gone by without a step, everything is at rest.
var quiet = []time.Duration{time.Minute, 11 * time.Minute, 30 * time.Minute, time.Hour, 3 * time.Hour}

// rest ends all trouble and makes passes until nothing is left to do, within
// a bound, and then compares the fleet with what is declared.
func (p *play) rest(ctx context.Context) error {
	p.trouble = false
	if err := p.finally(); err != nil {
		return err
	}
	p.journal.add("", "people and faults end")
	bound := 200 + 6*len(asks)*p.o.Repos/80
	for calm := 0; ; {
		if p.result.Resting++; p.result.Resting > bound {
			return p.broken(p.moving(), "it does not come to rest in %d passes", bound)
		}
		if err := p.pass(ctx); err != nil {
			return err
		}
		more := p.forge.As(ours).Allowance().More(fleet.Creations)
		if idle := len(p.book.pass.Done) == 0 && p.book.pass.Err == ""; idle && more.IsZero() {
			if calm == len(quiet) {
				break
			}
			p.now = p.now.Add(quiet[calm])
			calm++
			continue
		}
		calm = 0
		if p.now = p.now.Add(time.Second); more.After(p.now) {
			p.now = more
		}
	}
	if steps := p.book.pass.Plan.Steps; len(steps) > 0 {
		return p.broken(steps[0].Repo, "at rest, the plan still has %d steps: %s", len(steps), steps[0].Reason)
	}
	return p.compare(ctx)
}

// moving is a repo in which something is still done.
func (p *play) moving() fleet.RepoName {
	for _, d := range p.book.pass.Done {
		return d.Repo
	}
	return "-"
}

// site is a repo at rest.
type site struct {
	fleet.Repo
	head     fleet.Head
	pulls    map[string]fleet.PullRequest // the one of a branch that counts
	says     declared
	outcomes map[about]*rollout.Outcome
}

// compare holds the fleet at rest to the declarations.
func (p *play) compare(ctx context.Context) error {
	all, err := p.forge.As(ours).Repos(ctx, "acme", nil)
	if err != nil {
		return err
	}
	heads := p.forge.As(ours).Heads(ctx, p.repos)
	outcomes := map[about]*rollout.Outcome{}
	p.result.States = map[rollout.State]int{}
	for i := range p.book.pass.Plan.Outcomes {
		o := &p.book.pass.Plan.Outcomes[i]
		outcomes[about{o.Declaration, o.Target, o.Lane}] = o
		p.result.States[o.State]++
	}
	for _, repo := range all {
		if repo.Name == configRepo || repo.Name == excluded {
			continue
		}
		s := &site{
			Repo: repo, head: heads[repo.Name].Value, pulls: map[string]fleet.PullRequest{},
			says: p.configs.now, outcomes: outcomes,
		}
		pulls, err := p.forge.Pulls(repo.Name)
		if err != nil {
			return err
		}
		for _, pr := range pulls {
			if pr.Number == p.book.current(branchKey{repo.Name, pr.Head}) {
				s.pulls[pr.Head] = pr
			}
		}
		if err := p.compareRepo(s); err != nil {
			return err
		}
	}
	return nil
}

func (p *play) compareRepo(s *site) error {
	for _, name := range p.asked() {
		ask, id := asks[name], fleet.ID{Kind: "migration", Name: name}
		if ask.topic != "" && !slices.Contains(s.Topics, ask.topic) {
			continue
		}
		content, err := p.forge.ReadFile(s.Name, "", ask.path)
		good := ask.wants(content, err == nil, s.says.migrations[name].version)
		if err := p.compareOne(s, id, "", ask.path, good, s.says.migrations[name].merge); err != nil {
			return err
		}
	}
	for _, c := range clusters {
		if s.Name != lanesRepo {
			break
		}
		content, _ := p.forge.ReadFile(s.Name, "", laneFile(c))
		if err := p.compareOne(s, laned, fleet.Lane(c), laneFile(c), s.says.lanes.wants(content), s.says.lanes.merge); err != nil {
			return err
		}
	}
	if o, ok := s.says.owners[s.Name]; ok {
		content, _ := p.forge.ReadFile(s.Name, "", codeOwners)
		good := strings.Contains(content, "@acme/"+string(o.team)+"\n") && !strings.Contains(content, "somebody")
		return p.compareOne(s, ownership(s.Name), "", codeOwners, good, o.merge)
	}
	return nil
}

// compareOne holds one declaration in one repo to this: it is as declared, or
// something on the forge that a person did, or has to do, stands in the way,
// and what is told is what is so.
func (p *play) compareOne(s *site, id fleet.ID, lane fleet.Lane, path string, good bool, policy fleet.MergePolicy) error {
	o := s.outcomes[about{id, fleet.Target{Repo: s.Name}, lane}]
	switch {
	case o == nil:
		return p.broken(s.Name, "at rest, nothing is told of %s", id)
	case s.Archived:
		return nil
	case good != (o.State == rollout.Done):
		return p.broken(s.Name, "at rest, %s is told to be %s (%s), and as declared is %v", id, o.State, o.Reason, good)
	case good:
		return nil
	}
	why := p.standsInTheWay(s, fleet.BranchName(id, lane), policy)
	if why == "" {
		for _, other := range p.asked() {
			b := fleet.BranchName(fleet.ID{Kind: "migration", Name: other}, "")
			if pr := s.pulls[b]; asks[other].path == path && pr.State == fleet.PullOpen {
				why = "another goes first"
			}
		}
	}
	if why == "" && lane != "" && lane != fleet.Lane(clusters[0]) && s.says.lanes.waves && !p.through(s.says.lanes) {
		why = "the wave before it is not through"
	}
	if why == "" || o.State == rollout.Change {
		return p.broken(s.Name, "at rest, %s is %s (%s), and nothing stands in its way", id, o.State, o.Reason)
	}
	return nil
}

// standsInTheWay is what people did with a branch's pull request, or have to
// do, for which it is not merged; empty for nothing.
func (p *play) standsInTheWay(s *site, branch string, policy fleet.MergePolicy) string {
	pr, there := s.pulls[branch]
	for _, b := range s.head.Branches {
		if b.Name == branch && !untouched(b.Name, b.Message, b.Tree) {
			return "the branch has commits by people"
		}
	}
	switch {
	case !there || pr.State == fleet.PullMerged:
		return ""
	case pr.State == fleet.PullClosed && pr.ClosedBy.Login != ours && (p.asksAgain(branch, pr.Closed, p.now) || p.asksElse(p.book.pulls[pullKey{s.Name, pr.Number}])):
		return ""
	case pr.State == fleet.PullClosed && pr.ClosedBy.Login != ours:
		return "closed by " + pr.ClosedBy.Login
	case pr.State == fleet.PullClosed:
		return ""
	case pr.Draft:
		return "a draft"
	case pr.Base != s.DefaultBranch:
		return "it goes elsewhere"
	case pr.Review == fleet.ReviewChangesRequested, pr.Review == fleet.ReviewRequired:
		return "a review is asked for"
	case policy == fleet.MergeManual:
		return "a person merges it"
	case pr.AutoMerge != nil:
		return "the forge is to merge it"
	case pr.Queued != nil:
		return "it is in the merge queue"
	case p.book.pulls[pullKey{s.Name, pr.Number}].lost != nil && p.rulesOf[s.Name].Queue:
		return "it was taken out of the merge queue"
	case pr.Mergeable == fleet.MergeableConflict:
		return "it conflicts"
	}
	if _, err := p.forge.ReadFile(s.Name, "", ciFile); len(pr.Checks) == 0 && (err == nil || s.head.Checked) {
		return "no check has reported, and there are some"
	}
	if why := p.unfit(pr); why != "" {
		return why
	}
	return p.forbidden(pr)
}

// forbidden is what only a person can give that a rule asks for; empty for
// nothing.
func (p *play) forbidden(pr fleet.PullRequest) string {
	rules := p.rulesOf[pr.Repo]
	methods := p.methodsOf[pr.Repo]
	switch {
	case rules.Locked:
		return "its base is locked"
	case rules.Signatures && pr.Signature != fleet.SignatureVerified:
		return "it is not signed"
	case rules.Linear && !rules.Queue && len(methods) == 1 && methods[0] == fleet.MergeCommit:
		return "there is no way to merge it"
	}
	err := p.forge.ForbidsQueue(pr.Repo, pr.Number)
	if err != nil && (strings.Contains(err.Error(), "conversation") || strings.Contains(err.Error(), "last pusher")) {
		return err.Error()
	}
	return ""
}
