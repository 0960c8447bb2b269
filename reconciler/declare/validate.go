package declare

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
)

// Validate is Loader.Validate with nothing kept.
func Validate(dir string, kinds kind.Set, now time.Time) ([]fleet.Problem, error) {
	return NewLoader(kinds).Validate(dir, now)
}

// Validate gives the problems of a folder as it lies on disk, at a time, with
// files named from where the caller stands. No symlink leads out of the folder. An error
// means that the folder could not be read at all.
func (l *Loader) Validate(dir string, now time.Time) ([]fleet.Problem, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	name, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	return l.ValidateTree(newOnDisk(root), dir, name, now), nil
}

// Print writes problems, one a line as "text" (file:line:column: message;
// hint) or "github" (annotations of a workflow), or as "json", an object with
// an array "problems".
func Print(w io.Writer, problems []fleet.Problem, format string) error {
	var b strings.Builder
	switch format {
	case "text", "":
		for _, p := range problems {
			b.WriteString(oneLine(p.String()) + "\n")
		}
	case "github":
		for _, p := range problems {
			b.WriteString(annotation(p))
		}
	case "json":
		if problems == nil {
			problems = []fleet.Problem{}
		}
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		if err := enc.Encode(map[string]any{"problems": problems}); err != nil {
			return err
		}
	default:
		return fmt.Errorf("unknown format %q: text, json or github", format)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// oneLine keeps what comes from a repo from moving a terminal's cursor.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return '\uFFFD'
		}
		return r
	}, s)
}

// annotation is a workflow command of GitHub Actions.
func annotation(p fleet.Problem) string {
	data := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	command := "error"
	if p.Severity == fleet.Warning {
		command = "warning"
	}
	where := []string{}
	if p.Pos.File != "" {
		where = append(where, "file="+property.Replace(p.Pos.File))
	}
	if p.Pos.Line > 0 {
		where = append(where, fmt.Sprintf("line=%d,col=%d", p.Pos.Line, p.Pos.Column))
	}
	where = append(where, "title="+property.Replace(p.Code))
	message := p.Message
	if p.Severity == fleet.Acknowledge {
		message = "needs acknowledgement: " + message
	}
	if p.Hint != "" {
		message += "; " + p.Hint
	}
	return fmt.Sprintf("::%s %s::%s\n", command, strings.Join(where, ","), data.Replace(message))
}
