package speakers

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/stats"
	"github.com/vrrpx/vrrpx/vrrp"
)

const second = vrrp.Instant(time.Second)

func frame(vrid uint8, src string, message ...byte) *vrrp.Frame {
	a := netip.MustParseAddr(src)
	f := &vrrp.Frame{Src: a, Family: vrrp.IPv4, TTL: 255, MAC: [6]byte{2, 0, 0, 0, 0, 1}, Message: message}
	if a.Is6() {
		f.Family = vrrp.IPv6
	}
	if len(message) == 0 {
		f.Message = []byte{0x31, vrid, 100, 0, 0, 100, 0, 0}
	}
	f.Message[1] = vrid
	return f
}

func list(t *Table, now vrrp.Instant) (all []stats.LANSpeaker) {
	t.All(now, func(k Key, s Sighting) {
		v := Describe(k, &s, now)
		v.Interface = fmt.Sprint(k.Ifindex)
		all = append(all, v)
	})
	Sort(all)
	return all
}

func TestSpeakersAreNotedOnceAndForgotten(t *testing.T) {
	var table Table
	for i := range 5 {
		table.Hear(vrrp.Instant(i)*second, 1, frame(51, "10.0.0.1"), vrrp.DropVRID)
	}
	table.Hear(2*second, 1, frame(51, "10.0.0.2"), vrrp.DropOwn)
	table.Hear(2*second, 1, &vrrp.Frame{}, vrrp.DropIPHeader)
	all := list(&table, 10*second)
	if len(all) != 1 || all[0].Frames != 5 || all[0].First != stats.Seconds(10*time.Second) || all[0].Heard != stats.Seconds(6*time.Second) || all[0].Verdict != "vrid" {
		t.Fatalf("%+v", all)
	}
	if n := len(list(&table, 4*second+vrrp.Instant(Forget)-1)); n != 1 {
		t.Error("forgotten too soon")
	}
	if n := len(list(&table, 4*second+vrrp.Instant(Forget))); n != 0 {
		t.Error("not forgotten")
	}
}

// A flood of forged sources fills the table slowly and never beyond its bound, and
// neither hides nor pushes out who speaks all the time.
func TestFloodOfForgedSources(t *testing.T) {
	var table Table
	at := second
	table.Hear(at, 1, frame(51, "10.0.0.1"), vrrp.DropVRID)
	most := 0
	for i := range 200000 { // 100 s of 2000 a second
		at += second / 2000
		src := netip.AddrFrom4([4]byte{172, byte(i >> 16), byte(i >> 8), byte(i)}).String()
		table.Hear(at, 1, frame(uint8(i%255+1), src), vrrp.DropVRID)
		if i%2000 == 0 {
			table.Hear(at, 1, frame(51, "10.0.0.1"), vrrp.DropVRID)
			table.Hear(at, 2, frame(52, "10.0.0.2"), vrrp.DropVRID) // elsewhere nobody floods
			most = max(most, len(table.all))
		}
	}
	if most > Most || most < Most/2 {
		t.Errorf("%d speakers at most, want up to %d and the forged ones among them", most, Most)
	}
	found := 0
	for _, s := range list(&table, at) {
		if s.Address == "10.0.0.1" && s.Frames == 101 || s.Address == "10.0.0.2" && s.Frames == 100 {
			found++
		}
	}
	if found != 2 {
		t.Errorf("of two that spoke each second, %d are still known by all their frames", found)
	}
	if n := table.NotListed(1); n < 190000 {
		t.Errorf("%d frames not listed", n)
	}
	if n := table.NotListed(2); n != 0 {
		t.Errorf("%d frames not listed where nobody floods", n)
	}
}

func TestAnInterfaceThatGoesIsForgotten(t *testing.T) {
	var table Table
	table.Leave(1)
	table.Hear(second, 1, frame(51, "10.0.0.1"), vrrp.DropVRID)
	table.Hear(second, 2, frame(51, "10.0.0.1"), vrrp.DropVRID)
	table.Leave(1)
	if all := list(&table, second); len(all) != 1 || all[0].Interface != "2" {
		t.Errorf("%+v", all)
	}
}

// The reader never makes the one who hears wait.
func TestHearDoesNotWait(t *testing.T) {
	var table Table
	table.Hear(second, 1, frame(51, "10.0.0.1"), vrrp.DropVRID)
	table.All(second, func(Key, Sighting) { table.Hear(second, 1, frame(52, "10.0.0.2"), vrrp.DropVRID) })
	if all := list(&table, second); len(all) != 1 {
		t.Errorf("%+v", all)
	}
}

func carp(vhid, skew, base uint8) []byte {
	m := make([]byte, 36)
	m[0], m[1], m[2], m[3], m[5] = 0x21, vhid, skew, 7, base
	return m
}

func TestDescribe(t *testing.T) {
	v3 := []byte{0x31, 51, 200, 2, 0xf0, 100, 0, 0, 10, 0, 0, 100, 10, 0, 0, 101}
	v2 := append([]byte{0x21, 51, 150, 7, 0, 2, 0, 0}, make([]byte, 7*4+8)...) // as many addresses as CARP's authlen
	many := make([]byte, 8+20*4)
	copy(many, []byte{0x31, 51, 200, 20, 0, 100})
	v6 := make([]byte, 8+2*16)
	copy(v6, []byte{0x31, 51, 200, 2, 0, 1, 0, 0, 0xfe, 0x80})
	for _, tt := range []struct {
		name, src string
		message   []byte
		protocol  string
		version   uint8
		priority  uint8
		every     time.Duration
		addresses string
		more      int
	}{
		{"v3, reserved bits set", "10.0.0.1", v3, "VRRP", 3, 200, time.Second, "10.0.0.100 10.0.0.101", 0},
		{"v2 of seven addresses", "10.0.0.1", v2, "VRRP", 2, 150, 2 * time.Second, strings.Repeat("0.0.0.0 ", 6) + "0.0.0.0", 0},
		{"CARP", "10.0.0.1", carp(51, 128, 1), "CARP", 2, 0, 1500 * time.Millisecond, "", 0},
		{"CARP over IPv6", "fe80::1", carp(51, 0, 1), "CARP", 2, 0, time.Second, "", 0},
		{"more addresses than are kept", "10.0.0.1", many, "VRRP", 3, 200, time.Second, strings.Repeat("0.0.0.0 ", 15) + "0.0.0.0", 4},
		{"IPv6", "fe80::1", v6, "VRRP", 3, 200, 10 * time.Millisecond, "fe80:: ::", 0},
		{"says more than it has", "10.0.0.1", v3[:12], "VRRP", 3, 200, time.Second, "", 0},
		{"cut", "10.0.0.1", v3[:4], "VRRP", 3, 0, 0, "", 0},
		{"another type", "10.0.0.1", append([]byte{0x32}, v3[1:]...), "VRRP", 3, 0, 0, "", 0},
	} {
		var table Table
		table.Hear(second, 1, frame(51, tt.src, append([]byte(nil), tt.message...)...), vrrp.DropVRID)
		all := list(&table, second)
		if len(all) != 1 {
			t.Fatalf("%s: %+v", tt.name, all)
		}
		s := all[0]
		if s.Protocol != tt.protocol || s.Version != tt.version || s.Priority != tt.priority || time.Duration(s.Interval) != tt.every ||
			strings.Join(s.Addresses, " ") != tt.addresses || s.More != tt.more || s.VRID != 51 || s.Address != tt.src || s.MAC != "02:00:00:00:00:01" {
			t.Errorf("%s: %+v", tt.name, s)
		}
		if (s.Skew != nil) != (tt.protocol == "CARP") {
			t.Errorf("%s: skew %v", tt.name, s.Skew)
		}
	}
}

// Whatever is on the wire is described, and nothing panics.
func FuzzDescribe(f *testing.F) {
	f.Add(carp(1, 2, 3), true)
	f.Add([]byte{0x31, 1}, false)
	f.Fuzz(func(t *testing.T, message []byte, six bool) {
		src := "10.0.0.1"
		if six {
			src = "fe80::1"
		}
		if len(message) < 2 {
			return
		}
		var table Table
		table.Hear(second, 1, frame(message[1], src, message...), vrrp.DropVRID)
		all := list(&table, second)
		if len(all) != 1 || len(all[0].Addresses)+all[0].More > 255 || all[0].More < 0 {
			t.Errorf("%x: %+v", message, all)
		}
	})
}

func TestPrint(t *testing.T) {
	skew := uint8(100)
	var out strings.Builder
	Print(&out, &stats.Speakers{
		Speakers: []stats.LANSpeaker{
			{Interface: "eth0", Protocol: "VRRP", VRID: 51, Address: "10.0.0.1", MAC: "02:00:00:00:00:01", Version: 3, Priority: 200,
				Interval: stats.Seconds(10 * time.Millisecond), Addresses: []string{"10.0.0.100"}, Router: "VI_1", Verdict: "accepted", Heard: stats.Seconds(4123 * time.Microsecond)},
			{Interface: "eth0", Protocol: "VRRP", VRID: 51, Address: "10.0.0.7", MAC: "02:00:00:00:00:07", Version: 2, Priority: 100,
				Interval: stats.Seconds(time.Second), Addresses: []string{"10.0.0.100"}, More: 3, Router: "VI_1", Verdict: "version", Heard: stats.Seconds(61 * time.Second)},
			{Interface: "eth1", Protocol: "CARP", VRID: 9, Address: "10.0.1.1", MAC: "00:00:5e:00:01:09", Version: 2, Skew: &skew, Verdict: "vrid", Heard: stats.Seconds(1230 * time.Millisecond)},
		},
		Ears: []stats.Ear{{Interface: "eth0", By: "xdp native"}, {Interface: "eth1", By: "packet socket", NotListed: 12}, {Interface: "eth2", By: "none"}},
	})
	want := `DEVICE  VRID  WHOSE                    ADDRESS   SPEAKS  PRI       EVERY  HEARD     MAC                FOR
eth0    51    VI_1                     10.0.0.1  VRRPv3  200       10ms   4ms ago   02:00:00:00:00:01  10.0.0.100
eth0    51    VI_1 (dropped: version)  10.0.0.7  VRRPv2  100       1s     1m1s ago  02:00:00:00:00:07  10.0.0.100 and 3 more
eth1    9     foreign                  10.0.1.1  CARP    skew 100  ?      1.2s ago  00:00:5e:00:01:09
eth1: 12 frames came from more senders at once than are listed; they may be forged
eth2: nothing is heard there
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
	out.Reset()
	if Print(&out, &stats.Speakers{}); !strings.Contains(out.String(), "nobody") {
		t.Error(out.String())
	}
}

func BenchmarkHear(b *testing.B) {
	var table Table
	known := frame(51, "10.0.0.1")
	b.ReportAllocs()
	for i := range b.N {
		table.Hear(vrrp.Instant(i), 1, known, vrrp.DropVRID)
	}
}
