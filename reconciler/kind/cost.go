package kind

// Class is what a change does to what runs.
type Class string

// Classes, the dearest first.
const (
	DataAtRisk   Class = "data at risk"  // samples that are kept, or could be asked for, may be lost
	TargetsMove  Class = "targets move"  // to other shards: series begin anew there
	PodRestart   Class = "pod restart"   // of all of it
	QueueRestart Class = "queue restart" // what waits to be sent is lost
	Reload       Class = "reload"        // nothing stops
	Starts       Class = "starts"        // what does not run yet
)

// Classes lists every class, the dearest first.
var Classes = []Class{DataAtRisk, TargetsMove, PodRestart, QueueRestart, Reload, Starts}

// Cost is what the change of one field does to what runs.
type Cost struct {
	Field string `json:"field"` // "remoteWrite.mimir.maxShards"
	From  string `json:"from,omitempty"`
	To    string `json:"to,omitempty"`
	Class Class  `json:"class"`
	// Why says what comes of it: "75% of the targets move".
	Why string `json:"why,omitempty"`
	// Moves is the share of targets that move, in percent; Alone says that what
	// restarts has no replica that goes on meanwhile.
	Moves int  `json:"moves,omitempty"`
	Alone bool `json:"alone,omitempty"`
}
