package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"

	"github.com/portreeve/portreeve/cmd/internal/disk"
	"github.com/portreeve/portreeve/cmd/internal/release"
	"github.com/portreeve/portreeve/examples"
	"github.com/portreeve/portreeve/schema"
)

// What stands in examples/start for what a person's own repo has.
const (
	hookRepo = "https://github.com/portreeve/portreeve"
	hookRev  = "v0.0.0"
)

// start is what the files of a new config repo depend on.
type start struct {
	org, repo         string
	hookRepo, hookRev string
}

// files are the files of the new repo: the example, in the person's words,
// and the copy of the schema.
func (s *start) files() (map[string][]byte, error) {
	texts := map[string][]byte{}
	err := fs.WalkDir(examples.Start, "start", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) == ".golden" { // what the tests expect is no part of it
			return err
		}
		data, err := examples.Start.ReadFile(name)
		name = strings.TrimPrefix(name, "start/")
		texts[name] = []byte(s.words(name).Replace(string(data)))
		return err
	})
	for name, data := range schema.Files(release.Version()) {
		texts[path.Join(schema.CopyDir, name)] = data
	}
	return texts, err
}

// words replaces what the example says of itself. Without an organisation the
// places where it belongs are empty.
func (s *start) words(file string) *strings.Replacer {
	switch path.Ext(file) {
	case ".cue":
		full := func(name string) string {
			if s.org == "" {
				return `""`
			}
			return strconv.Quote(s.org + "/" + name)
		}
		return strings.NewReplacer(`"acme"`, strconv.Quote(s.org), `"acme/config"`, full(s.repo), `"acme/platform"`, full("platform"))
	case ".yaml":
		return strings.NewReplacer("repo: "+hookRepo, "repo: "+s.hookRepo, hookRev, s.hookRev)
	}
	return strings.NewReplacer()
}

// moveIn writes files below dir: first into a folder of their own there, then
// by moving what stands at its top. What was moved goes again if not all can
// be.
func moveIn(dir string, texts map[string][]byte) (err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	stage := ".portreeve-init-" + rand.Text()[:8]
	defer func() { err = errors.Join(err, root.RemoveAll(stage)) }()
	for name, data := range texts {
		if err := disk.Write(root, path.Join(stage, name), data); err != nil {
			return err
		}
	}
	tops, err := fs.ReadDir(root.FS(), stage)
	if err != nil {
		return err
	}
	for i, top := range tops {
		_, err := root.Lstat(top.Name())
		if err == nil {
			err = fmt.Errorf("%s has come to be there meanwhile", top.Name())
		} else if errors.Is(err, fs.ErrNotExist) {
			err = root.Rename(path.Join(stage, top.Name()), top.Name())
		}
		if err != nil {
			for _, moved := range tops[:i] {
				err = errors.Join(err, root.RemoveAll(moved.Name()))
			}
			return err
		}
	}
	return nil
}
