package ownership

// minimal leaves out the lines that change nothing given those before them: what
// such a line matches belongs to the same owners by an earlier one, and no line
// between the two gives any of it to others.
func minimal(all []rule) []rule {
	kept := make([]rule, 0, len(all))
	for _, r := range all {
		if !follows(kept, r) {
			kept = append(kept, r)
		}
	}
	return kept
}

// follows reports whether a line's owners follow from those before it.
func follows(before []rule, r rule) bool {
	for i := len(before) - 1; i >= 0; i-- {
		b := before[i]
		switch {
		case disjoint(r.pattern, b.pattern):
		case !sameOwners(r.owners, b.owners):
			return false
		case b.pattern == "*" || within(r.pattern, b.pattern):
			return true
		}
	}
	return false
}

// last is the line that decides on a path, nil if none matches.
func last(rules []rule, path string) *rule {
	for i := len(rules) - 1; i >= 0; i-- {
		if Match(rules[i].pattern, path) {
			return &rules[i]
		}
	}
	return nil
}
