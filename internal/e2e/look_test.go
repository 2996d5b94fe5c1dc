package e2e

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

func TestBpftoolShowsPinnedMapsWithFieldNames(t *testing.T) {
	testnet.Need(t, "root", "bpftool")
	l := testnet.ForTest(t, "a", "b", "c")
	a, b, c := l.Host("a"), l.Host("b"), l.Host("c")
	startPair(t, v3fast, "native", a, b)
	start(t, c, "native", testnet.Conf(3, testnet.Instance{
		VRID: 52, VIPs: []string{"10.99.9.2"}, Lines: []string{"unicast_src_ip " + c.Addr.String(), "unicast_peer {", a.Addr.String(), "}"},
	}))
	awaitState(t, c, "BACKUP")
	dumped := 0
	for _, h := range []*testnet.Host{b, c} {
		dir := status(t, h).PinDir
		pins, err := os.ReadDir(dir)
		must(t, err)
		for _, pin := range pins {
			if pin.Name() == "peers" && h == b {
				continue // empty without unicast
			}
			if dumpPin(t, h, filepath.Join(dir, pin.Name())) {
				dumped++
			}
		}
	}
	if dumped < 9 {
		t.Errorf("%d maps can be dumped", dumped)
	}
}

// dumpPin checks the dump of a pinned map; false for a stream, which has none.
func dumpPin(t *testing.T, h *testnet.Host, path string) bool {
	t.Helper()
	out, err := h.Command(context.Background(), "bpftool", "-j", "map", "show", "pinned", path).Output()
	must(t, err)
	var show struct{ Type string }
	must(t, json.Unmarshal(out, &show))
	if show.Type == "ringbuf" {
		return false
	}
	out, err = h.Command(context.Background(), "bpftool", "-j", "map", "dump", "pinned", path).Output()
	must(t, err)
	named(t, filepath.Base(path), out)
	return true
}

// named checks that each value of a dump is an object with field names.
func named(t *testing.T, name string, dump []byte) {
	t.Helper()
	var entries []struct {
		Formatted struct{ Value map[string]any }
	}
	if err := json.Unmarshal(dump, &entries); err != nil || len(entries) == 0 {
		t.Errorf("%s: no entries with named fields (%v): %s", name, err, dump)
		return
	}
	for _, e := range entries {
		if len(e.Formatted.Value) == 0 {
			t.Errorf("%s: a value without field names: %s", name, dump)
		}
	}
}

func TestTcpdumpStillSeesAdverts(t *testing.T) {
	testnet.Need(t, "root", "tcpdump")
	for _, mode := range []string{"native", "generic"} {
		t.Run(mode, func(t *testing.T) {
			l := testnet.ForTest(t, "a", "b")
			a, b := l.Host("a"), l.Host("b")
			startPair(t, v3, mode, a, b)
			if got := xdpPrograms(t, b); len(got) != 1 {
				t.Fatalf("XDP on %v", got)
			}
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			out, err := b.Command(ctx, "tcpdump", "-n", "-c", "3", "-i", "eth0", "proto", "112").CombinedOutput()
			if err != nil || !strings.Contains(string(out), "VRRPv3, Advertisement") {
				t.Errorf("tcpdump: %v: %s", err, out)
			}
		})
	}
}

// pcap is a capture file (libpcap 2.4, Ethernet).
func pcap(frames []testnet.Frame) []byte {
	var b bytes.Buffer
	le := func(words ...uint32) {
		for _, w := range words {
			_ = binary.Write(&b, binary.LittleEndian, w) // a Buffer takes all
		}
	}
	le(0xa1b2c3d4, 4<<16|2, 0, 0, 65535, 1)
	for _, f := range frames {
		le(uint32(f.At/1e9), uint32(f.At%1e9/1e3), uint32(len(f.Bytes)), uint32(len(f.Bytes)))
		b.Write(f.Bytes)
	}
	return b.Bytes()
}
