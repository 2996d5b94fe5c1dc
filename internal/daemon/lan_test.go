package daemon

import (
	"net/netip"
	"testing"
	"time"

	onlan "github.com/vrrpx/vrrpx/internal/speakers"
	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/stats"
	"github.com/vrrpx/vrrpx/vrrp"
)

// What a router holds for valid is as new as its last advert, which the datapath may
// have kept to itself; what is refused by now is what was noted last.
func TestSpeakersAreNotedAndValidOnes(t *testing.T) {
	second := vrrp.Instant(time.Second)
	v := lanView{
		now: 100 * second, devices: map[uint32]string{2: "eth0", 3: "eth1"}, valid: map[onlan.Key]speaker{},
		routers: map[loader.Key]string{{Ifindex: 2, VRID: 51, Family: vrrp.IPv4}: "VI_1"},
		ears:    map[uint32]stats.Ear{2: {Interface: "eth0", By: "packet socket"}, 3: {Interface: "eth1", By: "xdp native"}},
		deaf:    []stats.Ear{{Interface: "dummy0", By: "none"}},
	}
	key := func(ifindex uint32, vrid uint8, src string) onlan.Key {
		return onlan.Key{Ifindex: ifindex, VRID: vrid, Family: vrrp.IPv4, Kind: 0x31, Src: netip.MustParseAddr(src)}
	}
	valid := func(src string, at vrrp.Instant) speaker {
		a := advertFrom(src, 3)
		for i := range 20 {
			a.Addrs = append(a.Addrs, netip.AddrFrom4([4]byte{10, 0, 1, byte(i)}))
		}
		return speaker{last: a, at: at}
	}
	v.valid[key(2, 51, "10.0.0.1")] = valid("10.0.0.1", 99*second) // noted before, kept since
	v.valid[key(2, 51, "10.0.0.2")] = valid("10.0.0.2", 50*second) // refused since
	v.valid[key(2, 51, "10.0.0.3")] = valid("10.0.0.3", 98*second) // never noted
	var noted onlan.Table
	hear := func(ifindex uint32, vrid uint8, src string, at vrrp.Instant, d vrrp.Drop) {
		msg := make([]byte, 12)
		msg[0], msg[1], msg[2], msg[3], msg[5] = 0x31, vrid, 100, 1, 100
		noted.Hear(at, ifindex, &vrrp.Frame{Src: netip.MustParseAddr(src), Family: vrrp.IPv4, Message: msg, TTL: 255}, d)
	}
	hear(2, 51, "10.0.0.1", 10*second, vrrp.Accepted)
	hear(2, 51, "10.0.0.2", 99*second, vrrp.DropChecksum)
	hear(2, 52, "10.0.0.9", 99*second, vrrp.DropVRID)
	hear(9, 51, "10.0.0.9", 99*second, vrrp.DropVRID) // on an interface that has gone
	out := v.list(&noted)

	want := []struct {
		address, router, verdict string
		heard                    time.Duration
		addresses, more          int
		frames                   uint64
	}{
		{"10.0.0.1", "VI_1", "accepted", time.Second, 16, 4, 1},
		{"10.0.0.2", "VI_1", "checksum", time.Second, 1, 0, 1},
		{"10.0.0.3", "VI_1", "accepted", 2 * time.Second, 16, 4, 0},
		{"10.0.0.9", "", "vrid", time.Second, 1, 0, 1},
	}
	if len(out.Speakers) != len(want) {
		t.Fatalf("%+v", out.Speakers)
	}
	for i, w := range want {
		s := out.Speakers[i]
		if s.Interface != "eth0" || s.Address != w.address || s.Router != w.router || s.Verdict != w.verdict || time.Duration(s.Heard) != w.heard ||
			len(s.Addresses) != w.addresses || s.More != w.more || s.Frames != w.frames {
			t.Errorf("%+v, want %+v", s, w)
		}
	}
	if len(out.Ears) != 3 || out.Ears[0].Interface != "dummy0" || out.Ears[1].By != "packet socket" || out.Ears[2].By != "xdp native" {
		t.Errorf("ears %+v", out.Ears)
	}
}

func TestTheLoopTellsWhoIsValid(t *testing.T) {
	g := newRig(t, true, nil)
	g.master(0, 200)
	g.round(1 * ms)
	h := &host{loop: &loop{byKey: map[loader.Key]*router{g.r.key: g.r}}}
	v := h.lookLAN()
	if len(v.valid) != 1 || v.routers[g.r.key] != g.r.cfg.Name {
		t.Fatalf("%+v", v)
	}
	for k, s := range v.valid {
		if k.Ifindex != g.r.key.Ifindex || k.VRID != g.r.key.VRID || k.Kind != s.last.Version<<4|1 || k.Src != s.last.Src {
			t.Errorf("%+v of %+v", k, s.last)
		}
	}
}
