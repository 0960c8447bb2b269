package declare_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"cuelang.org/go/cue/parser"

	"github.com/portreeve/portreeve/reconciler/declare"
	"github.com/portreeve/portreeve/schema"
)

func TestLiteral(t *testing.T) {
	text := schema.Type{Kind: "string"}
	cases := []struct {
		t          schema.Type
		text, want string
	}{
		{text, `acme/ledger`, `"acme/ledger"`},
		{text, `"acme/ledger"`, `"acme/ledger"`},
		{text, `"open`, `"\"open"`},
		{text, `true`, `"true"`},
		{text, `a\(b)`, `"a\\(b)"`},
		{text, ``, `""`},
		{schema.Type{Ref: "#TeamName"}, `payments`, `"payments"`},
		{schema.Type{Ref: "#Share"}, `5%`, `"5%"`},
		{schema.Type{Ref: "#Share"}, `20`, `20`},
		{schema.Type{Kind: "int"}, `20`, `20`},
		{schema.Type{Kind: "bool"}, `true`, `true`},
		{schema.Type{Kind: "bool"}, `yes`, ``},
		{schema.Type{Kind: "list", Elem: &text}, `a, b`, `["a", "b"]`},
		{schema.Type{Kind: "list", Elem: &text}, `["a, b"]`, `["a, b"]`},
		{schema.Type{Ref: "#Condition"}, `topic: "go"`, `{topic: "go"}`},
		{schema.Type{Ref: "#Condition"}, `{topic: "go"}`, `{topic: "go"}`},
		{schema.Type{Kind: "list", Elem: &schema.Type{Ref: "#Step"}}, `[{do: "delete"}]`, `[{do: "delete"}]`},
		{schema.Type{Kind: "int"}, `}`, ``},
		{schema.Type{Ref: "#Condition"}, `topic: "go"}, {`, ``},
	}
	for _, c := range cases {
		got, err := declare.Literal(c.t, c.text)
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%+v, %s: got %s, %v", c.t, c.text, got, err)
		}
	}
}

func TestDraft(t *testing.T) {
	var ownership schema.Kind
	for _, k := range schema.Kinds() {
		if k.Name == "ownership" {
			ownership = k
		}
	}
	d := declare.Draft{Kind: ownership, Name: "risk-model", Values: map[string]string{"repo": `"acme/risk-model"`, "owner": `"a"`}}
	const body = `{
	// repo is the repo, by its full name.
	repo: "acme/risk-model"

	// owner is the team that owns all of the repo that paths says nothing else of.
	owner: "a"

	// It may also have only, unowned, default, coOwners, paths, namespaces, file,
	// block, keep, catalog, merge, why, askAgain, onDrift, acknowledge: see
	// "portreeve docs".
}
`
	got, problems := d.File(true)
	want := "package fleet\n\nimport \"github.com/portreeve/portreeve/schema\"\n\nownership: \"risk-model\": schema.#Ownership & " + body
	if string(got) != want || len(problems) > 0 {
		t.Errorf("%v\n%s\nwant\n%s", problems, got, want)
	}
	for what, before := range map[string]string{
		"plain":          "package fleet\n\nteams:   a: github: \"acme/a\"\n",
		"no line feed":   "package fleet\n\nteams:   a: github: \"acme/a\"",
		"schema by name": "package fleet\nimport s \"github.com/portreeve/portreeve/schema\"\nteams:   a: s.#Team & {github: \"acme/a\"}\n\n\n",
	} {
		got, problems := d.Append("a.cue", []byte(before))
		prefix := ""
		if strings.Contains(before, "import s") {
			prefix = "s.#Ownership & "
		}
		want := strings.TrimRight(before, "\n") + "\n\nownership: \"risk-model\": " + prefix + body
		if string(got) != want || len(problems) > 0 {
			t.Errorf("%s: %v\n%s\nwant\n%s", what, problems, got, want)
		}
		c := declare.Load(fstest.MapFS{"a.cue": {Data: got}}, kinds())
		if len(c.Declarations) != 1 || len(c.Declarations[0].Frozen) > 0 {
			t.Errorf("%s: %v", what, c.Problems)
		}
	}
	if _, problems := d.Append("a.cue", []byte("package fleet\nteams: {\n")); len(problems) == 0 {
		t.Error("appended to what can't be parsed")
	}
}

// FuzzLiteral holds that whatever a person writes for a field is one value,
// and never more of the file.
func FuzzLiteral(f *testing.F) {
	for _, text := range []string{`a`, `"a"`, `}, b: {`, `[1, 2]`, `// x`, "a\nb: 1", `topic: "go"`, `"""` + "\n" + `a` + "\n" + `"""`, `1 // x`, `\(x)`} {
		f.Add(text)
	}
	types := []schema.Type{{Kind: "string"}, {Kind: "int"}, {Ref: "#Share"}, {Ref: "#Condition"}, {Kind: "list", Elem: &schema.Type{Kind: "string"}}}
	f.Fuzz(func(t *testing.T, text string) {
		for _, of := range types {
			value, err := declare.Literal(of, text)
			if err != nil {
				continue
			}
			tree, err := parser.ParseFile("x.cue", "{\na: "+value+"\n}\nlast: 1\n")
			if err != nil || len(tree.Decls) != 2 {
				t.Errorf("%+v: %q gives %q: %v", of, text, value, err)
			}
		}
	})
}
