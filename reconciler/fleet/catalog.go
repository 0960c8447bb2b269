package fleet

import "time"

// Catalog is what a software catalog says of who owns what, at one moment. It
// feeds proposals to the config repo, and decides nothing.
type Catalog struct {
	Groups     []CatalogGroup     // sorted by Ref, each once
	Components []CatalogComponent // likewise
	// Passed are the entities that can't be used, each with the reason, sorted
	// by Ref.
	Passed []CatalogPassed
}

// CatalogGroup is a group of people. Ref is "group:namespace/name", in lower
// case, as all references are.
type CatalogGroup struct {
	Ref     string
	Title   string
	GitHub  string   // "org/team"; empty for none
	Members []string // logins, sorted
	Contact string   // a mail address; empty for none
	Parent  string   // the group that it is a child of; empty for none, or several
	Doubt   string   // as a component's
}

// CatalogComponent is a component and where its source stands.
type CatalogComponent struct {
	Ref   string
	Owner string // a reference, of a group for the most part; empty for none
	Repo  RepoName
	Path  Path // of the folder below the repo's root; empty for all of it
	// File is the file that describes it, and FileRepo the repo it is in; both
	// are empty where it comes from elsewhere.
	FileRepo RepoName
	File     Path
	// Doubt says why what it says is not to be believed; what is committed of
	// it stays.
	Doubt string
}

// CatalogPassed is an entity that can't be used.
type CatalogPassed struct {
	Ref    string `json:"ref"`
	Reason string `json:"reason"`
}

// Backstage is the setting fleet.ownership.backstage: a catalog from which
// ownership is proposed.
type Backstage struct {
	Pos Pos
	URL string // the backend's base, without "/api/catalog"
	// Filter narrows the components: one of these must hold, each in the
	// catalog's own syntax. None is all.
	Filter   []string
	Interval time.Duration // between two reads
	// MaxShrink is how much of what is committed one import may take away.
	MaxShrink Share
	Teams     map[string]TeamName // by a group's reference
	Repos     map[string]RepoName // by a component's reference
	Merge     MergePolicy         // of the pull request
}

// ImportFile is the one file that an import writes.
const ImportFile = "ownership/backstage.cue"

// Import is what a catalog comes to: the file that is proposed, and all that
// people should know of it.
type Import struct {
	// Content is ImportFile's; nil where there is nothing to propose, and has not
	// been.
	Content []byte `json:"-"`
	Repos   int    `json:"repos"`
	Teams   int    `json:"teams"`
	// What says, a line each, how Content differs from what is committed.
	What []string `json:"changes"`
	// Refused says why it is not proposed; empty if it is.
	Refused string `json:"refused,omitempty"`
	// Differences are what people declare in other files and the catalog says
	// otherwise: what they declare stands.
	Differences []CatalogDifference `json:"differences"`
	// Kept is what the catalog can't be believed in, and stays as committed;
	// Passed what it says and can't be used.
	Kept   []CatalogPassed `json:"kept"`
	Passed []CatalogPassed `json:"passed"`
}

// String is the difference in one line.
func (d CatalogDifference) String() string {
	return d.What + ": declared " + d.Declared + ", in the catalog " + d.Catalog
}

// CatalogDifference is one thing of which a declaration says other than the
// catalog.
type CatalogDifference struct {
	What     string `json:"what"` // "acme/ledger", or "team payments"
	Declared string `json:"declared"`
	Catalog  string `json:"catalog"`
	Pos      Pos    `json:"pos"` // of the declaration
}
