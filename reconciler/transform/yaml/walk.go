package yaml

import (
	"fmt"
	"reflect"
	"slices"

	y "go.yaml.in/yaml/v4"

	"github.com/portreeve/portreeve/reconciler/transform/internal/values"
)

// place is a node with where it hangs.
type place struct {
	node   *y.Node
	parent *y.Node
	index  int // in parent.Content
}

// walk goes down a path as far as there is something. The trail begins with
// the document; rest are the parts that are missing below its last node.
func walk(root *y.Node, at []values.Part) (trail []place, rest []values.Part, err error) {
	trail = []place{{node: root}, {node: root.Content[0], parent: root}}
	for i, p := range at {
		n := trail[len(trail)-1].node
		if n.Kind == y.AliasNode {
			return nil, nil, fmt.Errorf("%s is the alias *%s, and what it stands for is used elsewhere too", spot(at[:i]), n.Value)
		}
		if n.Anchor != "" {
			return nil, nil, fmt.Errorf("%s has the anchor &%s, and is used elsewhere too", spot(at[:i]), n.Anchor)
		}
		if isNull(n) {
			return trail, at[i:], nil
		}
		want := y.MappingNode
		if p.Kind != values.ByKey {
			want = y.SequenceNode
		}
		if n.Kind != want {
			return nil, nil, fmt.Errorf("%s is %s where %s is expected", spot(at[:i]), sortOf(n.Kind), sortOf(want))
		}
		j := child(n, p)
		if p.Kind == values.ByKey && j >= 0 && child(&y.Node{Content: n.Content[j+1:]}, p) >= 0 {
			return nil, nil, fmt.Errorf("%s stands there twice, and readers differ on which one counts", values.PathString(at[:i+1]))
		}
		if j < 0 {
			return trail, at[i:], nil
		}
		trail = append(trail, place{n.Content[j], n, j})
	}
	return trail, nil, nil
}

func spot(at []values.Part) string {
	if len(at) == 0 {
		return "the document"
	}
	return values.PathString(at)
}

func sortOf(k y.Kind) string {
	switch k {
	case y.MappingNode:
		return "a mapping"
	case y.SequenceNode:
		return "a list"
	}
	return "a single value"
}

// child is the index in Content of the child that a part names, or -1.
func child(n *y.Node, p values.Part) int {
	switch p.Kind {
	case values.ByIndex:
		if p.Index < len(n.Content) {
			return p.Index
		}
	case values.BySelector:
		return slices.IndexFunc(n.Content, func(item *y.Node) bool {
			if item.Kind != y.MappingNode {
				return false
			}
			i := child(item, values.Part{Key: p.Key})
			return i >= 0 && item.Content[i].Kind == y.ScalarNode && item.Content[i].Value == p.Value
		})
	default:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if key := n.Content[i]; key.Kind == y.ScalarNode && key.Value == p.Key {
				return i + 1
			}
		}
	}
	return -1
}

// free refuses to replace or remove what is named elsewhere, or carries a tag
// that a new value would lose.
func free(n *y.Node, at []values.Part) error {
	if n.Kind == y.AliasNode {
		return fmt.Errorf("%s is the alias *%s", values.PathString(at), n.Value)
	}
	if n.Style&y.TaggedStyle != 0 {
		return fmt.Errorf("%s has the tag %s", values.PathString(at), n.Tag)
	}
	if name := anchorIn(n); name != "" {
		return fmt.Errorf("%s has or holds the anchor &%s", values.PathString(at), name)
	}
	return nil
}

func anchorIn(n *y.Node) string {
	if n.Anchor != "" {
		return n.Anchor
	}
	for _, c := range n.Content {
		if name := anchorIn(c); name != "" {
			return name
		}
	}
	return ""
}

func isNull(n *y.Node) bool {
	return n.Kind == y.ScalarNode && n.ShortTag() == "!!null"
}

func inFlow(trail []place) bool {
	return slices.ContainsFunc(trail, func(p place) bool { return p.node.Style&y.FlowStyle != 0 })
}

// wrap builds the value of which parts are the path and value the leaf.
func wrap(parts []values.Part, value *y.Node) (*y.Node, error) {
	if len(parts) == 0 {
		return value, nil
	}
	item, err := wrapBelow(parts, value)
	if err != nil {
		return nil, err
	}
	if p := parts[0]; p.Kind == values.ByKey {
		return &y.Node{Kind: y.MappingNode, Tag: "!!map", Content: []*y.Node{scalar(p.Key), item}}, nil
	}
	if parts[0].Kind == values.ByIndex && parts[0].Index > 0 {
		return nil, fmt.Errorf("%s: there is no list yet, so only [0] can be made", values.PathString(parts))
	}
	return &y.Node{Kind: y.SequenceNode, Tag: "!!seq", Content: []*y.Node{item}}, nil
}

// wrapBelow builds what parts[0] leads to.
func wrapBelow(parts []values.Part, value *y.Node) (*y.Node, error) {
	item, err := wrap(parts[1:], value)
	if err != nil || parts[0].Kind != values.BySelector {
		return item, err
	}
	p := parts[0]
	if item.Kind != y.MappingNode {
		return nil, fmt.Errorf("%s does not exist, and can only be made with a mapping as value", p)
	}
	if i := child(item, values.Part{Key: p.Key}); i >= 0 {
		if item.Content[i].Value != p.Value {
			return nil, fmt.Errorf("%s would be made with another %s", p, p.Key)
		}
		return item, nil
	}
	name := []*y.Node{scalar(p.Key), scalar(p.Value)}
	return &y.Node{Kind: y.MappingNode, Tag: "!!map", Content: append(name, item.Content...)}, nil
}

// named is the value to set at a path: where the path ends in [name=value],
// an element that the path still finds when it is set.
func named(at []values.Part, value *y.Node) (*y.Node, error) {
	p := at[len(at)-1]
	if p.Kind != values.BySelector {
		return value, nil
	}
	if value.Kind != y.MappingNode {
		return nil, fmt.Errorf("is %s, and %s would not find it again", sortOf(value.Kind), p)
	}
	if i := child(value, values.Part{Key: p.Key}); i >= 0 && value.Content[i].Value != p.Value {
		return nil, fmt.Errorf("has another %s, and %s would not find it again", p.Key, p)
	}
	return wrapBelow(at[len(at)-1:], value)
}

// same reports whether a node already has a value that came from JSON; the
// order of a mapping's entries does not count.
func same(n, value *y.Node) bool {
	if n.Kind != value.Kind || n.Anchor != "" || len(n.Content) != len(value.Content) {
		return false
	}
	switch n.Kind {
	case y.ScalarNode:
		return sameScalar(n, value)
	case y.MappingNode:
		for i := 0; i < len(value.Content); i += 2 {
			j := child(n, values.Part{Key: value.Content[i].Value})
			if j < 0 || n.Content[j-1].ShortTag() != "!!str" || !same(n.Content[j], value.Content[i+1]) {
				return false
			}
		}
		return true
	}
	return slices.EqualFunc(n.Content, value.Content, same)
}

func sameScalar(n, value *y.Node) bool {
	if n.ShortTag() != value.ShortTag() {
		return false
	}
	if n.Value == value.Value || isNull(n) {
		return true
	}
	if value.Tag == "!!str" {
		return false
	}
	var a, b any
	return n.Decode(&a) == nil && value.Decode(&b) == nil && reflect.DeepEqual(a, b)
}

// equal compares two parsed trees by all that has a meaning, order included.
func equal(a, b *y.Node) bool {
	if a.Kind != b.Kind || a.Anchor != b.Anchor || a.Kind == y.AliasNode && a.Value != b.Value {
		return false
	}
	if a.Kind == y.ScalarNode && !sameScalar(a, b) {
		return false
	}
	return slices.EqualFunc(a.Content, b.Content, equal)
}
