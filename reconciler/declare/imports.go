package declare

import (
	"path"
	"slices"
	"strings"

	"cuelang.org/go/cue/literal"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/schema"
)

// packages are those of CUE's own that a file may import: all that compute.
// Left out is tool and what is below it, which describes commands for
// "cue cmd": nothing here ever runs one, so that a file which names them was
// meant for something else.
var packages = []string{
	"crypto/ed25519", "crypto/hmac", "crypto/md5", "crypto/sha1", "crypto/sha256", "crypto/sha512",
	"encoding/base64", "encoding/csv", "encoding/hex", "encoding/json", "encoding/openapi", "encoding/toml", "encoding/yaml",
	"html", "list", "math", "math/bits", "net", "path", "regexp", "strconv", "strings", "struct",
	"text/tabwriter", "text/template", "time", "uuid",
}

func (f *file) imports() {
	f.importsUsed = true
	for spec := range f.ast.ImportSpecs() {
		f.importsUsed = false
		f.imported++
		name, err := literal.Unquote(spec.Path.Value)
		name, _, _ = strings.Cut(name, ":")
		switch {
		case err != nil:
			f.refuse("import", spec.Path.Pos(), "", "import path %s can't be read", spec.Path.Value)
		case name == schema.ImportPath:
			f.schema = path.Base(name)
			if spec.Name != nil {
				f.schema = spec.Name.Name
			}
		case !slices.Contains(packages, name):
			f.refuse("import", spec.Path.Pos(), insteadOf(name), "import of %q is not allowed", name)
		}
	}
}

// insteadOf says what to do without an import.
func insteadOf(name string) string {
	switch near := fleet.DidYouMean(name, append(slices.Clone(packages), schema.ImportPath)); {
	case near != "":
		return near
	case name == "tool" || strings.HasPrefix(name, "tool/"):
		return `it describes commands for "cue cmd", which nothing here runs`
	}
	return "write what it holds into a file of package fleet: files of a folder, and of those above it, see one another"
}
