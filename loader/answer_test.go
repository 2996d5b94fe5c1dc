package loader

import (
	"testing"
)

// A host whose gate is latched has the address and is not to say so.
func TestQuestionsForALatchedAddressAreDropped(t *testing.T) {
	g := openGate(t)
	w4, w6 := g.watch(vip4), g.watch(vip6)
	other := g.watch("192.0.2.101") // of a router without slot
	for _, w := range []Watch{w4, w6} {
		if err := g.Tie(w, 2); err != nil {
			t.Fatal(err)
		}
	}
	questions := map[string][]byte{
		"ARP request":          by(otherMAC, ether(0x0806, arpOf(1, "192.0.2.7", vip4))),
		"probe":                by(otherMAC, ether(0x0806, arpOf(1, "0.0.0.0", vip4))),
		"solicitation":         by(otherMAC, ether(0x86dd, ndOf(135, vip6, 1, 1, 2, 0, 0, 0, 0, 9))),
		"question of a router": by(otherMAC, ether(0x0806, arpOf(1, "0.0.0.0", vip4, claim...))),
	}
	others := map[string][]byte{
		"reply":                   by(otherMAC, ether(0x0806, arpOf(2, "192.0.2.7", vip4))),
		"gratuitous ARP":          by(otherMAC, ether(0x0806, arpOf(1, vip4, vip4))),
		"request for another":     by(otherMAC, ether(0x0806, arpOf(1, "192.0.2.7", "192.0.2.8"))),
		"request without slot":    by(otherMAC, ether(0x0806, arpOf(1, "192.0.2.7", "192.0.2.101"))),
		"of another VLAN":         by(otherMAC, ether(0x0806, arpOf(1, "192.0.2.7", vip4), [2]int{0x8100, 5})),
		"cut short":               by(otherMAC, ether(0x0806, arpOf(1, "192.0.2.7", vip4)[:27])),
		"advertisement":           by(otherMAC, ether(0x86dd, ndOf(136, vip6))),
		"solicitation of another": by(otherMAC, ether(0x86dd, ndOf(135, "2001:db8::7"))),
		"echo request":            by(otherMAC, ether(0x86dd, ndOf(128, vip6))),
		"packet":                  ether(0x0800, to4(vip4)),
	}
	latched := map[Gate]bool{GateYielded: true, GateLapsed: true, GateFrozen: true}
	var dropped uint64
	for gate := GateShut; gate <= GateTaking; gate++ {
		g.turn(gate)
		for name, frame := range questions {
			if v := g.run(frame); (v == xdpDrop) != latched[gate] {
				t.Errorf("%v: %s: verdict %d", gate, name, v)
			}
			if latched[gate] {
				dropped++
			}
		}
		for name, frame := range others {
			if v := g.run(frame); v != xdpPass {
				t.Errorf("%v: %s: verdict %d", gate, name, v)
			}
		}
	}
	if n := g.Unanswered(w4) + g.Unanswered(w6); n != dropped || g.Unanswered(other) != 0 {
		t.Errorf("%d unanswered, want %d; %d of the other", n, dropped, g.Unanswered(other))
	}
	// It is told of all the same, and answered again when the address is no router's.
	if err := g.Tie(w4, 0); err != nil {
		t.Fatal(err)
	}
	g.turn(GateLapsed)
	if v := g.run(questions["ARP request"]); v != xdpPass {
		t.Errorf("tied to none: verdict %d", v)
	}
	if err := g.Tie(Watch{Ifindex: 9, Addr: w4.Addr}, 2); err != nil {
		t.Errorf("an address that is not watched: %v", err)
	}
}
