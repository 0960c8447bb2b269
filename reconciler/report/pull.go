package report

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
)

// maxBody is the forge's bound on a body; it counts characters, we bytes.
const maxBody = 65_536

// Pull is all that a pull request's text is made from. Two of equal facts are
// one text: a newer Portreeve that would only word it differently leaves the
// older text alone.
type Pull struct {
	Declaration fleet.ID
	Lane        fleet.Lane
	Why         string
	// Facts stand for what the kind has put into words: these are not compared.
	Facts    string
	Title    string   `json:"-"`
	What     []string `json:"-"`
	Body     string   `json:"-"` // Markdown of the declaration's own
	Because  string   `json:"-"`
	Labels   []string
	Decides  string // a team, as people say it
	Asks     string // the declaration's owner, as people say it
	Contact  string // of the owner
	Merge    fleet.MergePolicy
	Mode     fleet.Mode
	Revision fleet.Revision
	// Again is what this asks once more for. It is shown but not compared: it
	// is read back from the text.
	Again Again `json:"-"`
	// Pos is shown but not compared: a declaration that only moved in its
	// file rewords nothing.
	Pos fleet.Pos `json:"-"`
	// Effect is shown but not compared: it follows the repo's files, and a new
	// one rewords nothing.
	Effect *kind.Effect `json:"-"`
}

// Hash is equal for texts that say the same, in whatever words.
func (p Pull) Hash() string { return hashOf(p) }

// formerHash is the hash of a text whose marker says text=: it covers the
// words, and decides on pull requests of the versions that wrote such markers.
func (p Pull) formerHash() string {
	return hashOf(struct {
		Declaration fleet.ID
		Lane        fleet.Lane
		Title, Why  string
		What        []string
		Body        string
		Because     string
		Labels      []string
		Decides     string
		Asks        string
		Contact     string
		Merge       fleet.MergePolicy
		Mode        fleet.Mode
		Revision    fleet.Revision
	}{p.Declaration, p.Lane, p.Title, p.Why, p.What, p.Body, p.Because, p.Labels, p.Decides, p.Asks, p.Contact, p.Merge, p.Mode, p.Revision})
}

func hashOf(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings only
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:6])
}

// Heading is the pull request's title.
func (p Pull) Heading() string { return quiet(Line(p.Title, 200)) }

// Text is the pull request's body; its last line is its marker.
func (p Pull) Text() string {
	var b strings.Builder
	b.WriteString(p.Again.text())
	if p.Why != "" {
		fmt.Fprintf(&b, "**Why:** %s\n", Plain(p.Why))
	}
	b.WriteString(p.what())
	b.WriteString(p.effect())
	fmt.Fprintf(&b, "**Who decides:** %s. %s\n", p.decides(), p.merges())
	b.WriteString("**No?** Close this. It stays closed, and nothing is opened in its place, unless the declaration asks again.\n")
	if p.Asks != "" && (p.Asks != p.Decides || p.Contact != "") {
		fmt.Fprintf(&b, "**Questions?** %s answers", Plain(Line(p.Asks, 100)))
		if p.Contact != "" {
			fmt.Fprintf(&b, ": %s", Plain(Line(p.Contact, 200)))
		}
		b.WriteString(".\n")
	}
	b.WriteString("You may push to this branch. Your commits are kept, on top of Portreeve's own when that is made anew, and from then on it is yours to merge.\n")
	end := fmt.Sprintf("\n---\nOpened by Portreeve for %s\n\n%s%s\n", p.origin(), p.Again.marker()+labelMarker(p.Labels), p.marker())
	if p.Body != "" {
		b.WriteString("\n" + Quote(p.Body, maxBody-b.Len()-len(end)-1))
	}
	return b.String() + end
}

func (p Pull) decides() string {
	if p.Decides == "" {
		return "whoever looks after this repo"
	}
	return Plain(Line(p.Decides, 100))
}

func (p Pull) what() string {
	switch len(p.What) {
	case 0:
		return ""
	case 1:
		return "**What:** " + Code(p.What[0]) + "\n"
	}
	var b strings.Builder
	b.WriteString("**What:**\n")
	for i, w := range p.What {
		if i == 20 {
			fmt.Fprintf(&b, "- and %d more\n", len(p.What)-i)
			break
		}
		fmt.Fprintf(&b, "- %s\n", Code(w))
	}
	return b.String() + "\n"
}

// effect is what of Effect a pull request has room for.
func (p Pull) effect() string {
	if p.Effect == nil {
		return ""
	}
	lines := Effect(p.Effect)
	var b strings.Builder
	fmt.Fprintf(&b, "**Effect:** %s.\n", Plain(lines[0]))
	for _, l := range lines[1:min(len(lines), 10)] {
		fmt.Fprintf(&b, "- %s\n", Code(Line(l, 400)))
	}
	return b.String() + "\n"
}

func (p Pull) merges() string {
	if p.Mode != fleet.Merge || p.Merge == fleet.MergeManual || p.Merge == "" {
		return "Merge it when it suits you; Portreeve will not."
	}
	if p.Merge == fleet.MergeAlways {
		return "It merges by itself once required reviews are in and no check is red or running."
	}
	return "It merges by itself once required reviews are in and its checks are green."
}

func (p Pull) origin() string {
	s := Code(p.Declaration.String())
	if p.Pos.File != "" {
		s += fmt.Sprintf(" · %s", Code(fmt.Sprintf("%s:%d", p.Pos.File, p.Pos.Line)))
	}
	if p.Revision != "" {
		s += " at " + Code(p.Revision.Short())
	}
	if p.Because != "" {
		s += " · here because: " + Code(p.Because)
	}
	return s
}

const markerPrefix = "<!-- portreeve "

func (p Pull) marker() string {
	return markerPrefix + "facts=" + p.Hash() + " -->"
}

// Shown reports whether a body says already what p says, in whatever words, or
// is a person's own: its marker is gone.
func (p Pull) Shown(body string) bool {
	if hash := TextHash(body); hash != "" {
		return hash == p.Hash()
	}
	former := lastMarker(body, "text=")
	return former == "" || former == p.formerHash()
}

// TextHash is the Hash of the text that a body was written from, empty when
// its marker is gone. Only the body's last line counts.
func TextHash(body string) string { return lastMarker(body, "facts=") }

func lastMarker(body, name string) string {
	body = strings.TrimRight(strings.ReplaceAll(body, "\r\n", "\n"), "\n \t")
	line := body[strings.LastIndexByte(body, '\n')+1:]
	rest, ok := strings.CutPrefix(line, markerPrefix+name)
	if !ok {
		return ""
	}
	hash, ok := strings.CutSuffix(rest, " -->")
	if !ok {
		return ""
	}
	return hash
}

// CommitMessage is a commit's message without trailers.
func (p Pull) CommitMessage() string {
	var b strings.Builder
	b.WriteString(quiet(Line(p.Title, 100)) + "\n")
	if p.Why != "" {
		b.WriteString("\n" + wrap(quiet(Line(p.Why, 2000)), 72) + "\n")
	}
	return b.String()
}

// wrap breaks a line at spaces, so that no line is longer than width runes
// where it can be helped.
func wrap(s string, width int) string {
	var b strings.Builder
	n := 0
	for i, word := range strings.Fields(s) {
		w := len([]rune(word))
		switch {
		case i == 0:
		case n+1+w > width:
			b.WriteByte('\n')
			n = 0
		default:
			b.WriteByte(' ')
			n++
		}
		b.WriteString(word)
		n += w
	}
	return b.String()
}

const closingPrefix = "<!-- portreeve closing="

// Closing is the comment on a pull request that is closed because it is no
// longer wanted. Its last line is a marker that depends on id and reason alone.
func Closing(id fleet.ID, reason string, revision fleet.Revision) string {
	sum := sha256.Sum256([]byte(id.String() + "\n" + reason))
	return fmt.Sprintf("Closed, because it is no longer needed: %s.\n\n%s at %s\n\n%s%s -->",
		Plain(reason), Code(id.String()), Code(revision.Short()), closingPrefix, hex.EncodeToString(sum[:6]))
}

// IsClosing reports whether a comment is one that Closing made.
func IsClosing(comment string) bool {
	comment = strings.TrimSpace(comment)
	line := comment[strings.LastIndexByte(comment, '\n')+1:]
	return strings.HasPrefix(line, closingPrefix)
}
