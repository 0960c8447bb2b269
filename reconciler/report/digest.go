package report

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Digest is the issue that tells a team once of what it is asked to look at
// since the morning of a day, where that is much.
type Digest struct {
	Team  fleet.Team
	Day   time.Time // in UTC
	Pulls []string  // URLs of pull requests
}

// mostTold bounds the pull requests that a digest names.
const mostTold = 300

// Heading is the title.
func (d Digest) Heading() string {
	return quiet(Line(fmt.Sprintf("Pull requests for %s, %s", d.Team.Label(), d.Day.UTC().Format("2 January 2006")), 200))
}

// Text is the body; its last line is Marker's.
func (d Digest) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: on this day Portreeve has opened or updated pull requests in your repos, more than a few. They are these; each says in its text why it is there.\n\n", call(d.Team))
	pulls := slices.Clone(d.Pulls)
	slices.Sort(pulls)
	for _, url := range pulls[:min(len(pulls), mostTold)] {
		b.WriteString(digestLine(url))
	}
	if n := len(pulls) - mostTold; n > 0 {
		fmt.Fprintf(&b, "\nand %d more.\n", n)
	}
	b.WriteString("\nMore of this day are added here. Nobody waits for an answer: close this when you like.\n\n")
	return b.String() + d.Marker()
}

// Tells reports whether the body of the issue tells of all pull requests.
func (d Digest) Tells(body string) bool {
	body = strings.ReplaceAll(body, "\r\n", "\n")
	missing := 0
	for _, url := range d.Pulls {
		if !strings.Contains(body, digestLine(url)) {
			missing++
		}
	}
	return missing == 0 || missing == len(d.Pulls)-mostTold && strings.Contains(body, fmt.Sprintf("\nand %d more.\n", missing))
}

func digestLine(url string) string { return "- " + Line(url, 500) + "\n" }

// Marker is the last line of the issue for a team and a day.
func (d Digest) Marker() string {
	sum := sha256.Sum256([]byte(string(d.Team.Name) + "\n" + d.Day.UTC().Format(time.DateOnly)))
	return "<!-- portreeve digest=" + hex.EncodeToString(sum[:6]) + " -->"
}

// CanCall reports whether a mention can reach the team.
func CanCall(t fleet.Team) bool { return teamHandle.MatchString(strings.TrimPrefix(t.GitHub, "@")) }
