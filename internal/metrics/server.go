package metrics

import (
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/net/netutil"
)

const (
	// maxConns and maxScrapes are what strangers may take of the process. Who
	// comes when all are taken waits, or is told to come again (503).
	maxConns   = 16
	maxScrapes = 3

	// All of the process's threads may be realtime ones, those that answer strangers
	// too, and would take the CPUs from everybody: so one request is begun at a time,
	// restRequest after the one before, and one connection each restAccept. Nine requests a
	// second of 255 routers take a sixth of a CPU.
	restRequest = 100 * time.Millisecond
	restAccept  = 20 * time.Millisecond
)

// Server answers scrapes.
type Server struct {
	http http.Server
	done chan struct{}
}

// Open listens at an address and serves GET /metrics there until Close, in
// goroutines of its own. network is tcp, tcp4, tcp6 or unix. Where it cannot listen
// the error is a *ListenError.
func Open(network, address string, src Source) (*Server, error) {
	l, err := listen(network, address)
	if err != nil {
		return nil, &ListenError{Network: network, Address: address, Cause: err}
	}
	s := &Server{done: make(chan struct{})}
	s.http = http.Server{
		Handler:        unhurried(handler(src), restRequest),
		ReadTimeout:    5 * time.Second,
		WriteTimeout:   10 * time.Second,
		IdleTimeout:    75 * time.Second, // Prometheus keeps its connection from scrape to scrape, a minute apart
		MaxHeaderBytes: 8 << 10,
		ErrorLog:       log.New(io.Discard, "", 0), // garbage from a client is the client's trouble: it gets 400
	}
	go func() {
		defer close(s.done)
		_ = s.http.Serve(netutil.LimitListener(slowListener{l}, maxConns)) // ends with ErrServerClosed
	}()
	return s, nil
}

// Close ends all connections. The address is free when it returns, and the socket
// has gone.
func (s *Server) Close() {
	_ = s.http.Close()
	<-s.done
}

// unhurried lets requests through one after the other, with a rest between their
// beginnings. One that is given up while it waits costs nothing.
func unhurried(h http.Handler, rest time.Duration) http.Handler {
	gate := make(chan struct{}, 1)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case gate <- struct{}{}:
		case <-r.Context().Done():
			return
		}
		time.AfterFunc(rest, func() { <-gate })
		h.ServeHTTP(w, r)
	})
}

// slowListener bounds the rate of connections: what is no HTTP reaches no handler.
type slowListener struct{ net.Listener }

func (l slowListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	time.Sleep(restAccept)
	return c, err
}

// handler serves a registry that has nothing but this daemon in it.
func handler(src Source) http.Handler {
	reg := prometheus.NewRegistry()
	reg.MustRegister(NewCollector(src), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{
		Registry:            reg, // counts what could not be collected
		ErrorHandling:       promhttp.ContinueOnError,
		MaxRequestsInFlight: maxScrapes,
		EnableOpenMetrics:   true,
	}))
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "vrrpx: see /metrics\n")
	})
	return mux
}
