package migration

import (
	"fmt"
	"slices"
	"strings"

	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// maxLeaves bounds the conditions of a selection that is looked through: each
// doubles the work.
const maxLeaves = 8

// meetable reports the parts of a selection that no repo can meet.
func (d *decoder) meetable(field string, c *Condition) {
	before := len(d.problems)
	below, name := c.below()
	for i := range below {
		d.meetable(fmt.Sprintf("%s.%s[%d]", field, name, i), &below[i])
	}
	if len(d.problems) > before || canBeMet(c) {
		return
	}
	for j := range below {
		for i := range j {
			if !canBeMet(&below[i], &below[j]) {
				d.report("bad-condition", fmt.Sprintf("%s.%s[%d]", field, name, j), "for repos that meet one of the two write any",
					"no repo can meet both this and %s[%d]", name, i)
				return
			}
		}
	}
	d.report("bad-condition", field, "say which repos are meant", "no repo can meet this")
}

// canBeMet reports whether a repo can meet all of the conditions, as far as
// they alone tell. It tries what can hold together of the questions in them.
func canBeMet(all ...*Condition) bool {
	t := trial{at: map[*Condition]int{}}
	for _, c := range all {
		t.add(c)
	}
	if len(t.leaves) > maxLeaves {
		return true
	}
	for t.holding = range 1 << len(t.leaves) {
		if t.together() && !slices.ContainsFunc(all, func(c *Condition) bool { return !t.holds(c) }) {
			return true
		}
	}
	return false
}

// trial is a guess at what holds of a repo.
type trial struct {
	leaves  []*Condition // those without others below them, each question once
	texts   []string     // of the leaves
	at      map[*Condition]int
	holding int // a bit for each leaf
}

func (t *trial) add(c *Condition) {
	below, _ := c.below()
	for i := range below {
		t.add(&below[i])
	}
	switch {
	case below != nil:
	case c.Not != nil:
		t.add(c.Not)
	default:
		text := kind.FactsOf(c)
		i := slices.Index(t.texts, text)
		if i < 0 {
			i = len(t.leaves)
			t.leaves, t.texts = append(t.leaves, c), append(t.texts, text)
		}
		t.at[c] = i
	}
}

// below are the conditions of all or any, and the field's name.
func (c *Condition) below() ([]Condition, string) {
	switch {
	case c.All != nil:
		return *c.All, "all"
	case c.Any != nil:
		return *c.Any, "any"
	}
	return nil, ""
}

// holds is what a condition comes to.
func (t *trial) holds(c *Condition) bool {
	below, _ := c.below()
	for i := range below {
		if held := t.holds(&below[i]); held == (c.Any != nil) {
			return held
		}
	}
	switch {
	case below != nil:
		return c.All != nil
	case c.Not != nil:
		return !t.holds(c.Not)
	}
	return t.leaf(t.at[c])
}

func (t *trial) leaf(i int) bool { return t.holding>>i&1 == 1 }

// together reports whether there can be such a repo.
func (t *trial) together() bool {
	for i, a := range t.leaves {
		if !t.leaf(i) && a.always() {
			return false
		}
		for j, b := range t.leaves {
			if i != j && t.leaf(i) && !a.allows(b, t.leaf(j)) {
				return false
			}
		}
	}
	return true
}

// always reports whether every repo meets a leaf.
func (c *Condition) always() bool {
	return c.Name != nil && slices.Contains([]string{"*", "**", "*/*", "**/*"}, *c.Name)
}

// allows reports whether another leaf can hold, or not hold, of a repo of which
// c holds.
func (c *Condition) allows(other *Condition, holds bool) bool {
	switch {
	case c.Language != nil && other.Language != nil:
		return strings.EqualFold(*c.Language, *other.Language) == holds
	case c.Contains != nil && other.File != nil && c.Contains.File == *other.File:
		return holds
	case c.Name != nil && other.Name != nil:
		name, exact := transform.PathOfGlob(*c.Name)
		if strings.Contains(*c.Name, "/") == strings.Contains(*other.Name, "/") && exact {
			return transform.Match(*other.Name, name) == holds
		}
	}
	return true
}
