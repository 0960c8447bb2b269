package github

import (
	"context"
	"net/http"
	"net/url"
)

// appID is the id of the App whose bot has this login, without "[bot]": rules
// name Apps by id, and commit statuses by bot. It is asked for once; 0 while
// it can't be told, and of an App that nobody may see.
func (c *Client) appID(ctx context.Context, bot string) int64 {
	c.mu.Lock()
	id, known := c.apps[bot]
	c.mu.Unlock()
	if known || bot == "" {
		return id
	}
	app, _, err := c.rest.Apps.Get(ctx, url.PathEscape(bot))
	if err != nil && status(err) != http.StatusNotFound {
		return 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.apps[bot] = app.GetID()
	return c.apps[bot]
}
