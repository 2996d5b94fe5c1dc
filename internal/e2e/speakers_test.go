package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/stats"
)

// carpAdvert is a message of OpenBSD's CARP (sys/netinet/ip_carp.h, struct
// carp_header): version 2, type 1, an authlen of 7 words; counter and digest are random.
func carpAdvert(vhid, skew, base byte) []byte {
	m := make([]byte, 36)
	m[0], m[1], m[2], m[3], m[5] = 2<<4|1, vhid, skew, 7, base
	for i := range m[8:] {
		m[8+i] = byte(i*37 + 11)
	}
	s := testnet.Checksum(m)
	m[6], m[7] = byte(s>>8), byte(s)
	return m
}

func askSpeakers(t *testing.T, h *testnet.Host) stats.Speakers {
	t.Helper()
	out, code := vrrpx(t, h, "speakers", "--json")
	if code != 0 {
		t.Fatalf("vrrpx speakers on %s: exit %d: %s", h.Name, code, out)
	}
	var s stats.Speakers
	must(t, json.Unmarshal([]byte(out), &s))
	return s
}

func spokenBy(s stats.Speakers, vrid uint8) *stats.LANSpeaker {
	i := slices.IndexFunc(s.Speakers, func(l stats.LANSpeaker) bool { return l.VRID == vrid })
	if i < 0 {
		return nil
	}
	return &s.Speakers[i]
}

// A BACKUP lists its master, whose adverts it keeps from user space, a keepalived
// of another VRID and a host that speaks CARP.
func TestSpeakersOfOthersVRIDsAreListed(t *testing.T) {
	testnet.Need(t, "root", "keepalived")
	for mode, by := range map[string]string{"native": "xdp native", "off": "packet socket"} {
		t.Run(mode, func(t *testing.T) {
			l := testnet.ForTest(t, "a", "b", "k", "carp")
			a, b, k, carp := l.Host("a"), l.Host("b"), l.Host("k"), l.Host("carp")
			startPair(t, v3, mode, a, b)
			k.StartForTest(t, testnet.Keepalived, testnet.Conf(2, testnet.Instance{VRID: 77, Priority: 120, VIPs: []string{"10.99.9.77"}}))
			flood(t, carp, [][]byte{carp.GroupFrame(carp.Addr, 255, protoVRRP, carpAdvert(9, 100, 1))}, 20, 300*time.Millisecond)
			await(t, "three speakers", func() bool {
				s := askSpeakers(t, b)
				return spokenBy(s, 51) != nil && spokenBy(s, 77) != nil && spokenBy(s, 77).Frames >= 2 && spokenBy(s, 9) != nil
			})
			s := askSpeakers(t, b)
			if len(s.Speakers) != 3 || len(s.Ears) != 1 || s.Ears[0].By != by || s.Ears[0].NotListed != 0 {
				t.Fatalf("%+v", s)
			}
			master, stranger, c := spokenBy(s, 51), spokenBy(s, 77), spokenBy(s, 9)
			if is := *master; is.Router != "VI_51" || is.Verdict != "accepted" || is.Version != 3 || is.Priority != 150 || time.Duration(is.Heard) > patience/3 {
				t.Errorf("the master: %+v", is)
			}
			heard := func(h *testnet.Host, is *stats.LANSpeaker) {
				if is.Interface != "eth0" || is.Family != "IPv4" || is.MAC != h.MAC.String() || is.Address != h.Addr.String() {
					t.Errorf("of %s (%s at %v): %+v", h.Name, h.MAC, h.Addr, is)
				}
			}
			heard(a, master)
			heard(k, stranger)
			heard(carp, c)
			if is := *stranger; is.Protocol != "VRRP" || is.Router != "" || is.Verdict != "vrid" || is.Version != 2 || is.Priority != 120 ||
				time.Duration(is.Interval) != time.Second || fmt.Sprint(is.Addresses) != "[10.99.9.77]" || is.TTL != 255 || is.First < is.Heard {
				t.Errorf("keepalived: %+v", is)
			}
			if is := *c; is.Protocol != "CARP" || is.Router != "" || is.Skew == nil || *is.Skew != 100 || is.Frames < 2 ||
				time.Duration(is.Interval) != time.Second+100*time.Second/256 {
				t.Errorf("CARP: %+v", is)
			}
			text, code := vrrpx(t, b, "speakers")
			if lines := strings.Split(strings.TrimSpace(text), "\n"); code != 0 || len(lines) != 4 || !strings.Contains(lines[1], "CARP") ||
				!strings.Contains(lines[2], "VI_51") || !strings.Contains(lines[3], "foreign") {
				t.Errorf("exit %d:\n%s", code, text)
			}
		})
	}
}
