package simulation

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge/sandbox"
	"github.com/portreeve/portreeve/reconciler/rollout"
)

// Clusters get their configuration by one repo, each in a folder of its own: what is
// declared of them once has a lane for each, with a pull request of its own.
const lanesRepo fleet.RepoName = "acme/r0003"

var clusters = []fleet.ClusterName{"c1", "c2", "c3"}

// lanes are what is declared of the clusters.
type lanes struct {
	present, broken, paused bool
	version                 int
	merge                   fleet.MergePolicy
	waves                   bool // the first of the clusters, and then the others
}

// soak is how long a wave waits after the one before it.
const soak = 20 * time.Minute

var laned = fleet.ID{Kind: "prometheus", Name: "k8s"}

// laneFile is the file of a cluster.
func laneFile(c fleet.ClusterName) string { return string(c) + "/p.yaml" }

// laneOf is the cluster of a branch; empty for another branch.
func laneOf(branch string) fleet.ClusterName {
	name, _ := strings.CutPrefix(branch, fleet.BranchName(laned, "")+"--")
	if i := slices.Index(clusters, fleet.ClusterName(name)); i >= 0 {
		return clusters[i]
	}
	return ""
}

// moves reports whether something is done for them.
func (l lanes) moves() bool { return l.present && !l.broken && !l.paused }

// wants reports whether a cluster's file is as declared.
func (l lanes) wants(content string) bool {
	return strings.Contains(content, fmt.Sprintf("retention: %dd\n", l.version)) && !strings.Contains(content, "replicas")
}

// edited is what a person might write there.
func (p *play) edited() string {
	return fmt.Sprintf("apiVersion: monitoring.coreos.com/v1\nkind: Prometheus\nmetadata:\n  name: k8s\n  namespace: monitoring\nspec:\n  replicas: %d\n  retention: %dd\n  version: v3.5.0\n",
		1+p.rng.IntN(3), 10+p.rng.IntN(10))
}

func (l lanes) text() string {
	text := "package fleet\n\n"
	for _, c := range clusters {
		text += fmt.Sprintf("clusters: %q: {owner: %q, delivery: pullRequest: {repo: %q, folder: %q}}\n", c, asker, lanesRepo, c)
	}
	if !l.present {
		return text
	}
	state, field := "active", "retention"
	if l.paused {
		state = "paused"
	}
	if l.broken {
		field = "retentoin"
	}
	rollout := ""
	if l.waves {
		rollout = fmt.Sprintf("\trollout: {waves: [{clusters: names: [%q]}], soak: \"20m\", maxFailures: 1000}\n", clusters[0])
	}
	return text + fmt.Sprintf("prometheus: %q: {\n\towner: %q\n\twhy: \"Order.\"\n\tclusters: names: [\"c1\", \"c2\", \"c3\"]\n\tfile: \"p.yaml\"\n\tmerge: %q\n\tstate: %q\n\tsettings: {version: \"3.5.0\", %s: time: \"%dd\"}\n%s}\n",
		laned.Name, asker, l.merge, state, field, l.version, rollout)
}

func (p *play) changeLanes(l *lanes) string {
	switch n := p.rng.IntN(12); {
	case !l.present || n < 2:
		l.present = !l.present
		return "adds or removes the Prometheuses"
	case l.broken:
		l.broken = false
		return "mends the Prometheuses"
	case n < 7:
		l.version++
		return "changes the Prometheuses"
	case n < 8:
		l.paused = !l.paused
		return "pauses the Prometheuses, or goes on"
	case n < 9:
		l.waves = !l.waves
		return "changes the waves of the Prometheuses"
	case n < 11:
		l.merge = p.policy()
		return "merge " + string(l.merge) + " of the Prometheuses"
	}
	l.broken = true
	return "breaks the Prometheuses"
}

// refuses notes what a pull request of a lane holds that somebody closes: it is a no
// to that, and to nothing else. Where its commit does not say what it was made for
// that is not known.
func (b *book) refuses(key pullKey, f *pullFacts) {
	lane := laneOf(f.branch)
	if f.refused = ""; key.repo != lanesRepo || lane == "" || f.closedBy == ours {
		return
	}
	pr, err := b.p.forge.Pull(key.repo, key.number)
	if _, says := rollout.ParseTrailers(pr.HeadMessage); err != nil || !says {
		return
	}
	f.refused = b.wrote[f.branch]
}

// writes notes what we have put on a lane's branch.
func (b *book) writes(w sandbox.Write) {
	branch, _, _ := strings.Cut(w.Detail, " ")
	if lane := laneOf(branch); lane != "" && w.Repo == lanesRepo && w.By == ours {
		b.wrote[branch], _ = b.p.forge.ReadFile(w.Repo, branch, laneFile(lane)) // there may be none by now
	}
}

// asksElse reports whether a lane asks for something else than what was refused.
func (p *play) asksElse(f *pullFacts) bool {
	if f.refused == "" {
		return false
	}
	says := p.configs.now
	if p.configs.read != nil {
		says, _ = p.configs.at(p.configs.read.Revision)
	}
	return !says.lanes.wants(f.refused)
}

// through reports whether the first wave is: its cluster is as declared, somebody
// said no, or its check is red, which does not hold up the others here.
func (p *play) through(says lanes) bool {
	content, _ := p.forge.ReadFile(lanesRepo, "", laneFile(clusters[0]))
	key := branchKey{lanesRepo, fleet.BranchName(laned, fleet.Lane(clusters[0]))}
	number := p.book.current(key)
	f := p.book.pulls[pullKey{lanesRepo, number}]
	if says.wants(content) || f != nil && !f.open && !f.merged && f.closedBy != ours {
		return true
	}
	pr, err := p.forge.Pull(lanesRepo, number)
	return err == nil && pr.State == fleet.PullOpen && slices.ContainsFunc(pr.Checks, func(c fleet.Check) bool { return c.State == fleet.CheckFailure })
}

// inWave holds that nothing of the second wave is opened before the first is through,
// and has soaked.
func (b *book) inWave(w sandbox.Write) {
	lane := laneOf(w.Detail)
	if w.Repo != lanesRepo || lane == "" || lane == clusters[0] || b.p.configs.read == nil || b.unseen(b.others) {
		return
	}
	says, _ := b.p.configs.at(b.p.configs.read.Revision)
	if !says.lanes.waves {
		return
	}
	if !b.p.through(says.lanes) {
		b.breaks(w.Repo, "#%d of %s was opened, and the wave before it is not through", w.Number, lane)
	}
	first := branchKey{lanesRepo, fleet.BranchName(laned, fleet.Lane(clusters[0]))}
	if f := b.pulls[pullKey{lanesRepo, b.current(first)}]; f != nil && f.merged && w.At.Sub(f.ended) < soak {
		b.breaks(w.Repo, "#%d of %s was opened %s after the wave before it was merged", w.Number, lane, w.At.Sub(f.ended))
	}
}

// toldOfLanes holds that each cluster has an outcome.
func (b *book) toldOfLanes(says declared, told map[about]bool) {
	for _, c := range clusters {
		if says.lanes.moves() && !told[about{laned, fleet.Target{Repo: lanesRepo}, fleet.Lane(c)}] {
			b.breaks(lanesRepo, "nothing is told of cluster %s", c)
		}
	}
}
