package declare

import (
	"encoding/json"
	"path"
	"slices"

	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/parser"
	"cuelang.org/go/cue/token"

	"github.com/portreeve/portreeve/reconciler/declare/internal/contain"
	"github.com/portreeve/portreeve/reconciler/fleet"
)

// ownFile is a file of policies that the config repo adds. It stands by
// itself. It is anybody's text: it is read, and its policies are held against
// what is declared, in a process that can be ended.
type ownFile struct {
	source
	laws     []law
	problems []fleet.Problem
}

// maxPolicies is how large a file of policies may be.
const maxPolicies = 256 << 10

// isPolicies reports whether a file of the config repo holds policies and no
// declarations: it stands in the folder of policies and is of their package.
func isPolicies(src source) bool {
	f, err := parser.ParseFile(src.path, src.data, parser.PackageClauseOnly)
	return err == nil && f.PackageName() == policyPackage
}

// ownPolicies takes the files of policies from among those that were found.
func (r *reading) ownPolicies() []*ownFile {
	var own []*ownFile
	r.find.files = slices.DeleteFunc(r.find.files, func(name string) bool {
		if path.Dir(name) != policyPackage {
			return false
		}
		src, ok := r.find.read(name)
		if !ok || !isPolicies(src) || !r.find.count(name, len(src.data)) {
			return false
		}
		own = append(own, &ownFile{source: src})
		return true
	})
	for _, f := range own {
		if len(f.data) > maxPolicies {
			f.problems = []fleet.Problem{problem("too-large", fleet.Top(f.path), "", "split it into several files",
				"is larger than %d KiB", maxPolicies>>10)}
			continue
		}
		answer, err := r.crew.rules(f, rulesRequest{On: r.lawful()})
		if err != nil {
			answer.Problems = []fleet.Problem{tooMuch(f.path, err)}
		}
		f.laws, f.problems = answer.Laws, answer.Problems
	}
	return own
}

// lawful is what a policy of the config repo may be about.
func (r *reading) lawful() []string {
	on := []string{fleet.OnTeam, fleet.OnSettings}
	for _, k := range r.kinds {
		on = append(on, k.Name)
	}
	return on
}

// rulesRequest asks a child to read a file of policies and, if there are
// questions, to answer them instead of holding the policies against their
// examples.
type rulesRequest struct {
	On        []string                       `json:"on"`
	Settings  map[string]fleet.PolicySetting `json:"settings"`
	Questions []question                     `json:"questions"`
}

// rulesAnswer is what is in the file, and the answers in the questions' order.
type rulesAnswer struct {
	Laws     []law           `json:"laws"`
	Problems []fleet.Problem `json:"problems"`
	Rulings  []ruling        `json:"rulings"`
}

// rules has a child answer. What takes longer than is usual gets all the time
// that there may be, once.
func (c *crew) rules(f *ownFile, r rulesRequest) (answer rulesAnswer, err error) {
	text, err := json.Marshal(r)
	if err != nil {
		return answer, err
	}
	call := request{files: []source{f.source}, rules: string(text)}
	cpu := min(usual, c.limits.CPU)
	b, err := c.call(call, cpu)
	if e := (*contain.Exceeded)(nil); errors.As(err, &e) && e.What == "time" && cpu < c.limits.CPU && c.spent <= c.limits.Total {
		b, err = c.call(call, c.limits.CPU)
	}
	if err == nil && json.Unmarshal(b, &answer) != nil {
		err = contain.ErrCrashed
	}
	return answer, err
}

// answerRules is what the child does.
func answerRules(src source, text string) []byte {
	var r rulesRequest
	if json.Unmarshal([]byte(text), &r) != nil {
		return nil
	}
	set := readRules([]source{src}, r.On)
	f := set.files[0]
	if c := set.court(true); !f.broken && c.err != nil {
		f.mistake(c.err)
	}
	var answer rulesAnswer
	switch {
	case f.broken:
	case r.Questions == nil:
		set.prove()
		answer.Laws = set.laws()
	default:
		known := set.with(r.Settings).judge(r.Questions)
		for _, q := range r.Questions {
			answer.Rulings = append(answer.Rulings, known[q])
		}
	}
	answer.Problems = f.problems
	b, err := json.Marshal(answer)
	if err != nil {
		return nil
	}
	return b
}

// mistake refuses a file of policies that can't be built.
func (f *file) mistake(err error) {
	pos := token.NoPos
	if e := errors.Error(nil); errors.As(err, &e) {
		pos, _ = blame(e, []*file{f})
	}
	_, words, hint := worded(err)
	f.refuse("bad-value", pos, hint, "%s", words)
}
