package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/portreeve/portreeve/cmd/internal/members"
	"github.com/portreeve/portreeve/reconciler/declare"
)

// TestReadme holds that the README's declarations, taken together, are a valid
// config repo, and that it names every command.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	must(t, err)
	var all strings.Builder
	for _, block := range regexp.MustCompile("(?s)```cue\n(.*?)```").FindAllSubmatch(readme, -1) {
		all.Write(block[1])
	}
	config := declare.Load(fstest.MapFS{"fleet.cue": {Data: []byte(all.String())}}, members.Kinds())
	if len(config.Problems) > 0 {
		t.Errorf("its declarations have problems: %v", config.Problems)
	}
	kindsShown := map[string]bool{}
	for _, d := range config.Declarations {
		kindsShown[d.ID.Kind] = true
	}
	for _, k := range members.Kinds() {
		if !kindsShown[k.Name] {
			t.Errorf("it shows no declaration of kind %s", k.Name)
		}
	}
	for _, command := range rootCommand().Commands() {
		if name := command.Name(); name != "help" && name != "completion" && !strings.Contains(string(readme), "`portreeve "+name) {
			t.Errorf("it does not name the command %s", name)
		}
		if command.Name() != "help" && command.Name() != "completion" && command.Example == "" {
			t.Errorf("%s has no example in its help", command.Name())
		}
	}
}
