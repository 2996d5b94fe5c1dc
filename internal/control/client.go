package control

import (
	"context"
	"encoding/json"
	"errors"
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
	st := &stats.Status{}
	return st, c.ask(ctx, http.MethodGet, "status", st)
}

// Speakers returns who the daemon has heard to speak VRRP or CARP. Errors are as with
// Status.
func (c *Client) Speakers(ctx context.Context) (*stats.Speakers, error) {
	all := &stats.Speakers{}
	return all, c.ask(ctx, http.MethodGet, "speakers", all)
}

// Reload has the daemon read its configuration again, and returns when it has.
// Errors are as with Status; that the configuration was refused is none.
func (c *Client) Reload(ctx context.Context) (*stats.Reload, error) {
	res := &stats.Reload{}
	return res, c.ask(ctx, http.MethodPost, "reload", res)
}

func (c *Client) ask(ctx context.Context, method, what string, answer any) error {
	body, err := c.open(ctx, method, what)
	if err != nil {
		return err
	}
	defer body.Close()
	if err := json.NewDecoder(body).Decode(answer); err != nil {
		return fmt.Errorf("the daemon's answer: %w", err)
	}
	return nil
}

// open asks, and returns the answer to be read.
func (c *Client) open(ctx context.Context, method, what string) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://vrrpx/v1/"+what, nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		b, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
		return nil, refusal(resp, b)
	}
	return resp.Body, nil
}

// ErrUnknown is the answer of a daemon that does not know what it was asked for: an
// upgrade leaves a MASTER running as it is, so that it may be older than who asks.
var ErrUnknown = errors.New("the daemon does not know what it is asked for")

// refusal is an answer that is none.
func refusal(resp *http.Response, body []byte) error {
	text := strings.TrimSpace(string(body))
	switch {
	case resp.StatusCode == http.StatusNotFound && strings.HasPrefix(text, ErrNoRouter.Error()):
		return fmt.Errorf("%w%s", ErrNoRouter, strings.TrimPrefix(text, ErrNoRouter.Error()))
	case resp.StatusCode == http.StatusNotFound:
		return ErrUnknown
	}
	return fmt.Errorf("the daemon answered %s: %s", resp.Status, text)
}
