package store

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/rollout"
)

// Summary is what history keeps of a pass.
type Summary struct {
	Number   int                   `json:"number"`
	Started  time.Time             `json:"started"`
	Finished time.Time             `json:"finished"`
	Revision fleet.Revision        `json:"revision"`
	Mode     fleet.Mode            `json:"mode,omitempty"`
	Repos    int                   `json:"repos"`
	States   map[rollout.State]int `json:"states,omitempty"`
	Problems int                   `json:"problems"`
	Done     int                   `json:"done"`
	Failed   int                   `json:"failed"` // of Done
	Err      string                `json:"error,omitempty"`
}

// Summarize makes a pass's summary.
func Summarize(p *Pass) Summary {
	s := Summary{
		Number: p.Number, Started: p.Started, Finished: p.Finished,
		Revision: p.Revision, Problems: len(p.Problems), Done: len(p.Done), Err: p.Err,
	}
	for _, d := range p.Done {
		if d.Err != "" {
			s.Failed++
		}
	}
	if p.Plan != nil {
		s.Mode, s.Repos, s.States = p.Plan.Mode, p.Plan.Repos, map[rollout.State]int{}
		for i := range p.Plan.Outcomes {
			s.States[p.Plan.Outcomes[i].State]++
		}
	}
	return s
}

// History is two files of JSON lines; the older is dropped when the newer is
// full. At a pass a minute that is a week or more.
const (
	historyFile  = "history.jsonl"
	historyOlder = "history.1.jsonl"
	historyBytes = 4 << 20
	historyCount = 10_000 // of a store in memory
)

// AppendPass adds a pass to the history. Only the process that holds the lock
// should. That it could not be written shows in Err alone.
func (s *Store) AppendPass(p *Pass) {
	summary := Summarize(p)
	if s.dir == "" {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.history = append(s.history, summary)
		if len(s.history) > historyCount {
			s.history = append([]Summary(nil), s.history[historyCount/10:]...)
		}
		return
	}
	line, err := json.Marshal(summary)
	if err == nil {
		err = s.appendLine(line)
	}
	s.note(err)
}

func (s *Store) appendLine(line []byte) error {
	if err := s.disk.MkdirAll(s.dir); err != nil {
		return err
	}
	p := filepath.Join(s.dir, historyFile)
	if info, err := os.Stat(p); err == nil && info.Size() > historyBytes {
		if err := s.disk.Rename(p, filepath.Join(s.dir, historyOlder)); err != nil {
			return err
		}
	}
	// A line begins with a newline, too: the one before may be torn.
	return s.disk.Append(p, []byte("\n"+string(line)+"\n"))
}

// Passes gives the newest n summaries, oldest first; those that can't be read
// are left out.
func (s *Store) Passes(n int) []Summary {
	if s.dir == "" {
		s.mu.Lock()
		defer s.mu.Unlock()
		return append([]Summary(nil), s.history[max(0, len(s.history)-n):]...)
	}
	var all []Summary
	for _, name := range []string{historyOlder, historyFile} {
		text, err := os.ReadFile(filepath.Join(s.dir, name))
		if err != nil {
			continue
		}
		for line := range bytes.Lines(text) {
			var one Summary
			if json.Unmarshal(line, &one) == nil && !one.Started.IsZero() {
				all = append(all, one)
			}
		}
	}
	return all[max(0, len(all)-n):]
}
