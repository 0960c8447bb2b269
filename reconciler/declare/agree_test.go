package declare_test

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/load"

	"github.com/portreeve/portreeve/reconciler/declare"
	"github.com/portreeve/portreeve/reconciler/fleet"
)

var repos = flag.Int("repos", 0, "how many config repos TestAgreement is about; 0 is every seventh of 300")

// exceptions are the codes of what is a problem here and none for CUE, each
// with its reason. Those of checks that need more than types come from the
// kinds.
var exceptions = map[string]string{
	"no-package":          "CUE skips a file without package clause, and takes another package for one of its own",
	"forbidden-attribute": "CUE skips such a file, or reads another in a field's place",
	"import":              "packages that describe commands declare nothing",
	"unknown-field":       "at the top CUE takes any field",
	"duplicate":           "CUE puts together what has one name, or never looks at two folders at once",
	"unknown-team":        "a reference to what is declared elsewhere",
	"invalid-team":        "the same",
	"double-owner":        "two declarations of one repo, by different names",
	"foreign-team":        "what is said of a team elsewhere",
	"no-handle":           "the same",
	"bad-name":            "names become parts of branches",
	"bad-repo":            "more than the schema's pattern says",
	"bad-pattern":         "CODEOWNERS and regular expressions have a syntax of their own",
	"double-pattern":      "two patterns that match the same",
	"bad-glob":            "globs have a syntax of their own",
	"bad-condition":       "exactly one of several fields",
	"bad-step":            "what steps need beyond their types",
	"template":            "templates have a syntax of their own",
	"missing-field":       "one field or another",
}

// TestAgreement holds that what CUE refuses is refused here, and what it takes
// is taken, but for the exceptions.
func TestAgreement(t *testing.T) {
	count, step := 300, 1
	switch {
	case *repos > 0:
		count = *repos
	default:
		step = 7
	}
	var tally struct{ right, wrong, excepted int }
	used := map[string]int{}
	for n := 0; n < count; n += step {
		files := configRepo(n)
		declared, says := vet(t, files)
		config := configOf(files)
		problems := config.Problems
		codes := map[string]bool{}
		for _, p := range problems {
			switch {
			case p.Severity != fleet.Error:
			case p.Code == "unknown-field" && p.Message != fmt.Sprintf("unknown field %q", p.Field):
				codes["unknown field below the top"] = true
			default:
				codes[p.Code] = true
			}
		}
		unexplained := slices.DeleteFunc(slices.Sorted(maps.Keys(codes)), func(c string) bool { return exceptions[c] != "" })
		switch {
		case says == nil && len(codes) == 0:
			tally.right++
			for _, d := range config.Declarations {
				delete(declared, d.ID.String())
			}
			if len(declared) > 0 {
				t.Errorf("repo %d: CUE says that there is %v, too\n%s", n, slices.Sorted(maps.Keys(declared)), show(files))
			}
		case says != nil && len(codes) > 0:
			tally.wrong++
		case says == nil && len(unexplained) == 0:
			tally.excepted++
			for c := range codes {
				used[c]++
			}
		default:
			t.Errorf("repo %d: CUE says %v, here it is %v\n%s", n, says, problems, show(files))
		}
	}
	t.Logf("%d right, %d wrong, %d right for CUE alone: %v", tally.right, tally.wrong, tally.excepted, used)
	if tally.right < count/step/4 || tally.wrong < count/step/8 {
		t.Errorf("too little of one sort: %+v", tally)
	}
}

// vet is what "cue vet -c ./..." says, and what is declared, if it says nothing.
func vet(t *testing.T, files map[string]string) (declared map[string]bool, err error) {
	dir := t.TempDir()
	overlay := map[string]load.Source{}
	for name, text := range files {
		overlay[filepath.Join(dir, name)] = load.FromString(text)
	}
	ctx := cuecontext.New()
	declared = map[string]bool{}
	for _, inst := range load.Instances([]string{"./..."}, &load.Config{Dir: dir, Overlay: overlay, Env: []string{"CUE_REGISTRY=none"}}) {
		if inst.Err != nil {
			return nil, inst.Err
		}
		v := ctx.BuildInstance(inst)
		if err := v.Validate(cue.Attributes(true), cue.Definitions(true), cue.Hidden(true), cue.Concrete(true)); err != nil {
			return nil, err
		}
		for _, k := range kinds() {
			names, err := v.LookupPath(cue.ParsePath(k.Field)).Fields()
			for err == nil && names.Next() {
				declared[k.Name+"/"+names.Selector().Unquoted()] = true
			}
		}
	}
	return declared, nil
}

func configOf(files map[string]string) *fleet.Config {
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return declare.Load(fsys, kinds())
}

func show(files map[string]string) string {
	var b strings.Builder
	for _, name := range sortedNames(files) {
		if !strings.HasPrefix(name, "cue.mod/") {
			fmt.Fprintf(&b, "-- %s --\n%s", name, files[name])
		}
	}
	return b.String()
}

func sortedNames(files map[string]string) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(files)), func(name string) bool { return strings.HasPrefix(name, "cue.mod/") })
}

var words = regexp.MustCompile(`"[^"\n]*"|[a-zA-Z_#][a-zA-Z]*|[0-9]+|[{}\[\],:&|*]`)

// mutate puts another word in the place of one.
func mutate(random *rand.Rand, text string) string {
	all := words.FindAllString(text, -1)
	at := words.FindAllStringIndex(text, -1)
	to := at[random.IntN(len(at))]
	others := append([]string{`""`, "5", "true", "null", "string", "int", "_|_", "owner", "[]", "{}", "", `"payments"`}, all...)
	return text[:to[0]] + others[random.IntN(len(others))] + text[to[1]:]
}
