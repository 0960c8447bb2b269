package fleet

import (
	"slices"
	"time"
)

// Standing is what is known of what a declaration has put on a cluster itself,
// through no repo. It stands on the cluster, so that it outlives the daemon.
type Standing struct {
	// Wants is what was put there, as a kind's Want says it, and At when that had
	// been done; zero while it has not.
	Wants string    `json:"wants"`
	At    time.Time `json:"at,omitzero"`
	// Begun says that putting it there was begun and has not ended.
	Begun bool `json:"begun,omitempty"`
	// Refused says why what runs there did not take it, so that what stood there
	// before was put back; empty where it did.
	Refused string `json:"refused,omitempty"`
	// Restart says that what runs there has to be restarted to take it.
	Restart bool `json:"restart,omitempty"`
	// PutBack is when it was last put back since others had changed it, the oldest
	// first.
	PutBack []time.Time `json:"putBack,omitempty"`
	// Objects are the places of the objects that were put there; none of files.
	Objects []Path `json:"-"`
	// Unwell says in what what runs there by it is not well (yet).
	Unwell string `json:"-"`
	// Shared says who else manages a part of it; empty for nobody.
	Shared string `json:"-"`
	// Touched says that somebody has changed it since.
	Touched bool `json:"-"`
}

// Trial is what came of trying on a cluster what is wanted, without doing it.
type Trial struct {
	// Unread says why it could not be tried.
	Unread string
	// Refused says why the cluster does not take it; Taken says who else sets what it
	// would set; and Next what can be done.
	Refused string
	Taken   string
	Next    string
	// Overrides says who set what it takes the place of: "kubectl-edit (.spec.shards)".
	Overrides []string
	// Shows are the files as they would be told apart: as they are and would be.
	Shows map[Path]Shown
}

// Shown is a file before and after.
type Shown struct{ Before, After []byte }

// keptPutBack bounds PutBack.
const keptPutBack = 10

// PuttingBack is PutBack once it was put back at a time once more.
func (s *Standing) PuttingBack(at time.Time) []time.Time {
	all := append(slices.Clone(s.PutBack), at.UTC().Truncate(time.Second))
	return all[max(0, len(all)-keptPutBack):]
}
