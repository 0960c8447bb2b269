package main

import (
	"bytes"
	"testing"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"

	"github.com/portreeve/portreeve/schema"
)

// TestSchemaPrints holds that what is printed is one file of CUE with every
// definition in it.
func TestSchemaPrints(t *testing.T) {
	var b bytes.Buffer
	must(t, printSchema(&b, "text"))
	v := cuecontext.New().CompileBytes(b.Bytes())
	must(t, v.Err())
	for _, d := range schema.Reference() {
		if !v.LookupPath(cue.MakePath(cue.Def(d.Name))).Exists() {
			t.Errorf("%s is missing", d.Name)
		}
	}
}
