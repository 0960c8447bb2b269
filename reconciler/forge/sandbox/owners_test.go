package sandbox

import (
	"strings"
	"testing"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// TestCodeOwners has a rule that code owners review: those of each changed file
// have to approve, by the base's CODEOWNERS, whatever the head writes there.
func TestCodeOwners(t *testing.T) {
	const owners = "* @you\n/pay/ @acme/payments @kim\n/free/\n"
	for name, c := range map[string]struct {
		owners   string
		path     string
		approve  []string
		waitsFor string            // in the refusal
		review   fleet.Review      // which the forge tells
		also     map[string]string // files of the head
	}{
		"nobody yet":            {owners: owners, path: "a", waitsFor: "you", review: fleet.ReviewRequired},
		"its owner":             {owners: owners, path: "a", approve: []string{"you"}, review: fleet.ReviewApproved},
		"another":               {owners: owners, path: "a", approve: []string{"kim"}, waitsFor: "you", review: fleet.ReviewRequired},
		"one of a team":         {owners: owners, path: "pay/a", approve: []string{"noor"}, review: fleet.ReviewApproved},
		"a person beside":       {owners: owners, path: "pay/a", approve: []string{"kim"}, review: fleet.ReviewApproved},
		"not of the team":       {owners: owners, path: "pay/a", approve: []string{"you"}, waitsFor: "acme/payments", review: fleet.ReviewRequired},
		"of one file alone":     {owners: owners, path: "a", approve: []string{"kim"}, also: map[string]string{"pay/b": "b"}, waitsFor: "you", review: fleet.ReviewRequired},
		"of both files":         {owners: owners, path: "a", approve: []string{"kim", "you"}, also: map[string]string{"pay/b": "b"}, review: fleet.ReviewApproved},
		"owned by nobody":       {owners: owners, path: "free/a", review: fleet.ReviewNone},
		"without CODEOWNERS":    {path: "a", review: fleet.ReviewNone},
		"the head names others": {owners: owners, path: "CODEOWNERS", approve: []string{"noor"}, waitsFor: "you", review: fleet.ReviewRequired},
	} {
		t.Run(name, func(t *testing.T) {
			f, _ := newForge(t, "", func(s *Spec) {
				s.Rules = Rules{CodeOwners: true}
				if c.owners != "" {
					s.Files["CODEOWNERS"] = File{Content: c.owners}
				}
			})
			for _, login := range []string{"kim", "noor"} {
				f.AddUser(login, "", false)
			}
			f.AddTeam("acme/payments", "noor")
			n := propose(t, f, "change", c.path, "* @noor\n")
			for path, content := range c.also {
				_, err := f.Person("portreeve").CommitFile(ledger, "change", path, content, "Change "+path)
				must(t, err)
			}
			for _, login := range c.approve {
				must(t, f.Person(login).Approve(ledger, n))
			}
			if got := pullOf(t, f, n).Review; got != c.review {
				t.Errorf("review %q, want %q", got, c.review)
			}
			err := f.Person("you").Merge(ledger, n, fleet.MergeSquash)
			if c.waitsFor == "" {
				must(t, err)
			} else if wantStatus(t, err, 405); !strings.Contains(err.Error(), "code owner review from "+c.waitsFor) {
				t.Errorf("got %v", err)
			}
		})
	}
}
