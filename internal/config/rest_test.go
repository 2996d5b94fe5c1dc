package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Who has more urgent things to do gets to do them, from the first line to the
// last router.
func TestLoadRests(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.conf")
	text := "vrrp_instance VI_1 {\ninterface eth0\nvirtual_router_id 51\npriority 100\nvirtual_ipaddress {\n10.0.0.3\n}\n}\n" + strings.Repeat("# a comment\n", 320)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	rests := 0
	cfg, diags := LoadResting(file, "", func() { rests++ })
	if cfg == nil {
		t.Fatal(diags)
	}
	if rests < 320/16 {
		t.Errorf("%d rests in %d lines", rests, strings.Count(text, "\n"))
	}
}
