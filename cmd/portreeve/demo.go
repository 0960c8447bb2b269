package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/portreeve/portreeve/reconciler/forge/sandbox"
	"github.com/portreeve/portreeve/reconciler/rollout"
	"github.com/portreeve/portreeve/reconciler/store"
)

// demoBound is how long the demo's fleet may take to converge.
const demoBound = 2 * time.Minute

func demoCommand() *cobra.Command {
	var d demo
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "See it work: a fleet on a forge of its own, on this machine",
		Long: `Demo starts a sandbox: a small forge with a dozen repos, their CI, a config
repo, and a host that gets files. The daemon runs against it over HTTP, as it would against GitHub. Merge,
close and comment on the sandbox's pages, or push to the config repo, and watch
what happens. Nothing leaves this machine, and without --dir nothing is kept.

Other commands can look at the sandbox as they would at GitHub: give them its
address as --forge-url and the token ` + demoToken + `.`,
		Example: `  portreeve demo
  portreeve demo --once     until all is settled, then a summary
  portreeve demo --listen 127.0.0.1:7001 --status-listen 127.0.0.1:7002
  portreeve why acme/checkout --url http://127.0.0.1:7002
  PORTREEVE_TOKEN=` + demoToken + ` portreeve plan --forge-url http://127.0.0.1:7001 http://127.0.0.1:7001/acme/config.git`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d.out = cmd.OutOrStdout()
			return d.run(cmd.Context())
		},
	}
	cmd.Flags().BoolVar(&d.once, "once", false, "end once nothing is left to do")
	cmd.Flags().StringVar(&d.listen, "listen", "127.0.0.1:0", "`ADDRESS` of the sandbox's pages")
	cmd.Flags().StringVar(&d.status, "status-listen", "127.0.0.1:0", "`ADDRESS` of the status page")
	cmd.Flags().StringVar(&d.dir, "dir", "", "new `DIR` to leave the sandbox's Git repos and the daemon's data in; by default a temporary one, removed at the end")
	cmd.Flags().DurationVar(&d.interval, "interval", 5*time.Second, "longest time between passes; the sandbox's webhooks make them begin earlier")
	cmd.Flags().BoolVar(&d.verbose, "verbose", false, "log what the daemon does")
	return cmd
}

type demo struct {
	once, verbose       bool
	listen, status, dir string
	interval            time.Duration
	out                 io.Writer

	mu       sync.Mutex
	settled  bool
	last     *store.Pass   // the pass before, nil at first
	converge chan struct{} // closed when nothing is left to do
}

func (d *demo) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if d.dir == "" {
		dir, err := os.MkdirTemp("", "portreeve-demo-")
		if err != nil {
			return outside(err)
		}
		defer os.RemoveAll(dir)
		d.dir = dir
	}
	f, forgeURL, stop, err := d.sandbox()
	if err != nil {
		return outside(err)
	}
	defer stop()
	listener, err := net.Listen("tcp", d.status)
	if err != nil {
		return outside(err)
	}
	secret, deaf, err := connect(f, listener.Addr())
	if err == nil {
		defer deaf()
	} else { // it finds out by itself
		d.interval = min(d.interval, time.Second)
	}
	e, err := d.engine(forgeURL)
	if err != nil {
		listener.Close()
		return err
	}
	defer e.Close()
	statusURL := "http://" + listener.Addr().String()
	e.StatusURL = statusURL
	d.converge = make(chan struct{})
	e.Publish = d.tell
	d.greet(forgeURL, statusURL)

	done := make(chan error, 1)
	go func() { done <- serve(ctx, e, listener, d.interval, secret) }()
	if !d.once {
		return <-done
	}
	select {
	case err := <-done:
		return err
	case <-d.converge:
		cancel()
		return <-done
	case <-time.After(demoBound):
		cancel()
		<-done
		return outside(errors.New("the demo did not settle in time"))
	}
}

// hosts is where the folders of hosts without Kubernetes are.
func (d *demo) hosts() string { return filepath.Join(d.dir, "hosts") }

// sandbox starts the forge, and lays out the hosts.
func (d *demo) sandbox() (f *sandbox.Forge, url string, stop func(), err error) {
	f, err = sandbox.New(sandbox.Options{Dir: filepath.Join(d.dir, "forge")})
	if err != nil {
		return nil, "", nil, err
	}
	if err := demoFleet(f); err != nil {
		return nil, "", nil, err
	}
	if err := demoHosts(d.hosts()); err != nil {
		return nil, "", nil, err
	}
	listener, err := net.Listen("tcp", d.listen)
	if err != nil {
		return nil, "", nil, err
	}
	server := &http.Server{Handler: f.Handler(), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }() // ends with Close
	return f, "http://" + listener.Addr().String(), func() { _ = server.Close() }, nil
}

// engine wires the daemon to the sandbox, with the client that production
// uses: only the base URL differs.
func (d *demo) engine(forgeURL string) (*engine, error) {
	token := filepath.Join(d.dir, "token")
	if err := os.WriteFile(token, []byte(demoToken), 0o600); err != nil {
		return nil, outside(err)
	}
	c := &connection{
		forgeURL: forgeURL, tokenFile: token, data: filepath.Join(d.dir, "data"),
		files: d.hosts(), author: "Portreeve <portreeve@noreply.invalid>", poll: d.interval,
	}
	log := slog.New(slog.DiscardHandler)
	if d.verbose {
		log = logger(os.Stderr, true)
	}
	return newEngine(c, forgeURL+"/"+demoConfig+".git", true, true, log, &progress{})
}

func (d *demo) greet(forgeURL, statusURL string) {
	fmt.Fprintf(d.out, `A forge of its own with %d repos, and a daemon that looks after them.

  forge    %s/   read, merge, close and comment; you are %q
  status   %s/   every target's state, and why
  config   git clone %s/%s.git
  host     %s   which gets its settings as files
  ask      portreeve why acme/checkout --url %s

`, demoSize(), forgeURL, demoPerson, statusURL, strings.Replace(forgeURL, "://", "://"+demoPerson+":"+demoPerson+"@", 1), demoConfig, filepath.Join(d.hosts(), "vm-1"), statusURL)
}

// tell prints what a pass did and what others did, and says when nothing is
// left to do.
func (d *demo) tell(pass *store.Pass) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var t table
	clock := pass.Finished.Local().Format("15:04:05")
	for _, done := range pass.Done {
		detail := done.URL
		if done.Err != "" {
			detail = "failed, is tried again: " + done.Err
		}
		t.add(clock, done.Action, done.Target().String(), laned(done.Declaration, done.Lane), detail)
	}
	d.changes(&t, clock, pass)
	t.print(d.out)
	if pass.Err != "" {
		fmt.Fprintln(d.out, safe(pass.Err))
	}
	settled := pass.Err == "" && pass.Plan != nil && len(pass.Done) == 0 && len(pass.Plan.Steps) == 0 &&
		pass.Plan.Count(rollout.Waiting) == 0
	if settled && !d.settled {
		d.summary(pass)
	}
	d.settled = settled
	if pass.Plan != nil {
		d.last = pass
	}
}

// changes tells, once the fleet has converged, what a pass found changed: the
// config repo, whether it may write, and states that nothing it did explains.
func (d *demo) changes(t *table, clock string, pass *store.Pass) {
	select {
	case <-d.converge:
	default:
		return
	}
	if d.last == nil || pass.Plan == nil {
		return
	}
	if pass.Revision != d.last.Revision {
		fmt.Fprintf(d.out, "%s  the config repo is at %s, mode %s: %s\n", clock, pass.Revision.Short(), pass.Plan.Mode, count(len(pass.Problems), "problem"))
		printProblems(d.out, pass.Problems)
	}
	if halted := pass.Plan.Halted; halted != d.last.Plan.Halted {
		if halted == "" {
			halted = "writing goes on"
		} else {
			halted = "nothing is written: " + halted
		}
		fmt.Fprintln(d.out, clock+"  "+safe(halted))
	}
	before := map[string]*rollout.Outcome{}
	for i := range d.last.Plan.Outcomes {
		o := &d.last.Plan.Outcomes[i]
		before[o.Target.String()+" "+declaration(o)] = o
	}
	for i := range pass.Plan.Outcomes {
		o := &pass.Plan.Outcomes[i]
		old := before[o.Target.String()+" "+declaration(o)]
		if old != nil && old.State == o.State {
			continue
		}
		switch o.State {
		case rollout.Failed, rollout.Blocked, rollout.Frozen, rollout.Declined:
		case rollout.Done, rollout.Out, rollout.Review:
			if old == nil || old.State == rollout.Change || old.State == rollout.Waiting {
				continue
			}
		default:
			continue
		}
		t.add(clock, string(o.State), orDash(o.Target.String()), declaration(o), o.Reason)
	}
}

// summary tells where the fleet stands once nothing is left to do.
func (d *demo) summary(pass *store.Pass) {
	select {
	case <-d.converge: // the first time tells all, and how to go on
		fmt.Fprintf(d.out, "%s  %s\n\n", pass.Finished.Local().Format("15:04:05"), planSummary(pass.Plan))
		return
	default:
		close(d.converge)
	}
	fmt.Fprintln(d.out, "\nNothing is left to do:")
	printStatus(d.out, pass, false)
	if !d.once {
		fmt.Fprint(d.out, `
Now it is your turn: merge a pull request, close another with a comment, or
edit a declaration in the config repo (a typo, too), and see both pages.
Ctrl-C ends the demo.

`)
	}
}
