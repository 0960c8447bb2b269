package simulation

import (
	"fmt"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
	"github.com/portreeve/portreeve/reconciler/forge/sandbox"
)

var people = []string{"kim", "lee", "noor"}

// bot is an account that closes pull requests nobody looks at.
const bot = "sweeper"

// people lets people act between two passes, at moments of their own.
func (p *play) people() {
	n := p.rng.IntN(5 + p.o.Repos/10)
	until := p.now
	for range n {
		p.now = until.Add(-time.Duration(p.rng.IntN(900)) * time.Millisecond)
		repo := pick(p, p.repos)
		if p.chance(15) {
			p.setChecks(repo)
		} else {
			p.act(repo)
		}
	}
	p.now = until
	if p.chance(30) {
		p.editConfig()
	}
	if p.o.Weather && p.chance(20) {
		p.faults = pick(p, []int{0, 4, p.o.Faults})
	}
	if p.chance(5) {
		p.journal.add("", "restarts, with nothing kept")
		p.restart()
	}
}

// act lets somebody do something in a repo.
func (p *play) act(repo fleet.RepoName) {
	a := &actor{play: p, repo: repo, login: pick(p, people)}
	a.Person = p.forge.Person(a.login)
	p.lagging.look(repo)
	p.book.catchUp()
	p.result.Acts++
	what, err := a.act()
	if err != nil {
		what += ": " + err.Error()
	}
	p.journal.add(repo, "%s %s", a.login, what)
	p.book.catchUp()
}

type actor struct {
	*play
	*sandbox.Person
	repo  fleet.RepoName
	login string
}

// act does one thing and says what it was.
func (a *actor) act() (string, error) {
	switch n := a.rng.IntN(100); {
	case n < 20:
		return a.edit()
	case n < 24:
		return a.settings()
	}
	pulls, err := a.forge.Pulls(a.repo)
	if err != nil || len(pulls) == 0 {
		return a.edit()
	}
	pr := pick(a.play, pulls[max(0, len(pulls)-6):])
	if a.chance(40) {
		return a.work(pr)
	}
	return a.talk(pr)
}

func (a *actor) edit() (string, error) {
	path := pick(a.play, []string{ciFile, ciFile, licence, settings, travis, codeOwners, note, "README.md"})
	content := a.content(path)
	if a.repo == lanesRepo && a.chance(40) {
		path, content = laneFile(pick(a.play, clusters)), a.edited()
	}
	_, err := a.CommitFile(a.repo, "", path, content, "Edit "+path)
	return "edits " + path, err
}

func (a *actor) settings() (string, error) {
	switch a.rng.IntN(4) {
	case 0:
		topics := a.topics()
		return fmt.Sprintf("sets topics %v", topics), a.SetTopics(a.repo, topics...)
	case 1:
		return "archives it", a.Archive(a.repo, true)
	}
	return "unarchives it", a.Archive(a.repo, false)
}

// work changes branches.
func (a *actor) work(pr fleet.PullRequest) (string, error) {
	path := pick(a.play, []string{note, note, note, ciFile, licence, settings})
	switch n := a.rng.IntN(10); {
	case n < 4:
		return a.push(pr.Head, path)
	case n < 6:
		a.book.kept(branchKey{a.repo, pr.Head})
		// Never the same tree again: that would still be ours.
		w := a.begin(path)
		id, err := a.Amend(a.repo, pr.Head, map[string]*sandbox.File{path: {Content: a.content(path) + w.mark}})
		if w.id = id; err == nil {
			a.book.overwritten(a.repo, pr.Head)
			a.book.hold(a.repo, pr.Head, w)
		}
		return fmt.Sprintf("amends %s to %.7s", pr.Head, id), err
	case n < 7:
		return "updates " + pr.Head, a.UpdateBranch(a.repo, pr.Head)
	case n < 9:
		err := a.DeleteBranch(a.repo, pr.Head)
		if err == nil {
			a.book.dropAll(a.repo, pr.Head)
		}
		return "deletes " + pr.Head, err
	}
	number, err := a.OpenPull(a.repo, forge.NewPull{Text: forge.Text{Title: "Mine"}, Head: pr.Head})
	return fmt.Sprintf("opens #%d from %s", number, pr.Head), err
}

// talk is what people do on a pull request's page.
func (a *actor) talk(pr fleet.PullRequest) (string, error) {
	on := func(what string) string { return fmt.Sprintf("%s #%d", what, pr.Number) }
	switch n := a.rng.IntN(26); n {
	case 0, 1, 2:
		return on("closes"), a.Close(a.repo, pr.Number)
	case 3, 4, 5:
		return on("reopens"), a.Reopen(a.repo, pr.Number)
	case 6:
		return on("comments on"), a.Comment(a.repo, pr.Number, "Why this?")
	case 7, 8, 9:
		return on("approves"), a.Approve(a.repo, pr.Number)
	case 10:
		return on("asks for changes in"), a.RequestChanges(a.repo, pr.Number, "Not so.")
	case 11, 12, 13, 14:
		method := pick(a.play, []fleet.MergeMethod{fleet.MergeCommit, fleet.MergeSquash, fleet.MergeRebase})
		return on("merges (" + string(method) + ")"), a.Merge(a.repo, pr.Number, method)
	case 15:
		return on("retitles"), a.Retitle(a.repo, pr.Number, fmt.Sprintf("Title %d", a.rng.IntN(100)))
	case 16:
		return on("makes a draft of"), a.Draft(a.repo, pr.Number, true)
	case 17:
		return on("makes ready"), a.Draft(a.repo, pr.Number, false)
	case 18:
		base := pick(a.play, []string{otherBase, "main"})
		return on("points to " + base), a.Retarget(a.repo, pr.Number, base)
	case 20, 21:
		return on("puts into the queue"), a.Enqueue(a.repo, pr.Number)
	case 22:
		return on("takes out of the queue"), a.Dequeue(a.repo, pr.Number)
	case 23:
		return on("discusses"), a.Discuss(a.repo, pr.Number, "Why here?")
	case 24:
		return on("resolves"), a.Resolve(a.repo, pr.Number)
	case 25:
		asks := a.chance(60)
		return on(fmt.Sprintf("asks to merge by itself (%v)", asks)), a.AutoMerge(a.repo, pr.Number, asks)
	}
	if a.chance(70) {
		return "looks on", nil
	}
	a.login, a.Person = bot, a.forge.Person(bot)
	return on("closes"), a.Close(a.repo, pr.Number)
}

// setChecks changes what is said of commits, between two passes only: of a
// check that nothing requires, no forge tells whether it has turned red since
// it was read.
func (p *play) setChecks(repo fleet.RepoName) {
	who := p.forge.Person(pick(p, people))
	p.lagging.look(repo)
	p.result.Acts++
	if p.chance(20) {
		ci, rules := p.checks(repo)
		p.rulesOf[repo], p.ciOf[repo] = rules, ci
		p.journal.add(repo, "has %d other checks, and other rules: %v, %v", len(ci), who.SetCI(repo, ci...), who.SetRules(repo, rules))
		return
	}
	pulls, err := p.forge.Pulls(repo)
	if err != nil || len(pulls) == 0 {
		return
	}
	pr := pick(p, pulls)
	state := pick(p, []fleet.StatusState{fleet.StatusSuccess, fleet.StatusSuccess, fleet.StatusFailure, fleet.StatusPending, fleet.StatusError})
	name := pick(p, []string{"audit", "never-reported"})
	err = who.SetStatus(repo, pr.HeadCommit, name, fleet.CommitStatus{State: state, Description: "by hand"})
	p.journal.add(repo, "%s reports %s on #%d: %v", name, state, pr.Number, err)
}
