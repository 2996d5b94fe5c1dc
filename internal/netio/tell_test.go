package netio

import (
	"net/netip"
	"testing"

	"github.com/vrrpx/vrrpx/vrrp"
)

// Everyone is told of but the master, who speaks all the time and is known anyway.
func TestReceiverTellsWhoSpeaks(t *testing.T) {
	r := &Receiver{}
	master, other := netip.MustParseAddr("10.99.0.1"), netip.MustParseAddr("10.99.0.3")
	rule := generous
	rule.Master = Match{Src: master, Priority: 150}
	if err := r.SetRouter(51, vrrp.IPv4, rule); err != nil {
		t.Fatal(err)
	}
	type told struct {
		vrid uint8
		src  netip.Addr
		drop vrrp.Drop
	}
	var got []told
	r.Tell(func(at vrrp.Instant, fr *vrrp.Frame, d vrrp.Drop) {
		if at != 7 {
			t.Errorf("stamped %d", at)
		}
		got = append(got, told{fr.VRID, fr.Src, d})
	})
	for _, f := range [][]byte{
		AdvertFrame(mac1, master, group4, 255, message(t, 51, 150, master, "10.99.0.100")),
		AdvertFrame(mac1, other, group4, 255, message(t, 51, 100, other, "10.99.0.100")),
		AdvertFrame(mac1, other, group4, 255, message(t, 52, 100, other, "10.99.0.200")),
		AdvertFrame(mac1, other, group4, 64, message(t, 51, 100, other, "10.99.0.100")),
		GARPFrame(mac1, other),
	} {
		countIPv4(f, 1)
		r.take(captured{at: 7, bytes: f})
	}
	want := []told{{51, other, vrrp.Accepted}, {52, other, vrrp.DropVRID}, {51, other, vrrp.DropTTL}}
	if len(got) != len(want) {
		t.Fatalf("told %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("told %v, want %v", got[i], want[i])
		}
	}
}
