package declare

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/portreeve/portreeve/reconciler/declare/internal/contain"
	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Limits bound the evaluation of files that are more than plain data, which
// is done in a process of its own. A file that exceeds them is named, and
// counts as one that can't be read.
type Limits struct {
	Memory int64         // bytes that the process may hold
	CPU    time.Duration // processor time for one folder
	Total  time.Duration // time for all that exceeds what is usual
}

// usual is processor time that nearly every folder is content with. Those that
// are not wait until the others are done.
const usual = 2 * time.Second

// patience is how long a process may wait for processors that others use.
const patience = 20 * time.Second

func (l Limits) orDefault() Limits {
	if l.Memory == 0 {
		l.Memory = 1 << 30
	}
	if l.CPU == 0 {
		l.CPU = 20 * time.Second
	}
	if l.Total == 0 {
		l.Total = 6 * l.CPU
	}
	return l
}

// crew evaluates in child processes: one, until it has to be killed.
type crew struct {
	process contain.Process
	groups  []string
	limits  Limits
	spent   time.Duration // on what exceeded its limits
}

func (c *crew) call(r request, cpu time.Duration) ([]byte, error) {
	r.groups = c.groups
	begin := time.Now()
	answer, err := c.process.Call(contain.Limits{
		Memory: c.limits.Memory, CPU: cpu, Wall: 5*cpu + patience, Answer: c.limits.Memory / 8,
	}, r.encode())
	if err != nil {
		c.spent += min(cpu, time.Since(begin))
	}
	return answer, err
}

// look reads a file that is not tame.
func (c *crew) look(src source) *sheet {
	answer, err := c.call(request{look: true, files: []source{src}}, usual)
	if err == nil {
		d := &decoder{s: string(answer)}
		if s := d.sheet(); !d.bad {
			return s
		}
		err = contain.ErrCrashed
	}
	f := &file{source: src, named: map[[2]string]*entry{}}
	f.recover(c.groups)
	s := f.sheet()
	s.broken, s.partial = true, true
	s.problems = append(s.problems, tooMuch(src.path, err))
	return s
}

// evaluate evaluates files as one package.
func (c *crew) evaluate(files []source, asked []string, cpu time.Duration) (*outcome, error) {
	answer, err := c.call(request{files: files, asked: asked}, cpu)
	if err != nil {
		return nil, err
	}
	d := &decoder{s: string(answer)}
	if o := d.outcome(); !d.bad {
		return o, nil
	}
	return nil, contain.ErrCrashed
}

// settle goes on where evaluating files within what is usual failed with err;
// plain of them come first and are not to blame. It gives what they come to,
// or the file that makes them exceed the limits: with it they do, with those
// before it they don't.
func (c *crew) settle(files []source, plain int, asked []string, err error) (*outcome, source, error) {
	rich := files[plain:]
	try := func(n int, cpu time.Duration) (*outcome, error) {
		if c.spent > c.limits.Total {
			return nil, errSpent
		}
		some := files[:plain+n]
		return c.evaluate(some, slices.DeleteFunc(slices.Clone(asked), func(path string) bool {
			return !slices.ContainsFunc(some, func(s source) bool { return s.path == path })
		}), cpu)
	}
	// firstBad is how many of the rich files take too much, if so many do not.
	firstBad := func(good int, cpu time.Duration) int {
		return good + 1 + sort.Search(len(rich)-good-1, func(n int) bool {
			_, err := try(good+1+n, cpu)
			return err != nil
		})
	}
	soon := min(usual, c.limits.CPU)
	suspect := firstBad(0, soon)
	e := (*contain.Exceeded)(nil)
	if soon == c.limits.CPU || !errors.As(err, &e) || e.What != "time" {
		return nil, rich[suspect-1], err // more time is no help
	}
	if suspect < len(rich) {
		if _, err := try(suspect, c.limits.CPU); err != nil {
			return nil, rich[suspect-1], err
		}
	}
	o, err := try(len(rich), c.limits.CPU)
	if err == nil {
		return o, source{}, nil
	}
	if suspect < len(rich) {
		suspect = firstBad(suspect, c.limits.CPU)
	}
	return nil, rich[suspect-1], err
}

// errSpent is why files are not evaluated any more.
var errSpent = errors.New("others took all the time that there is for it")

// tooMuch is the problem of a file that can't be evaluated, and why.
func tooMuch(path string, err error) fleet.Problem {
	p := fleet.Problem{Severity: fleet.Error, Code: "too-large", Pos: fleet.Top(path)}
	switch e := (*contain.Exceeded)(nil); {
	case errors.As(err, &e):
		p.Message = fmt.Sprintf("takes too much %s to evaluate", plural(e.What))
		p.Hint = "write it out, or split it"
	case errors.Is(err, contain.ErrCrashed):
		p.Message = "makes CUE fail, so that it can't be evaluated"
	default:
		p.Code, p.Message = "unreadable", fmt.Sprintf("can't be evaluated: %v", err)
	}
	return p
}

func plural(what string) string {
	if what == "answer" {
		return "text"
	}
	return what
}
