package ownership

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
)

// Bounds of what is told of an effect.
const (
	mostMoves   = 20
	mostSamples = 3
	mostListed  = 50
)

// effect is what becomes of files when one CODEOWNERS takes the place of
// another. Owners are called as names has them.
func effectOf(old, now []rule, paths []fleet.Path, called names) *kind.Effect {
	e := &kind.Effect{Files: len(paths)}
	before, after := newMatcher(old), newMatcher(now)
	moves := map[[2]string]*kind.Move{}
	reviews := map[string]*kind.Review{}
	matched, decides := make([]bool, len(now)), make([]bool, len(now))
	for _, p := range paths {
		was := ownersOf(old, before.last(string(p), nil))
		decider := after.last(string(p), func(i int) { matched[i] = true })
		is := ownersOf(now, decider)
		if decider >= 0 {
			decides[decider] = true
		}
		if sameOwners(was, is) {
			continue
		}
		e.Changed++
		if len(is) == 0 {
			e.Unowned++
		}
		key := [2]string{strings.Join(was, " "), strings.Join(is, " ")}
		m := moves[key]
		if m == nil {
			m = &kind.Move{From: called.each(was), To: called.each(is), Samples: []fleet.Path{}}
			moves[key] = m
		}
		if m.Files++; len(m.Samples) < mostSamples {
			m.Samples = append(m.Samples, p)
		}
		count(reviews, was, is, called)
	}
	for _, key := range slices.SortedFunc(maps.Keys(moves), func(a, b [2]string) int {
		return cmp.Or(cmp.Compare(moves[b].Files, moves[a].Files), strings.Compare(a[0], b[0]), strings.Compare(a[1], b[1]))
	}) {
		e.Moves = append(e.Moves, *moves[key])
	}
	for _, owner := range slices.Sorted(maps.Keys(reviews)) {
		e.Reviews = append(e.Reviews, *reviews[owner])
	}
	for i, r := range now {
		if matched[i] && !decides[i] {
			e.Shadowed = append(e.Shadowed, r.pattern)
		}
	}
	e.Moves, e.Reviews, e.Shadowed = first(e.Moves, mostMoves), first(e.Reviews, mostListed), first(e.Shadowed, mostListed)
	return e
}

func first[T any](all []T, most int) []T { return all[:min(most, len(all))] }

func ownersOf(rules []rule, i int) []string {
	if i < 0 {
		return nil
	}
	return rules[i].owners
}

// count counts a file for the owners that gain and lose it.
func count(reviews map[string]*kind.Review, was, is []string, called names) {
	of := func(handle string) *kind.Review {
		name := called.of(handle)
		if reviews[name] == nil {
			reviews[name] = &kind.Review{Owner: name}
		}
		return reviews[name]
	}
	for _, h := range is {
		if !containsFold(was, h) {
			of(h).Gains++
		}
	}
	for _, h := range was {
		if !containsFold(is, h) {
			of(h).Loses++
		}
	}
}

func containsFold(all []string, one string) bool {
	return slices.ContainsFunc(all, func(s string) bool { return strings.EqualFold(s, one) })
}

// each calls owners by their names.
func (n names) each(handles []string) []string {
	all := make([]string, len(handles))
	for i, h := range handles {
		all[i] = n.of(h)
	}
	return all
}
