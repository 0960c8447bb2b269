package forgetest

import (
	"fmt"
	"testing"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
)

func testIssues(t *testing.T, r *run) {
	repo, _, pulled := r.opened("ledger")
	if found, err := r.Forge.Issues(t.Context(), repo); err != nil || len(found) > 0 {
		t.Errorf("a pull request is an issue: %v, %v", found, err)
	}
	const marker = "<!-- the marker -->"
	_, err := r.OpenIssue(repo, "A person's", "Not ours\n\n"+marker)
	r.must(err)
	first, err := r.Forge.OpenIssue(t.Context(), repo, forge.NewIssue{Title: "How was it?", Body: "Tell.\n\n" + marker})
	r.must(err)
	other, err := r.Forge.OpenIssue(t.Context(), repo, forge.NewIssue{Title: "How was it?", Body: marker + "\nmore"})
	r.must(err)
	r.must(r.CloseIssue(repo, first.Number))
	again, err := r.Forge.OpenIssue(t.Context(), repo, forge.NewIssue{Title: "Worded anew", Body: "Please tell.\n" + marker})
	r.must(err)
	r.must(r.Forge.EditIssue(t.Context(), repo, other.Number, "Another text"))
	if edited, err := r.Forge.Issues(t.Context(), repo); err != nil || edited[0].Body != "Another text" {
		t.Errorf("after it was edited: %+v, %v", edited, err)
	}
	r.class(r.Forge.EditIssue(t.Context(), repo, 999, "x"), fleet.Permanent)
	if again != first || first.Number <= pulled.Number || other.Number <= first.Number || first.URL == "" {
		t.Errorf("opened %+v, %+v and %+v", first, other, again)
	}
	found, err := r.Forge.Issues(t.Context(), repo)
	r.must(err)
	got := ""
	for _, i := range found {
		got += fmt.Sprintf("%d %v %s\n", i.Number, i.Open, i.Title)
	}
	if want := fmt.Sprintf("%d true How was it?\n%d false How was it?\n", other.Number, first.Number); got != want {
		t.Errorf("found %q, want %q", got, want)
	}
	_, err = r.Forge.Issues(t.Context(), r.name("unknown"))
	r.class(err, fleet.Permanent)
}
