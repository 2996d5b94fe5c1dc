// Package control is the unix socket between a running vrrpx and its command
// line: HTTP, so that `curl --unix-socket` can ask too. It reads snapshots, asks
// for reloads, and never holds up the event loop.
package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/vrrpx/vrrpx/stats"
)

// Source is what the server asks. It returns an error when the daemon does not
// answer within the context.
type Source interface {
	Status(context.Context) (*stats.Status, error)
	Reload(context.Context) (*stats.Reload, error)
	History() History
	Speakers(context.Context) (*stats.Speakers, error)
}

const (
	// reloadTime is how long the result of a reload is waited for: those before it
	// and its own, which may have to attach XDP to many interfaces.
	reloadTime = time.Minute
	// lookTime is how long a snapshot is waited for.
	lookTime = 3 * time.Second
	// writeTime is how long a client may be in taking an answer.
	writeTime = 10 * time.Second
)

// readTime is how long a client may take to ask. To answer may take longer.
var readTime = 5 * time.Second // tests have less

// Server serves one socket.
type Server struct {
	http http.Server
	path string
	done chan struct{}
}

// Listen opens the socket at path, with mode 0600, and serves it in a goroutine
// until Close. A socket that a killed process left is replaced: the caller
// holds the run directory's lock.
func Listen(path string, src Source) (*Server, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return nil, fmt.Errorf("control socket: %w", err)
	}
	s := &Server{path: path, done: make(chan struct{})}
	s.http = http.Server{
		Handler:        handler(src),
		ReadTimeout:    readTime,
		WriteTimeout:   writeTime,
		MaxHeaderBytes: 8 << 10,
		ErrorLog:       log.New(io.Discard, "", 0), // garbage from a client is the client's trouble: it gets 400
	}
	go func() {
		defer close(s.done)
		_ = s.http.Serve(l) // ends with ErrServerClosed
	}()
	return s, nil
}

// endTime is how long answers under way have at the end: who follows the history
// hears its last events then.
const endTime = 250 * time.Millisecond

// Close stops serving and removes the socket. Answers that are under way end first, or
// are cut off after 250 ms.
func (s *Server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), endTime)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = s.http.Close()
	}
	<-s.done
	_ = os.Remove(s.path)
	return err
}

func handler(src Source) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/status", answer(src.Status, lookTime, writeStatus))
	mux.HandleFunc("GET /v1/speakers", answer(src.Speakers, lookTime, writeJSON))
	mux.HandleFunc("POST /v1/reload", answer(src.Reload, reloadTime, writeJSON))
	mux.HandleFunc("GET /v1/events", func(w http.ResponseWriter, r *http.Request) { serveEvents(w, r, src.History()) })
	if rec, ok := src.(Recorder); ok {
		serveRecord(mux, rec)
	}
	return mux
}

func writeJSON[T any](w io.Writer, v T) error { return json.NewEncoder(w).Encode(v) }

// answer is what f returns within a time, as JSON.
func answer[T any](f func(context.Context) (T, error), within time.Duration, write func(io.Writer, T) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), within)
		defer cancel()
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(within + writeTime)) // a unix socket has deadlines
		v, err := f(ctx)
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = write(w, v) // the client has gone if this fails
	}
}
