package prometheus

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/transform"
)

const written = "# Portreeve writes this file, and undoes what is edited here: change what is declared.\n"

// environment is the file beside prometheus.yml that an init system reads: the
// variables, and as $ARGS the flags.
func (t *target) environment(places []place) *transform.Edit {
	var variables, flags []string
	for _, p := range places {
		if name, ok := strings.CutPrefix(p.at, "$"); ok {
			variables = append(variables, fmt.Sprintf("%s=%s\n", name, text(p.value)))
		}
		if strings.HasPrefix(p.at, "--") {
			flags = append(flags, flag(p))
		}
	}
	content := written + strings.Join(variables, "") + fmt.Sprintf("ARGS=%q\n", strings.Join(flags, " "))
	return &transform.Edit{Path: t.environmentFile(), Content: []byte(content), Counts: []byte(content[len(written):])}
}

// flag is a flag as a command line has it.
func flag(p place) string {
	switch v := p.value.(type) {
	case bool:
		if v {
			return p.at
		}
		return "--no-" + strings.TrimPrefix(p.at, "--")
	default:
		return p.at + "=" + text(v)
	}
}

func (t *target) environmentFile() fleet.Path {
	return fleet.Path(strings.TrimSuffix(string(t.path), path.Ext(string(t.path))) + ".env")
}

// readEnvironment adds the variables and flags to what stands in prometheus.yml.
func (t *target) readEnvironment() error {
	name := t.environmentFile()
	if err := transform.CheckTarget(t.tree, name); err != nil {
		return err
	}
	content, _, err := transform.ReadText(t.tree, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	spec, ok := t.spec.(map[string]any)
	if err != nil || !ok {
		return err
	}
	t.environs = content
	maps.Copy(spec, variables(content))
	return nil
}

// variables are what such a file says: variables by "$NAME" and flags by "--NAME".
func variables(content []byte) map[string]any {
	all := map[string]any{}
	for line := range strings.Lines(string(content)) {
		variable, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		switch {
		case !ok || strings.HasPrefix(variable, "#"):
		case variable != "ARGS":
			all["$"+variable] = value
		default:
			for arg := range strings.FieldsSeq(strings.Trim(value, `"`)) {
				name, v, valued := strings.Cut(arg, "=")
				switch {
				case valued:
					all[name] = v
				case strings.HasPrefix(name, "--no-"):
					all["--"+strings.TrimPrefix(name, "--no-")] = false
				default:
					all[name] = true
				}
			}
		}
	}
	return all
}
