package plan_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// TestPartsCountToTheirRevision: one commit that changes who owns paths in many
// repos is held for that, whenever the declarations of these repos were changed;
// and acknowledged where it was made.
func TestPartsCountToTheirRevision(t *testing.T) {
	for _, acknowledge := range []string{"", `acknowledge: "repos-changed": {reason: "It is.", until: "2027-03-01"}`} {
		text := `-- base.cue --
package fleet

fleet: {org: "acme", mode: "merge", policies: "repos-changed": bounds: {percent: 50, least: 2}}
teams: {payments: github: "acme/payments", web: github: "acme/web"}
-- fleet.cue --
package fleet

`
		for i := range 3 {
			text += fmt.Sprintf("ownership: {r%d: {repo: \"acme/r%d\", owner: \"payments\"}, p%d: {repo: \"acme/r%d\", owner: \"web\", only: [\"/web/\"], %s}}\n", i, i, i, i, acknowledge)
		}
		for i := range 3 {
			text += fmt.Sprintf("-- acme/r%d/README --\n", i)
		}
		w, tell := load(t, txtar.Parse([]byte(text)).Files)
		for _, d := range w.Config.Declarations {
			d.Revision, d.Changed = fleet.Revision("old-"+d.ID.Name), now.Add(-time.Hour)
			if strings.HasPrefix(d.ID.Name, "p") {
				d.Revision, d.Changed = "new", now
			}
		}
		p, _ := settle(w, tell, newMemo())
		if held := p.Count("blocked"); held != 3 && acknowledge == "" || held != 0 && acknowledge != "" {
			t.Errorf("%d are held: %v", held, p.Problems)
		}
		for _, problem := range p.Problems {
			if problem.Declaration != "ownership/p0" {
				t.Errorf("told at %s", problem.Declaration)
			}
		}
	}
}
