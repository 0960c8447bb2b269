package fleet

import "time"

// Query is a question to a Prometheus.
type Query struct {
	URL  string `json:"url"` // of its API
	Expr string `json:"expr"`
	// At is when; zero is now.
	At time.Time `json:"at,omitzero"`
	// Behind, where it is set, asks what runs there for its own metrics in place of
	// Expr, for an agent answers no expression: by how many seconds each of its
	// remote-write queues is behind, of those that are more than so many.
	Behind float64 `json:"behind,omitempty"`
}

// Answer is what a Prometheus answers; Unread says why it does not.
type Answer struct {
	Samples []Sample
	Unread  string
}

// Sample is one series of an answer, with its value.
type Sample struct {
	Labels map[string]string
	Value  float64
}

// Gate holds a change back for as long as a query returns anything, as the
// expression of an alert does.
type Gate struct {
	Query Query `json:"query"`
	// Why says what it is that it returns: "the remote write {remote_name} is
	// {value} s behind"; names of labels, and value, stand in braces.
	Why string `json:"why"`
}

// Running is with what a Prometheus runs, as it says itself.
type Running struct {
	Version     string
	Config      string // YAML
	Flags       map[string]string
	GOGC        string
	MemoryLimit float64 // bytes; 0 where it does not say
	Unread      string  // why it does not answer
	// Queues are its remote-write queues by name, as its own metrics have them; nil
	// where those can't be read.
	Queues map[string]Queue
}

// Queue is with what a remote-write queue runs.
type Queue struct{ MinShards, MaxShards, Capacity float64 }
