package declare_test

import (
	"strings"
	"testing"

	"github.com/portreeve/portreeve/reconciler/declare"
	"github.com/portreeve/portreeve/reconciler/fleet"
)

// at is where a name stands in a text.
func at(text, name string) fleet.Pos {
	i := strings.Index(text, name)
	before := text[:i]
	return fleet.Pos{File: "a.cue", Line: 1 + strings.Count(before, "\n"), Column: i - strings.LastIndex(before, "\n")}
}

func TestTakeOver(t *testing.T) {
	const long = `package fleet

// Ours.
ownership: {
	ledger: {
		repo:  "acme/ledger" // the books
		owner: "payments"
		// Who ships.
		paths: {
			"/deploy/": {
				owner: "platform" // for now
				coOwners: ["payments"]
			}
			"/docs/": owner: "docs"
		}
	}
	web: {repo: "acme/web", owner: "web", coOwners: ["sre"]}
}
`
	const chain = `package fleet

ownership: app: {
	repo:  "acme/app"
	owner: "app"
	paths: "/x/": owner: "sre"
}
`
	type lines = []fleet.OwnedLine
	owned := func(pattern string, owners ...fleet.TeamName) fleet.OwnedLine {
		return fleet.OwnedLine{Pattern: pattern, Owners: owners}
	}
	for name, test := range map[string]struct {
		text, of string
		lines    lines
		old, new string // what becomes of the text; nothing else changes
	}{
		"owner":       {long, "ledger", lines{owned("*", "sre")}, `owner: "payments"`, `owner: "sre"`},
		"co-owner":    {long, "ledger", lines{owned("*", "payments", "sre")}, "\t\t}\n\t}\n\tweb", "\t\t}\n\t\tcoOwners: [\"sre\"]\n\t}\n\tweb"},
		"path":        {long, "ledger", lines{owned("/deploy/", "sre", "payments")}, `owner: "platform" // for now`, `owner: "sre" // for now`},
		"path alone":  {long, "ledger", lines{owned("/deploy/", "platform")}, "\t\t\t\tcoOwners: [\"payments\"]\n", ""},
		"short path":  {long, "ledger", lines{owned("/docs/", "sre", "docs")}, `owner: "docs"`, `{owner: "sre", coOwners: ["docs"]}`},
		"nobody":      {long, "ledger", lines{owned("/docs/")}, `owner: "docs"`, `{unowned: true}`},
		"new path":    {long, "ledger", lines{owned("*.go", "sre")}, "owner: \"docs\"\n", "owner: \"docs\"\n\t\t\t\"*.go\": {owner: \"sre\"}\n"},
		"gone":        {long, "ledger", lines{{Pattern: "/docs/", Gone: true}}, "\t\t\t\"/docs/\": owner: \"docs\"\n", ""},
		"one line":    {long, "web:", lines{owned("*", "sre")}, `owner: "web", coOwners: ["sre"]}`, `owner: "sre"}`},
		"first paths": {long, "web:", lines{owned("/a/", "sre")}, `["sre"]}`, `["sre"], paths: "/a/": {owner: "sre"}}`},
		"chain":       {chain, "app:", lines{owned("/x/", "app")}, `owner: "sre"`, `{owner: "app"}`},
		"chain gone":  {chain, "app:", lines{{Pattern: "/x/", Gone: true}}, "\tpaths: \"/x/\": owner: \"sre\"\n", ""},
		"chain, more": {chain, "app:", lines{owned("/y/", "sre")}, "owner: \"sre\"\n", "owner: \"sre\"\n\tpaths: \"/y/\": {owner: \"sre\"}\n"},
	} {
		got, err := declare.TakeOver([]byte(test.text), at(test.text, test.of), test.lines)
		if want := strings.Replace(test.text, test.old, test.new, 1); err != nil || string(got) != want {
			t.Errorf("%s: %v, got\n%s", name, err, got)
		}
	}
	for name, test := range map[string]struct {
		text  string
		lines lines
	}{
		"no struct":      {"package fleet\n\nownership: ledger: _ledger\n", lines{owned("*", "sre")}},
		"nobody at all":  {long, lines{owned("*")}},
		"not written":    {long, lines{{Pattern: "/elsewhere/", Gone: true}}},
		"paths by name":  {"package fleet\n\nownership: ledger: {owner: \"a\", paths: _paths}\n", lines{owned("/a/", "sre")}},
		"another place":  {"package fleet\n\n\n\nownership: {}\n// ledger\n", lines{owned("*", "sre")}},
		"not to be read": {"package fleet\n\nownership: ledger: {", lines{owned("*", "sre")}},
	} {
		if got, err := declare.TakeOver([]byte(test.text), at(test.text, "ledger"), test.lines); err == nil {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func FuzzTakeOver(f *testing.F) {
	f.Add("package fleet\n\nownership: ledger: {repo: \"acme/ledger\", owner: \"a\", paths: {\"/x/\": owner: \"b\"}}\n", "/x/", "sre", false)
	f.Add("ledger: {\n\tpaths: \"/x/\": {\n\t\tunowned: true}, owner: \"a\" // why\n}\n", "*", "", true)
	f.Fuzz(func(t *testing.T, text, pattern, owner string, gone bool) {
		if !strings.Contains(text, "ledger") {
			return
		}
		line := fleet.OwnedLine{Pattern: pattern, Gone: gone}
		if owner != "" {
			line.Owners = []fleet.TeamName{fleet.TeamName(owner), "b"}
		}
		pos := at(text, "ledger")
		once, err := declare.TakeOver([]byte(text), pos, []fleet.OwnedLine{line})
		if err != nil || gone {
			return
		}
		twice, err := declare.TakeOver(once, pos, []fleet.OwnedLine{line})
		if err != nil || string(twice) != string(once) {
			t.Fatalf("twice is not once: %v\n%s\n%s", err, once, twice)
		}
	})
}
