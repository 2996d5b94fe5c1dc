package config

import (
	"strings"
	"testing"
)

func withMetrics(where string) string {
	return "global_defs {\n  vrrpx_metrics " + where + "\n}\n" + minimal
}

func TestMetricsAddress(t *testing.T) {
	for text, want := range map[string]Listener{
		"127.0.0.1:9652":               {Network: "tcp4", Address: "127.0.0.1:9652"},
		"0.0.0.0:9652":                 {Network: "tcp4", Address: "0.0.0.0:9652"},
		"[::1]:9652":                   {Network: "tcp6", Address: "[::1]:9652"},
		"[fe80::1%eth0]:9652":          {Network: "tcp6", Address: "[fe80::1%eth0]:9652"},
		":9652":                        {Network: "tcp", Address: ":9652"},
		"unix:/run/vrrpx/metrics.sock": {Network: "unix", Address: "/run/vrrpx/metrics.sock"},
		"unix:/run//vrrpx/./m":         {Network: "unix", Address: "/run/vrrpx/m"},
	} {
		cfg, diags := Parse("f", []byte(withMetrics(text)))
		if cfg == nil {
			t.Errorf("%s: %s", text, show(diags))
			continue
		}
		got := cfg.Global.Metrics
		if got.Pos != (Pos{"f", 2, 17}) {
			t.Errorf("%s is at %v", text, got.Pos)
		}
		got.Pos = Pos{}
		if got != want {
			t.Errorf("%s: %+v, want %+v", text, got, want)
		}
		if again, err := ParseListener(got.String()); err != nil || again != want {
			t.Errorf("%s is written %s, which is %+v, %v", text, got, again, err)
		}
	}
	if cfg, _ := Parse("f", []byte(minimal)); cfg.Global.Metrics != (Listener{}) {
		t.Errorf("not asked for, it is %+v", cfg.Global.Metrics)
	}
}

func TestMetricsAddressThatIsNone(t *testing.T) {
	for text, want := range map[string]string{
		"9652":                  "expected ADDRESS:PORT, :PORT or unix:PATH",
		"127.0.0.1":             "expected ADDRESS:PORT, :PORT or unix:PATH",
		"localhost:9652":        "expected ADDRESS:PORT, :PORT or unix:PATH",
		"::1:9652":              "expected : and a port from 1 to 65535",
		"127.0.0.1:0":           "expected a port from 1 to 65535 after the address",
		"127.0.0.1:65536":       "expected ADDRESS:PORT, :PORT or unix:PATH",
		":0":                    "expected : and a port from 1 to 65535",
		":http":                 "expected : and a port from 1 to 65535",
		"224.0.0.18:9652":       "expected an address that a host can have",
		"[::ffff:10.0.0.1]:1":   "expected an address that a host can have",
		"unix:metrics.sock":     "expected unix: and the absolute path",
		"unix:/run/vrrpx/":      "expected unix: and the absolute path",
		"unix:":                 "expected unix: and the absolute path",
		"unix:/" + long(107):    "at most 107 bytes",
		"http://127.0.0.1:9652": "expected ADDRESS:PORT, :PORT or unix:PATH",
	} {
		cfg, diags := Parse("f", []byte(withMetrics(text)))
		if cfg != nil {
			t.Errorf("%s is taken as %+v", text, cfg.Global.Metrics)
		}
		if len(diags) != 1 || !strings.HasPrefix(diags[0].String(), "f:2:17: error: vrrpx_metrics ") || !strings.Contains(diags[0].Message, want) || diags[0].Hint != ListenerHint {
			t.Errorf("%s: %s, want %s", text, show(diags), want)
		}
	}
	if _, err := ParseListener("unix:/" + long(106)); err != nil {
		t.Errorf("the longest path: %v", err)
	}
}

func long(n int) string { return strings.Repeat("x", n) }
