// Package ownership is the kind "ownership": which team owns a repo, and
// which ones its paths. It writes the repo's CODEOWNERS file, whole, after
// GitHub's rules: the last line that matches decides, and a line that GitHub
// would skip is never written.
package ownership

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// New is the member.
func New() kind.Kind {
	return kind.Kind{
		Name:    "ownership",
		Field:   "ownership",
		Doc:     "Which team owns a repo and its paths; kept in the repo's CODEOWNERS file.",
		Owns:    true,
		Holds:   true,
		Decode:  decode,
		Check:   check,
		Targets: targets,
		Want:    want,
	}
}

func check(d *fleet.Declaration, config *fleet.Config) []fleet.Problem {
	k := New()
	var problems []fleet.Problem
	for _, r := range d.Refs {
		if r.Repo == "" {
			problems = append(problems, checkTeam(k, d, config, r)...)
		}
	}
	problems = append(problems, twice(k, d)...)
	for _, other := range kind.Owners(config, d.Owns) {
		if other.ID != d.ID {
			problems = append(problems, kind.ProblemAt(k, d, "double-owner", "repo", "keep one of the two",
				"%s is declared twice: here (%s) and by %s (%s)", d.Owns, d.FieldPos("repo"), other.ID, other.FieldPos("repo")))
		}
	}
	return problems
}

func checkTeam(k kind.Kind, d *fleet.Declaration, config *fleet.Config, r fleet.Ref) []fleet.Problem {
	if problems := kind.CheckTeam(k, d, config, r.Field, r.Team); problems != nil {
		return problems
	}
	team := config.Teams[r.Team]
	org, _, _ := strings.Cut(strings.TrimPrefix(team.GitHub, "@"), "/")
	switch {
	case team.GitHub == "" && len(team.Members) == 0:
		return []fleet.Problem{kind.ProblemAt(k, d, "no-handle", r.Field, "give it github or members",
			"team %q (%s) has neither a GitHub team nor members, so it can't stand in CODEOWNERS", r.Team, team.Pos)}
	case team.GitHub != "" && !strings.EqualFold(org, d.Owns.Owner()):
		return []fleet.Problem{kind.ProblemAt(k, d, "foreign-team", r.Field, "",
			"team %q is %s on GitHub, and can own nothing in %s: a team owns in its own organisation only", r.Team, team.GitHub, d.Owns)}
	}
	return nil
}

// twice warns of a team that owns something and is named for it once more.
func twice(k kind.Kind, d *fleet.Declaration) []fleet.Problem {
	type place struct {
		of   string // "", or the pattern's field
		team fleet.TeamName
	}
	var problems []fleet.Problem
	seen := map[place]bool{}
	for _, r := range d.Refs {
		of, _ := strings.CutSuffix(r.Field, "owner")
		if i := strings.LastIndex(of, "coOwners["); i >= 0 {
			of = of[:i]
		}
		at := place{of, r.Team}
		if r.Team != "" && seen[at] {
			p := kind.ProblemAt(k, d, "named-twice", r.Field, "leave it out here", "team %q is named twice", r.Team)
			p.Severity = fleet.Warning
			problems = append(problems, p)
		}
		seen[at] = true
	}
	return problems
}

func targets(d *fleet.Declaration, repos []fleet.Repo) []kind.Candidate {
	s, ok := d.Spec.(*Spec)
	if !ok {
		return nil
	}
	var all []kind.Candidate
	for _, r := range repos {
		if !strings.EqualFold(string(r.Name), string(s.Repo)) {
			continue
		}
		c := kind.Candidate{Repo: r.Name}
		if r.Archived {
			c.Out = "archived"
		}
		all = append(all, c)
	}
	return all
}

func want(p *kind.Pass) (kind.Want, error) {
	s, ok := p.Declaration.Spec.(*Spec)
	if !ok {
		return kind.Want{}, fmt.Errorf("%s has no spec", p.Declaration.ID)
	}
	team := p.Config.Teams[s.Owner]
	team.Name = s.Owner
	w := kind.Want{Because: "named by its declaration", Why: s.Why, Merge: s.Merge, Decides: s.Owner, AskAgain: s.again}
	if w.Merge == "" {
		w.Merge = fleet.MergeManual
	}
	w.Title = fmt.Sprintf("Owners of %s: %s", p.Repo.Name.Short(), team.Label())
	if p.Repo.Archived {
		return kind.Want{Out: "archived"}, nil
	}
	found, err := existing(p.Tree)
	if err != nil {
		return kind.Want{}, err
	}
	now := s.rules(p.Config)
	edit := transform.Edit{Path: s.place(found), Content: render(header, p.Declaration.ID, now), Counts: render(firstHeader, p.Declaration.ID, now)}
	if len(edit.Content) >= transform.MaxOwners {
		return kind.Want{}, errors.New("the CODEOWNERS file would be 3 MB or more, and GitHub would not load it; declare fewer paths or owners")
	}
	if err := transform.CheckTarget(p.Tree, edit.Path); err != nil {
		return kind.Want{}, err
	}
	same, old, err := read(p.Tree, edit, found, p.Declaration.ID)
	if err != nil {
		return kind.Want{}, err
	}
	w.Whole = map[fleet.Path]string{edit.Path: kind.DigestOf(edit)}
	var gone []string
	if s.File != "" {
		for _, other := range found {
			if other != s.File {
				w.Edits = append(w.Edits, transform.Edit{Path: other, Delete: true})
				gone = append(gone, fmt.Sprintf("%s deleted: owners stand in %s", other, s.File))
			}
		}
	}
	if !same {
		w.Edits = append(w.Edits, edit)
		transform.Sort(w.Edits)
		describe(&w, p, team, edit.Path, old, now)
	}
	w.Facts = kind.FactsOf([]any{team.Label(), len(now), w.Facts, gone != nil})
	w.What = append(w.What, gone...)
	return w, nil
}

// read tells whether the tree holds the edit already, perhaps beneath another
// header, and, if it does not, the content that GitHub reads today, wherever
// that stands; nil if there is none.
func read(tree fs.FS, edit transform.Edit, found []fleet.Path, id fleet.ID) (same bool, old []byte, err error) {
	var unread transform.Questions
	same, err = transform.Holds(tree, edit)
	if !unread.Ask(err) && (err != nil || same) || len(found) == 0 {
		return same, nil, err
	}
	old, err = fs.ReadFile(tree, string(found[0]))
	if !unread.Ask(err) && err != nil {
		return false, nil, err
	}
	if unread.Err() == nil && found[0] == edit.Path && onlyReworded(old, edit.Content, id) {
		entry, err := transform.Lookup(tree, edit.Path)
		return err == nil && !transform.IsExecutable(entry), old, err
	}
	return false, old, unread.Err()
}

// describe says what the edit of CODEOWNERS does, and titles it so.
func describe(w *kind.Want, p *kind.Pass, team fleet.Team, file fleet.Path, old []byte, now []rule) {
	if old == nil {
		w.What = []string{fmt.Sprintf("CODEOWNERS created: %d %s", len(now), plural(len(now), "line"))}
		return
	}
	all := changes(parse(old), now)
	w.OwnersRemoved = removed(parse(old), now)
	called, labels := namesOf(p.Config, func(t fleet.Team) string { return string(t.Name) }), namesOf(p.Config, fleet.Team.Label)
	var facts []any
	for _, c := range all {
		w.What = append(w.What, c.line(called))
		facts = append(facts, c.facts(called), c.facts(labels))
	}
	w.Facts = kind.FactsOf(facts)
	if all == nil {
		w.What = []string{fmt.Sprintf("%s rewritten, with the same owners", file)}
	}
	w.Title = title(p.Repo, team.Label(), all, labels)
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

// existing are the places at which tree has a file, in GitHub's order.
func existing(tree fs.FS) ([]fleet.Path, error) {
	var found []fleet.Path
	for _, l := range transform.OwnersFiles {
		entry, err := transform.Lookup(tree, l)
		switch {
		case err != nil:
			return nil, err
		case entry == nil || entry.IsDir():
		case !entry.Type().IsRegular():
			return nil, errors.New(string(l) + " is a symbolic link, which is neither read nor replaced; make it a file")
		default:
			found = append(found, l)
		}
	}
	return found, nil
}

// place is the file to write: the declared one, else the one that GitHub
// reads already.
func (s *Spec) place(found []fleet.Path) fleet.Path {
	switch {
	case s.File != "":
		return s.File
	case len(found) > 0:
		return found[0]
	}
	return transform.OwnersFiles[0]
}
