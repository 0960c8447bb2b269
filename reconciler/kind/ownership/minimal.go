package ownership

// minimal leaves out the lines that change nothing given those before them: what
// such a line matches belongs to the same owners by an earlier one, and no line
// between the two gives any of it to others.
func minimal(all []rule) []rule {
	patterns := make([]string, len(all))
	for i, r := range all {
		patterns[i] = r.pattern
	}
	extents := extentsOf(patterns)
	kept := make([]rule, 0, len(all))
	var places []int // in all
	for i, r := range all {
		if !follows(all, extents, places, i) {
			kept, places = append(kept, r), append(places, i)
		}
	}
	return kept
}

// follows reports whether the owners of a line follow from those at places.
func follows(all []rule, extents []*extent, places []int, i int) bool {
	for n := len(places) - 1; n >= 0; n-- {
		j := places[n]
		switch {
		case extents[i].disjoint(extents[j]):
		case !sameOwners(all[i].owners, all[j].owners):
			return false
		case extents[i].within(extents[j]):
			return true
		}
	}
	return false
}
