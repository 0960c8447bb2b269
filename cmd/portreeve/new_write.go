package main

import (
	"io"
	"path"
	"slices"
	"strings"

	"github.com/portreeve/portreeve/cmd/internal/disk"
	"github.com/portreeve/portreeve/cmd/internal/members"
	"github.com/portreeve/portreeve/reconciler/declare"
	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/transform"
	"github.com/portreeve/portreeve/schema"
)

// write holds the declaration against the whole config repo, asks again where
// that finds something, and writes it. It gives the file's name.
func (n *addition) write(w io.Writer) (string, error) {
	for {
		name, data, problems, err := n.whole()
		if err != nil {
			return "", err
		}
		if len(problems) == 0 {
			return path.Join(n.dir, name), outside(disk.Write(n.root, name, data))
		}
		if !n.again(problems) {
			printed := declare.Print(w, declare.SeenFrom(n.dir, problems), "text")
			return "", &exitError{exitProblems, printed}
		}
	}
}

// whole is the file that is to be written, and the problems that the config
// repo would have with it and does not have without.
func (n *addition) whole() (name string, data []byte, problems []fleet.Problem, err error) {
	if name, err = n.place(); err != nil {
		return "", nil, nil, err
	}
	before, err := n.root.ReadFile(name)
	switch {
	case err == nil && n.file == "":
		return "", nil, nil, usagef("%s is there already; name a file to write to with --file", name)
	case err == nil:
		data, problems = n.draft.Append(name, before)
	default:
		copied, statErr := n.root.Stat(schema.CopyDir)
		data, problems = n.draft.File(statErr == nil && copied.IsDir())
	}
	if len(problems) > 0 {
		return name, nil, problems, nil
	}
	edits := []transform.Edit{{Path: fleet.Path(name), Content: data}}
	after := declare.Load(transform.Overlay(n.root.FS(), edits), members.Kinds())
	for _, p := range after.Problems {
		known := slices.ContainsFunc(n.config.Problems, func(old fleet.Problem) bool {
			return old.Pos == p.Pos && old.Message == p.Message
		})
		if p.Severity == fleet.Error && !known {
			problems = append(problems, p)
		}
	}
	return name, data, problems, nil
}

// place is the file to write to.
func (n *addition) place() (string, error) {
	name := n.file
	if name == "" {
		name = n.draft.Kind.Field + "/" + n.draft.Name + ".cue"
	}
	name = path.Clean(name)
	hidden := slices.ContainsFunc(strings.Split(name, "/"), func(part string) bool {
		return strings.HasPrefix(part, ".") || part == "cue.mod"
	})
	if path.IsAbs(name) || hidden || path.Ext(name) != ".cue" {
		return "", usagef("--file %q: expected a file *.cue of the config repo", n.file)
	}
	return name, nil
}
