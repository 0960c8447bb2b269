package declare

import (
	"encoding/json"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

func (e *encoder) sheet(s *sheet) {
	e.text(s.path)
	e.text(s.id)
	e.int(s.size)
	e.int(len(s.entries))
	for _, spot := range s.entries {
		e.spot(spot, s.path)
	}
	e.values(s.values, s.path, s.entries)
	e.problems(s.problems, s.path)
	e.fate(s.fate)
	e.bool(s.plain)
	e.bool(s.reaches)
	e.texts(s.makes)
	e.texts(s.refers)
}

func (e *encoder) outcome(o *outcome) {
	e.values(o.values, "", nil)
	e.bool(o.refused)
	e.int(len(o.marks))
	for _, m := range o.marks {
		e.text(m.path)
		e.problems(m.problems, m.path)
		e.fate(m.fate)
	}
}

func (e *encoder) fate(f fate) {
	e.bool(f.broken)
	e.bool(f.partial)
}

func (e *encoder) spot(s spot, file string) {
	e.text(s.field)
	e.text(s.name)
	e.pos(s.pos, file)
	e.int(s.end)
	e.text(string(s.owner))
}

// values writes values; of most the spot is that of the entry in the same place.
func (e *encoder) values(all []value, file string, entries []spot) {
	e.int(len(all))
	for i, v := range all {
		same := i < len(entries) && v.spot == entries[i]
		e.bool(same)
		if !same {
			e.spot(v.spot, file)
		}
		e.problems(v.problems, file)
		if e.lean && !keptWhole(v) {
			v.fields, v.json = nil, nil
		}
		e.fields(v.fields, file)
		e.text(string(v.json))
		e.bool(v.judged)
		if v.judged {
			e.text(string(v.owns))
			e.text(string(v.within))
			e.selection(v.defaults)
			e.loan(v.loan)
			e.cluster(v.cluster)
			e.text(v.kept)
			e.int(len(v.refs))
			for _, r := range v.refs {
				e.text(r.Field)
				e.pos(r.Pos, file)
				e.text(string(r.Team))
				e.text(string(r.Repo))
				e.text(r.Claim)
			}
			e.int(len(v.writes))
			for _, w := range v.writes {
				e.text(w.Field)
				e.pos(w.Pos, file)
				e.text(string(w.Path))
				e.text(w.Content)
				e.text(w.Select)
			}
			e.ruled(v.ruled, file)
			e.acknowledged(v.acknowledged, file)
		}
	}
}

func (e *encoder) selection(s *fleet.Selection) {
	e.bool(s != nil)
	if s != nil {
		e.texts(s.Names)
		e.texts(s.Topics)
	}
}

func (e *encoder) loan(l *fleet.Loan) {
	e.bool(l != nil)
	if l == nil {
		return
	}
	for _, s := range []string{l.Engineer, string(l.From), string(l.To), l.Since, l.Until, string(l.Access), l.Goal} {
		e.text(s)
	}
	e.int(len(l.Repos))
	for _, repo := range l.Repos {
		e.text(string(repo))
	}
}

func (d *decoder) loan() *fleet.Loan {
	if !d.bool() {
		return nil
	}
	return &fleet.Loan{
		Engineer: d.text(), From: fleet.TeamName(d.text()), To: fleet.TeamName(d.text()),
		Since: d.text(), Until: d.text(), Access: fleet.AccessPolicy(d.text()), Goal: d.text(),
		Repos: list(d, func() fleet.RepoName { return fleet.RepoName(d.text()) }),
	}
}

func (e *encoder) cluster(c *fleet.Cluster) {
	e.bool(c != nil)
	if c == nil {
		return
	}
	text, err := json.Marshal(c)
	if err != nil {
		panic(err) // plain fields
	}
	e.text(string(text))
}

func (d *decoder) cluster() *fleet.Cluster {
	if !d.bool() {
		return nil
	}
	c := &fleet.Cluster{}
	if json.Unmarshal([]byte(d.text()), c) != nil {
		d.fail()
		return nil
	}
	return c
}

func (d *decoder) selection() *fleet.Selection {
	if !d.bool() {
		return nil
	}
	return &fleet.Selection{Names: d.texts(), Topics: d.texts()}
}

func (d *decoder) sheet() *sheet {
	s := &sheet{path: d.text(), id: d.text(), size: d.int()}
	s.entries = list(d, func() spot { return d.spot(s.path) })
	s.values = d.values(s.path, s.entries)
	s.problems = d.problems(s.path)
	s.fate = d.fate()
	s.plain, s.reaches = d.bool(), d.bool()
	s.makes, s.refers = d.texts(), d.texts()
	return s
}

func (d *decoder) outcome() *outcome {
	o := &outcome{values: d.values("", nil), refused: d.bool()}
	o.marks = list(d, func() mark {
		m := mark{path: d.text()}
		m.problems, m.fate = d.problems(m.path), d.fate()
		return m
	})
	return o
}

func (d *decoder) fate() fate { return fate{broken: d.bool(), partial: d.bool()} }

func (d *decoder) spot(file string) spot {
	return spot{field: d.text(), name: d.text(), pos: d.pos(file), end: d.int(), owner: fleet.TeamName(d.text())}
}

func (d *decoder) values(file string, entries []spot) []value {
	i := -1
	return list(d, func() value {
		i++
		v := value{}
		if same := d.bool(); same && i < len(entries) {
			v.spot = entries[i]
		} else if !same {
			v.spot = d.spot(file)
		} else {
			d.fail()
		}
		v.problems, v.fields = d.problems(file), d.fields(file)
		if text := d.text(); text != "" {
			v.json = []byte(text)
		}
		if v.judged = d.bool(); v.judged {
			v.owns, v.within = fleet.RepoName(d.text()), fleet.RepoName(d.text())
			v.defaults, v.loan, v.cluster, v.kept = d.selection(), d.loan(), d.cluster(), d.text()
			v.refs = list(d, func() fleet.Ref {
				return fleet.Ref{Field: d.text(), Pos: d.pos(file), Team: fleet.TeamName(d.text()), Repo: fleet.RepoName(d.text()), Claim: d.text()}
			})
			v.writes = list(d, func() fleet.Write {
				return fleet.Write{Field: d.text(), Pos: d.pos(file), Path: fleet.Path(d.text()), Content: d.text(), Select: d.text()}
			})
			v.ruled = d.ruled(file)
			v.acknowledged = d.acknowledged(file)
		}
		return v
	})
}
