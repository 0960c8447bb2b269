package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/portreeve/portreeve/cmd/internal/release"
	"github.com/portreeve/portreeve/reconciler/dashboard"
	"github.com/portreeve/portreeve/reconciler/store"
)

func runCommand() *cobra.Command {
	var c connection
	var listen, secretFile string
	var interval time.Duration
	cmd := &cobra.Command{
		Use:   "run [PATH]",
		Short: "Run the daemon: make passes until it is stopped",
		Long: `Run makes passes over the fleet: when the config repo changes, and at the
latest every --interval. PATH is the config repo: a URL, which is polled, or a
folder whose committed HEAD counts, which is watched.

It serves a status page at /, /status.json, /now.json, /healthz, /readyz,
/metrics, and who owns what for Backstage at /api/backstage/catalog-info.yaml. With
a secret it also takes the forge's webhooks, at /webhook; they only make a pass
begin earlier. Without one there is no /webhook: nobody could be told from
anybody.
On SIGTERM or an interrupt it ends the steps under way and exits; what is not
done then, the next run does.`,
		Example: `  portreeve run --data /var/lib/portreeve https://github.com/acme/config
  portreeve run --listen 127.0.0.1:9000 --interval 30s .`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			secret, err := webhookSecret(secretFile)
			if err != nil {
				return err
			}
			log := logger(cmd.ErrOrStderr(), true)
			c.catalogWait = catalogWaitDaemon
			e, err := newEngine(&c, place(args), true, true, log, &progress{})
			if err != nil {
				return err
			}
			defer e.Close()
			if _, _, err := net.SplitHostPort(listen); err != nil {
				return usagef("--listen %q is not of the form host:port", listen)
			}
			listener, err := net.Listen("tcp", listen)
			if err != nil {
				return outside(err)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "status page: http://%s/\n", listener.Addr())
			e.Lag = lag
			return serve(cmd.Context(), e, listener, interval, secret)
		},
	}
	c.flags(cmd)
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:8080", "`ADDRESS` of the status page")
	cmd.Flags().StringVar(&secretFile, "webhook-secret-file", "", "`FILE` that holds the secret of the forge's webhooks; $PORTREEVE_WEBHOOK_SECRET if empty")
	cmd.Flags().DurationVar(&interval, "interval", time.Minute, "longest time between passes")
	cmd.Flags().DurationVar(&c.poll, "poll", 15*time.Second, "time between looks at a remote config repo")
	return cmd
}

// lag is how far GitHub's answers are taken to be behind its writes at most.
const lag = 5 * time.Second

// serve runs the daemon with its pages until ctx ends. Without a secret it
// takes no webhooks.
func serve(ctx context.Context, e *engine, listener net.Listener, interval time.Duration, secret string) error {
	if err := e.store.Lock(); err != nil {
		listener.Close()
		return outside(err)
	}
	wake, look := make(chan struct{}, 1), make(chan struct{}, 1)
	e.Source = told{e.Source, look}
	pages := dashboard.New(dashboard.Options{
		Now: time.Now, Version: release.Name(), Kinds: e.Kinds, Alive: 15*time.Minute + 2*interval,
		Wake: func() { poke(wake) }, Look: func() { poke(look) },
		ConfigRepo: e.Observer.ConfigRepo, WebhookSecret: secret,
	})
	e.progress.tell = pages.Progress
	also := e.Publish
	e.Publish = func(pass *store.Pass) {
		pages.Publish(pass)
		e.store.AppendPass(pass)
		if also != nil {
			also(pass)
		}
	}
	if e.StatusURL == "" {
		e.StatusURL = os.Getenv("PORTREEVE_STATUS_URL")
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return outside(pages.Serve(ctx, listener)) })
	group.Go(func() error { return e.Run(ctx, interval, wake) })
	return group.Wait()
}
