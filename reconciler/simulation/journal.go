package simulation

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/store"
)

// journal is the log: a line for each event.
type journal struct {
	text  bytes.Buffer
	clock func() time.Duration
}

// add adds an event; an empty repo is none in particular.
func (j *journal) add(repo fleet.RepoName, format string, args ...any) {
	if repo == "" {
		repo = "-"
	}
	text := strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", "\\n")
	fmt.Fprintf(&j.text, "%s %s %s\n", j.clock(), repo, text)
}

// outcomes adds a pass's outcomes by their hash: any difference shows.
func (j *journal) outcomes(pass *store.Pass) {
	if pass.Plan == nil {
		return
	}
	h := fnv.New64a()
	for i := range pass.Plan.Outcomes {
		o := &pass.Plan.Outcomes[i]
		fmt.Fprintf(h, "%s %s %s %s %s\n", o.Declaration, o.Target, o.State, o.Reason, o.Next)
	}
	j.add("", "%d outcomes %016x, %d problems, %d steps planned", len(pass.Plan.Outcomes), h.Sum64(), len(pass.Problems), len(pass.Plan.Steps))
}

// last are the last events of a repo, and the passes among them.
func (j *journal) last(repo fleet.RepoName, n int) string {
	var lines []string
	for line := range strings.Lines(j.text.String()) {
		_, rest, _ := strings.Cut(line, " ")
		of, event, _ := strings.Cut(rest, " ")
		switch {
		case of == string(repo) || of == string(configRepo):
		case of == "-" && strings.HasPrefix(event, "pass "):
			if k := len(lines) - 1; k >= 0 && strings.Contains(lines[k], " - pass ") {
				lines = lines[:k]
			}
		default:
			continue
		}
		lines = append(lines, line)
	}
	return strings.Join(lines[max(0, len(lines)-n):], "")
}

// broken is a broken promise, with what had happened in the repo.
func (p *play) broken(repo fleet.RepoName, format string, args ...any) error {
	return fmt.Errorf("%s: %s\nthe last events there:\n%s", repo, fmt.Sprintf(format, args...), p.journal.last(repo, 40))
}
