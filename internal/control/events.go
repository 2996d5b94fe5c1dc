package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/vrrpx/vrrpx/stats"
)

// History is what GET /v1/events reads (history.Store). Neither method gives a list that
// anybody changes.
type History interface {
	// After returns the events with a higher number, in order.
	After(seq uint64) []stats.Event
	// Wait is After, and waits until there is one. It returns none when the context ends,
	// and when no more will come.
	Wait(ctx context.Context, seq uint64) []stats.Event
}

// EventQuery says which events are asked for: those that are both later than After's, by
// their number, and not before Since; zero values are no bounds.
type EventQuery struct {
	Since  time.Time
	After  uint64
	Follow bool // and those to come, until the daemon ends
}

func (q EventQuery) encode() string {
	v := url.Values{}
	if !q.Since.IsZero() {
		v.Set("since", q.Since.Format(time.RFC3339Nano))
	}
	if q.After > 0 {
		v.Set("after", strconv.FormatUint(q.After, 10))
	}
	if q.Follow {
		v.Set("follow", "true")
	}
	return v.Encode()
}

func parseEventQuery(v url.Values) (q EventQuery, err error) {
	for name := range v {
		given := v.Get(name)
		switch name {
		case "since":
			if q.Since, err = time.Parse(time.RFC3339, given); err != nil {
				return q, fmt.Errorf("since is a time as 2026-11-23T02:13:07Z, not %q", given)
			}
		case "after":
			if q.After, err = strconv.ParseUint(given, 10, 64); err != nil {
				return q, fmt.Errorf("after is the number of an event, not %q", given)
			}
		case "follow":
			if q.Follow, err = strconv.ParseBool(given); err != nil {
				return q, fmt.Errorf("follow is true or false, not %q", given)
			}
		default:
			return q, fmt.Errorf("there is no %q: events are chosen by since, after and follow", name)
		}
	}
	return q, nil
}

// serveEvents answers with one JSON line for each event.
func serveEvents(w http.ResponseWriter, r *http.Request, h History) {
	q, err := parseEventQuery(r.URL.Query())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c := http.NewResponseController(w)
	w.Header().Set("Content-Type", "application/x-ndjson")
	after, enc := q.After, json.NewEncoder(w)
	send := func(events []stats.Event) bool {
		_ = c.SetWriteDeadline(time.Now().Add(writeTime)) // who does not read is hung up on
		for i := range events {
			after = events[i].Seq
			if !q.Since.IsZero() && events[i].At.Before(q.Since) {
				continue
			}
			if enc.Encode(&events[i]) != nil {
				return false // the client has gone
			}
		}
		return c.Flush() == nil // the header too, so that who follows knows that it is heard
	}
	for more := send(h.After(after)) && q.Follow; more; {
		events := h.Wait(r.Context(), after)
		more = len(events) > 0 && send(events)
	}
}

// Events gives each event that is asked for to a function, in order, until that returns an
// error, which it returns. After a Follow it returns nil when the daemon has ended. Other
// errors are as with Status.
func (c *Client) Events(ctx context.Context, q EventQuery, each func(*stats.Event) error) error {
	body, err := c.open(ctx, http.MethodGet, "events?"+q.encode())
	if err != nil {
		return err
	}
	defer body.Close()
	for dec := json.NewDecoder(body); ; {
		var e stats.Event
		switch err := dec.Decode(&e); {
		case errors.Is(err, io.EOF), q.Follow && errors.Is(err, io.ErrUnexpectedEOF):
			return nil
		case err != nil:
			return fmt.Errorf("the daemon's answer: %w", err)
		}
		if err := each(&e); err != nil {
			return err
		}
	}
}
