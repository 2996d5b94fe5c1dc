package config

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the .want files anew")

// TestGolden reads each testdata/*.conf and compares what is said and what
// becomes of it with the .want file beside it.
func TestGolden(t *testing.T) {
	t.Chdir("testdata")
	files, err := filepath.Glob("*.conf")
	if err != nil || len(files) < 8 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			cfg, diags := Load(file, "")
			got := show(diags) + dump(cfg)
			want := strings.TrimSuffix(file, ".conf") + ".want"
			if *update {
				if err := os.WriteFile(want, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			text, err := os.ReadFile(want)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(text) {
				t.Errorf("got:\n%s\nwant:\n%s", got, text)
			}
		})
	}
}

// dump writes a configuration out, one field or group of fields a line.
func dump(cfg *Config) string {
	if cfg == nil {
		return "no configuration\n"
	}
	var b strings.Builder
	g := cfg.Global
	fmt.Fprintf(&b, "router_id %q, mail %q from %q through %q port %d in %v\n", g.RouterID, g.Mail.To, g.Mail.From, g.Mail.Server, g.Mail.Port, g.Mail.Timeout)
	for _, r := range cfg.Routers {
		fmt.Fprintf(&b, "%v: %q on %s vrid %d v%d IPv%d %s priority %d every %v\n", r.Pos, r.Name, r.Interface, r.VRID, r.Version, r.Family, r.State, r.Priority, r.AdvertInterval)
		fmt.Fprintf(&b, "  preempt %v, auth %v %q, down after %d, answers lower %v, skips address check %v, strict %v, plain checksum %v\n",
			r.Preempt, r.Auth.Type, r.Auth.Pass.Reveal(), r.DownAdverts, r.LowerPriorityAdvert, r.SkipCheckAdvAddr, r.Strict, r.ChecksumPlain)
		fmt.Fprintf(&b, "  garp %+v\n", r.GARP)
		for _, a := range r.Addresses {
			fmt.Fprintf(&b, "  %v: %v dev %s label %q scope %v brd %v\n", a.Pos, a.Prefix, a.Device, a.Label, a.Scope, a.Broadcast)
		}
	}
	return b.String()
}
