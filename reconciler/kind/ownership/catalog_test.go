package ownership

import (
	"encoding/json"
	"testing"
	"testing/fstest"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/transform"
	"github.com/portreeve/portreeve/reconciler/transform/codeowners"
	"github.com/portreeve/portreeve/reconciler/transform/yaml"
)

// FuzzCatalogCreated: a file that was created is YAML that says what is
// declared, so that nothing is left to be set in it.
func FuzzCatalogCreated(f *testing.F) {
	f.Add("", "", "", "a.b/c", "x: y # z", "yes")
	f.Add("name", "sys", "group:default/o", "k", "\x00\"\\\n é\u2028", "0x1")
	f.Fuzz(func(t *testing.T, name, system, owner, key, value, word string) {
		m := member{transform.Set{codeowners.New(), yaml.New()}}
		data, err := json.Marshal(map[string]any{"repo": "acme/ledger", "owner": "o", "catalog": Catalog{
			Name: name, System: system, Owner: owner, Annotations: map[string]string{key: value}, Create: true, Type: word, Lifecycle: word,
		}})
		if err != nil {
			t.Fatal(err)
		}
		decoded, problems := m.decode(kind.Source{ID: fleet.ID{Kind: "ownership", Name: "it"}, JSON: data})
		if problems != nil {
			return
		}
		s := decoded.Spec.(*Spec)
		made, _, err := s.editCatalog(fstest.MapFS{}, "acme/ledger")
		if err != nil || len(made) != 1 {
			t.Fatalf("%v, %v", made, err)
		}
		tree := fstest.MapFS{string(made[0].Path): {Data: made[0].Content}}
		if again, _, err := s.editCatalog(tree, "acme/ledger"); err != nil || len(again) > 0 {
			t.Errorf("%s\nand then %v, %v", made[0].Content, again, err)
		}
	})
}
