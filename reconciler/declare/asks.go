package declare

import (
	"slices"
	"strconv"
	"strings"

	"cuelang.org/go/cue/literal"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// asks reads what invalid settings ask for all the same, from the tokens of
// their files, so that a brake that somebody pulled in a broken commit works.
// Where the mode is written twice the lower counts, and where it can't be
// read, the lowest.
func (r *reading) asks(config *fleet.Config, members []*member) {
	invalid := config.Settings.Invalid
	if invalid == nil {
		return
	}
	invalid.Mode = ""
	for _, m := range members {
		if slices.ContainsFunc(m.entries, func(e spot) bool { return e.field == "fleet" }) {
			if src, err := r.find.content(m.path); err == nil {
				readSettings(src, invalid)
			}
		}
	}
	if invalid.Mode == "" {
		invalid.Mode = fleet.Observe
	}
}

func readSettings(src source, into *fleet.InvalidSettings) {
	for l := newLabels(src); l.next(); {
		switch strings.Join(l.path, ".") {
		case "fleet.mode":
			into.Mode = fleet.Lower(into.Mode, readMode(l.literals()))
		case "fleet.exclude":
			for _, lit := range l.literals() {
				if glob, err := literal.Unquote(lit); err == nil && validGlob(glob) {
					into.Exclude = append(into.Exclude, glob)
				}
			}
		case "fleet.limits.openPerTeam":
			into.Limits.OpenPerTeam = readLimit(l.literals())
		case "fleet.limits.newPerDay":
			into.Limits.NewPerDay = readLimit(l.literals())
		case "fleet.limits.updatesPerHour":
			into.Limits.UpdatesPerHour = readLimit(l.literals())
		}
	}
}

func readMode(literals []string) fleet.Mode {
	if len(literals) == 1 {
		text, _ := literal.Unquote(literals[0])
		if mode := fleet.Mode(text); mode == fleet.Propose || mode == fleet.Merge {
			return mode
		}
	}
	return fleet.Observe
}

func readLimit(literals []string) int {
	if len(literals) != 1 {
		return 0
	}
	n, _ := strconv.Atoi(literals[0])
	return max(0, n)
}
