package metrics

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/stats"
)

func open(t *testing.T, network, address string, src Source) *Server {
	t.Helper()
	s, err := Open(network, address, src)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// client speaks to one address, whatever the URL says.
func client(network, address string) *http.Client {
	var d net.Dialer
	return &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return d.DialContext(ctx, network, address) },
	}}
}

func get(t *testing.T, c *http.Client, path, accept string) (status int, header http.Header, body string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, "http://vrrpx"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if accept != "" {
		req.Header.Set("Accept", accept)
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(b)
}

func TestMetricsAreServed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.sock")
	for network, address := range map[string]string{"tcp4": testnet.TCPPort(t), "unix": path} {
		open(t, network, address, of(busy()))
		c := client(network, address)
		for accept, want := range map[string]string{
			"":                             "text/plain",
			"application/openmetrics-text": "application/openmetrics-text",
			"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited": "application/vnd.google.protobuf",
		} {
			code, header, body := get(t, c, "/metrics", accept)
			if code != 200 || !strings.HasPrefix(header.Get("Content-Type"), want) || !strings.Contains(body, "vrrpx_router_state") || !strings.Contains(body, "process_cpu_seconds_total") {
				t.Errorf("%s, %q: %d, %v, %s", network, accept, code, header, body)
			}
		}
		if code, _, body := get(t, c, "/", ""); code != 200 || !strings.Contains(body, "/metrics") {
			t.Errorf("%s: / is %d %q", network, code, body)
		}
		if code, _, _ := get(t, c, "/v1/status", ""); code != 404 {
			t.Errorf("%s: what is not there is %d", network, code)
		}
		if resp, err := c.Post("http://vrrpx/metrics", "text/plain", nil); err != nil || resp.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("%s: a POST is %+v, %v", network, resp, err)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != socketMode {
		t.Errorf("socket %v, %v", info, err)
	}
}

func TestCloseFreesTheAddress(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.sock")
	for network, address := range map[string]string{"tcp4": testnet.TCPPort(t), "unix": path} {
		for range 2 {
			s, err := Open(network, address, of(many(1)))
			if err != nil {
				t.Fatal(err)
			}
			if code, _, _ := get(t, client(network, address), "/metrics", ""); code != 200 {
				t.Errorf("%s: %d", network, code)
			}
			s.Close()
		}
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}

func TestAddressThatCannotBeHad(t *testing.T) {
	dir := t.TempDir()
	file, taken, port := filepath.Join(dir, "file"), filepath.Join(dir, "taken"), testnet.TCPPort(t)
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	open(t, "unix", taken, of(many(1)))
	open(t, "tcp4", port, of(many(1)))
	for _, c := range []struct {
		network, address, text, hint string
		cause                        error
	}{
		{"tcp4", port, "metrics cannot be served at " + port + ": address already in use", "ss -ltnp 'sport = :", syscall.EADDRINUSE},
		{"tcp4", "192.0.2.1:9652", "metrics cannot be served at 192.0.2.1:9652: cannot assign requested address", "ip address", syscall.EADDRNOTAVAIL},
		{"unix", taken, "metrics cannot be served at " + taken + ": address already in use", "another process", syscall.EADDRINUSE},
		{"unix", file, "it is there, and no socket", "another path", nil},
		{"unix", filepath.Join(dir, "none", "s"), "no such file or directory", "make its directory", syscall.ENOENT},
	} {
		s, err := Open(c.network, c.address, of(many(1)))
		var where *ListenError
		if s != nil || !errors.As(err, &where) || c.cause != nil && !errors.Is(err, c.cause) || !strings.Contains(err.Error(), c.text) || !strings.Contains(where.Hint(), c.hint) {
			t.Errorf("%s: %v; want %q and a hint with %q", c.address, err, c.text, c.hint)
		}
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "precious" {
		t.Errorf("the file is now %q, %v", b, err)
	}
	if code, _, _ := get(t, client("unix", taken), "/metrics", ""); code != 200 {
		t.Error("who had the socket has lost it")
	}
}

func TestSocketOfAKilledProcessIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	open(t, "unix", path, of(many(1)))
	if code, _, _ := get(t, client("unix", path), "/metrics", ""); code != 200 {
		t.Error(code)
	}
}

// In a directory that others may write a symbolic link can have come in the socket's
// place: what it shows to keeps its mode.
func TestModeIsOfTheSocketAlone(t *testing.T) {
	dir := t.TempDir()
	secret, link := filepath.Join(dir, "secret"), filepath.Join(dir, "link")
	if err := errors.Join(os.WriteFile(secret, nil, 0o600), os.Symlink(secret, link)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{link, secret} {
		if err := chmodSocket(path, socketMode); err == nil {
			t.Errorf("of %s the mode was changed", path)
		}
	}
	if info, err := os.Stat(secret); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

// Strangers cost what they may, and no more.
func TestStuckScrapesAreBounded(t *testing.T) {
	release, waiting := make(chan struct{}), make(chan struct{}, 100)
	address := testnet.TCPPort(t)
	open(t, "tcp4", address, source(func(context.Context) (*stats.Status, error) {
		waiting <- struct{}{}
		<-release
		return many(1), nil
	}))
	codes := make(chan int, maxScrapes)
	for range maxScrapes {
		go func() {
			resp, err := client("tcp4", address).Get("http://vrrpx/metrics")
			if err != nil {
				codes <- 0
				return
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			codes <- resp.StatusCode
		}()
	}
	<-waiting
	// The others have come too when one more is sent away.
	refused := false
	for end := time.Now().Add(10 * time.Second); !refused && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		c := client("tcp4", address)
		c.Timeout = time.Second // one that is let in waits with them
		if resp, err := c.Get("http://vrrpx/metrics"); err == nil {
			refused = resp.StatusCode == http.StatusServiceUnavailable
			resp.Body.Close()
		}
	}
	if !refused {
		t.Errorf("more than %d scrapes at a time", maxScrapes)
	}
	close(release)
	for range maxScrapes {
		if code := <-codes; code != 200 && code != http.StatusServiceUnavailable {
			t.Errorf("a scrape that waited: %d", code)
		}
	}
}

// Who asks without end has a bounded part of the CPUs, since all threads of the
// process may be realtime ones.
func TestRequestsAreUnhurried(t *testing.T) {
	address := testnet.TCPPort(t)
	open(t, "tcp4", address, of(many(1)))
	const asking, times = 4, 3
	begun, answered := time.Now(), make(chan int, asking*times)
	for range asking {
		go func() {
			for range times {
				resp, err := client("tcp4", address).Get("http://vrrpx/")
				if err != nil {
					answered <- 0
					continue
				}
				resp.Body.Close()
				answered <- resp.StatusCode
			}
		}()
	}
	for range asking * times {
		if code := <-answered; code != 200 {
			t.Errorf("answered %d", code)
		}
	}
	if took, least := time.Since(begun), (asking*times-1)*restRequest; took < least {
		t.Errorf("%d requests in %v, want them to take %v at least", asking*times, took, least)
	}
}

func TestGarbageIsHarmless(t *testing.T) {
	address := testnet.TCPPort(t)
	open(t, "tcp4", address, of(many(1)))
	for range 20 {
		c, err := net.Dial("tcp4", address)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = c.Write([]byte(strings.Repeat("\x00\xffGET \r\n", 3000))) // the server may hang up in the middle
		c.Close()
	}
	if code, _, _ := get(t, client("tcp4", address), "/metrics", ""); code != 200 {
		t.Errorf("after garbage: %d", code)
	}
}

// What a scrape of 255 routers takes, compressed and not.
func BenchmarkScrape(b *testing.B) {
	h := handler(source(func(context.Context) (*stats.Status, error) { return many(255), nil }))
	for _, encoding := range []string{"identity", "gzip"} {
		b.Run(encoding, func(b *testing.B) {
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				req, _ := http.NewRequest(http.MethodGet, "/metrics", nil)
				req.Header.Set("Accept-Encoding", encoding)
				w := &sink{header: http.Header{}}
				h.ServeHTTP(w, req)
				n = w.n
			}
			b.ReportMetric(float64(n), "bytes")
		})
	}
}

type sink struct {
	header http.Header
	n      int
}

func (s *sink) Header() http.Header { return s.header }
func (s *sink) WriteHeader(int)     {}
func (s *sink) Write(b []byte) (int, error) {
	s.n += len(b)
	return len(b), nil
}
