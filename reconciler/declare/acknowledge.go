package declare

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// acknowledged takes out of a declaration's JSON what it acknowledges: that is
// of every kind alike, and no kind's to read. It gives the rest.
func (v *value) acknowledgements() (rest []byte, all map[string]fleet.Acknowledgement, problems []fleet.Problem) {
	const field = "acknowledge"
	if !bytes.Contains(v.json, []byte(`"`+field+`"`)) {
		return v.json, nil, nil
	}
	fields := map[string]json.RawMessage{}
	written := map[string]struct{ Reason, Until string }{}
	if json.Unmarshal(v.json, &fields) != nil || json.Unmarshal(fields[field], &written) != nil {
		return v.json, nil, nil // it stands elsewhere, and is no field of the declaration
	}
	all = map[string]fleet.Acknowledgement{}
	for _, id := range slices.Sorted(maps.Keys(written)) {
		path := named(field, id)
		a := fleet.Acknowledgement{Pos: v.at(path), Field: v.field + "." + v.name + "." + path, Reason: written[id].Reason}
		day, err := time.Parse(time.DateOnly, written[id].Until)
		if err != nil {
			problems = append(problems, problem("bad-value", v.at(path+".until"), a.Field+".until", "",
				"found %q, which is no day of the calendar", written[id].Until))
		}
		a.Until = day
		all[id] = a
	}
	delete(fields, field)
	rest, err := json.Marshal(fields)
	if err != nil {
		panic("declare: what was JSON is none: " + err.Error())
	}
	return rest, all, problems
}

// named is the path of a field with a free name.
func named(field, name string) string {
	if isIdent(name) {
		return field + "." + name
	}
	return field + "[" + strconv.Quote(name) + "]"
}
