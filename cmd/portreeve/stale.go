package main

import (
	"io"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/rollout"
)

// printStale prints what is invalid in the config repo, and how it is held.
func printStale(w io.Writer, all []fleet.Stale) {
	var t table
	for i := range all {
		s := &all[i]
		t.add(staleWord(s), s.What(), s.How(), s.Why())
	}
	t.print(w)
}

func staleWord(s *fleet.Stale) string {
	if s.Held {
		return "STALE"
	}
	return "frozen"
}

// stale is what a line on an outcome says of a declaration that is held.
func stale(o *rollout.Outcome) string {
	if o.Stale == nil || !o.Stale.Held {
		return ""
	}
	return " (STALE, " + o.Stale.How() + ")"
}
