package fleet

// Commit is a commit of a branch.
type Commit struct {
	ID      CommitID
	Tree    TreeID
	Parents []CommitID
	Author  string // as people say it, without the address
	Message string
	// FromBase says of a merge that its further parents are all in the
	// history of the branch's base: it brings nothing but the base.
	FromBase bool
}

// History is what a branch has and its base has not, at one moment.
type History struct {
	Base CommitID // newest commit of the base
	Head CommitID // of the branch
	// Commits lead from the base's history to Head along first parents, the
	// oldest first. None when there are more than MaxHistory.
	Commits []Commit
	TooMany bool
	// Unread says why it could not be read, and won't be; empty if it was.
	Unread string
}

// MaxHistory is how many commits of a branch are looked at.
const MaxHistory = 50

// Pick is a commit of a branch that is to be made again, on another one.
type Pick struct {
	Commit CommitID
	// Message replaces the commit's own, unless it is empty.
	Message string
	// Made is set for a commit of ours that a person amended: what it was
	// before, for only the difference is theirs.
	Made *Made
	// Since is set for a merge of the base into the branch: the commit of the
	// base that the branch had before. Such a merge must hold nothing of its
	// own, and is left out.
	Since CommitID
}

// Made is a commit of ours as we made it.
type Made struct {
	Base CommitID // what it was made on
	Tree TreeID
}

// Stop is why commits can't be made again on another one.
type Stop struct {
	Commit CommitID // the one that stops it
	Path   Path     // the file that stops it, empty for none
	Why    string   // "both change the same lines"
}

// Replayed is what became of commits when they were made again: all of them
// stand on the other one, or a Stop says why that can't be.
type Replayed struct {
	Stop *Stop
	Kept []CommitID // those that hold something of a person's own, as picked
}
