package declare

import (
	"github.com/portreeve/portreeve/reconciler/fleet"
)

// sheet is all that a file tells by itself: plain data, which is kept by the
// file's content, and which may come from another process.
type sheet struct {
	path string
	id   string // of the content
	size int
	// entries are what the file's text declares, in its order.
	entries []spot
	// values are what those of a plain file come to, and problems what is
	// wrong with the file as a whole.
	values   []value
	problems []fleet.Problem
	fate
	// plain says that the file is data alone: what it declares does not
	// depend on other files, and evaluating it costs what its size says.
	plain bool
	// reaches says that the file constrains what other files declare.
	reaches bool
	// makes are the names that the file declares at its top besides the
	// groups, and refers those that it may refer to; of a plain file both are
	// empty.
	makes, refers []string
	// costly says that the sheet was just made, and by more than reading.
	costly bool
}

// fate is how far a file can be used.
type fate struct {
	// broken says that the file is not evaluated: what it declares is frozen.
	broken bool
	// partial says that the file may declare more than its entries.
	partial bool
}

// spot is where a declaration, a team or the settings stand.
type spot struct {
	field string // "migrations"
	name  string // empty for "fleet"
	pos   fleet.Pos
	end   int
	owner fleet.TeamName // as far as the text tells
}

// value is what evaluating a declaration gave, and what its kind made of that.
type value struct {
	spot
	problems []fleet.Problem
	// fields and json are nil in an index, which keeps those of teams, of
	// settings, and of what its kind keeps something of. Where there are problems json is what is right, with
	// other values in place of what is not; see reporter.mended.
	fields map[string]fleet.Pos
	packed string // fields as they are written, in place of them; see value.pack
	json   []byte
	ruled  *ruled // what policies found
	// acknowledged is what the declaration acknowledges, by policy.
	acknowledged map[string]fleet.Acknowledgement
	// What follows is the kind's; see loader.judge.
	judged   bool
	owns     fleet.RepoName
	within   fleet.RepoName
	defaults *fleet.Selection
	loan     *fleet.Loan
	cluster  *fleet.Cluster
	kept     string
	refs     []fleet.Ref
	writes   []fleet.Write
	spec     any
	hash     string
	specHash string
}

// outcome is what evaluating files together gave.
type outcome struct {
	values []value
	marks  []mark
	// refused says that the files were not evaluated, for those in marks; the
	// others are to be evaluated without them.
	refused bool
	// passing says that this may come out differently another time.
	passing bool
}

// mark is what was found of a file when it was evaluated with others.
type mark struct {
	path     string
	problems []fleet.Problem
	fate
}

// keptWhole reports whether an index keeps all of a value.
func keptWhole(v value) bool { return v.field == "teams" || v.field == "fleet" || v.kept != "" }

// pack writes the fields in a tenth of the room: of most values no position is
// asked for again once they are judged.
func (v *value) pack() {
	var e encoder
	e.fields(v.fields, v.pos.File)
	v.fields, v.packed = nil, string(e.b)
}
