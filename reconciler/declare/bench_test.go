package declare_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/portreeve/portreeve/reconciler/declare"
)

// fleetOf is a config repo of n declarations, ten in a file: nine of ten
// ownership, one a migration.
func fleetOf(n int) fstest.MapFS {
	fsys := fstest.MapFS{"fleet.cue": {Data: []byte("package fleet\nfleet: org: \"acme\"\nteams: {payments: github: \"acme/payments\", platform: github: \"acme/platform\"}\n")}}
	for file := range (n + 9) / 10 {
		var b strings.Builder
		b.WriteString("package fleet\n\nownership: {\n")
		for i := range min(9, n-file*10) {
			fmt.Fprintf(&b, "\t\"repo-%d-%d\": {\n\t\trepo: \"acme/repo-%d-%d\"\n\t\towner: \"payments\"\n", file, i, file, i)
			b.WriteString("\t\tpaths: {\n\t\t\t\"/deploy/\": {owner: \"platform\", coOwners: [\"payments\"]}\n\t\t\t\"/docs/\": unowned: true\n\t\t}\n\t\tmerge: \"checks-pass\"\n\t}\n")
		}
		b.WriteString("}\n")
		fmt.Fprintf(&b, "migrations: \"change-%d\": {\n\ttitle: \"Change %d\"\n\twhy: \"Because.\"\n\towner: \"platform\"\n", file, file)
		b.WriteString("\tselect: all: [{file: \"go.mod\"}, {not: topic: \"frozen\"}]\n\tsteps: [{do: \"replace\", paths: [\"**/*.go\"], pattern: \"a\", with: \"b\"}, {do: \"delete\", paths: [\"x\"]}]\n}\n")
		fsys[fmt.Sprintf("teams/f%d.cue", file)] = &fstest.MapFile{Data: []byte(b.String())}
	}
	return fsys
}

func BenchmarkLoad(b *testing.B) {
	for _, n := range []int{1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			fsys := fleetOf(n)
			b.ReportAllocs()
			for b.Loop() {
				config := declare.Load(fsys, kinds())
				if len(config.Problems) > 0 || len(config.Declarations) < n {
					b.Fatal(len(config.Declarations), config.Problems[:min(3, len(config.Problems))])
				}
			}
		})
	}
}
