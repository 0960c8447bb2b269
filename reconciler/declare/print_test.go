package declare_test

import (
	"bytes"
	"testing"
	"testing/fstest"

	"github.com/portreeve/portreeve/reconciler/declare"
)

// TestPrint holds the outputs to what a hostile value may do in each: move a
// terminal's cursor, begin another annotation, end a line.
func TestPrint(t *testing.T) {
	problems := declare.Load(fstest.MapFS{"a,b:c.cue": {Data: []byte("package fleet\n\nfleet: org: \"acme\"\n" +
		"teams: \"x\\u001b[2J\\n::error::%\": github: \"acme/x\"\n")}}, kinds()).Problems
	for format, want := range map[string]string{
		"text": `a,b:c.cue:4:8: found name "x\x1b[2J\n::error::%", expected at most 64 letters, digits, ".", "_" and "-"` + "\n",
		"github": `::error file=a%2Cb%3Ac.cue,line=4,col=8,title=bad-name::` +
			`found name "x\x1b[2J\n::error::%25", expected at most 64 letters, digits, ".", "_" and "-"` + "\n",
		"json": `{
  "problems": [
    {
      "severity": "error",
      "code": "bad-name",
      "pos": {
        "file": "a,b:c.cue",
        "line": 4,
        "column": 8
      },
      "field": "teams.x\u001b[2J\n::error::%",
      "message": "found name \"x\\x1b[2J\\n::error::%\", expected at most 64 letters, digits, \".\", \"_\" and \"-\""
    }
  ]
}
`,
	} {
		var out bytes.Buffer
		if err := declare.Print(&out, problems, format); err != nil || out.String() != want {
			t.Errorf("%s: %v\n%s\nwant:\n%s", format, err, out.String(), want)
		}
	}
}
