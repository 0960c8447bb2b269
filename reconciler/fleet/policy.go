package fleet

import "time"

// Policy is a rule on declarations or on plans, as it is in force.
type Policy struct {
	ID       string         `json:"id"`
	On       string         `json:"on"` // a kind's name, or OnTeam, OnSettings or OnPlan
	Severity Severity       `json:"severity"`
	Why      string         `json:"why"`
	Bounds   map[string]int `json:"bounds,omitempty"`
	// Pos is where the config repo writes it; zero for a built-in one.
	Pos Pos `json:"pos"`
}

// What a policy may be on besides a kind of declaration.
const (
	OnTeam = "team"
	OnPlan = "plan"
	// OnSettings is what a declaration sets on a cluster, all its layers together.
	OnSettings = "settings"
)

// PolicySetting is what the settings say of a policy; an empty Severity and a
// bound that is not named stay as the policy has them.
type PolicySetting struct {
	Severity Severity
	Bounds   map[string]int
}

// Finding is what a policy has against a plan.
type Finding struct {
	Policy   string
	Severity Severity
	Reason   string // without a final stop
}

// Ask is what a policy found in a declaration and wants acknowledged there.
type Ask struct {
	Policy  string
	Problem Problem // of severity Acknowledge; its message is the reason
}

// PolicyCode is the code of what a policy finds.
func PolicyCode(id string) string { return "policy/" + id }

// Acknowledgement is that someone knows what a policy found, and wants it so.
type Acknowledgement struct {
	Pos    Pos
	Field  string // its path: "migrations.go-1-26.acknowledge.ID"
	Reason string
	Until  time.Time // the last day on which it holds: its beginning in UTC
}

// Blast is what one revision of the config repo would do to the fleet: what
// the declarations that it was the last to change want and do not have yet. Or
// it is what one declaration would do to what runs on clusters; then Repos is 0.
type Blast struct {
	Revision Revision `json:"revision"`
	// Fleet is how many repos the fleet has, Repos how many would change.
	Fleet int `json:"fleet"`
	Repos int `json:"repos"`
	// OwnersRemoved is in how many repos an owner stands in CODEOWNERS who no
	// longer would; Owners are those owners.
	OwnersRemoved int      `json:"ownersRemoved"`
	Owners        []string `json:"owners"`
	// Clusters is on how many clusters something would change; of them,
	// DataAtRisk on how many samples may be lost, QueueRestarts on how many what
	// waits to be sent is, and RestartsAlone on how many all that scrapes a target
	// is stopped at once. TargetsMoved is the largest share of targets that would
	// move to another shard on one of them, in percent.
	Clusters      int `json:"clusters"`
	DataAtRisk    int `json:"dataAtRisk"`
	QueueRestarts int `json:"queueRestarts"`
	RestartsAlone int `json:"restartsAlone"`
	TargetsMoved  int `json:"targetsMoved"`
}
