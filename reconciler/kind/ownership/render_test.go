package ownership

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/hmarr/codeowners"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// randomRepo is who owns a repo, by a declaration of it and one of a part, and
// all their patterns.
func randomRepo(r *rand.Rand) (config *fleet.Config, owning *fleet.Declaration, declared map[string]Entry) {
	teams := []fleet.TeamName{"a", "b", "c"}
	config = &fleet.Config{Teams: map[fleet.TeamName]fleet.Team{}}
	for _, t := range teams {
		config.Teams[t] = fleet.Team{Name: t, GitHub: "acme/" + string(t)}
	}
	pick := func() Entry {
		switch n := r.IntN(2 * len(teams)); {
		case n == 0:
			return Entry{Unowned: true}
		case n == 1:
			return Entry{Owner: "a", CoOwners: []fleet.TeamName{"b"}}
		default:
			return Entry{Owner: teams[n%len(teams)]}
		}
	}
	declared = map[string]Entry{"": {Owner: "a"}}
	taken := map[string]bool{"*": true}
	spec := func() *Spec {
		s := &Spec{Owner: "a", Paths: map[string]Entry{}}
		for range r.IntN(7) {
			p := randomPattern(r)
			if transform.CheckOwnersPattern(p) == nil && !taken[normal(p)] {
				taken[normal(p)] = true
				s.Paths[p] = pick()
				declared[p] = s.Paths[p]
			}
		}
		return s
	}
	owning = &fleet.Declaration{ID: fleet.ID{Kind: "ownership", Name: "it"}, Owns: "acme/x", Spec: spec()}
	part := &fleet.Declaration{ID: fleet.ID{Kind: "ownership", Name: "part"}, Within: "acme/x", Spec: spec()}
	config.Declarations = []*fleet.Declaration{owning, part}
	kind.Index(config)
	return config, owning, declared
}

// TestRenderedGivesDeclared: another implementation of GitHub's rules finds in
// the rendered file, for every path, the owner that is declared: that of the
// pattern which comes last of those that match; also where lines are left out,
// and in a block behind lines of people.
func TestRenderedGivesDeclared(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	left := 0
	for range 1_000 {
		config, owning, declared := randomRepo(r)
		all, err := rules(config, owning, "acme/x")
		if err != nil {
			t.Fatal(err)
		}
		few := minimal(all)
		left += len(all) - len(few)
		if again := minimal(few); len(again) < len(few) {
			t.Fatalf("%d lines change nothing: %s", len(few)-len(again), render(header, owning.ID, few))
		}
		content := "*.x @x\n" + string(render(header, owning.ID, few))
		file, err := codeowners.ParseFile(strings.NewReader(content))
		if err != nil {
			t.Fatalf("%v: %s", err, content)
		}
		order := ordered(slices.DeleteFunc(slices.Collect(maps.Keys(declared)), func(p string) bool { return p == "" }))
		matching := newMatcher(few)
		for range 100 {
			path := randomPath(r)
			want := declaredOwner(order, declared, path)
			found, err := file.Match(path)
			if err != nil || found == nil {
				t.Fatalf("%s: %v, %v", path, found, err)
			}
			var got []string
			for _, o := range found.Owners {
				got = append(got, strings.TrimPrefix(o.String(), "@acme/"))
			}
			if strings.Join(got, " ") != want {
				t.Fatalf("%s is %q's, and %q's by declaration %v:\n%s", path, got, want, declared, content)
			}
			i := matching.last(path, nil)
			if j := slices.IndexFunc(backwards(few), func(r rule) bool { return Match(r.pattern, path) }); i != len(few)-1-j || i != matching.last(path, func(int) {}) {
				t.Fatalf("%s: line %d of\n%s", path, i, content)
			}
		}
	}
	if left == 0 {
		t.Error("no line was left out")
	}
}

// declaredOwner is who owns a path by what is declared: by the last of the
// patterns that match, in an order in which no part of another comes before it.
func declaredOwner(order []string, declared map[string]Entry, path string) string {
	won := ""
	for _, p := range order {
		switch {
		case !Match(transform.EscapeOwnersPattern(p), path):
		case won != "" && within(won, p) && !within(p, won):
			return fmt.Sprintf("%q is a part of %q", won, p)
		default:
			won = p
		}
	}
	e := declared[won]
	if e.Unowned {
		return ""
	}
	names := []string{string(e.Owner)}
	for _, c := range e.CoOwners {
		names = append(names, string(c))
	}
	return strings.Join(names, " ")
}

func backwards(rules []rule) []rule {
	rules = slices.Clone(rules)
	slices.Reverse(rules)
	return rules
}
