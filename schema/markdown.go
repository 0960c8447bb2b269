package schema

import (
	"fmt"
	"regexp"
	"strings"
)

//go:generate go run ../cmd/portreeve docs --write README.md

// Markdown is the reference of all fields for people, an anchor for each
// definition and each field.
func Markdown() string {
	var b strings.Builder
	b.WriteString(`# What a config repo may declare

<!-- Written by "portreeve docs" from the comments of the definitions in this folder. Do not edit. -->

Every field, in the order in which one comes upon it from the top. Files are CUE of ` + "`package fleet`" + `, in any
folders. NAME stands for a name of your own; a field that is not required may be left out.

`)
	for _, d := range Reference() {
		if len(d.Fields) > 0 && variantOf(d) == "" {
			fmt.Fprintf(&b, "- %s%s\n", link(d.Name), at(d, ", at "))
		}
		for _, v := range d.Variants {
			fmt.Fprintf(&b, "  - `%s: %q`: %s\n", d.Choice, v.Value, link(v.Definition))
		}
	}
	for _, d := range Reference() {
		section(&b, d)
	}
	return b.String()
}

func section(b *strings.Builder, d Definition) {
	fmt.Fprintf(b, "\n## %s\n\n**%s** %s", title(d.Name), title(d.Name), prose(strings.TrimPrefix(d.Doc, d.Name+" ")))
	if where := at(d, ""); where != "" {
		fmt.Fprintf(b, " It stands at %s.", where)
	}
	b.WriteString("\n")
	if d.Type != nil {
		fmt.Fprintf(b, "\nWritten as: %s.\n", typeWords(*d.Type, d.Form))
	}
	if len(d.Fields) > 0 {
		b.WriteString("\n")
	}
	for _, f := range d.Fields {
		fieldItem(b, d, f)
	}
	if len(d.Variants) > 0 {
		fmt.Fprintf(b, "\nWhich other fields it has, `%s` decides:\n\n", d.Choice)
		for _, v := range d.Variants {
			of, _ := Find(v.Definition)
			fmt.Fprintf(b, "- `%q`: %s %s\n", v.Value, link(v.Definition), prose(strings.TrimPrefix(of.Doc, of.Name+" ")))
		}
	}
}

// fieldItem describes a field in an item of a list.
func fieldItem(b *strings.Builder, d Definition, f Field) {
	doc := prose(strings.TrimPrefix(f.Doc, f.Name+" "))
	if doc == "" {
		doc = "chooses this."
	}
	fmt.Fprintf(b, "- <a id=\"%s.%s\"></a>**`%s`** %s\n  <br>%s", anchor(d.Name), f.Name, f.Name, doc, fieldType(d, f))
	if f.Required {
		b.WriteString("; required")
	}
	if f.Default != "" {
		b.WriteString("; default: " + exact(f.Default))
	}
	if f.Example != "" {
		b.WriteString("; example: " + code(f.Example))
	}
	b.WriteString("\n")
}

func fieldType(d Definition, f Field) string {
	if f.Name == d.Choice {
		values := make([]string, len(d.Variants))
		for i, v := range d.Variants {
			values[i] = code(fmt.Sprintf("%q", v.Value))
		}
		return strings.Join(values, " or ")
	}
	return typeWords(f.Type, f.Form)
}

// typeWords prefers a form in words to a pattern.
func typeWords(t Type, form string) string {
	if form == "" {
		return t.Words(link, code)
	}
	if t.Elem != nil {
		return t.Kind + ", each " + typeWords(*t.Elem, form)
	}
	if t.Kind == "string" && strings.HasPrefix(form, `"`) {
		return "string like " + exact(form)
	}
	return exact(form)
}

// variantOf is the choice that a definition is a way of, or empty.
func variantOf(d Definition) string {
	for _, of := range Reference() {
		for _, v := range of.Variants {
			if v.Definition == d.Name {
				return fmt.Sprintf("%s: %q", of.Choice, v.Value)
			}
		}
	}
	return ""
}

// at says where a definition stands, by the first way that leads to it, with
// before in front if there is such a place.
func at(d Definition, before string) string {
	path := paths()[d.Name]
	if path == "" {
		return ""
	}
	words := before + "`" + path + "`"
	if choice := variantOf(d); choice != "" {
		words += " where `" + choice + "`"
	}
	return words
}

// paths are the first paths by which definitions are come upon.
func paths() map[string]string {
	found := map[string]string{Root: ""}
	for _, d := range Reference() {
		base := found[d.Name]
		for _, f := range d.Fields {
			path := strings.TrimPrefix(base+"."+f.Name, ".")
			for t := &f.Type; t != nil; t = t.Elem {
				if _, known := found[t.Ref]; t.Ref != "" && !known {
					found[t.Ref] = path
				}
				path += map[string]string{"list": "[]", "map": ".NAME"}[t.Kind]
			}
		}
		for _, v := range d.Variants {
			if _, known := found[v.Definition]; !known {
				found[v.Definition] = base
			}
		}
	}
	return found
}

func title(name string) string { return strings.TrimPrefix(name, "#") }

// anchor is what a heading's address is made of by those who show Markdown.
func anchor(name string) string { return strings.ToLower(title(name)) }

func link(name string) string { return "[" + title(name) + "](#" + anchor(name) + ")" }

func code(text string) string {
	if strings.Contains(text, "`") {
		return "`` " + text + " ``"
	}
	return "`" + text + "`"
}

var (
	quoted = regexp.MustCompile(`"[^"]*"`)
	markup = regexp.MustCompile("[*_`<>\\[\\]$#]")
)

// prose is a comment's text as Markdown: what stands in quotes is exact, and
// nothing else is markup.
func prose(text string) string {
	var b strings.Builder
	for text != "" {
		span := quoted.FindStringIndex(text)
		if span == nil {
			span = []int{len(text), len(text)}
		}
		b.WriteString(markup.ReplaceAllString(text[:span[0]], `\$0`))
		if span[1] > span[0] {
			b.WriteString(code(text[span[0]:span[1]]))
		}
		text = text[span[1]:]
	}
	return b.String()
}

// exact is a default or a form: as it would be written, or in words.
func exact(text string) string {
	if text == "true" || text == "false" || strings.ContainsAny(text, "[{") || text != "" && strings.Trim(text, "0123456789") == "" {
		return code(text)
	}
	return prose(text)
}
