package declare

import "slices"

// view is what the files of one folder see: one another, and the files of the
// folders above.
type view struct {
	files    []*member
	reaching []*member
	byName   map[string][]*member // those that declare a name
}

func newView(files []*member) *view {
	v := &view{files: files, byName: map[string][]*member{}}
	for _, f := range files {
		if f.reaches {
			v.reaching = append(v.reaching, f)
		}
		for _, name := range f.declares() {
			v.byName[name] = append(v.byName[name], f)
		}
	}
	return v
}

// needs are the names by which a file may depend on others.
func (m *member) needs() []string {
	if m.plain {
		return nil
	}
	return slices.Concat(m.makes, m.refers)
}

// bundle takes to some files those that reach, and those that declare what one
// of them refers to, and so on.
func (v *view) bundle(asked []*member) bundle {
	in := map[*member]bool{}
	var todo []*member
	add := func(more []*member) {
		for _, f := range more {
			if !in[f] {
				in[f] = true
				todo = append(todo, f)
			}
		}
	}
	add(asked)
	add(v.reaching)
	for len(todo) > 0 {
		f := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, name := range f.needs() {
			add(v.byName[name])
		}
	}
	var b bundle
	for _, f := range v.files {
		if in[f] {
			b.files = append(b.files, f)
		}
	}
	for _, f := range asked {
		b.asked = append(b.asked, f.path)
	}
	return b
}

// apart groups files so that those of two groups have nothing to do with one
// another: what one takes, or breaks, is then no harm to the other.
func (v *view) apart(files []*member) [][]*member {
	if len(v.reaching) > 0 {
		if len(files) == 0 {
			return nil
		}
		return [][]*member{files}
	}
	head := map[*member]*member{} // of the group, which is its own
	var find func(f *member) *member
	find = func(f *member) *member {
		if head[f] == nil || head[f] == f {
			return f
		}
		head[f] = find(head[f])
		return head[f]
	}
	for _, f := range v.files {
		for _, name := range f.needs() {
			for _, other := range v.byName[name] {
				if !other.plain {
					head[find(other)] = find(f)
				}
			}
		}
	}
	var groups [][]*member
	at := map[*member]int{}
	for _, f := range files {
		i, ok := at[find(f)]
		if !ok {
			i = len(groups)
			at[find(f)] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], f)
	}
	return groups
}
