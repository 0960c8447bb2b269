package fleet

import (
	"encoding/json"
	"time"
)

// Access is what a team or a user may do in a repo, as a forge tells it.
type Access struct {
	// Missing says that there is no such team or user, or none to be seen, and
	// Secret that it is a team which its members alone can see.
	Missing bool `json:",omitempty"`
	Secret  bool `json:",omitempty"`
	Role    Role `json:",omitempty"`
	// Unread says why none of that is known, if so; Again, that it may be the
	// next time.
	Unread string `json:",omitempty"`
	Again  bool   `json:",omitempty"`
}

// Owns reports whether the forge would ask it to review: a code owner has to be
// seen, and may write.
func (a Access) Owns() bool { return !a.Missing && !a.Secret && a.Role.Writes() }

// Role is how far an access goes; empty is not at all.
type Role string

// Roles, from the least.
const (
	RoleRead     Role = "read"
	RoleTriage   Role = "triage"
	RoleWrite    Role = "write"
	RoleMaintain Role = "maintain"
	RoleAdmin    Role = "admin"
)

// Writes reports whether the role may push.
func (r Role) Writes() bool { return r == RoleWrite || r == RoleMaintain || r == RoleAdmin }

// OwnersError is what a forge finds wrong in a CODEOWNERS file.
type OwnersError struct {
	Path   Path
	Line   int
	Source string // the line
	Kind   string // "Unknown owner"
}

// Edition is a state that a file had on the default branch.
type Edition struct {
	Commit  CommitID // that made it so
	Message string
	// Branch is the head of the pull request by which it came; empty for none.
	Branch string
	By     string // who made it: a login, or else a name
	At     time.Time
	Blob   BlobID // empty where the file was deleted
	// Text is the content, nil where it is more than MaxEditionText bytes or not
	// UTF-8.
	Text []byte
	// AsDeclared says that nothing would be edited of the file if it were so
	// today. Planning finds it out.
	AsDeclared bool
}

// MaxEditionText bounds the content of an Edition, in bytes.
const MaxEditionText = 64 << 10

// Drift is what is done where somebody changed on the default branch what was
// as declared.
type Drift string

// Ways to answer drift.
const (
	DriftEnforce Drift = "enforce" // open a pull request that puts it back; the default
	DriftReport  Drift = "report"  // tell of it
	DriftAdopt   Drift = "adopt"   // propose to the config repo to declare it so
)

// OwnedLine is what a line of CODEOWNERS says, in the words of declarations.
type OwnedLine struct {
	Pattern string // as it is declared; "*" for all of the repo
	// Owners of it, the first decides; none for a line of nobody. Gone says that
	// there is no such line.
	Owners []TeamName `json:",omitempty"`
	Gone   bool       `json:",omitempty"`
}

// Assignment is what a field of a declaration is to say.
type Assignment struct {
	// At leads there by names; "[0]" is an element of a list, "[+]" one more at its end.
	At    []string
	Value json.RawMessage
}

// Collaborators are the users whose access to a repo is their own, and not a
// team's or the organisation's, by their logins in lower case.
type Collaborators struct {
	Direct map[string]Role
	// Invited are those who have not accepted yet.
	Invited map[string]Role
	// Unread says why none of that is known, if so.
	Unread string
}
