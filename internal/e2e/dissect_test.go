package e2e

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

// dissection is a capture as tshark sees it.
type dissection struct {
	*testing.T
	host  *testnet.Host
	file  string
	prefs []string
}

// dissect has tshark look at frames, with preferences for what it cannot know.
func dissect(t *testing.T, h *testnet.Host, frames []testnet.Frame, prefs ...string) dissection {
	t.Helper()
	d := dissection{t, h, filepath.Join(t.TempDir(), "capture.pcap"), append(prefs, "ip.check_checksum:TRUE")}
	must(t, os.WriteFile(d.file, pcap(frames), 0o644))
	return d
}

// rows are the fields of each frame that passes a filter, with tabs between
// them.
func (d dissection) rows(filter string, fields ...string) []string {
	d.Helper()
	args := []string{"-n", "-r", d.file, "-Y", filter, "-T", "fields"}
	for _, p := range d.prefs {
		args = append(args, "-o", p)
	}
	for _, f := range fields {
		args = append(args, "-e", f)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	out, err := d.host.Command(ctx, "tshark", args...).Output()
	must(d.T, err)
	if text := strings.TrimSpace(string(out)); text != "" {
		return strings.Split(text, "\n")
	}
	return nil
}

// faultless fails the test where tshark complains of a frame that passes.
// 0x600000 is a warning (epan/proto.h).
func (d dissection) faultless(filter string) {
	d.Helper()
	bad := d.rows("("+filter+") && (_ws.malformed || _ws.expert.severity >= 0x600000)", "frame.number", "_ws.expert.message")
	if len(bad) > 0 {
		d.Errorf("tshark complains of %q", bad)
	}
}
