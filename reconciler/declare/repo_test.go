package declare_test

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path"
	"strings"

	"github.com/portreeve/portreeve/schema"
)

// parts are what config repos are put together of: files by name, each right
// by itself and with all others. What makes declarations names them after its
// part, so that no two parts meet.
var parts = []map[string]string{
	{"plain.cue": `ownership: plain: {repo: "acme/plain", owner: "payments", paths: {"/a/": owner: "platform", "/b/": unowned: true}}`},
	{"typed.cue": `import "github.com/portreeve/portreeve/schema"
ownership: typed: schema.#Ownership & {repo: "acme/typed", owner: "payments"}
migrations: typed: schema.#Migration & {title: "t", why: "w", owner: "platform", steps: [{do: "delete", paths: ["x"]}]}`},
	{"grouped.cue": `import (
	"github.com/portreeve/portreeve/schema"
)
ownership: grouped: schema.#Ownership & {repo: "acme/grouped", owner: "payments"}`},
	{"in/a/folder.cue": `migrations: folder: {title: "t", why: "w", owner: "payments", select: all: [{file: "go.mod"}], steps: [{do: "gomod", go: "1.26.0"}]}`},
	{"template.cue": `_template: {owner: "payments", merge: "manual"}`, "templated.cue": `ownership: templated: _template & {repo: "acme/templated"}`},
	{"template.cue": `#Service: {name: string, repo: "acme/\(name)", owner: *"payments" | string}
ownership: defined: {for k, v in (#Service & {name: "defined"}) if k != "name" {(k): v}}`},
	{"loop.cue": `for n in ["loop-a", "loop-b"] {ownership: (n): {repo: "acme/\(n)", owner: "payments"}}`},
	{"teams-loop.cue": `for n, t in teams if t.github != _|_ {ownership: "of-\(n)": {repo: "acme/of-\(n)", owner: n}}`},
	{"let.cue": `let who = "payments"
ownership: let: {repo: "acme/let", owner: who, let w = "because", why: w}`},
	{"interpolated.cue": `_n: "inter"
ownership: interpolated: {repo: "\(fleet.org)/\(_n)polated", owner: "payments", why: "\(1+2) reasons"}`},
	{"imports.cue": `import (
	"strings"
	"list"
	"strconv"
	"regexp"
)
ownership: imports: {repo: strings.ToLower("ACME/Imports"), owner: strings.Join(["pay", "ments"], ""), why: strconv.FormatInt(len(list.Concat([[1], [2]])), 10)}
ownership: imports: coOwners: [if regexp.Match("a+", "aaa") {"platform"}]`},
	{"more-imports.cue": `import (
	"encoding/json"
	"encoding/base64"
	"crypto/sha256"
	"encoding/hex"
	"math"
	"time"
	"path"
	"struct"
	"text/template"
	"net"
)
_j: json.Unmarshal("{\"owner\": \"payments\"}")
_d: time.Duration & "1h"
_m: struct.MaxFields(3) & {a: math.Floor(2.5), b: path.Base("a/b")}
_ip: net.IPv4 & "10.0.0.1"
ownership: imported: {repo: "acme/imported", owner: _j.owner, why: hex.Encode(sha256.Sum256("x")) + base64.Encode(null, "x") + template.Execute("{{.}}", "x")}`},
	{"choice.cue": `ownership: choice: {repo: "acme/choice", owner: "payments", merge: *"manual" | "checks-pass", why: "a" | *"b"}`},
	{"condition.cue": `_prod: true
ownership: condition: {repo: "acme/condition", owner: "payments", if _prod {why: "prod"}, if !_prod {why: 5}}`},
	{"bounds.cue": `_n: >1 & <10 & 5
_s: =~"^a" & "abc"
_t: !="" & "x"
_l: [...int] & [1, 2]
_o: {a?: int, b!: int} & {b: 1}`},
	{"list.cue": `_paths: ["a", "b"]
migrations: listed: {title: "t", why: "w", owner: "payments", steps: [for p in _paths {do: "delete", paths: [p]}]}`},
	{"nested.cue": `migrations: {for x in ["nested-1"] for y in ["a1", "b1"] {"\(x)-\(y)": {title: "t", why: "w", owner: "payments", steps: [{do: "delete", paths: ["x"]}]}}}`},
	{"refer.cue": `ownership: refer: {repo: "acme/refer", owner: _first.owner}
_first: ownership.referred`, "referred.cue": `ownership: referred: {repo: "acme/referred", owner: "payments"}`},
	{"sub/up.cue": `ownership: up: {repo: "\(fleet.org)/up", owner: teams.payments.name | *"payments"}`},
	{"pattern.cue": `ownership: [string]: merge: *"manual" | string`},
	{"pattern.cue": `ownership: [=~"^pattern"]: why: "by its name"
ownership: "pattern-1": {repo: "acme/pattern", owner: "payments"}`},
	{"alias.cue": `ownership: alias: X={repo: "acme/alias", owner: "payments", why: X.repo}`},
	{"label.cue": `_k: "dynamic"
ownership: "\(_k)-1": {repo: "acme/dynamic", owner: "payments"}
ownership: (_k): {repo: "acme/dynamic2", owner: "payments"}`},
	{"attribute.cue": `ownership: attribute: {repo: "acme/attribute", owner: "payments"} @note(why="none")`},
	{"text.cue": `ownership: text: {repo: "acme/text", owner: "payments", why: """
	several
	  lines "quoted"
	""" + #"\raw"#}`},
	{"numbers.cue": `_a: 1_000 + 0x10 + 1K + 0b11
_b: 1.5e3 * 2
_c: div(7, 2) + mod(7, 2)
_d: "\(_a)"`},
	{"parts.cue": `ownership: parts: repo: "acme/parts"
ownership: parts: owner: "payments"
ownership: parts: owner: "payments"`},
	{"closed.cue": `#Closed: {owner: string, repo: string}
ownership: closed: #Closed & {repo: "acme/closed", owner: "payments"}`},
	{"open.cue": `#Open: {owner: string, ...}
ownership: opened: #Open & {repo: "acme/opened", owner: "payments"}`},
	{"guard.cue": `_maybe: {a?: int}
ownership: guarded: {repo: "acme/guarded", owner: "payments", if _maybe.a != _|_ {why: "never"}}`},
	{"or.cue": `ownership: either: {repo: "acme/either", owner: or(["payments", "platform"]) & "payments"}`},
	{"unused.cue": `#Unused: {a: int, b: a + 1}
_unused: {c: *1 | int}`},
	{"hidden.cue": `ownership: hidden: {_repo: "acme/hidden", repo: _repo, owner: "payments", #why: "x", why: #why}`},
	{"comment.cue": `// A comment.
ownership: comment: { // one more
	repo:  "acme/comment" // and here
	owner: "payments"
}`},
	{"number-of.cue": `ownership: counted: {repo: "acme/counted", owner: "payments", why: "\(len(teams)) teams"}`},
	{"step-of.cue": `_step: {do: "yaml", path: "a.yml", set: [{at: "x", value: {b: 1, a: [1, 2.5, null]}}]}
migrations: stepped: {title: "t", why: "w", owner: "payments", steps: [_step, _step & {remove: ["y"]}]}`},
	{"validators.cue": `import "list"
_u: list.UniqueItems() & [1, 2]
_v: list.MaxItems(3) & ["a"]
_w: matchN(1, [int, string]) & 5
_x: matchIf(int, >3, string) & 4`},
}

// wrong are parts that are not right, for CUE or for Portreeve alone.
var wrong = []map[string]string{
	{"wrong.cue": `ownership: wrong: {repo: "acme/wrong", ownr: "payments"}`},
	{"wrong.cue": `ownership: wrong: {repo: "wrong", owner: "payments"}`},
	{"wrong.cue": `ownership: wrong: {repo: "acme/wrong"}`},
	{"wrong.cue": `ownership: wrong: {repo: "acme/wrong", owner: string}`},
	{"wrong.cue": `ownership: wrong: {repo: "acme/wrong", owner: "payments", merge: "never"}`},
	{"wrong.cue": `ownership: wrong: {repo: "acme/wrong", owner: 5}`},
	{"wrong.cue": `_a: 1 & 2`},
	{"wrong.cue": `#A: {a: 1 & 2}`},
	{"wrong.cue": `_a: b`},
	{"wrong.cue": `let x = 1
_a: y`},
	{"wrong.cue": `import "strings"
_a: 1`},
	{"wrong.cue": `import "strings"
import "github.com/portreeve/portreeve/schema"
ownership: wrong: schema.#Ownership & {repo: "acme/wrong", owner: "payments"}`},
	{"wrong.cue": `import (
	"github.com/portreeve/portreeve/schema"
)
ownership: wrong: schema.#Ownership & {repo: "acme/wrong", ownr: "payments"}`},
	{"wrong.cue": `_a: [1, 2][5]`},
	{"wrong.cue": `_a: 1/0`},
	{"wrong.cue": `_a: int
_b: _a + "x"`},
	{"wrong.cue": `for x in _nothing {ownership: (x): {}}
_nothing: 5`},
	{"wrong.cue": `if 5 {ownership: x: {}}`},
	{"wrong.cue": `ownership: wrong: ownership.other`},
	{"wrong.cue": `ownership: wrong: {repo: "acme/wrong", owner: ownership.wrong.why, why: ownership.wrong.owner}`},
	{"wrong.cue": `ownership: wrong: {repo: "acme/wrong", owner: "payments"`},
	{"wrong.cue": `ownership: wrong: {repo: "acme/wrong" owner: "payments"}`},
	{"wrong.cue": `_a: {b: _a}`},
	{"wrong.cue": `_a: close({a: 1}) & {b: 2}`},
	{"wrong.cue": `_a: "a" | "b"
ownership: wrong: {repo: "acme/wrong", owner: _a}`},
	{"a.cue": `_shared: 1`, "b.cue": `_shared: 2`},
	{"a.cue": `_shared: {a: 1}`, "b.cue": `_shared: {a: string}`},
	{"wrong.cue": `import "strings"
_a: strings.Nope("x")`},
	{"wrong.cue": `import "no/such"
_a: such.x`},
	{"wrong.cue": `teams: 5`},
	{"wrong.cue": `teams: wrong: []`},
	{"wrong.cue": `migrations: wrong: {title: "t", why: "w", owner: "payments", steps: []}`},
	{"wrong.cue": `migrations: wrong: {title: "t", why: "w", owner: "payments", steps: [{do: "dance"}]}`},
	{"wrong.cue": `migrations: wrong: {title: "t", why: "w", owner: "payments", steps: [{do: "delete", paths: ["x"], path: "y"}]}`},
	{"wrong.cue": `fleet: mode: "propose"`},
	{"wrong.cue": `fleet: mode: "observe"`},
	{"pattern.cue": `ownership: [string]: merge: "manual"`, "wrong.cue": `ownership: wrong: {repo: "acme/wrong", owner: "payments", merge: "checks-pass"}`},
	{"pattern.cue": `ownership: [string]: merge: "manual"`, "sub/wrong.cue": `ownership: wrong: {repo: "acme/wrong", owner: "payments", merge: "checks-pass"}`},
	{"wrong.cue": `ownership: wrong: {repo: "acme/wrong", owner: "nobody"}`},
	{"wrong.cue": `ownership: wrong: {repo: "acme/plain", owner: "payments"}`, "plain.cue": `ownership: plain: {repo: "acme/plain", owner: "payments"}`},
	{"a/wrong.cue": `ownership: twice: {repo: "acme/a", owner: "payments"}`, "b/wrong.cue": `ownership: twice: {repo: "acme/b", owner: "payments"}`},
	{"wrong.cue": `other: 5`},
	{"wrong.cue": `other: 5 & 6`},
	{"wrong.cue": `ownership: "w": {repo: "acme/wrong", owner: "payments"}`},
	{"wrong.cue": `import "tool/exec"
_a: exec.Run`},
	{"wrong.cue": "@ignore()\npackage fleet\nownership: wrong: {}"},
	{"wrong.cue": "@if(prod)\npackage fleet\nownership: wrong: {}"},
	{"wrong.cue": "@extern(embed)\npackage fleet\n_a: _ @embed(file=\"x.json\")"},
	{"wrong.cue": "// no clause\nownership: wrong: {}"},
	{"wrong.cue": "package other\nownership: wrong: {}"},
}

// base is what every config repo has, laid out as for CUE's own tools.
func base() map[string]string {
	files := map[string]string{
		"cue.mod/module.cue": "module: \"acme.example/config@v0\"\nlanguage: version: \"v0.17.0\"\n",
		"fleet.cue": `package fleet

import "github.com/portreeve/portreeve/schema"

fleet: schema.#Fleet & {org: "acme", mode: "observe"}
teams: {payments: github: "acme/payments", platform: github: "acme/platform"}
teams: [string]: schema.#Team
ownership: [string]: schema.#Ownership
migrations: [string]: schema.#Migration
`,
	}
	names, _ := fs.Glob(schema.FS, "*.cue")
	for _, name := range names {
		data, _ := schema.FS.ReadFile(name)
		files[path.Join("cue.mod/pkg", schema.ImportPath, name)] = string(data)
	}
	return files
}

func add(files, part map[string]string) {
	for name, text := range part {
		if _, there := files[name]; there {
			name = strings.TrimSuffix(name, ".cue") + fmt.Sprint(len(files)) + ".cue"
		}
		if !strings.Contains(text, "package ") && !strings.HasPrefix(text, "//") || strings.Contains(text, "one more") {
			text = "package fleet\n\n" + text + "\n"
		}
		files[name] = text
	}
}

// configRepo is the config repo of that number: first each part by itself,
// then several of them together, half of those with one place changed.
func configRepo(n int) map[string]string {
	files := base()
	single := append(append([]map[string]string{}, parts...), wrong...)
	if n < len(single) {
		add(files, single[n])
		return files
	}
	random := rand.New(rand.NewPCG(5, uint64(n)))
	for range 2 + random.IntN(4) {
		add(files, parts[random.IntN(len(parts))])
	}
	if n%2 == 0 {
		names := sortedNames(files)
		name := names[random.IntN(len(names))]
		files[name] = mutate(random, files[name])
	}
	return files
}
