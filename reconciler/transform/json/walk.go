package json

import (
	"fmt"

	"github.com/portreeve/portreeve/reconciler/transform/internal/values"
)

// place is a node with where it hangs.
type place struct {
	node   *node
	parent *node // nil for the root
	index  int   // in the parent's items
}

// walk goes down a path as far as there is something; rest are the parts
// that are missing below the trail's last node.
func walk(root *node, at []values.Part) (trail []place, rest []values.Part, err error) {
	trail = []place{{node: root}}
	for i, p := range at {
		n := trail[len(trail)-1].node
		if n.kind == values.Null {
			return trail, at[i:], nil
		}
		want := values.Object
		if p.Kind != values.ByKey {
			want = values.List
		}
		if n.kind != want {
			return nil, nil, fmt.Errorf("%s is %s where %s is expected", spot(at[:i]), n.kind, want)
		}
		j, err := child(n, p)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", values.PathString(at[:i+1]), err)
		}
		if j < 0 {
			return trail, at[i:], nil
		}
		trail = append(trail, place{n.items[j], n, j})
	}
	return trail, nil, nil
}

func spot(at []values.Part) string {
	if len(at) == 0 {
		return "the file"
	}
	return values.PathString(at)
}

// child is the index of the item that a part names, or -1.
func child(n *node, p values.Part) (int, error) {
	switch p.Kind {
	case values.ByIndex:
		if p.Index < len(n.items) {
			return p.Index, nil
		}
		return -1, nil
	case values.BySelector:
		for i, item := range n.items {
			j, err := only(item, p.Key)
			if err != nil {
				return 0, err
			}
			if j >= 0 && item.items[j].text == p.Value && item.items[j].kind < values.List {
				return i, nil
			}
		}
		return -1, nil
	}
	return only(n, p.Key)
}

// only is the index of the field of a name, which must not stand there twice.
func only(n *node, name string) (int, error) {
	found := -1
	for i, k := range n.keys {
		if k.name != name {
			continue
		}
		if found >= 0 {
			return 0, fmt.Errorf("%q stands there twice, and readers differ on which one counts", name)
		}
		found = i
	}
	return found, nil
}
