// Package gomod is the transform "gomod": the go and toolchain lines,
// requirements and replacements of go.mod files. It parses a file for places
// only and splices bytes, so comments, blocks, blank lines and odd formatting
// stay. What it made it parses again and holds against what it meant to make.
//
// It never lowers a version unless it is told to, and knows nothing of go.sum:
// what go mod tidy does is for a script.
package gomod

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/version"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// New is the member.
func New() transform.Transform {
	return transform.Transform{
		Name:   "gomod",
		Doc:    "Raises versions and sets replacements in go.mod files, and leaves every other byte as it is.",
		Decode: decode,
	}
}

type step struct {
	Do             string            `json:"do"`
	Paths          []string          `json:"paths"`
	Go             string            `json:"go"`
	Toolchain      string            `json:"toolchain"`
	Require        map[string]string `json:"require"`
	RequireMissing bool              `json:"requireMissing"`
	Replace        []replacement     `json:"replace"`
	DropReplace    []replaced        `json:"dropReplace"`
	Downgrade      bool              `json:"downgrade"`
}

type replacement struct {
	Old        string `json:"old"`
	OldVersion string `json:"oldVersion"`
	New        string `json:"new"`
	NewVersion string `json:"newVersion"`
}

type replaced struct {
	Old        string `json:"old"`
	OldVersion string `json:"oldVersion"`
}

const none = "none"

func decode(fields json.RawMessage) (transform.Step, error) {
	s := &step{}
	if err := transform.DecodeFields(fields, s); err != nil {
		return nil, err
	}
	if s.Paths == nil {
		s.Paths = []string{"go.mod"}
	}
	all := []error{transform.CheckGlobs("paths", s.Paths)}
	if s.Go == "" && s.Toolchain == "" && len(s.Require)+len(s.Replace)+len(s.DropReplace) == 0 {
		all = append(all, &transform.FieldError{Field: "do", Message: "says nothing to do: give go, toolchain, require, replace or dropReplace", Beside: "require"})
	}
	if s.Go != "" && !modfile.GoVersionRE.MatchString(s.Go) {
		all = append(all, &transform.FieldError{Field: "go", Message: fmt.Sprintf("%q is no version of Go", s.Go), Hint: `write "1.26.0"`})
	}
	if s.Toolchain != "" && s.Toolchain != none && !version.IsValid(s.Toolchain) {
		all = append(all, &transform.FieldError{Field: "toolchain", Message: fmt.Sprintf("%q is no toolchain", s.Toolchain), Hint: `write "go1.26.8", or "none" for no such line`})
	}
	return s, errors.Join(slices.Concat(all, s.checkRequire(), s.checkReplace())...)
}

func (s *step) checkRequire() (all []error) {
	for _, path := range slices.Sorted(maps.Keys(s.Require)) {
		if err := checkVersion(path, s.Require[path]); err != nil {
			all = append(all, transform.FieldErrorf("require."+path, "%s", err))
		}
	}
	return all
}

// checkVersion says why a module has no such version, as go.mod writes it.
func checkVersion(path, v string) error {
	if err := module.CheckPath(path); err != nil {
		return err
	}
	if v == "" || module.CanonicalVersion(v) != v {
		return fmt.Errorf("%q is no version as go.mod writes it: v1.2.3", v)
	}
	_, major, _ := module.SplitPathVersion(path)
	return module.CheckPathMajor(v, major)
}

func (s *step) checkReplace() (all []error) {
	seen := map[replaced]bool{}
	for i, r := range s.Replace {
		field := fmt.Sprintf("replace[%d].", i)
		all = append(all, checkReplaced(field, replaced{r.Old, r.OldVersion}, seen))
		local := modfile.IsDirectoryPath(r.New)
		switch {
		case r.New == "" || strings.ContainsAny(r.New, "\n\r\\`\"") || strings.HasPrefix(r.New, "//"):
			all = append(all, transform.FieldErrorf(field+"new", "%q is neither a module nor a folder", r.New))
		case local && r.NewVersion != "":
			all = append(all, transform.FieldErrorf(field+"newVersion", "a folder has no version"))
		case !local && r.NewVersion == "":
			all = append(all, &transform.FieldError{Field: field + "newVersion", Message: "is required with a module", Hint: "write a folder with ./ or ../ before it"})
		case !local:
			if err := checkVersion(r.New, r.NewVersion); err != nil {
				all = append(all, transform.FieldErrorf(field+"newVersion", "%s", err))
			}
		}
	}
	for i, r := range s.DropReplace {
		all = append(all, checkReplaced(fmt.Sprintf("dropReplace[%d].", i), r, seen))
	}
	return all
}

func checkReplaced(field string, r replaced, seen map[replaced]bool) error {
	var err error
	if r.OldVersion != "" {
		err = checkVersion(r.Old, r.OldVersion)
	} else {
		err = module.CheckPath(r.Old)
	}
	if err != nil {
		return transform.FieldErrorf(field+"old", "%s", err)
	}
	if seen[r] {
		return transform.FieldErrorf(field+"old", "%s is given twice", r)
	}
	seen[r] = true
	return nil
}

func (r replaced) String() string {
	if r.OldVersion == "" {
		return r.Old
	}
	return r.Old + " " + r.OldVersion
}

func (s *step) Summary() string {
	var does []string
	if s.Go != "" {
		does = append(does, "go "+s.Go)
	}
	if s.Toolchain != "" {
		does = append(does, "toolchain "+s.Toolchain)
	}
	for i, path := range slices.Sorted(maps.Keys(s.Require)) {
		if i == 2 {
			does = append(does, fmt.Sprintf("%d more", len(s.Require)-i))
			break
		}
		does = append(does, path+" "+s.Require[path])
	}
	if len(s.Replace)+len(s.DropReplace) > 0 {
		does = append(does, "replacements")
	}
	return strings.Join(does, ", ") + " in " + transform.GlobList(s.Paths)
}

func (s *step) Reach() transform.Reach {
	return transform.Reach{Uses: transform.UseAll("paths", s.Paths)}
}

func (s *step) Edits(tree fs.FS) ([]transform.Edit, error) {
	paths, err := transform.Files(tree, s.Paths...)
	if err != nil {
		return nil, err
	}
	return transform.Rewrite(tree, paths, func(p fleet.Path, content []byte) ([]byte, error) {
		after, err := s.rewrite(content)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p, err)
		}
		return after, nil
	})
}

// older reports whether a version is to be replaced by another.
func (s *step) older(order int) bool { return order < 0 || order > 0 && s.Downgrade }

func (s *step) rewrite(content []byte) ([]byte, error) {
	f, err := parse(content)
	if err != nil {
		return nil, err
	}
	ops := []func(f *file) error{s.setGo, s.setToolchain}
	for _, path := range slices.Sorted(maps.Keys(s.Require)) {
		ops = append(ops, func(f *file) error { return s.require(f, path, s.Require[path]) })
	}
	for _, r := range s.Replace {
		ops = append(ops, func(f *file) error { return replace(f, r) })
	}
	for _, r := range s.DropReplace {
		ops = append(ops, func(f *file) error { return drop(f, r) })
	}
	for _, op := range ops {
		if f, err = f.operate(op); err != nil {
			return nil, err
		}
	}
	return f.text, nil
}

func (s *step) setGo(f *file) error {
	if s.Go == "" {
		return nil
	}
	if f.mod.Go == nil {
		if f.mod.Module == nil {
			return fmt.Errorf("it has no module line")
		}
		f.insertStatement(f.statement(f.mod.Module.Syntax), "go "+s.Go)
		f.want = append(f.want, "go "+s.Go)
		return nil
	}
	if now := f.mod.Go.Version; s.older(version.Compare("go"+now, "go"+s.Go)) {
		f.expect("go "+now, "go "+s.Go)
		return f.setToken(f.mod.Go.Syntax, -1, s.Go)
	}
	return nil
}

// setToolchain leaves a file alone whose go line asks for as much: the go
// command would take such a toolchain line out.
func (s *step) setToolchain(f *file) error {
	now := f.mod.Toolchain
	switch {
	case s.Toolchain == "":
	case s.Toolchain == none:
		if now != nil {
			f.expect("toolchain "+now.Name, "")
			f.cutStatement(now.Syntax)
		}
	case now != nil:
		if !version.IsValid(now.Name) || s.older(version.Compare(now.Name, s.Toolchain)) {
			f.expect("toolchain "+now.Name, "toolchain "+s.Toolchain)
			return f.setToken(now.Syntax, -1, s.Toolchain)
		}
	case f.mod.Go == nil:
		return fmt.Errorf("a toolchain line needs a go line; give go too")
	case version.Compare("go"+f.mod.Go.Version, s.Toolchain) < 0:
		f.insertStatement(f.statement(f.mod.Go.Syntax), "toolchain "+s.Toolchain)
		f.want = append(f.want, "toolchain "+s.Toolchain)
	}
	return nil
}

func (s *step) require(f *file, path, v string) error {
	found := false
	for _, r := range f.mod.Require {
		if r.Mod.Path != path {
			continue
		}
		found = true
		if s.older(semver.Compare(r.Mod.Version, v)) {
			f.expect(requirement(r), requirement(&modfile.Require{Mod: module.Version{Path: path, Version: v}, Indirect: r.Indirect}))
			if err := f.setToken(r.Syntax, -1, v); err != nil {
				return err
			}
		}
	}
	if !found && s.RequireMissing {
		f.addRequire(path, v)
	}
	return nil
}
