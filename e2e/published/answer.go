package published

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
)

// checker walks an answer along what was asked for.
type checker struct {
	schema *ast.Schema
	vars   map[string]any
	faults []string
}

func (c *checker) fault(at, format string, args ...any) {
	c.faults = append(c.faults, at+": "+fmt.Sprintf(format, args...))
}

// object checks a value of a composite type. Of an abstract type the value
// says by __typename what it is; where that was not asked for, it has to be
// right as one of the possible types.
func (c *checker) object(at string, def *ast.Definition, asked ast.SelectionSet, value any) {
	fields, ok := value.(map[string]any)
	if !ok {
		c.fault(at, "%s is an object, not %T", def.Name, value)
		return
	}
	if def.Kind == ast.Object {
		c.fields(at, def, asked, fields)
		return
	}
	named, isNamed := fields["__typename"].(string)
	var nearest []string
	for _, possible := range c.schema.GetPossibleTypes(def) {
		if isNamed && possible.Name != named {
			continue
		}
		try := checker{schema: c.schema, vars: c.vars}
		try.fields(at, possible, asked, fields)
		if len(try.faults) == 0 {
			return
		}
		if nearest == nil || len(try.faults) < len(nearest) {
			nearest = try.faults
		}
	}
	if nearest == nil {
		c.fault(at, "%s can't be a %s", def.Name, named)
	}
	c.faults = append(c.faults, nearest...)
}

// fields checks an object of a concrete type: exactly the fields that were
// asked for, each of its type.
func (c *checker) fields(at string, def *ast.Definition, asked ast.SelectionSet, value map[string]any) {
	var keys []string
	byKey := map[string][]*ast.Field{}
	c.collect(def, asked, func(f *ast.Field) {
		if byKey[f.Alias] == nil {
			keys = append(keys, f.Alias)
		}
		byKey[f.Alias] = append(byKey[f.Alias], f)
	})
	for _, key := range keys {
		v, ok := value[key]
		if !ok {
			c.fault(at+"."+key, "was asked for and is not there")
			continue
		}
		f := byKey[key][0]
		if f.Name == "__typename" {
			if v != def.Name {
				c.fault(at+"."+key, "is %v, not %s", v, def.Name)
			}
			continue
		}
		published := def.Fields.ForName(f.Name)
		if published == nil {
			c.fault(at+"."+key, "%s has no field %s", def.Name, f.Name)
			continue
		}
		var below ast.SelectionSet
		for _, same := range byKey[key] {
			below = append(below, same.SelectionSet...)
		}
		c.value(at+"."+key, published.Type, below, v)
	}
	for key := range value {
		if byKey[key] == nil {
			c.fault(at+"."+key, "was not asked for")
		}
	}
}

// collect calls each with the fields that apply to an object of type def.
func (c *checker) collect(def *ast.Definition, asked ast.SelectionSet, each func(*ast.Field)) {
	for _, s := range asked {
		switch s := s.(type) {
		case *ast.Field:
			if c.included(s.Directives) {
				each(s)
			}
		case *ast.InlineFragment:
			if c.included(s.Directives) && c.applies(def, s.TypeCondition) {
				c.collect(def, s.SelectionSet, each)
			}
		case *ast.FragmentSpread:
			if c.included(s.Directives) && c.applies(def, s.Definition.TypeCondition) {
				c.collect(def, s.Definition.SelectionSet, each)
			}
		}
	}
}

func (c *checker) included(directives ast.DirectiveList) bool {
	for _, d := range directives {
		on, _ := d.ArgumentMap(c.vars)["if"].(bool)
		if d.Name == "skip" && on || d.Name == "include" && !on {
			return false
		}
	}
	return true
}

func (c *checker) applies(def *ast.Definition, condition string) bool {
	if condition == "" || condition == def.Name {
		return true
	}
	abstract := c.schema.Types[condition]
	return abstract != nil && slices.ContainsFunc(c.schema.GetPossibleTypes(abstract),
		func(p *ast.Definition) bool { return p.Name == def.Name })
}

// value checks a value of any type.
func (c *checker) value(at string, typ *ast.Type, asked ast.SelectionSet, value any) {
	if value == nil {
		if typ.NonNull {
			c.fault(at, "is null, but %s is never null", typ)
		}
		return
	}
	if typ.Elem != nil {
		list, ok := value.([]any)
		if !ok {
			c.fault(at, "%s is a list, not %T", typ, value)
			return
		}
		for i, v := range list {
			c.value(fmt.Sprintf("%s[%d]", at, i), typ.Elem, asked, v)
		}
		return
	}
	switch def := c.schema.Types[typ.NamedType]; def.Kind {
	case ast.Enum:
		if s, ok := value.(string); !ok || def.EnumValues.ForName(s) == nil {
			c.fault(at, "%v is no %s", value, def.Name)
		}
	case ast.Scalar:
		if why := scalar(def.Name, value); why != "" {
			c.fault(at, "%v is no %s: %s", value, def.Name, why)
		}
	default:
		c.object(at, def, asked, value)
	}
}

var (
	objectID = regexp.MustCompile(`^[0-9a-f]{40}$`)
	day      = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`)
)

// scalar says why a value is not of a scalar type; empty if it is.
func scalar(name string, value any) string {
	switch name {
	case "Int":
		n, ok := value.(json.Number)
		if !ok {
			return "not a number"
		}
		if _, err := strconv.ParseInt(n.String(), 10, 32); err != nil {
			return err.Error()
		}
		return ""
	case "Float":
		if _, ok := value.(json.Number); !ok {
			return "not a number"
		}
		return ""
	case "Boolean":
		if _, ok := value.(bool); !ok {
			return "not a boolean"
		}
		return ""
	}
	s, ok := value.(string)
	if !ok {
		return "not a string"
	}
	switch name {
	case "DateTime", "PreciseDateTime", "GitTimestamp":
		if _, err := time.Parse(time.RFC3339, s); err != nil {
			return err.Error()
		}
	case "Date":
		if !day.MatchString(s) {
			return "not YYYY-MM-DD"
		}
	case "GitObjectID":
		if !objectID.MatchString(s) {
			return "not 40 hexadecimal digits"
		}
	case "URI":
		if u, err := url.Parse(s); err != nil || !u.IsAbs() {
			return "not an absolute URL"
		}
	case "ID":
		if s == "" {
			return "empty"
		}
	}
	return ""
}
