package metrics

import (
	"io"
	"log"
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
		Handler:        handler(src),
		ReadTimeout:    5 * time.Second,
		WriteTimeout:   10 * time.Second,
		IdleTimeout:    2 * time.Minute, // Prometheus keeps its connection from scrape to scrape
		MaxHeaderBytes: 8 << 10,
		ErrorLog:       log.New(io.Discard, "", 0), // garbage from a client is the client's trouble: it gets 400
	}
	go func() {
		defer close(s.done)
		_ = s.http.Serve(netutil.LimitListener(l, maxConns)) // ends with ErrServerClosed
	}()
	return s, nil
}

// Close ends all connections. The address is free when it returns, and the socket
// has gone.
func (s *Server) Close() {
	_ = s.http.Close()
	<-s.done
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
