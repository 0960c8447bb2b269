package metrics

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// maxReason bounds, in bytes, what is told of why something was refused.
const maxReason = 300

// quoted is what an error quotes of a configuration, which may hold a password:
// what stands in backquotes, and values in double quotes; paths are told.
var quoted = regexp.MustCompile("`[^`]*`|\"[^\"/]*\"|://[^/\\s]*@")

// Reload tells a Prometheus to take up its files. An error is a fleet.Failure:
// Permanent if it does not take them, with its reason, in which nothing is quoted
// of them.
func (c *Client) Reload(ctx context.Context, address string) error {
	client, ctx, cancel, err := c.api(ctx, address)
	if err != nil {
		return err
	}
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, client.URL("/-/reload", nil).String(), nil)
	if err != nil {
		return errors.New("its address can't be read")
	}
	resp, body, err := client.Do(ctx, req)
	if err != nil {
		return plain(ctx, err)
	}
	switch {
	case resp.StatusCode == http.StatusOK:
		return nil
	case resp.StatusCode == http.StatusInternalServerError:
		reason := strings.Join(strings.Fields(quoted.ReplaceAllString(string(body), "…")), " ")
		if len(reason) > maxReason {
			reason = strings.ToValidUTF8(reason[:maxReason], "") + "…"
		}
		return &fleet.Failure{Class: fleet.Permanent, Op: "reload", On: "Prometheus", Err: errors.New(reason)}
	case resp.StatusCode == http.StatusForbidden:
		return errors.New("it takes no reload: run it with --web.enable-lifecycle")
	}
	return fmt.Errorf("it answers a reload with %d", resp.StatusCode)
}
