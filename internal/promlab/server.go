// Package promlab runs a real Prometheus on a host of a testnet, and asks it what
// the dashboard of packaging/grafana asks: for tests, and for the picture of the
// dashboard in the documents.
package promlab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

// Options of a Prometheus.
type Options struct {
	Dir      string        // an existing directory, its alone
	Targets  []string      // ADDRESS:PORT, all of one job called vrrpx
	Rules    []string      // absolute paths of rule files
	Interval time.Duration // of scrapes and of evaluations, whole milliseconds
}

// Server is a Prometheus that runs on a host of a LAN.
type Server struct {
	host *testnet.Host
	addr string
	http *http.Client
	cmd  *testnet.Cmd
	log  string
	done chan struct{}
}

// port is where it listens on its host.
const port = "9090"

// Start starts Prometheus, which ends with this process at the latest, and waits
// until it answers, for ctx at most. The program has to be in PATH.
func Start(ctx context.Context, h *testnet.Host, o Options) (*Server, error) {
	conf := filepath.Join(o.Dir, "prometheus.yml")
	if err := os.WriteFile(conf, []byte(o.config()), 0o600); err != nil {
		return nil, err
	}
	s := &Server{host: h, addr: net.JoinHostPort(h.Addr.String(), port), log: filepath.Join(o.Dir, "log"), done: make(chan struct{})}
	s.http = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DialContext: s.dial}}
	log, err := os.Create(s.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	s.cmd = h.Command(context.Background(), "prometheus", "--config.file="+conf, "--storage.tsdb.path="+filepath.Join(o.Dir, "data"),
		"--web.listen-address="+s.addr, "--log.level=warn")
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start prometheus on %s: %w", h.Name, err)
	}
	go func() {
		_ = s.cmd.Wait() // it is killed, or its log says why it ended
		close(s.done)
	}()
	if err := s.ready(ctx); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

func (o *Options) config() string {
	quoted := func(list []string) string {
		var q []string
		for _, s := range list {
			q = append(q, fmt.Sprintf("%q", s))
		}
		return "[" + strings.Join(q, ", ") + "]"
	}
	ms := o.Interval.Milliseconds()
	return fmt.Sprintf(`global:
  scrape_interval: %dms
  scrape_timeout: %dms
  evaluation_interval: %dms
rule_files: %s
scrape_configs:
  - job_name: vrrpx
    static_configs:
      - targets: %s
`, ms, ms, ms, quoted(o.Rules), quoted(o.Targets))
}

// dial goes out from the host's namespace: addresses need no resolver, whose
// goroutines would be elsewhere.
func (s *Server) dial(ctx context.Context, network, address string) (c net.Conn, err error) {
	var d net.Dialer
	err = s.host.Do(func() (err error) {
		c, err = d.DialContext(ctx, network, address)
		return err
	})
	return c, err
}

func (s *Server) ready(ctx context.Context) error {
	for {
		if resp, err := s.http.Get("http://" + s.addr + "/-/ready"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-s.done:
			return errors.New("prometheus ended: " + s.Log())
		case <-ctx.Done():
			return fmt.Errorf("prometheus does not answer: %w: %s", ctx.Err(), s.Log())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Stop kills Prometheus and waits until it has gone.
func (s *Server) Stop() {
	_ = s.cmd.Process.Kill() // it may have ended
	<-s.done
	s.http.CloseIdleConnections()
}

// Log is what Prometheus has written.
func (s *Server) Log() string {
	b, err := os.ReadFile(s.log)
	if err != nil {
		return err.Error()
	}
	return string(b)
}
