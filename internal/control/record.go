package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Recorder is a Source that has a flight recorder.
type Recorder interface {
	// Record returns what writes the recording as pcapng: of the last while, or with
	// 0 of all there is; of one router, or with "" of all. It fails with ErrNoRouter.
	Record(ctx context.Context, since time.Duration, router string) (write func(io.Writer) error, err error)
}

// ErrNoRouter is a name that no router has.
var ErrNoRouter = errors.New("no router of that name")

// recordTime is how long a recording is waited for: all routers, each at its turn of
// the loop, and the writing, which rests a lot.
const recordTime = 30 * time.Second

// serveRecord adds GET /v1/record?since=10m&router=VI_1.
func serveRecord(mux *http.ServeMux, rec Recorder) {
	mux.HandleFunc("GET /v1/record", func(w http.ResponseWriter, r *http.Request) {
		since := time.Duration(0)
		if text := r.FormValue("since"); text != "" {
			var err error
			if since, err = time.ParseDuration(text); err != nil || since < 0 {
				http.Error(w, fmt.Sprintf("since=%q is not a duration such as 10m", text), http.StatusBadRequest)
				return
			}
		}
		ctx, cancel := context.WithTimeout(r.Context(), recordTime)
		defer cancel()
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(2 * recordTime)) // a unix socket has deadlines
		write, err := rec.Record(ctx, since, r.FormValue("router"))
		switch {
		case errors.Is(err, ErrNoRouter):
			http.Error(w, err.Error(), http.StatusNotFound)
		case err != nil:
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		default:
			w.Header().Set("Content-Type", "application/x-pcapng")
			_ = write(w) // the client has gone if this fails
		}
	})
}

// Record asks for a recording; see Recorder. Errors are as with Status, and ErrNoRouter.
func (c *Client) Record(ctx context.Context, since time.Duration, router string) ([]byte, error) {
	query := url.Values{}
	if since > 0 {
		query.Set("since", since.String())
	}
	if router != "" {
		query.Set("router", router)
	}
	body, err := c.open(ctx, http.MethodGet, "record?"+query.Encode())
	if err != nil {
		return nil, err
	}
	defer body.Close()
	b, err := io.ReadAll(body)
	if err != nil {
		return nil, fmt.Errorf("the daemon's answer: %w", err)
	}
	return b, nil
}
