package plan

import (
	"errors"
	"io/fs"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

const workflowDir = ".github/workflows"

// workflows tells whether a workflow of the repo runs on pull requests, if
// that is known. One that can't be read, or is no plain file, may run: rather
// wait for it than merge untested.
func (c *computation) workflows(repo *Repo) (runs, known bool) {
	key := "workflows " + treeOf(repo)
	if b, ok := c.memo.Get(key); ok {
		return string(b) == "true", true
	}
	tree := askingOf(repo)
	runs = runsOnPullRequest(tree)
	if !runs && c.asked(repo, tree) {
		return false, false
	}
	value := "false"
	if runs {
		value = "true"
	}
	c.memo.Put(key, []byte(value))
	return runs, true
}

func runsOnPullRequest(tree fs.FS) (runs bool) {
	entries, err := fs.ReadDir(tree, workflowDir)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fleet.ErrUnread):
		return false
	case err != nil:
		return true
	}
	for _, e := range entries {
		name := e.Name()
		if e.IsDir() || !strings.HasSuffix(name, ".yml") && !strings.HasSuffix(name, ".yaml") {
			continue
		}
		if !e.Type().IsRegular() {
			runs = true
			continue
		}
		switch b, err := fs.ReadFile(tree, workflowDir+"/"+name); {
		case errors.Is(err, fleet.ErrUnread): // noted; the others may tell without it
		case err != nil || onPullRequest(b):
			runs = true
		}
	}
	return runs
}

// onPullRequest reports whether a workflow file may name a pull request event.
func onPullRequest(workflow []byte) bool {
	var w struct {
		On yaml.Node `yaml:"on"`
	}
	if yaml.Unmarshal(workflow, &w) != nil {
		return true
	}
	return slices.ContainsFunc(events(&w.On, 0), func(event string) bool {
		return event == "pull_request" || event == "pull_request_target"
	})
}

// events are the names below "on": a string, a list of strings, or the keys
// of a map, with aliases and merged maps followed.
func events(n *yaml.Node, depth int) (names []string) {
	if depth > 5 {
		return []string{"pull_request"} // nobody writes so; it may be one
	}
	switch n.Kind {
	case yaml.ScalarNode:
		return []string{n.Value}
	case yaml.AliasNode:
		return events(n.Alias, depth+1)
	case yaml.SequenceNode:
		for _, child := range n.Content {
			names = append(names, events(child, depth+1)...)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			names = append(names, events(key, depth+1)...)
			if key.Value == "<<" {
				names = append(names, events(n.Content[i+1], depth+1)...)
			}
		}
	}
	return names
}
