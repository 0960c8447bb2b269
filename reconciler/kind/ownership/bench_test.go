package ownership

import (
	"fmt"
	"testing"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/internal/promise"
	"github.com/portreeve/portreeve/reconciler/kind"
)

// big is a repo of 20,000 files and who owns it by 500 patterns of ten teams.
func big() (config *fleet.Config, owning *fleet.Declaration, paths []fleet.Path) {
	config = &fleet.Config{Teams: map[fleet.TeamName]fleet.Team{}}
	for i := range 10 {
		name := fleet.TeamName(fmt.Sprintf("team-%d", i))
		config.Teams[name] = fleet.Team{Name: name, GitHub: "acme/" + string(name)}
	}
	s := &Spec{Repo: "acme/mono", Owner: "team-0", Paths: map[string]Entry{}}
	for i := range 500 {
		p := []string{"/apps/app%d/", "/libs/lib%d/src/", "*.x%d", "/apps/*/mod%d/**/*.go", "docs%d/"}[i%5]
		s.Paths[fmt.Sprintf(p, i)] = Entry{Owner: fleet.TeamName(fmt.Sprintf("team-%d", i%7))}
	}
	owning = &fleet.Declaration{ID: fleet.ID{Kind: "ownership", Name: "mono"}, Owner: "team-0", Owns: "acme/mono", Spec: s}
	config.Declarations = []*fleet.Declaration{owning}
	kind.Index(config)
	for i := range 20_000 {
		paths = append(paths, fleet.Path(fmt.Sprintf("apps/app%d/mod%d/pkg/sub/file%d.go", i%500, i%77, i)))
	}
	return config, owning, paths
}

func BenchmarkRules(b *testing.B) {
	config, owning, _ := big()
	for b.Loop() {
		all, err := rules(config, owning, "acme/mono")
		if err != nil || len(minimal(all)) < 100 {
			b.Fatal(err, len(all))
		}
	}
}

func BenchmarkEffect(b *testing.B) {
	config, owning, paths := big()
	all, err := rules(config, owning, "acme/mono")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if e := effectOf(all[:1], all, paths, names{}); e.Changed == 0 {
			b.Fatal("nothing changes")
		}
	}
}

// BenchmarkWhose asks for one path of the repo, from the decoded declarations on.
func BenchmarkWhose(b *testing.B) {
	config, _, paths := big()
	kinds := kind.Set{New(nil)}
	done := promise.Within(b, 50*time.Millisecond)
	for b.Loop() {
		if a := kinds.Whose(config, fleet.Repo{Name: "acme/mono"}, paths[5]); a[0].Line == nil || a[0].Line.Pattern == "*" {
			b.Fatalf("%+v", a)
		}
	}
	done()
}
