package plan

import (
	"strings"
	"testing"
)

func TestOnPullRequest(t *testing.T) {
	for name, c := range map[string]struct {
		workflow string
		want     bool
	}{
		"string":                  {"on: pull_request\n", true},
		"list":                    {"on: [push, pull_request]\n", true},
		"list of lines":           {"on:\n  - push\n  - pull_request_target\n", true},
		"map":                     {"on:\n  push:\n  pull_request:\n    branches: [main]\n", true},
		"quoted key":              {"\"on\": pull_request\n", true},
		"single quotes":           {"'on': {'pull_request': null}\n", true},
		"complex key":             {"? on\n: pull_request\n", true},
		"flow":                    {"{name: x, on: {pull_request: {types: [opened]}}, jobs: {}}", true},
		"alias":                   {"x: &events [pull_request]\non: *events\n", true},
		"alias in a list":         {"x: &e pull_request\non: [push, *e]\n", true},
		"merged map":              {"x: &events {pull_request: {}}\non:\n  <<: *events\n", true},
		"byte order mark":         {"\ufeffon: pull_request\n", true},
		"carriage returns":        {"on:\r\n  pull_request:\r\n", true},
		"after a comment":         {"# on: push\n---\non: pull_request\n", true},
		"push":                    {"on: push\n", false},
		"push to such a branch":   {"on: {push: {branches: [pull_request]}}\n", false},
		"in a comment":            {"on: push # pull_request\n", false},
		"in a job":                {"on: push\njobs: {a: {if: \"github.event_name == 'pull_request'\"}}\n", false},
		"workflow_call":           {"on: workflow_call\n", false},
		"pull_request_review":     {"on: pull_request_review\n", false},
		"no on":                   {"jobs: {}\n", false},
		"empty on":                {"on:\n", false},
		"empty":                   {"", false},
		"boolean key is not on":   {"true: pull_request\n", false},
		"no map":                  {"- on: pull_request\n", true},
		"text":                    {"elsewhere", true},
		"broken":                  {"on: [push\n", true},
		"twice":                   {"on: push\non: pull_request\n", true},
		"tabs":                    {"on:\n\tpull_request:\n", true},
		"unknown alias":           {"on: *nothing\n", true},
		"deep":                    {"on: " + strings.Repeat("[", 2000) + "pull_request" + strings.Repeat("]", 2000), true},
		"binary":                  {"\x00\x01\x02", true},
		"sixteen bits a letter":   {"\xff\xfeo\x00n\x00:\x00 \x00x\x00", false},
		"a map that holds itself": {"on: &a {push: *a, <<: *a}\n", true},
	} {
		if got := onPullRequest([]byte(c.workflow)); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// FuzzOnPullRequest proves that no workflow file harms the planner, and that
// one that plainly says so is seen whatever stands around it.
func FuzzOnPullRequest(f *testing.F) {
	f.Add("on: push\n")
	f.Add("x: &a [*a]\non: *a\n")
	f.Add("on: &a {<<: [*a, *a]}\n")
	f.Add("a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\non: *c\n")
	f.Fuzz(func(t *testing.T, text string) {
		onPullRequest([]byte(text))
		if strings.ContainsAny(text, "\r\n\x00") || strings.TrimSpace(text) != text {
			return
		}
		if !onPullRequest([]byte("name: '" + strings.ReplaceAll(text, "'", "''") + "'\non: [push, pull_request]\n")) {
			t.Error("not seen")
		}
	})
}
