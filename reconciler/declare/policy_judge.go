package declare

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// bench holds policies, the built-in ones and those of the config repo,
// against what a builder has of teams and declarations.
type bench struct {
	*builder
	crew *crew
	own  []*ownFile
	laws map[string]law // in force, by id
	key  string         // of the policies in force
	// passing says that a policy could not be asked, so that what was found
	// is not kept.
	passing  bool
	subjects []subject
}

// policies judges all values that were not by the policies in force. It gives
// the files that have to be looked at again before that can be: those whose
// values are not known well enough.
func (r *reading) policies(b *builder, own []*ownFile) (stale []string) {
	t := &bench{builder: b, crew: &r.crew, own: own}
	b.bench = t
	t.enact()
	t.subjects = t.judgeable()
	for _, s := range t.subjects {
		if _, known := s.ruled.by(t.key); !known && s.json == nil {
			stale = append(stale, s.pos.File)
		}
	}
	if len(stale) > 0 {
		return stale
	}
	found := t.found()
	for i, s := range t.subjects {
		if s.declaration != nil && len(s.declaration.Frozen) > 0 {
			continue // what is invalid already is charged with no more
		}
		for _, c := range found[i] {
			t.verdict(s, c)
		}
	}
	return nil
}

// enact puts the policies into force as the settings have them.
func (t *bench) enact() {
	settings := t.config.Settings.Policies
	all := builtIn().laws()
	var e encoder
	for _, f := range t.own {
		e.text(f.path)
		e.text(f.id)
		for _, l := range f.laws {
			if slices.ContainsFunc(all, func(other law) bool { return other.ID == l.ID }) {
				f.problems = append(f.problems, problem("duplicate", l.Pos, l.ID, "call it otherwise; what is built in is set by fleet.policies",
					"there is another policy called %q", l.ID))
				f.laws = slices.DeleteFunc(slices.Clone(f.laws), func(other law) bool { return other.ID == l.ID })
				continue
			}
			all = append(all, l)
		}
		t.problems(f.problems)
	}
	t.checkSettings(all)
	t.laws = map[string]law{}
	for _, l := range all {
		l = l.with(settings[l.ID])
		t.laws[l.ID] = l
		p := l.Policy
		if builtIn().find(l.ID) != nil {
			p.Pos = fleet.Pos{}
		}
		t.config.Policies = append(t.config.Policies, p)
	}
	slices.SortFunc(t.config.Policies, func(a, b fleet.Policy) int { return strings.Compare(a.ID, b.ID) })
	inForce, err := json.Marshal(t.config.Policies)
	if err != nil {
		panic("declare: policies are no JSON: " + err.Error())
	}
	e.text(string(inForce))
	for _, f := range builtIn().files {
		e.text(string(f.data))
	}
	t.key = contentID(e.b)[:16]
}

// checkSettings reports what the settings say of policies and bounds that
// there are not, or can't be so.
func (t *bench) checkSettings(laws []law) {
	settings := t.config.Settings.Policies
	var ids []string
	for _, l := range laws {
		ids = append(ids, l.ID)
	}
	for _, id := range slices.Sorted(maps.Keys(settings)) {
		field := named("policies", id)
		wrong := func(below, hint, format string, args ...any) {
			at := fleet.Declaration{Pos: t.config.Settings.Pos, Fields: t.settingsFields}
			t.problems([]fleet.Problem{problem("policy-setting", at.FieldPos(field+below), "fleet."+field+below, hint, format, args...)})
		}
		i := slices.Index(ids, id)
		if i < 0 {
			wrong("", fleet.DidYouMean(id, ids), "there is no policy %q", id)
			continue
		}
		known := slices.Sorted(maps.Keys(laws[i].Bounds))
		for _, name := range slices.Sorted(maps.Keys(settings[id].Bounds)) {
			if !slices.Contains(known, name) {
				wrong(".bounds."+name, fleet.DidYouMean(name, known), "policy %s has no bound %q; it has %s", id, name, cmp.Or(strings.Join(known, ", "), "none"))
			}
		}
		if why := unfit(laws[i].On, settings[id].Severity); why != "" {
			wrong(".severity", "", "%s", why)
		}
	}
}

// subject is a team or a declaration that policies are held against.
type subject struct {
	*value
	on          string             // what policies call it
	declaration *fleet.Declaration // nil for a team
}

// judgeable are all subjects, in a fixed order.
func (t *bench) judgeable() []subject {
	all := make([]subject, 0, len(t.teams)+len(t.all))
	for _, name := range slices.Sorted(maps.Keys(t.teams)) {
		all = append(all, subject{t.teams[name], fleet.OnTeam, nil})
	}
	for _, d := range t.all {
		if d.value != nil && !fleet.HasErrors(d.value.problems) {
			all = append(all, subject{d.value, d.ID.Kind, d.Declaration})
		}
	}
	return all
}

// verdict takes what a policy found.
func (t *bench) verdict(s subject, c charge) {
	p := t.problem(s.field+"."+s.name, c)
	switch d := s.declaration; {
	case d == nil:
		if name := fleet.TeamName(s.name); t.problems([]fleet.Problem{p}) {
			t.badTeam(name, s.pos, []fleet.Problem{p})
		}
	case p.Severity == fleet.Acknowledge:
		asks(d, c.policy, p)
	default:
		t.freeze(d, []fleet.Problem{p})
	}
}

// problem is what a policy found below a field.
func (t *bench) problem(path string, c charge) fleet.Problem {
	if c.Field != "" {
		path += "." + c.Field
	}
	p := problem(fleet.PolicyCode(c.policy), c.pos, path, "", "%s", c.Reason)
	p.Severity = t.laws[c.policy].Severity
	return p
}

// asks has a declaration ask to be acknowledged what a policy found.
func asks(d *fleet.Declaration, policy string, p fleet.Problem) {
	p.Declaration = d.ID.String()
	d.Asks = append(d.Asks, fleet.Ask{Policy: policy, Problem: p})
}
