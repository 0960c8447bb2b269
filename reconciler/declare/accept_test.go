package declare

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// right are declarations that use nearly every field of the schema.
const right = `package fleet

fleet: {org: "acme", include: ["svc-*"], exclude: ["x-*"], mode: "merge", limits: {openPerTeam: 5, newPerDay: 1000, removals: "5%"}}
teams: {
	payments: {name: "payments", title: "Pay \"ments\" é", github: "acme/payments", contact: "#payments", timezone: "Europe/London"}
	"plat.form": {members: ["maria-s", "kim"]}
}
ownership: ledger: {
	repo: "acme/ledger", owner: "payments", coOwners: ["platform"], file: "docs/CODEOWNERS", merge: "manual", why: """
		Because <it> is & so.
		"""
	paths: {"/deploy/": {owner: "platform", coOwners: ["payments"]}, "/docs/": unowned: true}
}
migrations: "go-1-26": {
	title: "Build with Go 1.26"
	why: "No fixes.", owner: "platform", body: "Hello", labels: ["a"], merge: "no-checks", state: "paused"
	select: all: [{file: "go.mod"}, {not: {topic: "frozen"}}, {any: [{name: "svc-*"}, {language: "Go"}]}, {contains: {file: "a", pattern: "b\\.[0-9]"}}]
	steps: [
		{do: "replace", paths: ["**/*.go"], pattern: "a", with: ""},
		{do: "file", path: ".editorconfig", content: "root = true\n", executable: false, ifMissing: true},
		{do: "delete", paths: ["x", "y"]},
		{do: "rename", from: "LICENCE", to: "LICENSE"},
		{do: "yaml", path: "a.yml", document: {kind: "Deployment", n: 3, b: true}, set: [{at: "x", value: {z: 1, a: [true, null, "x", -7], m: {}}}], remove: ["sudo"]},
		{do: "yaml", paths: ["*.yml"], set: [{at: "x", value: []}]},
		{do: "json", path: "package.json", set: [{at: "engines.node", value: ">=22"}], remove: ["scripts.x"]},
		{do: "toml", paths: ["**/Cargo.toml"], set: [{at: "a[b=c].d", value: true}]},
		{do: "gomod", paths: ["go.mod"], go: "1.26.0", toolchain: "go1.26.8", require: {"golang.org/x/net": "v0.61.0"}, requireMissing: true,
			replace: [{old: "a.b/c", oldVersion: "v1.0.0", new: "../c", newVersion: "v1.0.1"}], dropReplace: [{old: "a.b/d"}], downgrade: false},
		{do: "codeowners", path: "CODEOWNERS", block: "platform", lines: [{pattern: "/deploy/", owners: ["@acme/platform"]}, {pattern: "/x"}], at: "start"},
	]
}
`

// TestAcceptsMost holds that what is right is nearly always accepted without
// CUE: that it is fast depends on it.
func TestAcceptsMost(t *testing.T) {
	f := parse(source{path: "x.cue", data: []byte(right)}, groups)
	values, ok := f.accepted()
	if !f.plain || !ok || len(values) != 5 {
		t.Errorf("plain %v, accepted %v: %d values, %v", f.plain, ok, len(values), f.problems)
	}
}

var groups = []string{"clusters", "loans", "migrations", "ownership", "prometheus", "teams"}

// TestAccepts holds that CUE accepts, and reads in the same way, whatever is
// accepted without it, by changing what is right in one or two places.
func TestAccepts(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	accepted, refused := 0, 0
	e := &evaluator{}
	for i := range 400 {
		if i%200 == 0 {
			e = &evaluator{}
		}
		text := mutate(random, right)
		if i%5 == 0 {
			text = mutate(random, text)
		}
		if agree(t, e, []byte(text)) {
			accepted++
		} else {
			refused++
		}
	}
	t.Logf("%d accepted, %d left to CUE", accepted, refused)
	if accepted < 20 || refused < 100 {
		t.Errorf("%d accepted, %d left to CUE", accepted, refused)
	}
}

var (
	tokens = regexp.MustCompile(`"[^"\n]*"|\b[a-z][A-Za-z]*:|-?\b[0-9_]+\b|true|false|null|[{}\[\],]`)
	others = []string{
		`""`, `"x"`, `"acme/x"`, `"5%"`, `"101%"`, `-1`, `0`, `007`, `1_0`, `0x10`, `1000001`, `1.5`, `1K`, `true`, `null`, `[]`, `["x"]`, `[1, ...]`,
		`{}`, `{a: 1}`, `{a: 1, a: 1}`, `{"": 1}`, `{_a: 1}`, `'x'`, `"\u0041\(1)"`, `"\u00e9"`, `#"x"#`, `string`, `int`, `*1 | int`, `"x" & "x"`, `("x")`,
		`owner:`, `ownr:`, `owner?:`, `"owner":`, `do:`, `path:`, `paths:`, `value:`, `_x:`, `#x:`, `"é":`, ``, `,`,
	}
)

// mutate puts another token in the place of one.
func mutate(random *rand.Rand, text string) string {
	all := tokens.FindAllStringIndex(text, -1)
	at := all[random.IntN(len(all))]
	other := others[random.IntN(len(others))]
	for tries := 0; tries < 8 && random.IntN(4) > 0; tries++ { // one that stands elsewhere
		from := all[random.IntN(len(all))]
		if other = text[from[0]:from[1]]; other[0] == text[at[0]] {
			break
		}
	}
	return text[:at[0]] + other + text[at[1]:]
}

// agree fails if what is accepted without CUE is not what CUE makes of it. It
// reports whether it was accepted.
func agree(t *testing.T, e *evaluator, data []byte) bool {
	t.Helper()
	src := source{path: "x.cue", data: data}
	if !tame(src) {
		return false
	}
	f := parse(src, groups)
	if f.broken || !f.plain {
		return false
	}
	fast, ok := f.accepted()
	if !ok {
		return false
	}
	f = parse(src, groups)
	slow := e.started().evaluate([]*file{f}, f.entries, false)
	if len(f.problems) > 0 || len(fast) != len(slow) {
		t.Errorf("%d accepted values, CUE has %d, and says %v\n%s", len(fast), len(slow), f.problems, data)
		return true
	}
	for i := range fast {
		a, b := fast[i], slow[i]
		if a.spot != b.spot || len(b.problems) > 0 || !reflect.DeepEqual(a.fields, b.fields) || canon(a.json) != canon(b.json) {
			t.Errorf("accepted: %+v %s\nby CUE: %+v %s %v\n%s", a.spot, a.json, b.spot, b.json, b.problems, data)
		}
	}
	return true
}

// canon sorts fields, but not those below "value", whose order people chose.
func canon(data []byte) string {
	var b strings.Builder
	var walk func(raw json.RawMessage)
	walk = func(raw json.RawMessage) {
		fields := map[string]json.RawMessage{}
		var list []json.RawMessage
		switch {
		case json.Unmarshal(raw, &list) == nil && list != nil:
			b.WriteString("[")
			for _, item := range list {
				walk(item)
				b.WriteString(",")
			}
			b.WriteString("]")
		case json.Unmarshal(raw, &fields) == nil && len(fields) > 0:
			for _, name := range sortedKeys(fields) {
				fmt.Fprintf(&b, "%q:", name)
				if name == "value" {
					var compact bytes.Buffer
					_ = json.Compact(&compact, fields[name])
					b.Write(compact.Bytes())
				} else {
					walk(fields[name])
				}
				b.WriteString(";")
			}
		default:
			b.Write(raw)
		}
	}
	walk(data)
	return b.String()
}

// FuzzAccepts is TestAccepts for any file.
func FuzzAccepts(f *testing.F) {
	f.Add([]byte(right))
	cases, _ := filepath.Glob("testdata/*.txtar")
	for _, name := range cases {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			f.Add(file.Data)
		}
	}
	e, served := &evaluator{}, 0
	f.Fuzz(func(t *testing.T, data []byte) {
		if served++; served > fresh {
			e, served = &evaluator{}, 0
		}
		agree(t, e, data)
	})
}
