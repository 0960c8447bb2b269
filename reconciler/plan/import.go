package plan

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/report"
	"github.com/portreeve/portreeve/reconciler/rollout"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// Catalog is what is known of the catalog that ownership is proposed from.
type Catalog struct {
	Seen *fleet.Catalog // as of the last good read; nil for none
	Read time.Time      // when that was
	// Err says why the newest read failed, for people; empty if it did not.
	Err       string
	Permanent bool
}

// Imported is what became of the catalog that ownership is proposed from.
type Imported struct {
	From string `json:"from"` // the catalog's URL
	// Read is when it was last read well, if that is known.
	Read time.Time `json:"read,omitzero"`
	// Err says why it can't be read now; ownership stays as committed.
	Err string `json:"error,omitempty"`
	// Committed is when what stands was last changed by a commit.
	Committed time.Time `json:"committed,omitzero"`
	// Import is what it comes to; nil while that can't be told.
	*fleet.Import
}

// Line says in one line how the catalog is: what it comes to, or why it can't
// be read, since when, and how old what stands is.
func (made *Imported) Line(now time.Time) string {
	line := "backstage " + made.From
	if made.Err != "" {
		line += " · CAN'T BE READ: " + made.Err
	}
	if !made.Read.IsZero() {
		line += " · read " + rollout.Age(now, made.Read) + " ago"
	}
	if !made.Committed.IsZero() {
		line += " · what stands was committed on " + made.Committed.UTC().Format("2 January 2006")
	}
	switch {
	case made.Import == nil:
		return line
	case made.Refused != "":
		return line + " · REFUSED: " + made.Refused
	}
	return line + fmt.Sprintf(" · %s, %s", things(made.Import), count(len(made.What), "change"))
}

// importID names the one import there is, like a declaration: it has a branch
// and a pull request, in the config repo.
var importID = fleet.ID{Kind: "import", Name: "backstage"}

// ImportBranch is the branch of the import's pull request.
var ImportBranch = fleet.BranchName(importID, "")

// importKind is what an import wants of the config repo. It is no member:
// nobody can declare one.
var importKind = kind.Kind{
	Name: importID.Kind, Owns: true,
	Want: func(p *kind.Pass) (kind.Want, error) {
		made, b := p.Declaration.Spec.(*fleet.Import), p.Config.Settings.Backstage
		w := kind.Want{
			Because: "fleet.ownership.backstage", What: made.What, Merge: b.Merge, CloseIsOfThis: true,
			Title: "Take ownership over from Backstage: " + things(made), Body: differences(made),
			Why: "The catalog of " + b.URL + " says so.",
		}
		w.Decides, _ = kind.OwnerOf(p.Config, p.Repo)
		if made.Content == nil {
			return w, nil
		}
		edit := transform.Edit{Path: fleet.ImportFile, Content: made.Content}
		w.Whole = map[fleet.Path]string{edit.Path: kind.DigestOf(edit)}
		w.Facts = kind.FactsOf([]any{b.URL, p.Config.Imported, made.Content, told(made)})
		if err := transform.CheckTarget(p.Tree, edit.Path); err != nil {
			return kind.Want{}, err
		}
		same, err := transform.Holds(p.Tree, edit)
		if err != nil || same {
			return kind.Want{}, err
		}
		w.Edits = []transform.Edit{edit}
		return w, nil
	},
}

func things(made *fleet.Import) string {
	return fmt.Sprintf("%s, %s", count(made.Repos, "repo"), count(made.Teams, "team"))
}

func count(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
}

// told is what differences says, without its words and the positions in files.
func told(made *fleet.Import) (all [][3]string) {
	for _, d := range made.Differences {
		all = append(all, [3]string{d.What, d.Declared, d.Catalog})
	}
	return all
}

// differences are shown on the pull request.
func differences(made *fleet.Import) string {
	const most = 50
	var b strings.Builder
	for i, d := range made.Differences {
		if i == 0 {
			b.WriteString("What is declared in other files stands, where the catalog says otherwise:\n\n")
		}
		if i == most {
			fmt.Fprintf(&b, "- and %d more\n", len(made.Differences)-most)
			break
		}
		fmt.Fprintf(&b, "- %s\n", report.Code(d.String()))
	}
	return b.String()
}

// imports adds an item for what the catalog comes to, or the outcome that says
// why there is none. What is open stays as it is while that is not known.
func (c *computation) imports() {
	b, catalog := c.world.Config.Settings.Backstage, c.world.Catalog
	if b == nil {
		c.withdrawn()
		return
	}
	repo := c.world.Repos[c.world.ConfigRepo]
	d := &fleet.Declaration{ID: importID, Pos: b.Pos, SpecHash: "1"}
	if repo != nil {
		c.claim(&rollout.Item{ID: importID, Listing: repo.Listing})
	}
	if catalog == nil { // nobody looked
		return
	}
	c.imported = &Imported{From: b.URL, Read: catalog.Read, Err: catalog.Err}
	for _, other := range c.world.Config.Declarations {
		if other.Pos.File == fleet.ImportFile && other.Changed.After(c.imported.Committed) {
			c.imported.Committed = other.Changed
		}
	}
	tell := func(state rollout.State, reason, next string) {
		if repo != nil {
			c.outcomes = append(c.outcomes, outcome(d, c.world.ConfigRepo, state, reason, next))
		}
	}
	if repo == nil && c.world.ConfigRepo != "" {
		c.outcomes = append(c.outcomes, outcome(d, c.world.ConfigRepo, rollout.Failed,
			"the forge shows no such repo, so nothing can be proposed to it", "see its name, and whether it can be read"))
	}
	if catalog.Err != "" {
		state := rollout.Waiting
		if catalog.Permanent {
			state = rollout.Failed
		}
		tell(state, "the catalog can't be read: "+catalog.Err+c.age(), "looks again; ownership stays as committed")
		return
	}
	fed, known := c.fed(catalog.Seen)
	if !known {
		tell(rollout.Waiting, "the files that describe components are being read", "")
		return
	}
	made := c.world.Import(fed)
	c.imported.Import = made
	switch {
	case made.Refused != "":
		tell(rollout.Blocked, made.Refused, "see the catalog; or raise fleet.ownership.backstage.maxShrink for once, or remove what is to go by hand")
	case repo != nil:
		sum := digest([]any{b, made, c.world.Config.Imported})
		content := digest(made.Content)
		d.Spec, d.Hash = made, hex.EncodeToString(sum[:])+hex.EncodeToString(content[:])
		c.candidate(importKind, d, kind.Candidate{Repo: c.world.ConfigRepo})
	}
}

// withdrawn adds an item for a proposal that no settings ask for any more, in
// a config repo that is not of the fleet; otherwise it is a leftover like any.
func (c *computation) withdrawn() {
	repo := c.world.Repos[c.world.ConfigRepo]
	if repo == nil || repo.Out == "" {
		return
	}
	for _, b := range repo.Head.Branches {
		if b.Name == ImportBranch {
			c.add(&rollout.Item{ID: importID, Declaration: c.declared(importID), Listing: repo.Listing, Head: repo.Head}, repo)
		}
	}
}

// age says how old what is known is.
func (c *computation) age() string {
	text := ""
	if at := c.imported.Read; !at.IsZero() {
		text = ", for " + rollout.Age(c.world.Now, at)
	}
	if at := c.imported.Committed; !at.IsZero() {
		text += "; what stands was committed on " + at.UTC().Format("2 January 2006")
	}
	return text
}

// fed tells which components have their owner from a file that Portreeve writes,
// each with the reason; known is false while files are being read. What a default
// keeps in a catalog file would come back as if the repo had been declared by name,
// and stay when the default changes.
//
// Backstage can fill in an owner from the CODEOWNERS beside the file that
// describes a component, and nothing in its API shows that it did. The file
// itself does: it names no owner. So it is read wherever Portreeve writes
// CODEOWNERS. One on another branch than the default one, or elsewhere than
// the catalog says, can't be found so.
func (c *computation) fed(catalog *fleet.Catalog) (fed map[string]string, known bool) {
	fed, known = map[string]string{}, true
	written := map[string]*Repo{} // in lower case: a catalog may spell a name otherwise
	for name, repo := range c.world.Repos {
		if _, owned := kind.OwnerOf(c.world.Config, repo.Listing); owned && repo.Out == "" {
			written[strings.ToLower(string(name))] = repo
		}
	}
	for _, p := range catalog.Components {
		repo := written[strings.ToLower(string(p.FileRepo))]
		if repo == nil || p.File == "" {
			continue
		}
		if repo.Err != "" {
			fed[p.Ref] = fmt.Sprintf("%s can't be read, and would tell whether %s names an owner", p.FileRepo, p.File)
			continue
		}
		if d := kind.Owning(c.world.Config, repo.Listing); d.Default != nil && c.describes(d) == p.File {
			fed[p.Ref] = fmt.Sprintf("%s keeps its owner in %s of %s, as a default; declare the repo by its name to have it another", d.ID, p.File, p.FileRepo)
			continue
		}
		switch names, read := c.namesOwner(repo, p); {
		case !read:
			known = false
		case !names:
			fed[p.Ref] = fmt.Sprintf("its owner comes from the CODEOWNERS of %s, which Portreeve writes; name an owner in %s", p.FileRepo, p.File)
		}
	}
	return fed, known
}

func (c *computation) describes(d *fleet.Declaration) fleet.Path {
	if k, ok := c.kinds.Find(d.ID.Kind); ok && k.Describes != nil {
		return k.Describes(d)
	}
	return ""
}

// namesOwner reports whether the file that describes a component names its
// owner, or can't tell.
func (c *computation) namesOwner(repo *Repo, p fleet.CatalogComponent) (names, read bool) {
	if repo.Head.Commit == "" {
		return true, true
	}
	key := fmt.Sprintf("names owner %s %q %q", treeOf(repo), p.File, p.Ref)
	if b, ok := c.memo.Get(key); ok {
		return string(b) == "true", true
	}
	tree := &asking{FS: unlisted{}}
	if repo.Tree != nil {
		tree.FS = repo.Tree
	}
	text, err := fs.ReadFile(tree, string(p.File))
	if c.asked(repo, tree) {
		return false, false
	}
	names = err != nil || ownerNamed(text, p.Ref)
	c.memo.Put(key, fmt.Append(nil, names))
	return names, true
}

// maxDescription bounds a catalog-info.yaml that is looked into, in bytes.
const maxDescription = 1 << 20

// ownerNamed reports whether a file does not describe a component, or names an
// owner for it.
func ownerNamed(text []byte, ref string) bool {
	if len(text) > maxDescription {
		return true
	}
	for documents := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var e struct {
			Kind     string
			Metadata struct{ Name, Namespace string }
			Spec     struct{ Owner string }
		}
		switch err := documents.Decode(&e); {
		case errors.Is(err, io.EOF):
			return true
		case err != nil:
			return true
		}
		name := strings.ToLower(e.Kind + ":" + cmp.Or(e.Metadata.Namespace, "default") + "/" + e.Metadata.Name)
		if name == ref {
			return e.Spec.Owner != ""
		}
	}
}
