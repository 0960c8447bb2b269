package main

import (
	"embed"
	"fmt"
	"strings"

	"github.com/portreeve/portreeve/cmd/internal/members"
	"github.com/portreeve/portreeve/reconciler/declare"
	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/transform"
	"github.com/portreeve/portreeve/schema"
)

// nameTrouble says why a name can't be the declaration's; empty if it can.
func (n *addition) nameTrouble(name string) string {
	k := n.draft.Kind
	for _, d := range n.config.Declarations {
		if d.ID.Kind == k.Name && d.ID.Name == name {
			return fmt.Sprintf("%s is there already, at %s", d.ID, d.Pos)
		}
	}
	if t, ok := n.config.Teams[fleet.TeamName(name)]; ok && k.Field == "teams" {
		return fmt.Sprintf("team %q is there already, at %s", name, t.Pos)
	}
	return n.trouble(name, n.draft.Values, "")
}

// answer takes a value for a field, or says why it can't be one.
func (n *addition) answer(f schema.Field, text string) string {
	value, err := declare.Literal(f.Type, text)
	if err != nil {
		return err.Error()
	}
	values := map[string]string{f.Name: value}
	if trouble := n.trouble("example", values, f.Name); trouble != "" {
		return trouble
	}
	n.draft.Values[f.Name] = value
	return ""
}

// trouble holds a declaration with some of its values against the schema,
// with examples for what is missing, and gives what is wrong with one field,
// or with the name.
func (n *addition) trouble(name string, values map[string]string, field string) string {
	draft := declare.Draft{Kind: n.draft.Kind, Name: name, Values: map[string]string{}}
	for _, f := range draft.Kind.Definition.Fields {
		value, given := values[f.Name]
		switch {
		case given:
			draft.Values[f.Name] = value
		case f.Required && f.Example != "":
			draft.Values[f.Name] = f.Example
		}
	}
	data, problems := draft.File(false)
	if len(problems) == 0 {
		edits := []transform.Edit{{Path: "new.cue", Content: data}, {Path: "others.cue", Content: n.others()}}
		problems = declare.Load(transform.Overlay(embed.FS{}, edits), members.Kinds()).Problems
	}
	base := draft.Kind.Field + "." + name
	for _, p := range problems {
		at := strings.TrimPrefix(p.Field, base)
		about := at == "" && field == "" && p.Code == "bad-name" ||
			field != "" && (at == "."+field || strings.HasPrefix(at, "."+field+".") || strings.HasPrefix(at, "."+field+"["))
		if p.Severity == fleet.Error && (about || p.Pos.File == "new.cue" && p.Code == "syntax") {
			return joinHint(p)
		}
	}
	return ""
}

func joinHint(p fleet.Problem) string {
	if p.Hint == "" {
		return p.Message
	}
	return p.Message + "; " + p.Hint
}

// others declares the config repo's teams and clusters, so that references to them
// hold, and the settings with which every Prometheus begins.
func (n *addition) others() []byte {
	var b strings.Builder
	b.WriteString("package fleet\n")
	owner := fleet.TeamName("someone") // a cluster of a team that is not there is still a cluster
	for name := range n.config.Teams {
		fmt.Fprintf(&b, "teams: %q: members: [\"someone\"]\n", name)
		owner = name
	}
	for name, d := range n.config.Clusters {
		labels := map[string]any{}
		for label, value := range d.Cluster.Labels {
			labels[label] = value
		}
		fmt.Fprintf(&b, "clusters: %q: {owner: %q, labels: %s, delivery: pullRequest: {repo: \"acme/clusters\", folder: %q}}\n", name, owner, declare.Expr(labels), name)
	}
	if begin := n.config.Settings.Prometheus; begin != "" {
		fmt.Fprintf(&b, "fleet: {org: \"acme\", prometheus: %s}\n", begin)
	}
	return []byte(b.String())
}
