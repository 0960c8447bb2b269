package simulation

import (
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge/sandbox"
)

const (
	configRepo fleet.RepoName = "acme/config"
	excluded   fleet.RepoName = "acme/r0007" // by the settings
)

// Paths that declarations change; note is one that none does.
const (
	ciFile     = ".github/workflows/ci.yml"
	licence    = "LICENSE"
	settings   = "settings.yaml"
	travis     = ".travis.yml"
	codeOwners = ".github/CODEOWNERS"
	note       = "NOTES.md"
)

// otherApp reports some checks; the others are CI's own.
const otherApp = 7

// otherBase is a branch of each repo that pull requests may be pointed at.
const otherBase = "next"

func (p *play) makeFleet() error {
	p.forge.AddUser(ours, "token-of-portreeve", true)
	for _, login := range people {
		p.forge.AddUser(login, "", false)
	}
	p.forge.AddUser(bot, "", true)
	if p.chance(50) {
		p.journal.add("", "we may merge whatever the rules say")
		p.forge.Bypass(ours)
	}
	if err := p.forge.CreateRepo(sandbox.Spec{Name: configRepo, Files: map[string]sandbox.File{"README.md": {Content: "# Config\n"}}}); err != nil {
		return err
	}
	for n := range p.o.Repos {
		name := fleet.RepoName(fmt.Sprintf("acme/r%04d", n))
		p.repos = append(p.repos, name)
		if err := p.forge.CreateRepo(p.spec(name)); err != nil {
			return err
		}
		if p.chance(20) {
			if _, err := p.forge.Person(people[0]).CommitFile(name, otherBase, note, "next\n", "Begin what is next"); err != nil {
				return err
			}
		}
	}
	return nil
}

// spec is a repo as one finds them: more or less as declared, with checks or
// without, with rules or without.
func (p *play) spec(name fleet.RepoName) sandbox.Spec {
	spec := sandbox.Spec{Name: name, Language: "Go", Topics: p.topics(), Files: map[string]sandbox.File{"README.md": {Content: "# " + string(name) + "\n"}}}
	for _, path := range []string{ciFile, licence, settings, travis} {
		if p.chance(70) {
			spec.Files[path] = sandbox.File{Content: p.content(path)}
		}
	}
	spec.CI, spec.Rules = p.checks(name)
	p.rulesOf[name], p.ciOf[name] = spec.Rules, spec.CI
	if p.chance(30) {
		spec.MergeMethods = [][]fleet.MergeMethod{
			{fleet.MergeCommit}, {fleet.MergeRebase}, {fleet.MergeSquash}, {fleet.MergeCommit, fleet.MergeRebase},
		}[p.rng.IntN(4)]
		p.methodsOf[name] = spec.MergeMethods
	}
	return spec
}

func (p *play) topics() []string {
	var topics []string
	for _, topic := range []string{"go", "svc"} {
		if p.chance(60) {
			topics = append(topics, topic)
		}
	}
	return topics
}

// content is what a person might write into a file.
func (p *play) content(path string) string {
	n := p.rng.IntN(4)
	switch path {
	case ciFile:
		return fmt.Sprintf("on: [push, pull_request]\njobs:\n  test:\n    runs-on: ubuntu-%d\n    steps:\n      - uses: actions/checkout@v%d\n      - run: test %d\n",
			p.rng.IntN(3), n, p.rng.IntN(1000))
	case licence:
		return fmt.Sprintf("Licence %d\n", n)
	case settings:
		return fmt.Sprintf("# settings of one person\nspec:\n  tier: t%d # was another\n  size: %d\n", n, p.rng.IntN(1000))
	case travis:
		return "language: generic\n"
	case codeOwners:
		return fmt.Sprintf("* @acme/somebody-%d\n", n)
	}
	return fmt.Sprintf("Note %d\n", p.rng.IntN(1_000_000))
}

// checks are a repo's CI. Where none is required, all of a commit's checks
// begin within the time that is waited for more: nobody could know of others.
// A required one may begin at any time, or never.
func (p *play) checks(name fleet.RepoName) ([]sandbox.CheckSpec, sandbox.Rules) {
	var all []sandbox.CheckSpec
	for _, check := range []string{"test", "lint", "build"} {
		if !p.chance(45) {
			continue
		}
		c := sandbox.CheckSpec{Name: check, After: time.Duration(p.rng.IntN(1200)) * time.Second, Status: p.chance(30)}
		if p.chance(30) {
			c.After = time.Duration(p.rng.IntN(3)) * time.Second
		}
		c.Silent = time.Duration(p.rng.IntN(20)) * time.Second
		if !c.Status && p.chance(20) {
			c.App = otherApp
		}
		c.Conclusion = []string{"success", "success", "success", "neutral", "skipped"}[p.rng.IntN(5)]
		if of := p.rng.IntN(5); of > 0 {
			c.Fails = failsSometimes(string(name)+check, uint32(of)+2)
		}
		all = append(all, c)
	}
	rules := p.rules(all)
	for i := range all {
		if slices.Contains(rules.RequiredChecks, all[i].Name) && p.chance(20) {
			all[i].Silent, all[i].Never = time.Duration(p.rng.IntN(180))*time.Minute, p.chance(30)
		}
	}
	return all, rules
}

// failsSometimes fails on one in so many contents.
func failsSometimes(salt string, oneIn uint32) func(func(string) ([]byte, bool)) bool {
	return func(read func(string) ([]byte, bool)) bool {
		h := fnv.New32a()
		fmt.Fprint(h, salt)
		for _, path := range []string{ciFile, licence, settings, note} {
			content, _ := read(path)
			fmt.Fprintf(h, "%q", content)
		}
		return h.Sum32()%oneIn == 0
	}
}

func (p *play) rules(ci []sandbox.CheckSpec) sandbox.Rules {
	r := sandbox.Rules{CheckApps: map[string]int64{}, Ruleset: p.chance(50)}
	if p.chance(40) {
		for i := range ci {
			if p.chance(60) {
				r.RequiredChecks = append(r.RequiredChecks, ci[i].Name)
				if app := pick(p, []int64{0, 0, 0, ci[i].App, otherApp}); app != 0 {
					r.CheckApps[ci[i].Name] = app
				}
			}
		}
		if p.chance(10) {
			r.RequiredChecks = append(r.RequiredChecks, "never-reported")
		}
	}
	r.UpToDate = p.chance(20)
	if p.chance(20) {
		r.RequiredApprovals = 1
	}
	r.DismissStale, r.LastPushApproval = p.chance(20), p.chance(5)
	r.Conversations, r.Linear, r.Locked, r.Signatures = p.chance(20), p.chance(10), p.chance(2), p.chance(2)
	r.Queue = p.chance(25)
	return r
}
