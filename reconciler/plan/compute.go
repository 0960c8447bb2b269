package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/report"
	"github.com/portreeve/portreeve/reconciler/rollout"
)

// Memo keeps what is a pure function of its key, so that it need not be
// computed twice. Forgetting costs time alone.
type Memo interface {
	Get(key string) (value []byte, ok bool)
	Put(key string, value []byte)
}

// Compute computes the plan for a world. It guarantees three things:
//
//  1. The plan depends on the world alone; a memo makes it quicker only.
//  2. Each (declaration, target) has exactly one outcome, also one that
//     can't be decided yet.
//  3. While there are needs the plan is preliminary. What can be decided
//     without them is decided, and asking is finite: a world that answers
//     every need of one call brings the next call further.
func Compute(w *World, kinds kind.Set, memo Memo) (*Plan, []Need) {
	w = w.following()
	c := &computation{world: w, kinds: kinds, memo: memo, needs: newNeeds(), placings: map[fleet.ClusterName][]placing{}}
	c.list()
	c.acknowledgements()
	c.lend()
	c.keys = newKeys(c.world.Config)
	for _, d := range c.world.Config.Declarations {
		c.declaration(d)
	}
	c.direct()
	c.imports()
	c.leftovers()
	c.excluded()
	c.renamed()
	slices.SortFunc(c.items, func(a, b *rollout.Item) int {
		return cmp.Or(cmp.Compare(a.Target().String(), b.Target().String()), strings.Compare(a.BranchName(), b.BranchName()))
	})
	c.clashes()
	c.unreached()
	c.decide()
	c.loans()
	c.breakers()
	c.digests()
	c.silent()
	return c.finish()
}

// following is the world with repos that were renamed belonging to whom they did.
func (w *World) following() *World {
	if len(w.Renamed) == 0 {
		return w
	}
	follows := *w
	follows.Config = kind.Follow(w.Config, w.Renamed)
	return &follows
}

// list lists the repos of the fleet, sorted by name.
func (c *computation) list() {
	for _, name := range slices.Sorted(maps.Keys(c.world.Repos)) {
		if c.world.Repos[name].Out == "" {
			c.listings = append(c.listings, c.world.Repos[name].Listing)
		}
	}
}

type computation struct {
	world    *World
	kinds    kind.Set
	memo     Memo
	keys     keys
	listings []fleet.Repo
	byName   map[string]int // places in listings, by name in lower case
	needs    *needs

	items        []*rollout.Item
	outcomes     []rollout.Outcome
	problems     []fleet.Problem
	planned      []rollout.Step
	paced        rollout.Paced
	unreadAccess string             // why what accounts may do can't be read
	known        map[branchKey]bool // branches that belong to an item
	holds        map[fleet.ID]*rollout.Hold
	hidden       []*rollout.Item // whose repos could not be read
	unread       map[fleet.TeamName]int
	imported     *Imported
	lacks        map[lentPlace]*kind.Unreached // of engineers who are lent
	granting     granting
	lagging      []rollout.Lagging
	placings     map[fleet.ClusterName][]placing
	trips        []rollout.Trip
}

type branchKey struct {
	repo   fleet.RepoName
	branch string
}

// declaration adds an item or an outcome for each target of a declaration.
func (c *computation) declaration(d *fleet.Declaration) {
	if d.Frozen != nil {
		return // its targets are the repos with a branch of it; see leftovers
	}
	k, ok := c.kinds.Find(d.ID.Kind)
	if !ok {
		return
	}
	found := false
	for _, candidate := range k.Targets(d, c.world.Config, c.about(d)) {
		found = true
		if candidate.Repo == "" {
			c.placings[candidate.Cluster] = append(c.placings[candidate.Cluster], placing{k, d, candidate})
			continue
		}
		listing, ok := c.listed(candidate.Repo)
		if !ok {
			o := c.elsewhere(d, candidate.Repo)
			o.Lane = fleet.Lane(candidate.Cluster)
			c.outcomes = append(c.outcomes, o)
			c.lag(candidate, o)
			continue
		}
		candidate.Repo = listing.Name
		c.candidate(k, d, candidate)
	}
	if name := cmp.Or(d.Owns, d.Within); name != "" && !found {
		c.outcomes = append(c.outcomes, c.elsewhere(d, name))
	}
}

// elsewhere is the outcome of a repo that a declaration names and that is none of
// those of the fleet.
func (c *computation) elsewhere(d *fleet.Declaration, name fleet.RepoName) rollout.Outcome {
	if now := c.world.Renamed[name]; now != "" {
		return outcome(d, name, rollout.Blocked, "renamed to "+string(now), "name it so in the declaration")
	}
	if r := c.world.Repos[name]; r != nil && r.Out != "" {
		return outcome(d, name, rollout.Out, r.Out, "")
	}
	if c.world.Config.Settings.Invalid != nil {
		return outcome(d, name, rollout.Frozen, "the fleet's settings are invalid, so its repos are not known", "mend them in the config repo")
	}
	return outcome(d, name, rollout.Failed, "the forge lists no such repo in the fleet", "see the repo's name, or what fleet covers")
}

// clusters tells of clusters that no declaration is about.
func (c *computation) clusters(lanes map[fleet.Lane]bool) {
	for _, name := range slices.Sorted(maps.Keys(c.world.Config.Clusters)) {
		if d := c.world.Config.Clusters[name]; !lanes[fleet.Lane(name)] {
			o := outcome(d, "", rollout.Out, "no declaration is about it", "")
			o.Target = fleet.Target{Cluster: name}
			c.outcomes = append(c.outcomes, o)
		}
	}
}

// about are the repos that a declaration can be about.
func (c *computation) about(d *fleet.Declaration) []fleet.Repo {
	name := cmp.Or(d.Owns, d.Within)
	if name == "" {
		return c.listings
	}
	r, ok := c.listed(name)
	if !ok {
		return nil
	}
	return []fleet.Repo{r}
}

// candidate adds an item for one repo, or the outcome that says why not.
func (c *computation) candidate(k kind.Kind, d *fleet.Declaration, candidate kind.Candidate) {
	lane := fleet.Lane(candidate.Cluster)
	repo := c.world.Repos[candidate.Repo]
	item := &rollout.Item{
		ID: d.ID, Lane: lane, Declaration: d, Owns: k.Owns, Listing: repo.Listing, Head: repo.Head,
		Rules: repo.Rules, Want: kind.Want{Out: candidate.Out}, Hold: c.holds[d.ID],
		Rollout: candidate.Rollout, Wave: candidate.Wave,
	}
	c.claim(item)
	if repo.Err != "" {
		c.unseen(item, repo)
		o := unreadable(item, repo)
		c.outcomes = append(c.outcomes, o)
		c.lag(candidate, o)
		if candidate.Out == "" {
			c.hidden = append(c.hidden, item)
		}
		return
	}
	if candidate.Out == "" && repo.Head.Commit == "" {
		o := outcome(d, candidate.Repo, rollout.Out, "the repo is empty", "")
		if o.Lane = lane; k.Owns {
			o.State, o.Next = rollout.Blocked, "make a first commit"
		}
		c.outcomes = append(c.outcomes, o)
		c.lag(candidate, o)
		return
	}
	if candidate.Out == "" {
		want, state := c.want(k, d, repo, c.world.Config.Clusters[candidate.Cluster])
		if state.State != "" {
			state.Lane = lane
			c.unseen(item, repo)
			c.outcomes = append(c.outcomes, state)
			c.lag(candidate, state)
			return
		}
		item.Want = want
	}
	if item.Want.Out != "" {
		item.Want.Decides = c.decides(item) // what is open counts until it is closed
	}
	c.add(item, repo)
}

// add finds the item's branch and pull request and keeps it for deciding.
func (c *computation) add(item *rollout.Item, repo *Repo) {
	name := item.BranchName()
	for n := range repo.Head.Branches {
		if repo.Head.Branches[n].Name == name {
			item.Branch = &repo.Head.Branches[n]
		}
	}
	// Of what goes in waves, or runs where it can be asked, the last pull request
	// tells since when it is so.
	asks := len(item.Want.Edits) > 0 || item.Rollout != nil || item.Want.Runs != nil
	if item.Branch != nil || item.Declaration != nil && item.Declaration.Frozen == nil && asks {
		pull, asked := repo.Pulls[name]
		if !asked {
			c.needs.branch(repo.Listing.Name, name)
			c.outcomes = append(c.outcomes, pending(item))
			return
		}
		item.Pull, item.History, item.Replayed, item.Editions = pull, repo.Histories[name], repo.Replays[name], c.editions(item, repo)
		if pull != nil {
			item.BotCloses = report.ParseAgain(pull.Body).Bots
			item.Ready = repo.Ready[pull.Number]
			if wrong, asked := repo.Wrong[pull.HeadCommit]; asked {
				item.Wrong = &wrong
			}
		}
	}
	c.text(item)
	c.items = append(c.items, item)
}

// claim notes that the item's branch is the declaration's, so that it is
// nobody's leftover.
func (c *computation) claim(item *rollout.Item) {
	if c.known == nil {
		c.known = map[branchKey]bool{}
	}
	c.known[branchKey{item.Listing.Name, item.BranchName()}] = true
}

// leftovers adds an item for each branch of ours that no target explains: of
// a declaration that is gone, or frozen, or no longer about the repo.
func (c *computation) leftovers() {
	for _, listing := range c.listings {
		repo := c.world.Repos[listing.Name]
		c.unseenFrozen(repo)
		for _, b := range repo.Head.Branches {
			id, lane, ok := parseBranch(b.Name)
			if !ok || c.known[branchKey{listing.Name, b.Name}] || id.Kind == adoptName {
				continue // see adoptions
			}
			if former := c.formerly(id, listing.Name); former != "" {
				o := outcome(c.declared(id), listing.Name, rollout.Blocked, "its declaration names it "+string(former)+", as it was before", "name it "+string(listing.Name)+" in the declaration")
				o.Lane = lane
				c.outcomes = append(c.outcomes, o) // and what is open stays as it is
				continue
			}
			item := &rollout.Item{
				ID: id, Lane: lane, Declaration: c.declared(id), Listing: repo.Listing, Head: repo.Head, Rules: repo.Rules,
			}
			item.Want.Decides = c.decides(item)
			switch d := item.Declaration; {
			case repo.Err != "":
				c.unseen(item, repo)
				c.outcomes = append(c.outcomes, unreadable(item, repo))
				continue
			case d != nil && d.Frozen == nil && lane != "":
				cluster := c.declared(fleet.ID{Kind: fleet.ClusterKind, Name: string(lane)})
				if cluster != nil && cluster.Frozen != nil {
					item.Declaration = cluster // and what is open stays
					break
				}
				item.Want.Out = "its declaration is not about cluster " + string(lane) + " any more"
			case d != nil && d.Frozen == nil:
				item.Want.Out = "its declaration is not about this repo any more"
			}
			c.add(item, repo)
		}
	}
}

// formerly is the name by which a declaration is about a repo that has another
// by now, else empty.
func (c *computation) formerly(id fleet.ID, repo fleet.RepoName) fleet.RepoName {
	if d := c.world.Config.Declaration(id); d != nil {
		if d.Owns != "" && len(d.Frozen) == 0 && c.world.Renamed[d.Owns] == repo {
			return d.Owns
		}
	}
	return ""
}

// renamed tells which repos the settings name as they were called before; the
// forge leads to them, until someone takes the old name.
func (c *computation) renamed() {
	for _, name := range c.world.Config.Settings.Repos {
		if now := c.world.Renamed[name]; now != "" {
			c.problems = append(c.problems, fleet.Problem{
				Severity: fleet.Warning, Code: "renamed", Pos: c.world.Config.Settings.Pos, Field: "fleet.repos",
				Message: fmt.Sprintf("%s was renamed to %s", name, now), Hint: fmt.Sprintf("name it %q", now),
			})
		}
	}
}

// declared is the declaration of a branch, nil if it is gone. Where that is
// not certain it counts as frozen, for what is gone is closed.
func (c *computation) declared(id fleet.ID) *fleet.Declaration {
	if d := c.world.Config.Declaration(id); d != nil {
		return d
	}
	unsure := func(pos fleet.Pos, message string) *fleet.Declaration {
		return &fleet.Declaration{ID: id, Pos: pos, Frozen: []fleet.Problem{{Pos: pos, Message: message}}}
	}
	if file, may := c.world.Config.MayHold(id.Name); may {
		return unsure(fleet.Pos{File: file}, "the file can't be read, and may hold the declaration")
	}
	if invalid := c.world.Config.Settings.Invalid; invalid != nil && id == importID {
		return unsure(invalid.Problem.Pos, "the settings are, which may ask for it")
	}
	if _, ok := c.kinds.Find(id.Kind); !ok && !isProposal(id) {
		return unsure(fleet.Pos{}, fmt.Sprintf("this version of Portreeve knows no kind %q, and another one made the branch", id.Kind))
	}
	return nil
}

// silent tells of what nothing has been told of: frozen declarations of which
// nothing is open, whose targets nobody knows, and repos that no declaration
// is about.
func (c *computation) silent() {
	about := map[fleet.RepoName]bool{}
	declared := map[fleet.ID]bool{}
	lanes := map[fleet.Lane]bool{}
	for i := range c.outcomes {
		about[c.outcomes[i].Target.Repo], declared[c.outcomes[i].Declaration] = true, true
		lanes[c.outcomes[i].Lane], lanes[fleet.Lane(c.outcomes[i].Target.Cluster)] = true, true
	}
	for _, d := range c.world.Config.Declarations {
		if d.Frozen != nil && !declared[d.ID] {
			o := outcome(d, "", rollout.Frozen, "its declaration is invalid: "+d.Frozen[0].String(), "mend it in the config repo")
			c.outcomes = append(c.outcomes, o)
		}
	}
	c.clusters(lanes)
	for _, listing := range c.listings {
		if !about[listing.Name] {
			c.outcomes = append(c.outcomes, rollout.Outcome{
				Target: fleet.Target{Repo: listing.Name}, State: rollout.Out, Reason: "no declaration is about it",
			})
		}
	}
}

// excluded tells of the repos that the settings leave out.
func (c *computation) excluded() {
	for _, name := range slices.Sorted(maps.Keys(c.world.Repos)) {
		if r := c.world.Repos[name]; r.Out != "" {
			c.outcomes = append(c.outcomes, rollout.Outcome{
				Target: fleet.Target{Repo: name}, State: rollout.Out, Reason: r.Out, Pos: c.world.Config.Settings.Pos,
			})
		}
	}
}

// decide runs rollout over all items, in a fixed order.
func (c *computation) decide() {
	settings := c.settings()
	decisions := make([]rollout.Decision, len(c.items))
	for n, item := range c.items {
		decisions[n] = c.one(settings, item)
	}
	c.adoptions(decisions)
	for _, item := range c.items[len(decisions):] {
		decisions = append(decisions, c.one(settings, item))
	}
	c.blasts(settings, decisions)
	for n, item := range c.items {
		decisions[n] = rollout.Heed(settings, c.world.Refused, item, decisions[n])
	}
	c.tried(decisions)
	c.effective(decisions)
	c.roll(settings, decisions)
	for n, item := range c.items {
		gated, asks := rollout.Gated(item, decisions[n], c.world.Queries)
		decisions[n] = gated
		for _, q := range asks {
			c.needs.queries[q] = true
		}
	}
	c.paced = rollout.Pace(rollout.Bounds{
		Now: c.world.Now, Limits: c.world.Config.Settings.Limits, Allowance: c.world.Allowance,
		OpenedToday: c.world.OpenedToday, Uncounted: c.world.Uncounted, Unread: c.unread,
	}, c.items, decisions)
	c.needs.openedToday = c.paced.AskOpened
	for _, d := range decisions {
		c.outcomes = append(c.outcomes, d.Outcome)
	}
	for _, n := range c.paced.Order {
		c.planned = append(c.planned, decisions[n].Steps...)
	}
}

// one decides on an item, answering from the tree what rollout asks of it.
func (c *computation) one(settings rollout.Settings, item *rollout.Item) rollout.Decision {
	d := rollout.Decide(settings, item)
	if d.Questions.Workflows {
		if runs, known := c.workflows(c.world.Repos[item.Listing.Name]); known {
			item.Workflows = &runs
			d = rollout.Decide(settings, item)
		}
	}
	if d.Questions.Rules {
		c.needs.rules(item.Listing.Name)
	}
	if d.Questions.History {
		c.needs.history(item.Listing.Name, item.BranchName())
	}
	if d.Questions.Replay != nil {
		c.needs.replay(item.Listing.Name, d.Questions.Replay)
	}
	if d.Questions.Editions != "" {
		add(c.needs.editions, item.Listing.Name, d.Questions.Editions)
	}
	if d.Questions.Wrong {
		c.needs.wrong(item.Listing.Name, item.Pull.HeadCommit)
	}
	if d.Questions.Readiness {
		c.needs.ready(item.Listing.Name, item.Pull.Number)
	}
	return d
}

// parseBranch is the inverse of fleet.BranchName.
func parseBranch(name string) (fleet.ID, fleet.Lane, bool) {
	rest, ok := strings.CutPrefix(name, fleet.BranchPrefix)
	if !ok {
		return fleet.ID{}, "", false
	}
	rest, lane, _ := strings.Cut(rest, "--")
	id, ok := fleet.ParseID(rest)
	return id, fleet.Lane(lane), ok
}

func outcome(d *fleet.Declaration, repo fleet.RepoName, state rollout.State, reason, next string) rollout.Outcome {
	return rollout.Outcome{
		Declaration: d.ID, Target: fleet.Target{Repo: repo}, State: state, Reason: reason, Next: next,
		Pos: d.Pos, Revision: d.Revision, Stale: d.Stale,
	}
}

// unreadable is the outcome of an item whose repo could not be read.
func unreadable(item *rollout.Item, repo *Repo) rollout.Outcome {
	o := pending(item)
	o.Reason, o.Next = repo.Err, "tries again at the next pass"
	if repo.Permanent {
		o.State, o.Next = rollout.Failed, "see the repo, or exclude it"
	}
	return o
}

// pending is the outcome of an item that waits for an answer.
func pending(item *rollout.Item) rollout.Outcome {
	o := rollout.Outcome{
		Declaration: item.ID, Target: fleet.Target{Repo: item.Listing.Name}, Lane: item.Lane,
		State: rollout.Waiting, Reason: "it is being read", Because: item.Want.Because, Decides: item.Want.Decides,
	}
	if item.Declaration != nil {
		o.Pos, o.Revision, o.Stale = item.Declaration.Pos, item.Declaration.Revision, item.Declaration.Stale
	}
	return o
}
