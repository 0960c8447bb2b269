package report

import (
	"strings"
	"testing"
)

// TestAgain holds that a pull request that asks once more says so, is read
// back, and is no other text for it.
func TestAgain(t *testing.T) {
	for _, again := range []Again{{}, {Number: 7}, {Number: 123, Bots: 1}} {
		p := migration
		p.Again = again
		body := p.Text()
		if got := ParseAgain(strings.ReplaceAll(body, "\n", "\r\n")); got != again {
			t.Errorf("read %+v, want %+v", got, again)
		}
		if TextHash(body) != migration.Hash() {
			t.Errorf("%+v counts as another text", again)
		}
		if says := strings.HasPrefix(body, "**Again:** #"); says != (again.Number > 0) {
			t.Errorf("%+v:\n%s", again, body)
		}
	}
}

// FuzzParseAgain proves that nothing a declaration says is heard as ours.
func FuzzParseAgain(f *testing.F) {
	f.Add("<!-- portreeve again=9 bots=9 -->")
	f.Add("x\r\n\r\n<!-- portreeve again=9 bots=9 -->\n")
	f.Fuzz(func(t *testing.T, text string) {
		ParseAgain(text)
		p := Pull{Title: text, Why: text, Body: text, What: []string{text}, Because: text, Contact: text, Asks: text}
		if got := ParseAgain(p.Text()); got != (Again{}) {
			t.Errorf("heard %+v", got)
		}
		p.Again = Again{7, 1}
		if got := ParseAgain(p.Text()); got != p.Again {
			t.Errorf("heard %+v", got)
		}
	})
}
