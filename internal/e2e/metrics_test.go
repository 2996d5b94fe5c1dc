package e2e

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

// scrape asks for the metrics at a unix socket; nil when there are none. Keys are
// series as the text format has them.
func scrape(t *testing.T, socket string) map[string]float64 {
	t.Helper()
	var d net.Dialer
	c := http.Client{Timeout: patience, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return d.DialContext(ctx, "unix", socket) },
	}}
	resp, err := c.Get("http://vrrpx/metrics")
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%d: %v: %s", resp.StatusCode, err, body)
	}
	series := map[string]float64{}
	for line := range strings.Lines(string(body)) {
		line = strings.TrimSuffix(line, "\n")
		i := strings.LastIndexByte(line, ' ')
		if line[0] == '#' || i < 0 {
			continue
		}
		v, err := strconv.ParseFloat(line[i+1:], 64)
		must(t, err)
		series[line[:i]] = v
	}
	return series
}

// What Prometheus sees of a pair, and of a takeover; and that the metrics follow a
// reload, which is refused where they cannot.
func TestMetricsOfAPair(t *testing.T) {
	l := testnet.ForTest(t, "a", "b")
	a, b, dir := l.Host("a"), l.Host("b"), t.TempDir()
	socketA, socketB, file := filepath.Join(dir, "a"), filepath.Join(dir, "b"), filepath.Join(dir, "file")
	must(t, os.WriteFile(file, nil, 0o600))
	served := func(at string) string { return "global_defs {\nvrrpx_metrics unix:" + at + "\n}\n" + v3fast.conf(150) }
	da := start(t, a, "native", served(socketA))
	awaitState(t, a, "MASTER")
	start(t, b, "native", v3fast.conf(100), "--metrics=unix:"+socketB)
	var got map[string]float64
	await(t, "b to hear a", func() bool {
		got = scrape(t, socketB)
		return got[`vrrpx_router_inter_arrival_seconds_count{router="VI_51"}`] > 10
	})
	for series, want := range map[string]float64{
		"vrrpx_up": 1,
		`vrrpx_router_state{router="VI_51",state="backup"}`:                           1,
		`vrrpx_router_state{router="VI_51",state="master"}`:                           0,
		`vrrpx_router_transitions_total{reason="startup",router="VI_51",to="backup"}`: 1,
		`vrrpx_router_master_priority{router="VI_51"}`:                                150,
		`vrrpx_router_became_master_total{router="VI_51"}`:                            0,
		`vrrpx_interface_xdp_mode{interface="eth0",mode="native"}`:                    1,
		`vrrpx_router_deadline_by_kernel{router="VI_51"}`:                             1,
	} {
		if v, ok := got[series]; !ok || v != want {
			t.Errorf("%s is %v (there: %v), want %v", series, v, ok, want)
		}
	}
	if got := scrape(t, socketA); got[`vrrpx_router_state{router="VI_51",state="master"}`] != 1 || got[`vrrpx_router_addresses_present{router="VI_51"}`] != 1 {
		t.Errorf("of the MASTER: %v", got)
	}

	rewrite(t, da, served(file))
	if out, code := vrrpx(t, a, "reload"); code == 0 || !strings.Contains(out, "keepalived.conf:2:15: error: vrrpx_metrics: metrics cannot be served at "+file) {
		t.Errorf("exit %d: %s", code, out)
	}
	await(t, "a to tell of the reload that was refused", func() bool { // a snapshot may be 200 ms old
		got := scrape(t, socketA)
		return got["vrrpx_config_last_reload_successful"] == 0 && got["vrrpx_config_reloads_total"] == 1 && got["vrrpx_up"] == 1
	})
	moved := filepath.Join(dir, "moved")
	if out := reload(t, da, served(moved)); !strings.Contains(out, "vrrpx_metrics changed") {
		t.Errorf("reloaded: %s", out)
	}
	if scrape(t, socketA) != nil || scrape(t, moved)["vrrpx_config_last_reload_successful"] != 1 {
		t.Error("the metrics are not where they were moved to, or also where they were")
	}

	da.Kill9()
	await(t, "b to tell of the takeover", func() bool {
		got = scrape(t, socketB)
		return got[`vrrpx_router_state{router="VI_51",state="master"}`] == 1
	})
	if got[`vrrpx_router_transitions_total{reason="master_down",router="VI_51",to="master"}`] != 1 || got[`vrrpx_router_became_master_total{router="VI_51"}`] != 1 {
		t.Errorf("of the takeover: %v", got)
	}
	if _, err := os.Lstat(moved); err != nil {
		t.Errorf("a killed process leaves its socket: %v", err) // or the next says nothing
	}
	start(t, a, "native", served(moved))
	await(t, "a to be scraped again", func() bool { return scrape(t, moved)["vrrpx_up"] == 1 })
}
