// Package ownership is the kind "ownership": which team owns a repo, and
// which ones its paths. It writes the repo's CODEOWNERS file, whole, after
// GitHub's rules: the last line that matches decides, and a line that GitHub
// would skip is never written.
package ownership

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// self is what the member's own problems are told of.
var self = kind.Kind{Name: "ownership", Field: "ownership"}

// New is the member; it edits with these transforms: codeowners and yaml.
func New(transforms transform.Set) kind.Kind {
	m := member{transforms}
	k := self
	k.Doc = "Which team owns a repo and its paths; kept in the repo's CODEOWNERS file."
	k.Owns, k.Holds = true, true
	k.Decode, k.Check, k.Targets, k.Accounts, k.Want = m.decode, check, targets, accounts, m.want
	k.Lines, k.Namespaces, k.Describes, k.Adopt = lines, namespaces, describes, m.adopt
	return k
}

type member struct{ transforms transform.Set }

func check(d *fleet.Declaration, config *fleet.Config) []fleet.Problem {
	k := self
	var problems []fleet.Problem
	for _, r := range d.Refs {
		if r.Team != "" {
			problems = append(problems, checkTeam(k, d, config, r)...)
		}
	}
	problems = append(problems, twice(k, d)...)
	problems = append(problems, kind.CheckOwners(k, d, d.Owns, kind.Owners(config, d.Owns))...)
	if d.Within != "" && len(kind.Owners(config, d.Within)) == 0 && len(config.Defaults) == 0 && kind.Doubtful(config, d.Within) == nil {
		p := kind.ProblemAt(k, d, "no-owner", "repo", "declare its owner too, without only",
			"no declaration says who owns all of %s, so who owns these paths is written nowhere", d.Within)
		p.Severity = fleet.Warning
		problems = append(problems, p)
	}
	if size := atLeast(d, config); size >= transform.MaxOwners {
		problems = append(problems, kind.ProblemAt(k, d, "too-large", "paths", "declare fewer paths or owners, or teams with a GitHub team",
			"its lines come to %d MB, and GitHub does not load a CODEOWNERS of 3 MB or more", size>>20))
	}
	problems = append(problems, unknownClusters(k, d, config)...)
	return append(problems, kind.CheckClaims(k, d, config)...)
}

// unknownClusters warns of namespaces on clusters that are not declared, where any
// is.
func unknownClusters(k kind.Kind, d *fleet.Declaration, config *fleet.Config) []fleet.Problem {
	if len(config.Clusters) == 0 {
		return nil
	}
	var problems []fleet.Problem
	told := map[fleet.ClusterName]bool{}
	for _, r := range d.Refs {
		cluster, ok := clusterOf(r.Claim)
		if !ok || told[cluster] {
			continue
		}
		told[cluster] = true
		for _, p := range kind.CheckCluster(k, d, config, r.Field, cluster) {
			p.Severity = fleet.Warning
			problems = append(problems, p)
		}
	}
	return problems
}

// atLeast is about how many bytes the declaration's lines take, in a file for a
// repo that it names.
func atLeast(d *fleet.Declaration, config *fleet.Config) int {
	size, top, only := 0, 0, 0
	for _, r := range d.Refs {
		switch {
		case r.Team != "" && strings.HasPrefix(r.Field, "paths"):
			size += width(config.Teams[r.Team])
		case r.Team != "":
			top += width(config.Teams[r.Team])
		case r.Claim != "":
			pattern, _, _ := strings.Cut(r.Claim, " in ")
			size += len(pattern) + 1
			if strings.HasPrefix(r.Field, "only") {
				only++
			}
		}
	}
	return size + max(1, only)*top
}

// width is how much of a line a team takes.
func width(team fleet.Team) int {
	n := 0
	for _, h := range handlesOf(team) {
		n += 1 + len(h)
	}
	return n
}

func checkTeam(k kind.Kind, d *fleet.Declaration, config *fleet.Config, r fleet.Ref) []fleet.Problem {
	if problems := kind.CheckTeam(k, d, config, r.Field, r.Team); problems != nil {
		return problems
	}
	team, repo := config.Teams[r.Team], cmp.Or(d.Owns, d.Within)
	switch {
	case repo == "" && d.Default == nil: // it stands in no file
		return nil
	case team.GitHub == "" && len(team.Members) == 0:
		return []fleet.Problem{kind.ProblemAt(k, d, "no-handle", r.Field, "give it github or members",
			"team %q (%s) has neither a GitHub team nor members, so it can't stand in CODEOWNERS", r.Team, team.Pos)}
	case repo != "" && foreign(team, repo):
		return []fleet.Problem{kind.ProblemAt(k, d, "foreign-team", r.Field, "",
			"team %q is %s on GitHub, and can own nothing in %s: a team owns in its own organisation only", r.Team, team.GitHub, repo)}
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

// foreign reports whether a team is of another organisation than a repo.
func foreign(team fleet.Team, repo fleet.RepoName) bool {
	org, _, _ := strings.Cut(strings.TrimPrefix(team.GitHub, "@"), "/")
	return team.GitHub != "" && !strings.EqualFold(org, repo.Owner())
}

func targets(d *fleet.Declaration, config *fleet.Config, repos []fleet.Repo) []kind.Candidate {
	name := cmp.Or(d.Owns, d.Within)
	s, ok := d.Spec.(*Spec)
	if !ok {
		return nil
	}
	all := s.onClusters(config)
	for _, r := range repos {
		if name == "" && d.Default == nil {
			break
		}
		owning := kind.Owning(config, r)
		c := kind.Candidate{Repo: r.Name}
		switch {
		case d.Default != nil && owning != d:
			continue
		case d.Default == nil && !strings.EqualFold(string(r.Name), string(name)):
			continue
		case r.Archived:
			c.Out = "archived"
		case d.Within != "" && owning == nil:
			c.Out = "no declaration says who owns all of the repo"
		case d.Within != "":
			c.Out = fmt.Sprintf("its paths are written with %s", owning.ID)
		}
		all = append(all, c)
	}
	return all
}

func (m member) want(p *kind.Pass) (kind.Want, error) {
	s, ok := p.Declaration.Spec.(*Spec)
	if !ok {
		return kind.Want{}, fmt.Errorf("%s has no spec", p.Declaration.ID)
	}
	if p.Cluster != nil {
		return s.wantOn(p)
	}
	team := kind.TeamsOf(p.Config, p.Declaration)[s.Owner]
	team.Name = s.Owner
	w := kind.Want{
		Because: "named by its declaration", Why: s.Why, Merge: s.Merge, Decides: s.Owner, AskAgain: s.again, OnDrift: s.OnDrift,
		Paused: paused(p),
	}
	if s.Default != nil {
		w.Because = "no declaration names it"
	}
	if w.Merge == "" {
		w.Merge = fleet.MergeManual
	}
	w.Title = fmt.Sprintf("Owners of %s: %s", p.Repo.Name.Short(), team.Label())
	if p.Repo.Archived {
		return kind.Want{Out: "archived"}, nil
	}
	var unread transform.Questions
	owners, err := m.owners(p, s)
	if !unread.Ask(err) && err != nil {
		return kind.Want{}, err
	}
	catalog, notes, err := m.catalogs(p, s)
	if !unread.Ask(err) && err != nil {
		return kind.Want{}, err
	}
	if err := unread.Err(); err != nil {
		return kind.Want{}, err
	}
	if owners.edit != nil {
		w.Edits = append(w.Edits, *owners.edit)
		w.Handles = handlesIn(parse(owners.old))
		if w.Effect, err = effects(p, s, owners); err != nil {
			return kind.Want{}, err
		}
		describe(&w, p, s, team, owners)
		if owners.old != nil {
			w.Taken, w.TakenNot = taken(p, s, owners)
		}
		w.What = append(w.What, owners.notes...)
	}
	w.Unreached = owners.lost
	for _, other := range owners.elsewhere {
		w.Edits = append(w.Edits, transform.Edit{Path: other, Delete: true})
		w.What = append(w.What, fmt.Sprintf("%s deleted: owners stand in %s", other, s.File))
	}
	w.Edits = append(w.Edits, catalog...)
	transform.Sort(w.Edits)
	w.What = append(w.What, notes...)
	w.Whole = owners.whole
	facts := []any{team.Label(), len(owners.lines), w.Facts, owners.elsewhere != nil}
	for _, told := range [][]string{notes, owners.notes} {
		if told != nil {
			facts = append(facts, told)
		}
	}
	w.Facts = kind.FactsOf(facts)
	return w, nil
}

// file is what becomes of a repo's CODEOWNERS.
type file struct {
	edit *transform.Edit // nil where it is as declared
	// old is what GitHub reads today, wherever that stands; nil for nothing, or
	// where there is no edit.
	old       []byte
	elsewhere []fleet.Path // files that are in the way of File
	// lines are all that are declared, and whole is Want.Whole; both of a file
	// that is ours as a whole.
	lines []rule
	whole map[fleet.Path]string
	reached
}

// owners says what becomes of CODEOWNERS.
func (m member) owners(p *kind.Pass, s *Spec) (file, error) {
	all, err := rules(p.Config, p.Declaration, p.Repo.Name)
	if err != nil {
		return file{}, err
	}
	found, err := existing(p.Tree)
	if err != nil {
		return file{}, err
	}
	can, err := reach(p, all, found)
	switch {
	case err != nil:
		return file{}, err
	case can.leave:
		return file{reached: can}, nil
	}
	all = can.rules
	kept, err := s.keeps(p.Tree, found, all)
	switch {
	case err != nil:
		return file{}, err
	case s.Block && kept:
		return file{reached: can}, nil
	case s.Block:
		f, err := m.block(p.Tree, s, found, minimal(all))
		f.reached = can
		return f, err
	}
	// What counts are all lines: those left out were written by older versions,
	// and are no reason to write anew.
	f := file{lines: all, reached: can}
	id := p.Declaration.ID
	edit := transform.Edit{Path: s.place(found), Content: render(header, id, minimal(all)), Counts: render(firstHeader, id, all)}
	if len(edit.Content) >= transform.MaxOwners {
		return file{}, errTooLarge
	}
	if err := transform.CheckTarget(p.Tree, edit.Path); err != nil {
		return file{}, err
	}
	if s.File != "" {
		for _, other := range found {
			if other != s.File {
				f.elsewhere = append(f.elsewhere, other)
			}
		}
	}
	f.whole = map[fleet.Path]string{edit.Path: kind.DigestOf(edit)}
	if kept {
		return f, nil
	}
	same, old, err := read(p.Tree, edit, found, p.Declaration.ID)
	if err != nil {
		return file{}, err
	}
	if asGood := len(found) > 0 && found[0] == edit.Path && onlyReworded(old, edit.Counts, id); !same && !asGood {
		f.edit, f.old = &edit, old
	}
	return f, nil
}

// keeps reports whether the file that GitHub reads stays as people wrote it.
func (s *Spec) keeps(tree fs.FS, found []fleet.Path, all []rule) (bool, error) {
	if !s.Keep || len(found) == 0 || s.place(found) != found[0] {
		return false, nil
	}
	content, err := fs.ReadFile(tree, string(found[0]))
	return err == nil && len(content) < transform.MaxOwners && asDeclared(content, all), err
}

var errTooLarge = errors.New("the CODEOWNERS file would be 3 MB or more, and GitHub would not load it; declare fewer paths or owners")

// blockName is the name of the block that holds our lines.
const blockName = "ownership"

// block keeps our lines in a block of a file that people write.
func (m member) block(tree fs.FS, s *Spec, found []fleet.Path, rules []rule) (file, error) {
	fields := map[string]any{"block": blockName}
	if s.File != "" {
		fields["path"] = s.File
	}
	lines := make([]map[string]any, len(rules))
	for i, r := range rules {
		lines[i] = map[string]any{"pattern": cmp.Or(r.entry.pattern, "*"), "owners": r.owners}
	}
	fields["lines"] = lines
	step, err := m.transforms.Step("codeowners", fields)
	if err != nil {
		return file{}, err
	}
	var old []byte
	over := tree
	if len(found) > 0 {
		if old, err = fs.ReadFile(tree, string(found[0])); err != nil {
			return file{}, err
		}
		if bytes.HasPrefix(old, []byte(generated)) { // ours as a whole until now
			over = transform.Overlay(tree, []transform.Edit{{Path: found[0], Content: []byte{}}})
		}
	}
	edits, _, err := transform.Apply([]transform.Step{step}, over)
	switch {
	case err != nil:
		return file{}, err
	case len(edits) == 0:
		return file{}, nil
	}
	return file{edit: &edits[0], old: old}, nil
}

// paused is why nothing new is done in the repo: what an invalid declaration
// says of it, and what that would be, is not known.
func paused(p *kind.Pass) string {
	d := kind.Doubtful(p.Config, p.Repo.Name)
	switch {
	case d == nil:
		return ""
	case p.Declaration.Default != nil:
		return fmt.Sprintf("%s names the repo, and is invalid (%s)", d.ID, d.Pos)
	case d.Stale == nil:
		return fmt.Sprintf("%s may own paths here; it is invalid (%s), and what it last said can't be found now", d.ID, d.Pos)
	}
	return ""
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

// effects is what the edit of CODEOWNERS does to the repo's files: nil where
// that is plain without them, as a first file that gives all to one owner.
func effects(p *kind.Pass, s *Spec, f file) (*kind.Effect, error) {
	old, now := parse(f.old), parse(f.edit.Content)
	if len(old) == 0 && len(now) <= 1 || f.old != nil && !s.Keep && changes(old, now) == nil {
		return nil, nil
	}
	paths, err := transform.Paths(p.Tree)
	if err != nil {
		return nil, err
	}
	if len(f.old) >= transform.MaxOwners {
		old = nil // which GitHub did not load
	}
	called := namesOf(kind.TeamsOf(p.Config, p.Declaration), func(t fleet.Team) string { return string(t.Name) })
	return effectOf(old, now, paths, called), nil
}

// describe says what the edit of CODEOWNERS does, and titles it so.
func describe(w *kind.Want, p *kind.Pass, s *Spec, team fleet.Team, f file) {
	now := parse(f.edit.Content)
	if f.old == nil {
		w.What = []string{fmt.Sprintf("CODEOWNERS created: %d %s", len(now), plural(len(now), "line"))}
		loans(w, p, nil, now)
		return
	}
	all := changes(parse(f.old), now)
	w.OwnersRemoved = removed(parse(f.old), now)
	teams := kind.TeamsOf(p.Config, p.Declaration)
	called, labels := namesOf(teams, func(t fleet.Team) string { return string(t.Name) }), namesOf(teams, fleet.Team.Label)
	for _, c := range all {
		w.What = append(w.What, c.line(called))
	}
	declared := f.lines
	if declared == nil {
		declared = now
	}
	var facts []any
	for _, c := range changes(parse(f.old), declared) {
		facts = append(facts, c.facts(called), c.facts(labels))
	}
	w.Facts = kind.FactsOf(facts)
	switch {
	case all == nil && s.Keep:
		w.What = []string{fmt.Sprintf("%s rewritten: its lines are declared in another order, or one can't be read", f.edit.Path)}
	case all == nil:
		w.What = []string{fmt.Sprintf("%s rewritten, with the same owners", f.edit.Path)}
	}
	loans(w, p, parse(f.old), now)
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
