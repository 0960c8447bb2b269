package fleet

import "time"

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
	// Touched says that somebody has changed it since.
	Touched bool `json:"-"`
}
