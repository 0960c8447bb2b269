package report

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// TestDigest holds that a team is called once, that its digest is found again on
// its day, and that it says whether it tells of all.
func TestDigest(t *testing.T) {
	d := Digest{
		Team: fleet.Team{Name: "payments", GitHub: "acme/payments", Title: "Pay @all <!-- x -->"}, Day: time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC),
		Pulls: []string{"https://forge.example/acme/b/pull/2", "https://forge.example/acme/a/pull/1"},
	}
	text := d.Text()
	if strings.Count(text, "@") != 2 || strings.Count(text, "(@acme/payments)") != 1 || !strings.Contains(text, "@"+zeroWidth) {
		t.Errorf("it mentions others: %q", text)
	}
	if !strings.Contains(text, "\n- https://forge.example/acme/a/pull/1\n- https://forge.example/acme/b/pull/2\n") {
		t.Errorf("%q", text)
	}
	if LastLine(text) != d.Marker() || strings.Count(text, "<!--") != 1 {
		t.Errorf("the marker is not the last line: %q", text)
	}
	if d.Heading() != "Pull requests for Pay @"+zeroWidth+"all <!-- x -->, 26 November 2026" {
		t.Errorf("%q", d.Heading())
	}
	later := d
	later.Day = d.Day.Add(14*time.Hour + 59*time.Minute)
	if later.Marker() != d.Marker() || !later.Tells(strings.ReplaceAll(text, "\n", "\r\n")) {
		t.Error("it is not found again on the same day")
	}
	later.Day = d.Day.Add(15 * time.Hour)
	if later.Marker() == d.Marker() {
		t.Error("the next day has the same digest")
	}
	later.Pulls = append(later.Pulls, "https://forge.example/acme/c/pull/3")
	if later.Tells(text) {
		t.Error("it tells of what came later")
	}
	for n := range mostTold + 7 {
		later.Pulls = append(later.Pulls, fmt.Sprint("https://forge.example/acme/many/pull/", n))
	}
	if text = later.Text(); !strings.Contains(text, "\nand 10 more.\n") || !later.Tells(text) || len(text) > 60_000 {
		t.Errorf("%q", text)
	}
	later.Pulls = append(later.Pulls, "https://forge.example/acme/many/pull/more")
	if later.Tells(text) {
		t.Error("it tells of one more")
	}
}
