package declare

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestAcceptsEachRule holds that CUE accepts, and reads in the same way,
// whatever is accepted without it, by trying each rule of the schema by itself:
// each field of each definition is given what is right for it, what is at the
// edge of that, and what is wrong. It holds also that each rule is understood:
// one that is not would be left to CUE, and slow, without anybody noticing.
func TestAcceptsEachRule(t *testing.T) {
	tried := &ruleTrial{t: t, evaluator: &evaluator{}, tried: map[uintptr]bool{}}
	for _, group := range slices.Sorted(maps.Keys(definitions)) {
		before := "package fleet\n\n" + group + ": "
		if group != "fleet" {
			before += "some: "
		}
		tried.rule(shapes()[definitions[group]], group, func(value string) string { return before + value + "\n" })
	}
	t.Logf("%d rules, %d values accepted, %d left to CUE", tried.rules, tried.accepted, tried.refused)
	if tried.rules < 130 {
		t.Errorf("%d rules: some were not found", tried.rules)
	}
}

type ruleTrial struct {
	t                        *testing.T
	evaluator                *evaluator
	tried                    map[uintptr]bool // fields of definitions
	rules, accepted, refused int
}

// rule tries a rule, and those below it. whole makes a file that is right but
// perhaps for the value.
func (r *ruleTrial) rule(s *shape, path string, whole func(value string) string) {
	for _, name := range slices.Sorted(maps.Keys(s.variants)) {
		r.rule(s.variants[name], path+"("+name+")", whole)
	}
	if s.variants != nil {
		return
	}
	r.values(s, path, whole)
	if s.fields != nil {
		fields := reflect.ValueOf(s.fields).Pointer() // where a definition is meant they are the same
		if r.tried[fields] {
			return
		}
		r.tried[fields] = true
	}
	for _, name := range s.order {
		r.rule(s.fields[name], path+"."+name, func(value string) string {
			return whole(withRequired(s, name, value))
		})
	}
	if s.elem != nil {
		r.rule(s.elem, path+"[]", func(value string) string {
			if s.kind == "list" {
				return whole("[" + value + "]")
			}
			return whole(`{"some name": ` + value + "}")
		})
	}
}

// withRequired is a struct with the fields that it must have, and one as given
// if it has a name.
func withRequired(s *shape, name, value string) string {
	var all []string
	if name != "" {
		all = append(all, name+": "+value)
	}
	for _, other := range s.order {
		if other != name && (s.required[other] || other == "do") {
			all = append(all, other+": "+sampleText(s.fields[other]))
		}
	}
	return "{" + strings.Join(all, ", ") + "}"
}

// sampleText is a value that is right.
func sampleText(s *shape) string {
	if value, ok := s.sample(); ok {
		if data, err := json.Marshal(value); err == nil {
			return string(data)
		}
	}
	if s.kind == "list" {
		return "[" + sampleText(s.elem) + "]"
	}
	return withRequired(s, "", "")
}

// values tries values for one rule.
func (r *ruleTrial) values(s *shape, path string, whole func(value string) string) {
	accepted, refused := 0, 0
	for _, value := range candidates(s) {
		if agree(r.t, r.evaluator, []byte(whole(value))) {
			if accepted++; (r.accepted+accepted)%(4*fresh) == 0 {
				r.evaluator = &evaluator{}
			}
		} else {
			refused++
		}
	}
	if accepted == 0 || refused == 0 {
		r.t.Errorf("%s: %d values accepted, %d left to CUE; the last: %s", path, accepted, refused, whole(sampleText(s)))
	}
	r.rules++
	r.accepted, r.refused = r.accepted+accepted, r.refused+refused
}

// candidates are values at the edges of what a rule lets be, on both sides.
func candidates(s *shape) []string {
	all := []string{
		`""`, `"x"`, `" "`, `"acme/x"`, `"/x"`, `"acme/x/y"`, `"-acme/x"`, `"a_b"`, `"5%"`, `"100%"`, `"101%"`, `"%"`, `"v1"`, `"1.26"`, `"0"`,
		`"2026-12-18"`, `"2026-99-99"`, `"2026-12-18T"`, `"\u00e9"`, `"a\nb"`, `"a\tb"`, `"\u0000"`, "\"\"\"\n\tx\n\t\"\"\"", `#"x"#`, `'x'`,
		`0`, `1`, `-1`, `-0`, `1_0`, `0x1`, `1.5`, `1e3`, `1K`, `123456789012345678901`, `true`, `false`, `null`,
		`[]`, `[""]`, `["x"]`, `["x", 1]`, `[[]]`, `[{}]`, `[...]`, `{}`, `{a: 1}`, `{"": "x"}`, `{a: "x", a: "x"}`, `{some: {}}`, `string`, `"x" | "y"`,
	}
	for _, bound := range s.bounds {
		n, err := strconv.ParseInt(strings.TrimLeft(bound, "<>=!"), 10, 64)
		if err != nil {
			continue
		}
		for _, edge := range []int64{n - 1, n, n + 1, -n} {
			all = append(all, strconv.FormatInt(edge, 10))
		}
	}
	right := slices.Clone(s.enum)
	if text, err := strconv.Unquote(s.example); err == nil {
		right = append(right, text)
	}
	for _, text := range right {
		for _, near := range []string{text, text + "x", text + " ", " " + text, text + "\n", text + "!", strings.ToUpper(text), text[1:], text[:len(text)-1], text + text} {
			all = append(all, strconv.Quote(near))
		}
	}
	if s.kind == "struct" && s.fields != nil {
		all = append(all, withRequired(s, "unheardOf", "1"))
		sample := withRequired(s, "", "")
		all = append(all, sample)
		for _, name := range s.order {
			if s.required[name] {
				all = append(all, strings.Replace(sample, name+": ", name+"s: ", 1))
			}
		}
	}
	if s.kind == "list" || s.kind == "struct" && s.elem != nil {
		all = append(all, sampleText(s))
		if s.kind == "list" {
			one := sampleText(s.elem)
			all = append(all, fmt.Sprintf("[%s, %s]", one, one))
		}
	}
	return all
}
