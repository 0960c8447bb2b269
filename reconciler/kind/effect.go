package kind

import "github.com/portreeve/portreeve/reconciler/fleet"

// Effect is what a change of CODEOWNERS does to the files that a repo has. It is
// told and never compared: it follows the files.
type Effect struct {
	Files   int `json:"files"`   // of the repo
	Changed int `json:"changed"` // of them, whose owners change
	Unowned int `json:"unowned"` // of those, that had an owner and will have none
	// Moves are from whom to whom, the most files first, and Reviews whose pull
	// requests they would be asked to review more and less of, in files, by name.
	// Shadowed are the patterns of lines that match files and decide on none. Of
	// very many, each list holds the first.
	Moves    []Move   `json:"moves,omitempty"`
	Reviews  []Review `json:"reviews,omitempty"`
	Shadowed []string `json:"shadowed,omitempty"`
}

// Move is files that go from owners to others; none is nobody.
type Move struct {
	From    []string     `json:"from"`
	To      []string     `json:"to"`
	Files   int          `json:"files"`
	Samples []fleet.Path `json:"samples"`
}

// Review is how many files an owner will be asked about, and was not, and the
// other way round.
type Review struct {
	Owner string `json:"owner"`
	Gains int    `json:"gains,omitempty"`
	Loses int    `json:"loses,omitempty"`
}
