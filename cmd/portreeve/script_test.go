package main

import (
	"cmp"
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge/sandbox"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"portreeve":        func() { os.Exit(run(os.Args[1:])) },
		"portreeve-worded": func() { os.Exit(runWorded()) },
		"portreeve-odd":    func() { os.Exit(runOdd()) },
	})
}

// TestScript runs testdata/script. Beside the program itself, a script has
//
//	forge [flags]     start a sandbox with the repos under repos/OWNER/NAME and
//	                  the config repo acme/config under config/; flags:
//	                  noci=REPO,…  failing=REPO,…  slow=REPO,…  approvals=REPO,…
//	                  queue=REPO,…  conversations=REPO,…  signed=REPO,…; and
//	                  bypass lets portreeve pass the rules by, hidden hides
//	                  branch protection from it
//	person VERB REPO …  act as a person: merge N [METHOD], close N, reopen N,
//	                  comment N TEXT, approve N, draft N, retarget N BRANCH, unlabel N
//	                  LABEL, commit PATH FILE …, push BRANCH PATH FILE,
//	                  amend BRANCH PATH FILE, update-branch BRANCH, delete-branch
//	                  BRANCH, rename-branch BRANCH NAME, default-branch BRANCH,
//	                  rename NAME, private, archive, delete-repo, generate NAME,
//	                  enqueue N, dequeue N, discuss N TEXT, resolve N;
//	                  a commit's FILE is - for one that is removed
//	pulls REPO        print the repo's pull requests, a line each
//	body REPO N       print a pull request's body and comments
//	show REPO PATH [BRANCH]   print a file
//	commits REPO BRANCH   print the commits that the branch has and main has not,
//	                  a line each, the newest first
//	status REPO       print the commit status of the repo's head
//	writes            print what portreeve wrote since the last call, a line each
//	asked             print how much was asked of the forge since the last call
//	fault KIND [REPO] let requests fail: down, slow, half, reset; none ends it
//	clock DURATION    let the forge's clock run ahead
//	backstage FILE    let Backstage's catalog hold the entities of FILE, in YAML,
//	                  or be in trouble: down, slow, garbage, lying, empty; the
//	                  first call, before forge, puts its URL where
//	                  config/fleet.cue says BACKSTAGE
//	prometheus DIR    start a Prometheus that runs by the files of DIR, before
//	                  forge, with its URL where config/fleet.cue says PROMETHEUS;
//	                  or have it down, up, or restarted: down, up, restart
//	soon FILE         put a day a month from now where FILE says SOON
//
// and the variables FORGE (its URL) and CONFIG (the config repo's URL).
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("XDG_CACHE_HOME", filepath.Join(env.WorkDir, "cache"))
			env.Values["town"] = &town{}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"forge": cmdForge, "person": cmdPerson, "pulls": cmdPulls, "body": cmdBody, "show": cmdShow, "commits": cmdCommits,
			"status": cmdStatus, "backstage": cmdBackstage, "prometheus": cmdPrometheus,
			"writes": cmdWrites, "asked": cmdAsked, "fault": cmdFault, "clock": cmdClock, "soon": cmdSoon,
		},
	})
}

// town is one script's forge.
type town struct {
	forge  *sandbox.Forge
	mu     sync.Mutex
	ahead  time.Duration
	writes sandbox.Counts
	asked  sandbox.Counts

	backstage  *backstage // nil before the first
	prometheus *promHost
}

func (w *town) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.ahead)
}

func townOf(ts *testscript.TestScript) *town { return ts.Value("town").(*town) }

func cmdForge(ts *testscript.TestScript, _ bool, args []string) {
	w := townOf(ts)
	f, err := sandbox.New(sandbox.Options{Dir: ts.MkAbs("forge"), Now: w.now})
	ts.Check(err)
	w.forge = f
	f.AddUser("portreeve", "token-of-portreeve", true)
	f.AddUser("kim", "token-of-kim", false)
	flags := map[string][]string{}
	for _, a := range args {
		key, value, _ := strings.Cut(a, "=")
		flags[key] = strings.Split(value, ",")
	}
	specs := []sandbox.Spec{{Name: "acme/config", Files: contents(ts, ts.MkAbs("config"))}}
	owners, _ := os.ReadDir(ts.MkAbs("repos"))
	for _, owner := range owners {
		repos, err := os.ReadDir(ts.MkAbs("repos/" + owner.Name()))
		ts.Check(err)
		for _, r := range repos {
			name := owner.Name() + "/" + r.Name()
			specs = append(specs, spec(name, contents(ts, ts.MkAbs("repos/"+name)), flags))
		}
	}
	for _, s := range specs {
		ts.Check(f.CreateRepo(s))
	}
	if _, ok := flags["bypass"]; ok {
		f.Bypass("portreeve")
	}
	if _, ok := flags["hidden"]; ok {
		f.HideProtection("portreeve")
	}
	if _, ok := flags["unread-access"]; ok {
		f.HideAccess("portreeve")
	}
	server := httptest.NewServer(f.Handler())
	ts.Defer(server.Close)
	ts.Setenv("FORGE", server.URL)
	ts.Setenv("CONFIG", server.URL+"/acme/config.git")
	ts.Setenv("PORTREEVE_FORGE_URL", server.URL)
	ts.Setenv("PORTREEVE_TOKEN", "token-of-portreeve")
}

func spec(name string, files map[string]sandbox.File, flags map[string][]string) sandbox.Spec {
	s := sandbox.Spec{Name: fleet.RepoName(name), Files: files}
	check := sandbox.CheckSpec{Name: "test"}
	if slices.Contains(flags["failing"], name) {
		check.Fails = func(func(string) ([]byte, bool)) bool { return true }
	}
	if slices.Contains(flags["slow"], name) {
		check.After = time.Hour
	}
	if !slices.Contains(flags["noci"], name) {
		s.CI = []sandbox.CheckSpec{check}
	}
	if slices.Contains(flags["approvals"], name) {
		s.Rules.RequiredApprovals = 1
	}
	s.Rules.Conversations = slices.Contains(flags["conversations"], name)
	s.Rules.Signatures = slices.Contains(flags["signed"], name)
	if slices.Contains(flags["queue"], name) {
		s.Rules.Queue, s.Rules.RequiredChecks, s.Rules.QueueTimeout = true, []string{"test"}, 3*time.Hour
	}
	return s
}

func contents(ts *testscript.TestScript, dir string) map[string]sandbox.File {
	out := map[string]sandbox.File{}
	ts.Check(filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		out[filepath.ToSlash(name)] = sandbox.File{Content: string(b), Executable: strings.HasSuffix(name, ".sh")}
		return err
	}))
	return out
}

func cmdPerson(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: person VERB REPO ARG...")
	}
	args = append(args, "", "", "")
	kim := townOf(ts).forge.Person("kim")
	repo, rest := fleet.RepoName(args[1]), args[2:]
	number, _ := strconv.Atoi(rest[0])
	var err error
	switch args[0] {
	case "merge":
		err = kim.Merge(repo, number, cmp.Or(fleet.MergeMethod(rest[1]), fleet.MergeSquash))
	case "close":
		err = kim.Close(repo, number)
	case "reopen":
		err = kim.Reopen(repo, number)
	case "comment":
		err = kim.Comment(repo, number, rest[1])
	case "approve":
		err = kim.Approve(repo, number)
	case "enqueue":
		err = kim.Enqueue(repo, number)
	case "dequeue":
		err = kim.Dequeue(repo, number)
	case "discuss":
		err = kim.Discuss(repo, number, rest[1])
	case "resolve":
		err = kim.Resolve(repo, number)
	case "commit":
		_, err = kim.CommitFiles(repo, "main", changes(ts, rest), "Change "+rest[0])
	case "push":
		_, err = kim.CommitFile(repo, rest[0], rest[1], ts.ReadFile(rest[2]), "Change "+rest[1])
	case "amend":
		_, err = kim.Amend(repo, rest[0], map[string]*sandbox.File{rest[1]: {Content: ts.ReadFile(rest[2])}})
	case "update-branch":
		err = kim.UpdateBranch(repo, rest[0])
	default:
		err = settle(ts, kim, args[0], repo, rest)
	}
	if neg != (err != nil) {
		ts.Fatalf("person %v: %v", args, err)
	}
}

// settle is what a person does to a pull request's or a repo's settings.
func settle(ts *testscript.TestScript, kim *sandbox.Person, verb string, repo fleet.RepoName, rest []string) error {
	number, _ := strconv.Atoi(rest[0])
	switch verb {
	case "draft":
		return kim.Draft(repo, number, true)
	case "retarget":
		return kim.Retarget(repo, number, rest[1])
	case "unlabel":
		return kim.Unlabel(repo, number, rest[1])
	case "rename-branch":
		return kim.RenameBranch(repo, rest[0], rest[1])
	case "default-branch":
		return kim.SetDefaultBranch(repo, rest[0])
	case "private":
		return kim.SetPrivate(repo, true)
	case "archive":
		return kim.Archive(repo, true)
	case "delete-repo":
		return kim.DeleteRepo(repo)
	case "generate":
		return kim.Generate(repo, fleet.RepoName(rest[0]))
	case "rename":
		return kim.Rename(repo, fleet.RepoName(rest[0]))
	case "team": // "person team acme/payments", or with "secret"; from then on access counts
		f := townOf(ts).forge
		f.AddTeam(string(repo))
		f.SetSecret(string(repo), rest[0] == "secret")
		f.Manage(repo.Owner())
		return nil
	case "access":
		return townOf(ts).forge.SetAccess(repo, rest[0], fleet.Role(rest[1]))
	case "delete-branch":
		return kim.DeleteBranch(repo, rest[0])
	}
	ts.Fatalf("person: unknown verb %q", verb)
	return nil
}

// changes are pairs of a path and a file with its content, or "-".
func changes(ts *testscript.TestScript, pairs []string) map[string]*sandbox.File {
	out := map[string]*sandbox.File{}
	for i := 0; i+1 < len(pairs) && pairs[i] != ""; i += 2 {
		out[pairs[i]] = nil
		if pairs[i+1] != "-" {
			out[pairs[i]] = &sandbox.File{Content: ts.ReadFile(pairs[i+1])}
		}
	}
	return out
}

func cmdStatus(ts *testscript.TestScript, _ bool, args []string) {
	repo := fleet.RepoName(args[0])
	head := townOf(ts).forge.As("kim").Heads(context.Background(), []fleet.RepoName{repo})[repo]
	ts.Check(head.Err)
	if head.Value.Status == nil {
		fmt.Fprintln(ts.Stdout(), "none")
		return
	}
	fmt.Fprintln(ts.Stdout(), head.Value.Status.State, head.Value.Status.Description)
}

func cmdPulls(ts *testscript.TestScript, _ bool, args []string) {
	pulls, err := townOf(ts).forge.Pulls(fleet.RepoName(args[0]))
	ts.Check(err)
	if len(pulls) == 0 {
		fmt.Fprintln(ts.Stdout(), "none")
	}
	for _, p := range pulls {
		fmt.Fprintf(ts.Stdout(), "#%d %s %s %q into %s %v\n", p.Number, p.State, p.Head, p.Title, p.Base, p.Labels)
	}
}

func cmdBody(ts *testscript.TestScript, _ bool, args []string) {
	number, err := strconv.Atoi(args[1])
	ts.Check(err)
	p, err := townOf(ts).forge.Pull(fleet.RepoName(args[0]), number)
	ts.Check(err)
	fmt.Fprintln(ts.Stdout(), p.Body)
	for _, c := range p.Comments {
		fmt.Fprintf(ts.Stdout(), "%s: %s\n", c.Author.Login, c.Body)
	}
}

func cmdShow(ts *testscript.TestScript, neg bool, args []string) {
	branch := "main"
	if len(args) > 2 {
		branch = args[2]
	}
	content, err := townOf(ts).forge.ReadFile(fleet.RepoName(args[0]), branch, args[1])
	if neg != (err != nil) {
		ts.Fatalf("show %v: %v", args, err)
	}
	fmt.Fprint(ts.Stdout(), content)
}

func cmdCommits(ts *testscript.TestScript, _ bool, args []string) {
	log, err := townOf(ts).forge.Log(fleet.RepoName(args[0]), args[1])
	ts.Check(err)
	for _, c := range log {
		subject, _, _ := strings.Cut(c.Message, "\n")
		fmt.Fprintf(ts.Stdout(), "%s, by %s, committed by %s\n", subject, c.Author, c.Committer)
	}
}

func cmdWrites(ts *testscript.TestScript, _ bool, _ []string) {
	w := townOf(ts)
	now := w.forge.Counts()
	since := now.Since(w.writes)
	w.writes = now
	ours := since.WritesBy("portreeve")
	if len(ours) == 0 {
		fmt.Fprintln(ts.Stdout(), "none")
	}
	for _, write := range ours {
		fmt.Fprintf(ts.Stdout(), "%s %s #%d\n", write.Do, write.Repo, write.Number)
	}
}

func cmdAsked(ts *testscript.TestScript, _ bool, _ []string) {
	w := townOf(ts)
	now := w.forge.Counts()
	since := now.Since(w.asked)
	w.asked = now
	fmt.Fprintf(ts.Stdout(), "rest %d graphql %d points %d\n", since.RESTTotal(), since.GraphQL, since.GraphQLPoints)
	for _, service := range slices.Sorted(mapKeys(since.Git)) {
		fmt.Fprintf(ts.Stdout(), "git %s %d\n", service, since.Git[service])
	}
}

func mapKeys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func cmdFault(ts *testscript.TestScript, _ bool, args []string) {
	answers := map[string]*sandbox.FaultAnswer{
		"down": {Status: 503}, "half": {Half: true}, "reset": {Reset: true}, "slow": {Latency: 200 * time.Millisecond},
		"none": nil,
	}
	answer, ok := answers[args[0]]
	if !ok {
		ts.Fatalf("fault: unknown kind %q", args[0])
	}
	repo := fleet.RepoName("")
	if len(args) > 1 {
		repo = fleet.RepoName(args[1])
	}
	townOf(ts).forge.Fault(func(r sandbox.Request) *sandbox.FaultAnswer {
		if repo != "" && r.Repo != repo || r.Kind == "page" {
			return nil
		}
		return answer
	})
}

func cmdClock(ts *testscript.TestScript, _ bool, args []string) {
	d, err := time.ParseDuration(args[0])
	ts.Check(err)
	w := townOf(ts)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ahead += d
}

func cmdSoon(ts *testscript.TestScript, _ bool, args []string) {
	soon := strings.ReplaceAll(ts.ReadFile(args[0]), "SOON", time.Now().UTC().AddDate(0, 1, 0).Format(time.DateOnly))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(soon), 0o644))
}
