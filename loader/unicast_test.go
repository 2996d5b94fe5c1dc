package loader

import (
	"maps"
	"net/netip"
	"testing"

	"github.com/vrrpx/vrrpx/vrrp"
)

const (
	own4  = "198.51.100.1"
	own6  = "fe80::1"
	peerA = "203.0.113.7" // behind routers, with TTL 60 to 64
	peerB = "2001:db8::7"
)

// unicast makes a router one with unicast peers: the usual one with any TTL,
// and one that is some hops away.
func unicast(r Rule) Rule {
	near, far := netip.MustParseAddr(peer4), netip.MustParseAddr(peerA)
	r.Unicast = &vrrp.Unicast{OldGroup: group4}
	if r.Own.Is6() {
		near, far = netip.MustParseAddr(peer6), netip.MustParseAddr(peerB)
		r.Unicast.OldGroup = netip.Addr{}
	}
	r.Group = r.Own
	r.Unicast.Peers = []vrrp.Peer{{Addr: near, MaxTTL: 255}, {Addr: far, MinTTL: 60, MaxTTL: 64}}
	return r
}

func uni4() Rule  { return unicast(v3rule()) }
func uni6() Rule  { return unicast(v6rule()) }
func uniV2() Rule { return unicast(v2rule()) }

func anySource(r Rule) Rule {
	u := *r.Unicast
	u.AnySource = true
	r.Unicast = &u
	return r
}

func noOldForm() Rule {
	r := uni4()
	r.Unicast.OldGroup = netip.Addr{}
	return r
}

// summed4 sums a message with the pseudo-header of two addresses.
func summed4(b []byte, src, dst string) []byte {
	b = append([]byte{}, b...)
	b[6], b[7] = 0, 0
	copy(b[6:], be16(int(^inetSum(netip.MustParseAddr(src).AsSlice(), netip.MustParseAddr(dst).AsSlice(), be16(len(b)), be16(112), b))))
	return b
}

// toUs4 and toUs6 are frames to a router's own address.
func toUs4(m []byte, src string, ttl byte) []byte {
	return v4frame(m, with(12, src), with(16, own4), set(8, ttl))
}

func toUs6(src string, hops byte) []byte {
	return v6frame(resum6(unhex(v3ipv6), src, own6), with(8, src), with(24, own6), set(7, hops))
}

func unicastCases() []testCase {
	m, m2 := message(v3plain), message(v2one)
	old := summed4(m, peer4, "224.0.0.18")
	wrong := append([]byte{}, m...)
	wrong[7] ^= 1
	any4 := func() Rule { return anySource(uni4()) }
	return []testCase{
		{name: "peer, pseudo-header", rule: uni4, frame: toUs4(summed4(m, peer4, own4), peer4, 255), pseudo: true},
		{name: "peer, message-only checksum", rule: uni4, frame: toUs4(m, peer4, 255)},
		{name: "peer, old checksum", rule: uni4, frame: toUs4(old, peer4, 255), old: true},
		{name: "peer with TTL 1", rule: uni4, frame: toUs4(m, peer4, 1)},
		{name: "peer with TTL 0", rule: uni4, frame: toUs4(m, peer4, 0)},
		{name: "far peer, least TTL", rule: uni4, frame: toUs4(m, peerA, 60)},
		{name: "far peer, most TTL", rule: uni4, frame: toUs4(m, peerA, 64)},
		{name: "v2 peer", rule: uniV2, frame: toUs4(m2, peer4, 64)},
		{name: "IPv6 peer", rule: uni6, frame: toUs6(peer6, 1), pseudo: true},
		{name: "IPv6 far peer", rule: uni6, frame: toUs6(peerB, 64), pseudo: true},
		{name: "anyone, where anyone may", rule: any4, frame: toUs4(m, "192.0.2.77", 3)},
		{name: "IPv6 anyone, where anyone may", rule: func() Rule { return anySource(uni6()) }, frame: toUs6("2001:db8::77", 3), pseudo: true},

		{name: "no peer", rule: uni4, frame: toUs4(m, "192.0.2.77", 255), want: vrrp.DropUnknownPeer},
		{name: "no peer, TTL 10, bad checksum", rule: uni4, frame: toUs4(wrong, "192.0.2.77", 10), want: vrrp.DropUnknownPeer},
		{name: "IPv6 no peer", rule: uni6, frame: toUs6("fe80::77", 255), want: vrrp.DropUnknownPeer},
		{name: "ourselves", rule: uni4, frame: toUs4(m, own4, 255), want: vrrp.DropUnknownPeer},
		{name: "ourselves, where anyone may", rule: any4, frame: toUs4(m, own4, 255), want: vrrp.DropOwn},
		{name: "loopback, where anyone may", rule: any4, frame: toUs4(m, "127.0.0.1", 255), want: vrrp.DropSource},
		{name: "far peer, TTL 59", rule: uni4, frame: toUs4(m, peerA, 59), want: vrrp.DropTTL},
		{name: "far peer, TTL 65", rule: uni4, frame: toUs4(m, peerA, 65), want: vrrp.DropTTL},
		{name: "IPv6 far peer, hop limit 255", rule: uni6, frame: toUs6(peerB, 255), want: vrrp.DropTTL},
		{name: "group to a unicast router", rule: uni4, frame: v4frame(m), want: vrrp.DropDestination},
		{name: "group to a unicast router, where anyone may", rule: any4, frame: v4frame(m), want: vrrp.DropDestination},
		{name: "IPv6 group to a unicast router", rule: uni6, frame: v6frame(unhex(v3ipv6)), want: vrrp.DropDestination},
		{name: "old checksum, never taken", rule: noOldForm, frame: toUs4(old, peer4, 255), want: vrrp.DropChecksum},
		{name: "old checksum of v2", rule: uniV2, frame: toUs4(summed4(m2, peer4, "224.0.0.18"), peer4, 255), want: vrrp.DropChecksum},
		{name: "peer, bad checksum", rule: uni4, frame: toUs4(wrong, peer4, 255), want: vrrp.DropChecksum},
		{name: "unicast to a router of the group", frame: toUs4(m, peer4, 255), want: vrrp.DropDestination},
		{name: "old checksum to a router of the group", frame: v4frame(summed4(m, peer4, "224.0.0.19")), want: vrrp.DropChecksum},
	}
}

// Peers leave the map with the rule that had them, and are not those of
// another router.
func TestPeersAreThoseOfTheRule(t *testing.T) {
	h := open(t, Options{NoTimer: true})
	k, other := h.key(51, vrrp.IPv4), h.key(10, vrrp.IPv4)
	h.set(k, uni4())
	lonely := uni4()
	lonely.Unicast.Peers = lonely.Unicast.Peers[1:]
	h.set(other, lonely)
	frame := toUs4(message(v3plain), peer4, 255)
	verdicts := func() map[vrrp.Drop]uint64 { h.run(frame); return drops(h.state(k).Drops) }
	if got := verdicts(); len(got) != 0 || len(h.events()) != 1 {
		t.Fatalf("a peer's advert: %v", got)
	}
	if err := h.SetRule(k, lonely); err != nil {
		t.Fatal(err)
	}
	if got := verdicts(); !maps.Equal(got, map[vrrp.Drop]uint64{vrrp.DropUnknownPeer: 1}) {
		t.Errorf("after its removal: %v", got)
	}
	h.set(k, uni4())
	if n := h.countPeers(); n != 3 {
		t.Errorf("%d peers in the map, want 2 and 1", n)
	}
	multicast := v3rule()
	if err := h.SetRule(k, multicast); err != nil {
		t.Fatal(err)
	}
	if err := h.Remove(other); err != nil {
		t.Fatal(err)
	}
	if n := h.countPeers(); n != 0 {
		t.Errorf("%d peers are left in the map", n)
	}
}

func (h *harness) countPeers() (n int) {
	var key vrrpxPeerKey
	var p vrrpxPeer
	for it := h.peers.Iterate(); it.Next(&key, &p); {
		n++
	}
	return n
}

func TestUnicastRuleThatContradictsItself(t *testing.T) {
	h := open(t, Options{NoTimer: true})
	for name, spoil := range map[string]func(*Rule){
		"no peer":                  func(r *Rule) { r.Unicast.Peers = nil },
		"peer of the other family": func(r *Rule) { r.Unicast.Peers[1].Addr = netip.MustParseAddr(peer6) },
		"old group of the other":   func(r *Rule) { r.Unicast.OldGroup = group6 },
	} {
		r := uni4()
		spoil(&r)
		if err := h.SetRule(h.key(51, vrrp.IPv4), r); err == nil {
			t.Errorf("%s: taken", name)
		}
		if n := h.countPeers(); n != 0 {
			t.Errorf("%s: %d peers are left in the map", name, n)
		}
	}
}
