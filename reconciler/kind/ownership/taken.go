package ownership

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// mostTaken bounds how many lines are taken over at once: more than a person
// changes by hand.
const mostTaken = 100

// taken is what a declaration would have to say so that the file that stands is
// as declared; else the reason why it can't.
func taken(p *kind.Pass, s *Spec, f file) (lines []fleet.OwnedLine, not string) {
	switch {
	case s.Default != nil:
		return nil, "a default is about many repos"
	case s.Block:
		return nil, "its lines stand in a block of a file that people write"
	}
	declared := map[string]rule{}
	for _, r := range f.lines {
		declared[normal(r.pattern)] = r
	}
	all := changes(parse(f.old), parse(f.edit.Content))
	switch {
	case len(all) == 0:
		return nil, "the owners are as declared, and only words or the order of lines are others"
	case len(all) > mostTaken:
		return nil, fmt.Sprintf("%d lines differ, more than %d", len(all), mostTaken)
	}
	for _, c := range all {
		line := fleet.OwnedLine{Pattern: transform.UnescapeOwnersPattern(c.pattern), Gone: !c.was}
		r, is := declared[normal(c.pattern)]
		switch {
		case is && r.by.ID != p.Declaration.ID:
			return nil, fmt.Sprintf("%s is declared by %s", c.pattern, r.by.ID)
		case is && r.entry.pattern != "":
			line.Pattern = r.entry.pattern
		}
		if normal(line.Pattern) == "*" {
			line.Pattern = "*"
		}
		switch {
		case line.Pattern == "*" && len(c.old) == 0:
			return nil, "that nobody owns all of the repo is for a person to declare"
		case !utf8.ValidString(line.Pattern) || transform.CheckOwnersPattern(line.Pattern) != nil:
			return nil, fmt.Sprintf("%q is no pattern that can be declared", line.Pattern)
		}
		for _, h := range c.old {
			team, ok := teamOf(kind.TeamsOf(p.Config, p.Declaration), h)
			if !ok {
				return nil, h + " is no team that is declared"
			}
			line.Owners = append(line.Owners, team)
		}
		lines = append(lines, line)
	}
	return lines, ""
}

// teamOf is the team with a handle, of several the first by name.
func teamOf(teams map[fleet.TeamName]fleet.Team, handle string) (fleet.TeamName, bool) {
	var found []fleet.TeamName
	for name, t := range teams {
		if t.GitHub != "" && strings.EqualFold(handlesOf(t)[0], handle) {
			found = append(found, name)
		}
	}
	if len(found) == 0 {
		return "", false
	}
	return slices.Min(found), true
}
