package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/rollout"
)

// Format is the number of the form in which a plan is told to other programs.
// It grows when something that stood there before means something else, or is
// gone; what is only added leaves it.
const Format = 1

// Told is a plan as it is told to other programs, other versions of this one
// among them: with a digest of each file that a step writes.
type Told struct {
	Format  int    `json:"format"`
	Version string `json:"version"` // of the program that planned
	Plan
	Steps []ToldStep `json:"steps"`
}

// ToldStep is a step with what it writes.
type ToldStep struct {
	rollout.Step
	Edits []ToldEdit `json:"edits,omitempty"`
}

// ToldEdit is the wanted state of one path.
type ToldEdit struct {
	Path       fleet.Path `json:"path"`
	Delete     bool       `json:"delete,omitempty"`
	Executable bool       `json:"executable,omitempty"`
	SHA256     string     `json:"sha256,omitempty"` // of the whole content
	// Counts is the digest of what tells contents apart, where that is not the
	// whole: a comment may be worded differently.
	Counts string `json:"counts,omitempty"`
	// Content is the whole content, where it was asked for.
	Content []byte `json:"content,omitempty"`
}

// Tell tells a plan, if asked with the contents of the files that it writes.
func Tell(p *Plan, version string, contents bool) *Told {
	t := &Told{Format: Format, Version: version, Plan: *p, Steps: []ToldStep{}}
	for _, s := range p.Steps {
		step := ToldStep{Step: s}
		for _, e := range s.Edits {
			edit := ToldEdit{Path: e.Path, Delete: e.Delete, Executable: e.Executable}
			if !e.Delete {
				edit.SHA256 = digestOf(e.Content)
			}
			if !e.Delete && e.Counts != nil {
				edit.Counts = digestOf(e.Counts)
			}
			if contents && !e.Delete {
				edit.Content = e.Content
			}
			step.Edits = append(step.Edits, edit)
		}
		t.Steps = append(t.Steps, step)
	}
	return t
}

func digestOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// ReadTold reads what Tell told, as JSON. An error says what was found
// instead, for people.
func ReadTold(b []byte) (*Told, error) {
	var form struct {
		Format *int `json:"format"`
	}
	switch err := json.Unmarshal(b, &form); {
	case err != nil:
		return nil, fmt.Errorf("no plan in JSON: %w", err)
	case form.Format == nil:
		return nil, fmt.Errorf("a plan without a format number: it is from before plans could be compared")
	case *form.Format > Format:
		return nil, fmt.Errorf("a plan in format %d, and this version knows %d: let the newer one compare", *form.Format, Format)
	case *form.Format != Format:
		return nil, fmt.Errorf("a plan in format %d, and this version knows %d", *form.Format, Format)
	}
	t := &Told{}
	if err := json.Unmarshal(b, t); err != nil {
		return nil, fmt.Errorf("no plan in format %d: %w", Format, err)
	}
	return t, nil
}
