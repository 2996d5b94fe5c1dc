package config

import (
	"strings"
	"testing"
	"time"
)

// read parses a configuration that must be taken, and returns its first router
// and what was said about it.
func read(t *testing.T, text string) (Router, string) {
	t.Helper()
	cfg, diags := Parse("test.conf", []byte(text))
	if cfg == nil {
		t.Fatalf("refused:\n%s\n%s", show(diags), text)
	}
	return cfg.Routers[0], show(diags)
}

func TestPreemptDelay(t *testing.T) {
	for _, c := range []struct {
		statements string
		want       time.Duration
		says       string
	}{
		{"preempt_delay 5", 5 * time.Second, ""},
		{"preempt_delay 0.25", 250 * time.Millisecond, ""},
		{"preempt_delay 5\nstate MASTER\npriority 100", 0, "no effect with state MASTER"},
		{"preempt_delay 5\nnopreempt", 0, "no effect with nopreempt"},
		{"preempt_delay 5\npriority 255", 0, "no effect with priority 255"},
		{"preempt_delay 5\nstrict_mode", 0, "no effect with vrrp_strict"},
	} {
		r, said := read(t, instance(c.statements))
		if r.PreemptDelay != c.want {
			t.Errorf("%s: %v, want %v", c.statements, r.PreemptDelay, c.want)
		}
		if !strings.Contains(said, c.says) || c.says == "" && said != "" {
			t.Errorf("%s: said %q, want %q", c.statements, said, c.says)
		}
	}
}
