package report

import (
	"fmt"
	"regexp"
	"strconv"
)

// Again is what a pull request asks once more for, after one that somebody
// else than us closed. The zero value asks for the first time.
type Again struct {
	Number int // of the one that was closed
	// Bots is how many in a row bots had closed by then.
	Bots int
}

func (a Again) text() string {
	switch {
	case a.Number == 0:
		return ""
	case a.Bots > 0:
		return fmt.Sprintf("**Again:** #%d asked for the same, and a bot closed it.\n", a.Number)
	}
	return fmt.Sprintf("**Again:** #%d asked for the same and was closed. The declaration asks once more.\n", a.Number)
}

func (a Again) marker() string {
	if a.Number == 0 {
		return ""
	}
	return fmt.Sprintf("%sagain=%d bots=%d -->\n", markerPrefix, a.Number, a.Bots)
}

var againLine = regexp.MustCompile(`^<!-- portreeve again=([0-9]{1,9}) bots=([0-9]{1,9}) -->$`)

// ParseAgain reads it back from a body.
func ParseAgain(body string) Again {
	for _, line := range endMarkers(body) {
		if m := againLine.FindStringSubmatch(line); m != nil {
			number, _ := strconv.Atoi(m[1]) // nine digits
			bots, _ := strconv.Atoi(m[2])
			return Again{number, bots}
		}
	}
	return Again{}
}
