package main

import (
	"flag"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/portreeve/portreeve/reconciler/disk"
	"github.com/portreeve/portreeve/reconciler/forge"
	"github.com/portreeve/portreeve/reconciler/forge/sandbox"
)

// TestKilled kills the daemon at each of its writes, to the forge, to Git and
// to the disk: before it, in the middle of what can be done by half, and after
// it, with the data directory kept and deleted. Each death is followed by a
// start, which meets the same write again, then those that come after it: in
// the end each point has been survived in each way, and there is never a
// second pull request, and never a lost change.
//
// Without -kills it spares the daemon five in six of the disk's points where
// the data directory is deleted anyhow; all of the forge's and of Git's are
// played, and all of the disk's where it is kept.
func TestKilled(t *testing.T) {
	for _, lost := range []bool{false, true} {
		t.Run(fmt.Sprintf("lost=%v", lost), func(t *testing.T) {
			t.Parallel()
			l := newLife(t, lost)
			l.play(t)
			l.points.complete(t, sorts(lost)...)
			t.Logf("%d points, %d deaths", len(l.points.met), l.points.deaths)
		})
	}
}

// TestKilledLending kills the daemon at each of its writes to the forge while an
// engineer is lent, who is given access for that time.
func TestKilledLending(t *testing.T) {
	for _, lost := range []bool{false, true} {
		t.Run(fmt.Sprintf("lost=%v", lost), func(t *testing.T) {
			t.Parallel()
			l := newLentLife(t, lost)
			l.play(t)
			l.points.complete(t, slices.Collect(maps.Values(lendingWrites))...)
			t.Logf("%d points, %d deaths", len(l.points.met), l.points.deaths)
		})
	}
}

// pullWrites and lendingWrites are the points at which each of a forge's writes
// is met, in the life of pull requests and while an engineer is lent.
var (
	pullWrites = map[string]string{
		"OpenPull": "POST .*/pulls acme/", "EditPull": "PATCH .*/pulls/.* acme/billing 0", "ClosePull": "PATCH .*/pulls/.* acme/ledger",
		"MergePull": "PUT .*/merge acme/", "Comment": "POST .*/comments acme/billing",
		"EnqueuePull": "graphql mutation enqueuePullRequest", "DequeuePull": "graphql mutation dequeuePullRequest",
		"SetStatus": "POST .*/statuses/.* acme/config",
	}
	lendingWrites = map[string]string{
		"Grant": "2 .*PUT .*/collaborators/.* acme/deploy", "Revoke": "4 .*(PUT|DELETE) .*/collaborators/.* acme/deploy",
		"OpenIssue": "4 .*POST .*/issues acme/config", "EditIssue": "4 .*PATCH .*/issues/.* acme/config",
	}
	forgeReads = []string{
		"Self", "Repos", "Heads", "PullRequests", "Rules", "Readiness", "Access", "OwnersErrors", "Editions", "OpenedSince",
		"Collaborators", "Issues", "Allowance", "Credentials",
	}
)

// TestEveryWriteIsKilled holds the points to all that the forge can be told.
func TestEveryWriteIsKilled(t *testing.T) {
	for method := range reflect.TypeFor[forge.Forge]().Methods() {
		if pullWrites[method.Name] == "" && lendingWrites[method.Name] == "" && !slices.Contains(forgeReads, method.Name) {
			t.Errorf("no daemon is killed at forge.%s: let it be written in a life, or list it as a read", method.Name)
		}
	}
}

var allKills = flag.Bool("kills", false, "kill the daemon at each point of the disk, also where its data is deleted then")

// points are the writes that were met, numbered as they came.
type points struct {
	life       *life
	met        map[string]int
	survived   map[string]moment // the last in which it was killed
	carriedOut map[string]int    // writes to the forge, by what they are
	deaths     int
}

func newPoints(l *life) *points {
	return &points{life: l, met: map[string]int{}, survived: map[string]moment{}, carriedOut: map[string]int{}}
}

// next is how the daemon dies at a point now, if it does.
func (p *points) next(point string, canTear bool) moment {
	if p.met[point] == 0 {
		p.met[point] = len(p.met) + 1
	}
	if p.life.lost && !*allKills && strings.Contains(point, "disk ") && p.met[point]%6 != 0 {
		p.survived[point] = afterIt
	}
	when := p.survived[point] + 1
	if when == withinIt && !canTear {
		when++
	}
	if when > afterIt {
		return spared
	}
	p.survived[point] = when
	p.deaths++
	p.life.what = fmt.Sprintf("a kill at point %d, %s, moment %d", p.met[point], point, when)
	return when
}

// forge tells a write that is made again from the one after it by how many of
// its sort have been carried out in the chapter.
func (p *points) forge(r sandbox.Request) moment {
	sort := fmt.Sprintf("%d %s %s %s", p.life.chapter, r.Kind, r.Route, r.Repo)
	when := p.next(fmt.Sprintf("%s %d", sort, p.carriedOut[sort]), false)
	if when != beforeIt {
		p.carriedOut[sort]++
	}
	return when
}

var (
	byChance = regexp.MustCompile(`(new-|tmp_[a-z]+_|[a-z]+\.lock)[0-9]+`)
	byCommit = regexp.MustCompile(`(config-|pack-)[0-9a-f]{40}`)
)

// disk takes what is written inside of a clone for the same in each chapter,
// and all of it from the fourth chapter on: what is new there is on the forge.
func (p *points) disk(c disk.Change) moment {
	path, err := filepath.Rel(p.life.data, c.Path)
	if err != nil || strings.HasPrefix(path, "..") {
		path = "the data directory"
	}
	path = byCommit.ReplaceAllString(byChance.ReplaceAllString(path, "${1}N"), "${1}ID")
	point := "disk " + c.Do + " " + path
	if !strings.Contains(path, "config/new-N/") {
		point = fmt.Sprintf("%d %s", min(p.life.chapter, 4), point)
	}
	return p.next(point, canTear(c))
}

// complete holds that points of all sorts were met, and that each point was
// survived in each way.
func (p *points) complete(t *testing.T, sorts ...string) {
	t.Helper()
	all := ""
	for _, point := range slices.SortedFunc(maps.Keys(p.met), func(a, b string) int { return p.met[a] - p.met[b] }) {
		all += point + "\n"
		if p.survived[point] != afterIt {
			t.Errorf("%s was survived only until moment %d", point, p.survived[point])
		}
	}
	for _, sort := range sorts {
		if !regexp.MustCompile(sort).MatchString(all) {
			t.Errorf("no write was met that is like %q", sort)
		}
	}
	if t.Failed() {
		t.Log(all)
	}
}

// sorts are of the writes that the life of pull requests has: all that there
// are but those of loans.
func sorts(lost bool) []string {
	all := append(slices.Collect(maps.Values(pullWrites)),
		"PATCH .*/pulls/.* acme/billing 1", "POST .*/labels acme/ledger", "1 git git-receive-pack acme/web 0", "git-receive-pack acme/ledger 1",
		"make the data directory|make \\.", "write lock", "write history", "make cache/wants-", "write cache/wants-", "rename cache/wants-",
		"write config/new-N/HEAD", "rename config/new-N/objects/pack", "write config/new-N/objects", "rename config/config-ID",
		"make declarations", "rename declarations/trimmed", "write declarations/[0-9a-f]+",
	)
	if !lost {
		all = append(all, "rename config/new-config-ID", "remove config/new-config-ID", "remove config/new-N")
	}
	return all
}
