package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/portreeve/portreeve/reconciler/plan"
)

// rival is another version of this program. It is trusted no further than to
// read the fleet: it gets the flags of this command, the token in a file that
// is gone afterwards, a data directory of its own, and of the environment
// what leads to the forge.
type rival struct {
	program string
	args    []string
	env     []string
	dir     string   // its own, temporary
	secrets []string // that it must not repeat
	most    int      // bytes of its answer
}

// answerLimit is far above what a plan for thousands of repos takes.
const answerLimit = 512 << 20

// patience is how long the other version may take when this one took so long.
func patience(took time.Duration) time.Duration { return 2*time.Minute + 4*took }

// passed are the variables that lead to the forge, and to files.
var passed = []string{
	"PATH", "HOME", "TMPDIR", "TZ", "SYSTEMROOT", "SSL_CERT_FILE", "SSL_CERT_DIR",
	"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
}

// kept are the flags that are not passed on: what is this command's own, and
// what is passed in another way.
var kept = []string{"against", "all", "exit-code", "diff", "output", "data", "forge-url", "token-file", "backstage-token-file"}

func newRival(cmd *cobra.Command, c *connection, program, where string, contents bool) (*rival, error) {
	path, err := exec.LookPath(program)
	if err != nil {
		return nil, usagef("--against: %w", err)
	}
	dir, err := os.MkdirTemp("", "portreeve-against-")
	if err != nil {
		return nil, outside(err)
	}
	r := &rival{program: path, dir: dir, most: answerLimit}
	r.args = []string{"plan", "--output=json", "--data=" + filepath.Join(dir, "data")}
	if contents {
		r.args = append(r.args, "--diff")
	}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if !slices.Contains(kept, f.Name) {
			r.args = append(r.args, "--"+f.Name+"="+f.Value.String())
		}
	})
	if err := r.identity(cmd.Context(), c); err != nil {
		r.Close()
		return nil, err
	}
	r.args = append(r.args, "--", where)
	for _, name := range passed {
		if v, ok := os.LookupEnv(name); ok {
			r.env = append(r.env, name+"="+v)
		}
	}
	r.env = append(r.env, "PORTREEVE_FORGE_URL="+c.forgeURL) // which may hold a password
	return r, nil
}

// identity hands on who this command acts as.
func (r *rival) identity(ctx context.Context, c *connection) error {
	if c.signKeyFile != "" {
		r.env = append(r.env, passphraseEnv+"="+os.Getenv(passphraseEnv))
	}
	if token, err := c.backstageToken(); err == nil && token != "" { // else its plan says so, as ours does
		r.secrets = append(r.secrets, token)
		r.env = append(r.env, backstageTokenEnv+"="+token)
	}
	switch {
	case c.appID != "": // its flags are passed on, and they name a file
	case c.tokenFile != "":
		r.args = append(r.args, "--token-file="+c.tokenFile)
	default:
		token, err := c.token(ctx)
		if err != nil {
			return outside(err)
		}
		r.secrets = append(r.secrets, token)
		file := filepath.Join(r.dir, "token")
		if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
			return outside(err)
		}
		r.args = append(r.args, "--token-file="+file)
	}
	return nil
}

// Close deletes what the other version was given.
func (r *rival) Close() { _ = os.RemoveAll(r.dir) }

// plan asks the other version for its plan.
func (r *rival) plan(ctx context.Context, within time.Duration) (*plan.Told, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	out, said := &bounded{most: r.most, over: cancel}, &bounded{most: 4 << 10}
	cmd := exec.CommandContext(ctx, r.program, r.args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = r.env, out, said
	cmd.WaitDelay = time.Second // for what it started and left behind
	err := cmd.Run()
	switch {
	case out.cut:
		return nil, r.failed("answers with more than %d MB", r.most>>20)
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, r.failed("has not answered within %s", within.Round(time.Second))
	case ctx.Err() != nil:
		return nil, outside(context.Cause(ctx))
	case out.kept.Len() == 0:
		return nil, r.failed("gives no plan: %s", cmp.Or(r.clean(said.kept.String()), fmt.Sprint(err)))
	}
	// Also a plan that tells of problems, or of repos that can't be read, is
	// one, whatever the status.
	told, err := plan.ReadTold(out.kept.Bytes())
	if err != nil {
		return nil, r.failed("answers with %s", r.clean(err.Error()))
	}
	return told, nil
}

func (r *rival) failed(format string, args ...any) error {
	return outside(fmt.Errorf("%s "+format, append([]any{r.program}, args...)...))
}

// clean makes words of the other version fit to be told: the last line, and
// no secret.
func (r *rival) clean(s string) string {
	s = strings.TrimSpace(s)
	s = s[strings.LastIndexByte(s, '\n')+1:]
	for _, secret := range r.secrets {
		if secret != "" {
			s = strings.ReplaceAll(s, secret, "(the token)")
		}
	}
	return safe(s)
}

// bounded keeps the first bytes that are written to it.
type bounded struct {
	kept bytes.Buffer
	most int
	cut  bool
	over func() // called once there are more; may be nil
}

func (b *bounded) Write(p []byte) (int, error) {
	room := b.most - b.kept.Len()
	b.kept.Write(p[:min(len(p), room)])
	if len(p) > room && !b.cut {
		b.cut = true
		if b.over != nil {
			b.over()
		}
	}
	return len(p), nil
}
