package control

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/vrrpx/vrrpx/stats"
)

// Client asks the daemon that listens on a socket.
type Client struct{ http http.Client }

// NewClient returns a client of the socket at path. It connects when asked.
func NewClient(path string) *Client {
	var d net.Dialer
	return &Client{http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return d.DialContext(ctx, "unix", path)
		},
	}}}
}

// Status returns the daemon's snapshot. An error that wraps ENOENT or
// ECONNREFUSED means that no daemon runs.
func (c *Client) Status(ctx context.Context) (*stats.Status, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://vrrpx/v1/status", nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
		return nil, fmt.Errorf("the daemon answered %s: %s", resp.Status, strings.TrimSpace(string(b)))
	}
	var st stats.Status
	if err := json.NewDecoder(resp.Body).Decode(&st); err != nil {
		return nil, fmt.Errorf("the daemon's answer: %w", err)
	}
	return &st, nil
}
