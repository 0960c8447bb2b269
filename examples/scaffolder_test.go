package examples

import (
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"go.yaml.in/yaml/v4"

	"github.com/portreeve/portreeve/reconciler/declare"
)

// template is what is looked at of a template of Backstage's scaffolder.
type template struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Metadata   struct{ Name, Title string }
	Spec       struct {
		Type       string
		Parameters []struct {
			Required   []string
			Properties map[string]struct{ Type, Pattern string }
		}
		Steps []struct {
			ID, Action string
			Input      struct {
				URL    string
				Values map[string]string
			}
		}
	}
}

var expression = regexp.MustCompile(`\$\{\{ ?([a-z]+)\.([A-Za-z.]+)( \| dump| \| join\('", "'\))? ?\}\}`)

// TestScaffolder holds that each template for Backstage's scaffolder asks for
// what it uses, and that what it writes is valid, whatever people fill in.
func TestScaffolder(t *testing.T) {
	templates, err := filepath.Glob("backstage/*/template.yaml")
	if err != nil || len(templates) < 2 {
		t.Fatal(templates, err)
	}
	locations, err := os.ReadFile("backstage/all.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range templates {
		dir := filepath.Dir(name)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(locations), "./"+filepath.Base(dir)+"/template.yaml") {
				t.Error("all.yaml does not name it")
			}
			var tmpl template
			if err := yaml.Unmarshal(text, &tmpl); err != nil {
				t.Fatal(err)
			}
			if tmpl.APIVersion != "scaffolder.backstage.io/v1beta3" || tmpl.Kind != "Template" || tmpl.Metadata.Name == "" {
				t.Errorf("%+v", tmpl)
			}
			asked := tmpl.Spec.Parameters[0].Properties
			for _, m := range expression.FindAllStringSubmatch(string(text), -1) {
				if _, ok := asked[m[2]]; m[1] == "parameters" && !ok {
					t.Errorf("it uses %s, and does not ask for it", m[0])
				}
			}
			for field, p := range asked {
				if _, err := regexp.Compile(p.Pattern); err != nil {
					t.Errorf("%s: %v", field, err)
				}
			}
			if len(tmpl.Spec.Steps) != 2 || tmpl.Spec.Steps[0].Action != "fetch:template" || tmpl.Spec.Steps[1].Action != "publish:github:pull-request" {
				t.Fatalf("steps: %+v", tmpl.Spec.Steps)
			}
			for _, blank := range []bool{false, true} {
				rendered(t, filepath.Join(dir, tmpl.Spec.Steps[0].Input.URL), slices.Collect(maps.Keys(tmpl.Spec.Steps[0].Input.Values)), blank)
			}
		})
	}
}

var condition = regexp.MustCompile(`(?s)\s*\{%- if values\.([A-Za-z]+)(?:\.length)? %\}(.*?)\s*\{%- endif %\}`)

// rendered fills a skeleton in with what people may write, or, blank, with what
// they have to.
func rendered(t *testing.T, skeleton string, given []string, blank bool) {
	t.Helper()
	values := map[string]any{
		"name": "new-service", "repo": "acme/new-service", "owner": "payments", "coOwners": []string{"platform", "web"},
		"why":      "Because \"they\" \\(said) so,\nand \u2028 more #.",
		"engineer": "maria-s", "from": "payments", "to": "platform", "repos": []string{"acme/new-service", "acme/other"},
		"since": "2026-11-02", "until": "2026-12-18", "access": "grant", "goal": "Canary \"deploys\" \\(1),\nall of #them.",
	}
	if blank {
		maps.Copy(values, map[string]any{"coOwners": []string{}, "engineer": "", "from": "", "repos": []string{}, "access": "require"})
	}
	config := fstest.MapFS{"fleet.cue": {Data: []byte("package fleet\n\nfleet: org: \"acme\"\nteams: {payments: github: \"acme/payments\", platform: github: \"acme/platform\", web: github: \"acme/web\"}\n")}}
	fill := func(text string) string {
		text = condition.ReplaceAllStringFunc(text, func(found string) string {
			m := condition.FindStringSubmatch(found)
			switch value := values[m[1]].(type) {
			case string:
				if value != "" {
					return m[2]
				}
			case []string:
				if len(value) > 0 {
					return m[2]
				}
			default:
				t.Errorf("%s is asked about, and not given", m[1])
			}
			return ""
		})
		return expression.ReplaceAllStringFunc(text, func(found string) string {
			m := expression.FindStringSubmatch(found)
			value, ok := values[m[2]]
			if m[1] != "values" || !ok || !slices.Contains(given, m[2]) {
				t.Errorf("%s is not given", found)
			}
			switch {
			case m[3] == "":
				return value.(string)
			case strings.Contains(m[3], "join"):
				return strings.Join(value.([]string), `", "`)
			}
			b, err := json.Marshal(value)
			if err != nil {
				t.Fatal(err)
			}
			return string(b)
		})
	}
	err := fs.WalkDir(os.DirFS(skeleton), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(filepath.Join(skeleton, name))
		config[fill(name)] = &fstest.MapFile{Data: []byte(fill(string(text)))}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if others, problems := declare.FormatTree(config); len(others) > 0 || len(problems) > 0 {
		t.Errorf("its format is not that of fmt: %s %v", others, problems)
	}
	c := declare.Load(config, kinds())
	if len(c.Problems) > 0 || len(c.Declarations) != 1 {
		t.Fatalf("%v %+v", c.Problems, c.Declarations)
	}
	d := c.Declarations[0]
	if d.Loan == nil && (d.Owner != "payments" || d.Owns != "acme/new-service") {
		t.Errorf("%+v", d)
	}
	if d.Loan != nil && (d.Loan.To != "platform" || (d.Loan.Engineer == "") != blank || d.Loan.Goal != values["goal"]) {
		t.Errorf("%+v", d.Loan)
	}
}
