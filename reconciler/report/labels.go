package report

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"
)

// maxLabels is how many labels a pull request can have on the forge.
const maxLabels = 100

// labelMarker keeps in a body which labels the declaration named, by their
// hashes: a label's own text could end the marker.
func labelMarker(labels []string) string {
	if len(labels) == 0 {
		return ""
	}
	var ids []string
	for _, l := range labels[:min(len(labels), maxLabels)] {
		ids = append(ids, labelID(l))
	}
	return markerPrefix + "labels=" + strings.Join(ids, ",") + " -->\n"
}

func labelID(label string) string {
	sum := sha256.Sum256([]byte(label))
	return hex.EncodeToString(sum[:4])
}

var labelLine = regexp.MustCompile(`^<!-- portreeve labels=([0-9a-f,]+) -->$`)

// NewLabels are those labels that a declaration did not name yet when a body
// was written: a label is put on once, and one that a person took off since
// stays off. Of a body that does not tell, all are new.
func NewLabels(body string, labels []string) []string {
	for _, line := range endMarkers(body) {
		if m := labelLine.FindStringSubmatch(line); m != nil {
			named := strings.Split(m[1], ",")
			return slices.DeleteFunc(slices.Clone(labels), func(l string) bool { return slices.Contains(named, labelID(l)) })
		}
	}
	return labels
}

// Unlabelled is a body that does not tell its labels yet: a pull request is
// opened with it, and told of its labels once they are on.
func Unlabelled(body string) string {
	for _, line := range endMarkers(body) {
		if labelLine.MatchString(line) {
			i := strings.LastIndex(body, line)
			return body[:i] + strings.TrimPrefix(strings.TrimPrefix(body[i+len(line):], "\r"), "\n")
		}
	}
	return body
}

// Labelled reports whether a body of ours tells of its labels, if it has any: one
// that does not is of a pull request whose opening was not ended. What an older
// version wrote is left as it is.
func Labelled(body string, labels []string) bool {
	return TextHash(body) == "" || len(NewLabels(body, labels)) == 0
}

// endMarkers are the markers at the end of a body, with nothing between them,
// so that what a declaration's text quotes is not heard.
func endMarkers(body string) []string {
	lines := strings.Split(strings.TrimSpace(strings.ReplaceAll(body, "\r\n", "\n")), "\n")
	n := len(lines)
	for n > 0 && strings.HasPrefix(lines[n-1], markerPrefix) {
		n--
	}
	return lines[n:]
}
