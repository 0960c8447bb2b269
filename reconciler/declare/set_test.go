package declare_test

import (
	"strings"
	"testing"

	"github.com/portreeve/portreeve/reconciler/declare"
	"github.com/portreeve/portreeve/reconciler/fleet"
)

const settable = `package fleet

// Ours.
prometheus: {
	k8s: schema.#Prometheus & {
		owner: "platform" // for now
		settings: {
			version: "3.5.0"
			remoteWrite: mimir: {
				url:       "https://m.example" // the central one
				maxShards: 50
			}
			remoteWrite: backup: url: "https://b.example"
		}
		overrides: [{
			clusters: names: ["eu-1"]
			settings: shards: 2
		}]
	}
	small: {owner: "platform", settings: {version: "3.5.0"}}
	odd: {settings: _common, overrides: []}
}
_common: {}
prometheus: small: overrides: []
prometheus: small: settings: remoteWrite: mimir: maxShards: 7
prometheus: small: owner: "platform"
`

// TestSet: one field is set where it stands or added where it belongs, and nothing
// else changes.
func TestSet(t *testing.T) {
	for name, c := range map[string]struct {
		of, at, value string
		old, new      string // what becomes of the text; empty for an error
		err           string
	}{
		"a value":     {"k8s", "settings remoteWrite mimir maxShards", "8", "maxShards: 50", "maxShards: 8", ""},
		"a new field": {"k8s", "settings remoteWrite mimir minShards", "8", "maxShards: 50\n", "maxShards: 50\n\t\t\t\tminShards: 8\n", ""},
		"a new queue": {
			"k8s", "settings remoteWrite new-one minShards", "8",
			"remoteWrite: mimir: {\n\t\t\t\turl:       \"https://m.example\" // the central one\n\t\t\t\tmaxShards: 50\n\t\t\t}\n",
			"remoteWrite: {\n\t\t\t\tmimir: {\n\t\t\t\t\turl:       \"https://m.example\" // the central one\n\t\t\t\t\tmaxShards: 50\n\t\t\t\t}\n\t\t\t\t\"new-one\": minShards: 8\n\t\t\t}\n", "",
		},
		"without braces":         {"k8s", "settings remoteWrite backup maxShards", "8", "remoteWrite: backup: url: \"https://b.example\"\n", "remoteWrite: backup: {\n\t\t\t\turl:       \"https://b.example\"\n\t\t\t\tmaxShards: 8\n\t\t\t}\n", ""},
		"in an override":         {"k8s", "overrides [0] settings shards", "3", "shards: 2", "shards: 3", ""},
		"more of one":            {"k8s", "overrides [0] settings replicas", "3", "settings: shards: 2\n", "settings: {\n\t\t\t\tshards:   2\n\t\t\t\treplicas: 3\n\t\t\t}\n", ""},
		"one more":               {"k8s", "overrides [+]", `{clusters: names: ["us-1"], settings: shards: 4}`, "shards: 2\n\t\t}]", "shards: 2\n\t\t}, {clusters: names: [\"us-1\"], settings: shards: 4}]", ""},
		"the first":              {"odd", "overrides [+]", `{settings: shards: 4}`, "overrides: []", "overrides: [{settings: shards: 4}]", ""},
		"on one line":            {"small", "settings shards", "4", `{version: "3.5.0"}`, `{version: "3.5.0", shards: 4}`, ""},
		"in another part":        {"small", "settings remoteWrite mimir maxShards", "8", "maxShards: 7", "maxShards: 8", ""},
		"a list of another part": {"small", "overrides [+]", "{settings: shards: 4}", "small: overrides: []", "small: overrides: [{settings: shards: 4}]", ""},
		"in two parts":           {"small", "owner", `"payments"`, "", "", "owner stands twice there"},
		"a reference":            {"odd", "settings shards", "4", "", "", "it is not written out there"},
		"no such element":        {"k8s", "overrides [1] settings shards", "4", "", "", "it is not written out there"},
		"a value as field":       {"small", "owner shards", "4", "", "", "it is not written out there"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := declare.Set([]byte(settable), at(settable, c.of+": "), strings.Fields(c.at), c.value)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("error %v, expected %s", err, c.err)
				}
				return
			}
			if want := strings.Replace(settable, c.old, c.new, 1); err != nil || string(got) != want {
				t.Errorf("%v\n%s\nexpected\n%s", err, got, want)
			}
		})
	}
	if _, err := declare.Set([]byte(settable), at(settable, "version"), []string{"a"}, "1"); err == nil {
		t.Error("a text is set as a declaration")
	}
}

// TestAssign: one after the other, with numbers as they are written.
func TestAssign(t *testing.T) {
	got, err := declare.Assign([]byte(settable), at(settable, "k8s: "), []fleet.Assignment{
		{At: []string{"settings", "remoteWrite", "mimir", "maxShards"}, Value: []byte("1000000")},
		{At: []string{"overrides", "[+]"}, Value: []byte(`{"clusters":{"names":["us-1"]},"settings":{"shards":4,"wal":{"compression":true}}}`)},
	})
	want := strings.Replace(settable, "maxShards: 50", "maxShards: 1000000", 1)
	want = strings.Replace(want, "shards: 2\n\t\t}]", "shards: 2\n\t\t}, {\n\t\t\tclusters: names: [\"us-1\"]\n\t\t\tsettings: {\n\t\t\t\tshards: 4\n\t\t\t\twal: compression: true\n\t\t\t}\n\t\t}]", 1)
	if err != nil || string(got) != want {
		t.Errorf("%v\n%s\nexpected\n%s", err, got, want)
	}
	for _, bad := range []fleet.Assignment{{At: []string{"settings", "shards"}, Value: []byte("{")}, {At: []string{"overrides", "[7]", "x"}, Value: []byte("1")}} {
		if _, err := declare.Assign([]byte(settable), at(settable, "k8s: "), []fleet.Assignment{bad}); err == nil {
			t.Errorf("%v is assigned", bad.At)
		}
	}
}

// FuzzSet: whatever the text, it is left readable, or the edit refused.
func FuzzSet(f *testing.F) {
	f.Add(settable, "settings shards", "8")
	f.Add("a: b: c: d: 1", "c e", "2")
	f.Add("a: {\n}\n", "x [0] y", "3")
	f.Fuzz(func(t *testing.T, text, path, value string) {
		parts := strings.Fields(path)
		if len(parts) == 0 || len(parts) > 8 || strings.TrimSpace(value) == "" {
			return
		}
		for _, name := range []string{"k8s", "a", "small"} {
			if !strings.Contains(text, name) {
				continue
			}
			edited, err := declare.Set([]byte(text), at(text, name), parts, value)
			if err != nil {
				continue
			}
			if _, problems := declare.Format("a.cue", edited); len(problems) > 0 {
				t.Errorf("%q with %q at %q: %q: %v", text, value, path, edited, problems)
			}
		}
	})
}
