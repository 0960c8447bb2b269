package migration

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// Condition is a part of a selection; exactly one field is set.
type Condition struct {
	All      *[]Condition `json:"all,omitempty"`
	Any      *[]Condition `json:"any,omitempty"`
	Not      *Condition   `json:"not,omitempty"`
	Name     *string      `json:"name,omitempty"`     // glob on the short name, or on the full one if it has a slash
	Topic    *string      `json:"topic,omitempty"`    // exact
	Language *string      `json:"language,omitempty"` // in whatever case
	File     *string      `json:"file,omitempty"`     // glob of which one file exists
	Contains *Contains    `json:"contains,omitempty"`

	re *regexp.Regexp
}

// Contains holds if one of the files holds a match of the pattern. Only text
// files of at most transform.MaxText bytes are looked into.
type Contains struct {
	File    string `json:"file"`
	Pattern string `json:"pattern"`
}

// facts are what is known of a repo: its listing; its tree's listing, where
// tree is not nil; and whether contents may be asked for.
type facts struct {
	repo     fleet.Repo
	tree     fs.FS
	contents bool
}

// verdict is what a condition comes to, in words for people.
type verdict struct {
	is     truth
	reason string       // of yes "has go.mod", of no "no file go.mod"
	by     []*Condition // that the reason is about
}

type truth int

const (
	unknown truth = iota
	yes
	no
)

// told makes a verdict of a leaf.
func told(holds bool, ifYes, ifNo string) (verdict, error) {
	if holds {
		return verdict{is: yes, reason: ifYes}, nil
	}
	return verdict{is: no, reason: ifNo}, nil
}

// eval decides the condition as far as the facts allow. Its reason depends on
// the repo and the tree alone, never on what happened to be fetched.
func (c *Condition) eval(f *facts) (verdict, error) {
	switch {
	case c.All != nil:
		return evalAll(*c.All, f)
	case c.Any != nil:
		return evalAny(*c.Any, f)
	case c.Not != nil:
		v, err := c.Not.eval(f)
		switch v.is {
		case yes:
			v.is = no
		case no:
			v.is = yes
		}
		return v, err
	}
	v, err := c.evalOne(f)
	v.by = []*Condition{c}
	return v, err
}

// evalOne is eval of a condition that has none below it.
func (c *Condition) evalOne(f *facts) (verdict, error) {
	switch {
	case c.Name != nil:
		name := f.repo.Name.Short()
		if strings.Contains(*c.Name, "/") {
			name = string(f.repo.Name)
		}
		return told(transform.Match(*c.Name, name), "name matches "+*c.Name, "name does not match "+*c.Name)
	case c.Topic != nil:
		return told(slices.Contains(f.repo.Topics, *c.Topic), "topic "+*c.Topic, "no topic "+*c.Topic)
	case c.Language != nil:
		return told(strings.EqualFold(f.repo.Language, *c.Language), "language "+*c.Language, "language is not "+*c.Language)
	case f.tree == nil:
		return verdict{}, nil
	case c.File != nil:
		paths, err := transform.Files(f.tree, *c.File)
		if err != nil {
			return verdict{}, err
		}
		return told(len(paths) > 0, "has "+*c.File, "no file "+*c.File)
	}
	return c.evalContains(f)
}

func (c *Condition) evalContains(f *facts) (verdict, error) {
	paths, err := transform.Files(f.tree, c.Contains.File)
	if err != nil {
		return verdict{}, err
	}
	if len(paths) == 0 {
		return told(false, "", "no file "+c.Contains.File)
	}
	if !f.contents {
		return verdict{}, nil
	}
	var unread transform.Questions
	for _, p := range paths {
		content, ok, err := transform.ReadText(f.tree, p)
		switch {
		case unread.Ask(err):
		case err != nil:
			return verdict{}, err
		case ok && c.re.Match(content):
			return told(true, fmt.Sprintf("%s contains %s", c.Contains.File, c.Contains.Pattern), "")
		}
	}
	if err := unread.Err(); err != nil {
		return verdict{}, err
	}
	return told(false, "", fmt.Sprintf("%s does not contain %s", c.Contains.File, c.Contains.Pattern))
}

// evalAll is no with the first condition that is no, in the order written,
// among those that the facts decide.
func evalAll(conditions []Condition, f *facts) (verdict, error) {
	return fold(conditions, f, no, yes)
}

// evalAny is yes with the first condition that is yes.
func evalAny(conditions []Condition, f *facts) (verdict, error) {
	return fold(conditions, f, yes, no)
}

// fold evaluates conditions until one is decisive; if all are the contrary so
// is the whole. What one of them has to ask matters only if no other decides.
func fold(conditions []Condition, f *facts, decisive, contrary truth) (verdict, error) {
	var unread transform.Questions
	var reasons []string
	var by []*Condition
	open := false
	for i := range conditions {
		v, err := conditions[i].eval(f)
		switch {
		case unread.Ask(err):
		case err != nil:
			return verdict{}, err
		case v.is == decisive:
			return v, nil
		case v.is == unknown:
			open = true
		case v.reason != "" && !slices.Contains(reasons, v.reason):
			reasons, by = append(reasons, v.reason), append(by, v.by...)
		}
	}
	if err := unread.Err(); err != nil || open {
		return verdict{}, err
	}
	return verdict{contrary, strings.Join(reasons, ", "), by}, nil
}
