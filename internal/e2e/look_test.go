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
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

func TestBpftoolShowsPinnedMapsWithFieldNames(t *testing.T) {
	testnet.Need(t, "root", "bpftool")
	l := testnet.ForTest(t, "a", "b")
	a, b := l.Host("a"), l.Host("b")
	startPair(t, v3fast, "native", a, b)
	dir := status(t, b).PinDir
	pins, err := os.ReadDir(dir)
	must(t, err)
	dumped := 0
	for _, pin := range pins {
		path := filepath.Join(dir, pin.Name())
		out, err := b.Command(context.Background(), "bpftool", "-j", "map", "show", "pinned", path).Output()
		must(t, err)
		var show struct{ Type string }
		must(t, json.Unmarshal(out, &show))
		if show.Type == "ringbuf" {
			continue // a stream has nothing to dump
		}
		out, err = b.Command(context.Background(), "bpftool", "-j", "map", "dump", "pinned", path).Output()
		must(t, err)
		named(t, pin.Name(), out)
		dumped++
	}
	if dumped < 3 {
		t.Errorf("%d maps in %s can be dumped: %v", dumped, dir, pins)
	}
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

//vrrp:row 10
func TestTsharkFindsNoFaultInWhatWeSend(t *testing.T) {
	testnet.Need(t, "root", "tshark")
	for _, p := range []protocol{v2pass, v3} {
		t.Run(p.name, func(t *testing.T) {
			l := testnet.ForTest(t, "a")
			a := l.Host("a")
			tap := l.TapForTest(t)
			d := start(t, a, "native", p.conf(150))
			await(t, "adverts and gratuitous ARPs", func() bool {
				return len(advertsOf(tap, a)) >= 2 && len(garps(tap, a, vip)) >= 1
			})
			must(t, d.Stop())
			file := filepath.Join(t.TempDir(), "capture.pcap")
			must(t, os.WriteFile(file, pcap(tap.Frames()), 0o644))

			tshark := func(args ...string) string {
				t.Helper()
				args = append([]string{"-r", file, "-o", "ip.check_checksum:TRUE"}, args...)
				ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
				defer cancel()
				out, err := a.Command(ctx, "tshark", args...).Output()
				must(t, err)
				return strings.TrimSpace(string(out))
			}
			// 0x600000 is a warning (epan/proto.h).
			if out := tshark("-Y", "(vrrp || arp) && _ws.expert.severity >= 0x600000"); out != "" {
				t.Errorf("tshark complains of:\n%s", out)
			}
			adverts := strings.Split(tshark("-Y", "vrrp", "-T", "fields", "-e", "vrrp.checksum.status", "-e", "ip.checksum.status"), "\n")
			if len(adverts) < 3 { // the farewell too
				t.Errorf("tshark sees %d adverts", len(adverts))
			}
			for _, ad := range adverts {
				if ad != "1\t1" { // PROTO_CHECKSUM_E_GOOD
					t.Errorf("checksum status of an advert and its IP header: %q, want 1 1", ad)
				}
			}
			if tshark("-Y", "arp.isgratuitous && arp.src.proto_ipv4 == "+vip) == "" {
				t.Error("tshark sees no gratuitous ARP")
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
