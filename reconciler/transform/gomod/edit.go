package gomod

import (
	"fmt"
	"slices"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"

	"github.com/portreeve/portreeve/reconciler/transform/internal/values"
)

// addRequire adds a requirement in its order to the first block that holds a
// direct one, else as a line of its own.
func (f *file) addRequire(path, v string) {
	added := &modfile.Require{Mod: module.Version{Path: path, Version: v}}
	f.want = append(f.want, requirement(added))
	text := modfile.AutoQuote(path) + " " + v
	i := slices.IndexFunc(f.mod.Require, func(r *modfile.Require) bool { return !r.Indirect })
	if i < 0 {
		f.insertStatement(f.last(), "require "+text)
		return
	}
	first := f.mod.Require[i].Syntax
	block, ok := f.statement(first).(*modfile.LineBlock)
	if !ok {
		f.insertLine(values.LineEnd(f.text, first.End.Byte), "", "require "+text)
		return
	}
	var before *modfile.Line
	for _, r := range f.mod.Require {
		if slices.Contains(block.Line, r.Syntax) && r.Mod.Path < path {
			before = r.Syntax
		}
	}
	at := values.LineEnd(f.text, block.LParen.Pos.Byte)
	if before != nil {
		at = values.LineEnd(f.text, before.End.Byte)
	}
	f.insertLine(at, values.Indent(f.text, first.Start.Byte), text)
}

// last is the file's last statement. A file that parses to none has nothing
// that could be changed.
func (f *file) last() modfile.Expr {
	for _, stmt := range slices.Backward(f.mod.Syntax.Stmt) {
		if _, ok := stmt.(*modfile.CommentBlock); !ok {
			return stmt
		}
	}
	return &modfile.Line{End: modfile.Position{Byte: len(f.text)}}
}

// replace makes a replacement what it should be: the one of the same module
// and version, or a new one.
func replace(f *file, r replacement) error {
	old, to := module.Version{Path: r.Old, Version: r.OldVersion}, module.Version{Path: r.New, Version: r.NewVersion}
	target := modfile.AutoQuote(r.New)
	if r.NewVersion != "" {
		target += " " + r.NewVersion
	}
	found := false
	for _, have := range f.mod.Replace {
		if have.Old != old {
			continue
		}
		found = true
		if have.New == to {
			continue
		}
		all := f.tokens(have.Syntax)
		arrow := slices.Index(have.Syntax.Token, "=>")
		if len(all) != len(have.Syntax.Token) || arrow < 0 {
			return errRefused
		}
		f.cut(all[arrow+1].start, all[len(all)-1].end, target)
		f.expect(replaces(have.Old, have.New), replaces(old, to))
	}
	if found {
		return nil
	}
	text := modfile.AutoQuote(r.Old)
	if r.OldVersion != "" {
		text += " " + r.OldVersion
	}
	text += " => " + target
	f.want = append(f.want, replaces(old, to))
	if len(f.mod.Replace) == 0 {
		f.insertStatement(f.last(), "replace "+text)
		return nil
	}
	last := f.mod.Replace[len(f.mod.Replace)-1].Syntax
	if _, ok := f.statement(last).(*modfile.LineBlock); !ok {
		text = "replace " + text
	}
	f.insertLine(values.LineEnd(f.text, last.End.Byte), values.Indent(f.text, last.Start.Byte), text)
	return nil
}

func replaces(old, to module.Version) string { return fmt.Sprintf("replace %s => %s", old, to) }

// drop takes out the replacement of a module and version.
func drop(f *file, r replaced) error {
	for _, have := range f.mod.Replace {
		if have.Old.Path == r.Old && have.Old.Version == r.OldVersion {
			f.expect(replaces(have.Old, have.New), "")
			f.cutStatement(have.Syntax)
		}
	}
	return nil
}
