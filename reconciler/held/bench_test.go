package held_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/portreeve/portreeve/reconciler/source"
)

// BenchmarkRead reads a revision of 2,000 declarations and 300 commits, of
// which 5 declarations are invalid since 100: cold, and again at the next
// commit, which changes another file.
func BenchmarkRead(b *testing.B) {
	const declarations, commits, valid = 2_000, 300, 200
	text := func(file, n int, broken bool) []byte {
		var s strings.Builder
		s.WriteString("package fleet\n\n")
		for i := range 10 {
			owner := "payments"
			if broken && i == 0 {
				owner = "paymants"
			}
			fmt.Fprintf(&s, "ownership: \"r%d-%d\": {repo: \"acme/r%d-%d\", owner: %q, paths: \"/v%d/\": owner: \"platform\"}\n", file, i, file, i, owner, n)
		}
		return []byte(s.String())
	}
	var files []txtar.File
	add := func(n, file int, broken bool) {
		files = append(files, txtar.File{Name: fmt.Sprintf("%d/f%d.cue", n, file), Data: text(file, n, broken)})
	}
	for file := range declarations / 10 {
		add(1, file, false)
	}
	for n := 2; n <= commits; n++ {
		add(n, 10+n%100, false)
	}
	for file := range 5 {
		add(valid+1, file, true)
	}
	r := newHistory(b, files)
	s := source.Dir(r.dir)
	before, now := r.tree(b, s, commits-1), r.tree(b, s, commits)
	for _, warm := range []bool{false, true} {
		b.Run(map[bool]string{false: "cold", true: "warm"}[warm], func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				h := reader(source.Dir(r.dir))
				_, err := h.Source.Current(b.Context())
				if err == nil && warm {
					_, err = h.Read(b.Context(), before)
				}
				b.StartTimer()
				if err != nil {
					b.Fatal(err)
				}
				config, err := h.Read(b.Context(), now)
				if err != nil || len(config.Stale) != 5 || !config.Stale[0].Held {
					b.Fatal(err, config.Stale)
				}
			}
		})
	}
}
