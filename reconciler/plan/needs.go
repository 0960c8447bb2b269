package plan

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/rollout"
)

// needs gathers questions, each once.
type needs struct {
	trees, rule map[fleet.RepoName]bool // trees are true where all of one is asked for
	paths       map[fleet.RepoName]map[fleet.Path]bool
	branches    map[fleet.RepoName]map[string]bool
	histories   map[fleet.RepoName]map[string]bool
	replays     map[fleet.RepoName][]rollout.Replay
	pulls       map[fleet.RepoName]map[int]bool
	accounts    map[fleet.RepoName]map[string]bool
	editions    map[fleet.RepoName]map[fleet.Path]bool
	wrongs      map[fleet.RepoName]map[fleet.CommitID]bool
	openedToday bool
	configRepo  bool
	issues      bool
	queries     map[fleet.Query]bool
	running     map[string]bool
	clusters    map[fleet.ClusterName][]fleet.Path
	trials      []rollout.Step
	// collaborators are asked for in these repos.
	collaborators map[fleet.RepoName]bool
}

func newNeeds() *needs {
	return &needs{
		collaborators: map[fleet.RepoName]bool{},
		trees:         map[fleet.RepoName]bool{}, rule: map[fleet.RepoName]bool{},
		paths: map[fleet.RepoName]map[fleet.Path]bool{}, branches: map[fleet.RepoName]map[string]bool{},
		histories: map[fleet.RepoName]map[string]bool{}, replays: map[fleet.RepoName][]rollout.Replay{},
		pulls: map[fleet.RepoName]map[int]bool{}, accounts: map[fleet.RepoName]map[string]bool{},
		editions: map[fleet.RepoName]map[fleet.Path]bool{},
		wrongs:   map[fleet.RepoName]map[fleet.CommitID]bool{}, queries: map[fleet.Query]bool{}, running: map[string]bool{},
		clusters: map[fleet.ClusterName][]fleet.Path{},
	}
}

// tree asks for a repo's tree, or for all of it.
func (n *needs) tree(repo fleet.RepoName, all bool) { n.trees[repo] = n.trees[repo] || all }

func (n *needs) rules(repo fleet.RepoName) { n.rule[repo] = true }

func (n *needs) files(repo fleet.RepoName, paths []fleet.Path) {
	for _, p := range paths {
		add(n.paths, repo, p)
	}
}

func (n *needs) branch(repo fleet.RepoName, name string) { add(n.branches, repo, name) }

func (n *needs) history(repo fleet.RepoName, branch string) { add(n.histories, repo, branch) }

// replay notes a question that is asked once for each branch, in the order of
// the items.
func (n *needs) replay(repo fleet.RepoName, r *rollout.Replay) {
	n.replays[repo] = append(n.replays[repo], *r)
}

func (n *needs) account(repo fleet.RepoName, name string) { add(n.accounts, repo, name) }

func (n *needs) wrong(repo fleet.RepoName, commit fleet.CommitID) { add(n.wrongs, repo, commit) }

func (n *needs) ready(repo fleet.RepoName, number int) { add(n.pulls, repo, number) }

func add[V comparable](m map[fleet.RepoName]map[V]bool, repo fleet.RepoName, v V) {
	if m[repo] == nil {
		m[repo] = map[V]bool{}
	}
	m[repo][v] = true
}

// list is the questions in a fixed order.
func (n *needs) list() []Need {
	var out []Need
	for _, repo := range slices.Sorted(maps.Keys(n.trees)) {
		out = append(out, Need{Repo: repo, Tree: !n.trees[repo], All: n.trees[repo]})
	}
	for _, repo := range slices.Sorted(maps.Keys(n.accounts)) {
		out = append(out, Need{Repo: repo, Accounts: slices.Sorted(maps.Keys(n.accounts[repo]))})
	}
	for _, repo := range slices.Sorted(maps.Keys(n.paths)) {
		out = append(out, Need{Repo: repo, Files: slices.Sorted(maps.Keys(n.paths[repo]))})
	}
	for _, repo := range slices.Sorted(maps.Keys(n.branches)) {
		out = append(out, Need{Repo: repo, Branches: slices.Sorted(maps.Keys(n.branches[repo]))})
	}
	for _, repo := range slices.Sorted(maps.Keys(n.rule)) {
		out = append(out, Need{Repo: repo, Rules: true})
	}
	for _, repo := range slices.Sorted(maps.Keys(n.histories)) {
		out = append(out, Need{Repo: repo, Histories: slices.Sorted(maps.Keys(n.histories[repo]))})
	}
	for _, repo := range slices.Sorted(maps.Keys(n.replays)) {
		out = append(out, Need{Repo: repo, Replays: n.replays[repo]})
	}
	for _, repo := range slices.Sorted(maps.Keys(n.pulls)) {
		out = append(out, Need{Repo: repo, Ready: slices.Sorted(maps.Keys(n.pulls[repo]))})
	}
	for _, repo := range slices.Sorted(maps.Keys(n.editions)) {
		out = append(out, Need{Repo: repo, Editions: slices.Sorted(maps.Keys(n.editions[repo]))})
	}
	for _, repo := range slices.Sorted(maps.Keys(n.wrongs)) {
		out = append(out, Need{Repo: repo, Wrong: slices.Sorted(maps.Keys(n.wrongs[repo]))})
	}
	if n.configRepo {
		out = append(out, Need{ConfigRepo: true})
	}
	if n.openedToday {
		out = append(out, Need{OpenedToday: true})
	}
	for _, repo := range slices.Sorted(maps.Keys(n.collaborators)) {
		out = append(out, Need{Repo: repo, Collaborators: true})
	}
	if n.issues {
		out = append(out, Need{Issues: true})
	}
	if len(n.clusters) > 0 {
		var all []LookAt
		for _, name := range slices.Sorted(maps.Keys(n.clusters)) {
			all = append(all, LookAt{name, n.clusters[name]})
		}
		out = append(out, Need{Clusters: all})
	}
	if len(n.trials) > 0 {
		out = append(out, Need{Trials: n.trials})
	}
	if len(n.running) > 0 {
		out = append(out, Need{Running: slices.Sorted(maps.Keys(n.running))})
	}
	if len(n.queries) > 0 {
		out = append(out, Need{Queries: slices.SortedFunc(maps.Keys(n.queries), func(a, b fleet.Query) int {
			return cmp.Or(strings.Compare(a.URL, b.URL), strings.Compare(a.Expr, b.Expr))
		})})
	}
	return out
}
