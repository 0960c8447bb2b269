package declare

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
)

var (
	declarationName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}[a-z0-9]$`)
	teamName        = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
)

// judged is a sheet whose values their kinds have decoded.
func (r *reading) judged(s *sheet) *sheet {
	if done := r.judgedValues(s.values); done != nil {
		with := *s
		with.values = done
		return &with
	}
	return s
}

func (r *reading) judgedOutcome(o *outcome) *outcome {
	if done := r.judgedValues(o.values); done != nil {
		with := *o
		with.values = done
		return &with
	}
	return o
}

// judgedValues is nil where all values are judged already. What it is given
// may be in use elsewhere where declarations are wanted, and then stays as it is.
func (r *reading) judgedValues(values []value) []value {
	if !slices.ContainsFunc(values, r.lacksJudgement) {
		return nil
	}
	if r.full {
		values = slices.Clone(values)
	}
	for i := range values {
		if r.lacksJudgement(values[i]) {
			r.judge(&values[i])
			if !r.full && !keptWhole(values[i]) {
				values[i].pack()
			}
		}
	}
	return values
}

func (r *reading) lacksJudgement(v value) bool {
	return !v.judged || r.full && v.spec == nil && v.json != nil && !fleet.HasErrors(v.problems) && len(v.refs) > 0
}

// judge has a declaration's kind decode it.
func (r *reading) judge(v *value) {
	v.judged, v.ruled = true, &ruled{}
	k, ok := r.kinds.ByField(v.field)
	if !ok {
		return
	}
	if !declarationName.MatchString(v.name) || strings.Contains(v.name, "--") {
		v.problems = append(slices.Clip(v.problems), problem("bad-name", v.pos, v.field+"."+v.name, "",
			`found name %q, expected 2 to 64 of a-z, 0-9 and single "-", no "-" at an end`, v.name))
	}
	written, acknowledged, more := v.acknowledgements()
	v.acknowledged, v.problems = acknowledged, append(slices.Clip(v.problems), more...)
	at := fleet.Declaration{Pos: v.pos, Fields: v.fields}
	source := kind.Source{ID: fleet.ID{Kind: k.Name, Name: v.name}, Pos: v.pos, Fields: v.fields, JSON: written}
	if fleet.HasErrors(v.problems) {
		r.judgeRest(v, k, source)
		return
	}
	decoded, problems := k.Decode(source)
	v.owner, v.owns, v.within, v.defaults = decoded.Owner, decoded.Owns, decoded.Within, decoded.Default
	v.loan, v.cluster, v.kept = decoded.Loan, decoded.Cluster, decoded.Kept
	v.refs, v.writes, v.problems = decoded.Refs, decoded.Writes, problems
	for i, ref := range v.refs {
		v.refs[i].Pos = at.FieldPos(ref.Field)
	}
	for i, w := range v.writes {
		v.writes[i].Pos = at.FieldPos(w.Field)
	}
	if r.full {
		v.spec, v.specHash, v.hash = decoded.Spec, hash(k.Name, decoded.Effect), hash(k.Name, json.RawMessage(written))
	}
}

// judgeRest has the kind say what is wrong besides what the schema found. What
// only follows from that, or is about a value that nobody wrote, is left out.
func (r *reading) judgeRest(v *value, k kind.Kind, source kind.Source) {
	at := fleet.Declaration{Pos: v.pos, Fields: v.fields}
	if v.owner != "" {
		v.refs = []fleet.Ref{{Field: "owner", Pos: at.FieldPos("owner"), Team: v.owner}}
	}
	if v.json == nil {
		return
	}
	top := v.field + "." + v.name
	for _, p := range v.problems {
		source.Guessed = append(source.Guessed, strings.TrimPrefix(strings.TrimPrefix(p.Field, top), "."))
	}
	decoded, more := k.Decode(source)
	v.owns, v.loan = decoded.Owns, decoded.Loan
	said := v.problems
	guessed := func(field string, pos fleet.Pos) bool {
		return slices.ContainsFunc(said, func(p fleet.Problem) bool {
			return p.Pos == pos && p.Code != "bad-name" || below(p.Field, field) || p.Field != top && below(field, p.Field)
		})
	}
	more = slices.DeleteFunc(more, func(p fleet.Problem) bool { return guessed(p.Field, p.Pos) })
	v.problems = append(slices.Clip(v.problems), more...)
	for _, ref := range decoded.Refs {
		ref.Pos = at.FieldPos(ref.Field)
		if (ref.Team != "" && ref.Field != "owner" || ref.Repo != "") && !guessed(top+"."+ref.Field, ref.Pos) {
			v.refs = append(v.refs, ref)
		}
	}
}

// below reports whether a field is another, or below it.
func below(field, of string) bool {
	rest, ok := strings.CutPrefix(field, of)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// hash covers the JSON of a value of a kind, with sorted names, so that it does
// not depend on the order of a struct's fields.
func hash(kindName string, effect any) string {
	data, err := json.Marshal(effect)
	if err == nil {
		var tree any
		dec := json.NewDecoder(bytes.NewReader(data))
		dec.UseNumber()
		if err = dec.Decode(&tree); err == nil {
			data, err = json.Marshal(tree)
		}
	}
	if err != nil {
		panic(fmt.Sprintf("declare: effect of kind %s: %v", kindName, err))
	}
	sum := sha256.Sum256(append([]byte(kindName+"\n"), data...))
	return hex.EncodeToString(sum[:])[:16]
}
