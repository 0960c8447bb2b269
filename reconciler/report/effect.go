package report

import (
	"fmt"
	"strings"

	"github.com/portreeve/portreeve/reconciler/kind"
)

// EffectInShort is a change of owners in a few words.
func EffectInShort(e *kind.Effect) string {
	s := changed(e)
	if e.Unowned > 0 {
		s += fmt.Sprintf(", %s unowned", become(e.Unowned))
	}
	return s
}

// Effect words what a change of owners does, a line for each part; the first
// says it all in short.
func Effect(e *kind.Effect) []string {
	all := []string{fmt.Sprintf("%s; %s unowned", changed(e), become(e.Unowned))}
	for _, m := range e.Moves {
		samples := make([]string, len(m.Samples))
		for i, p := range m.Samples {
			samples[i] = Line(string(p), 80)
		}
		if len(samples) < m.Files {
			samples = append(samples, "…")
		}
		all = append(all, fmt.Sprintf("%s → %s: %s (%s)", owners(m.From), owners(m.To), files(m.Files), strings.Join(samples, ", ")))
	}
	var reviews []string
	for _, r := range e.Reviews {
		text := r.Owner
		if r.Gains > 0 {
			text += fmt.Sprintf(" +%d", r.Gains)
		}
		if r.Loses > 0 {
			text += fmt.Sprintf(" −%d", r.Loses)
		}
		reviews = append(reviews, text)
	}
	if reviews != nil {
		all = append(all, "files to review: "+strings.Join(reviews, ", "))
	}
	if len(e.Shadowed) > 0 {
		all = append(all, "lines to which later ones leave no file: "+strings.Join(e.Shadowed, " "))
	}
	return all
}

func changed(e *kind.Effect) string {
	if e.Changed == 1 {
		return "1 of " + files(e.Files) + " changes owner"
	}
	return fmt.Sprintf("%d of %s change owner", e.Changed, files(e.Files))
}

func owners(all []string) string {
	if len(all) == 0 {
		return "nobody"
	}
	return strings.Join(all, ", ")
}

func files(n int) string {
	if n == 1 {
		return "1 file"
	}
	return fmt.Sprintf("%d files", n)
}

func become(n int) string {
	if n == 1 {
		return "1 becomes"
	}
	return fmt.Sprintf("%d become", n)
}
