package vip

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/vishvananda/netlink"
)

// TestWhateverHappensTheHostEndsAsWanted has owners and strangers change the
// same addresses at random, with losses, and looks when all have stopped.
func TestWhateverHappensTheHostEndsAsWanted(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	h := newHost(t)
	m, r := h.start(t)
	owners := []string{"A", "B", "C"}
	var all []string
	for i, o := range owners {
		var list []string
		for j := range 3 {
			list = append(list, fmt.Sprintf("198.51.100.%d/%d", 10*i+j, []int{24, 32}[j%2]))
		}
		declare(t, m, o, addrs(list...))
		all = append(all, list...)
	}
	strangers := map[string]bool{} // what a stranger has ever added
	held := map[string]bool{}
	h.do(t, func() {
		link, err := netlink.LinkByName(device)
		if err != nil {
			t.Fatal(err)
		}
		for range 300 {
			o, a := owners[rnd.IntN(len(owners))], all[rnd.IntN(len(all))]
			addr, err := netlink.ParseAddr(a)
			if err != nil {
				t.Fatal(err)
			}
			switch rnd.IntN(6) {
			case 0, 1:
				held[o] = true
				m.Hold(o)
			case 2:
				held[o] = false
				m.Release(o)
			case 3:
				strangers[a] = netlink.AddrAdd(link, addr) == nil || strangers[a]
			case 4:
				netlink.AddrDel(link, addr) // or there was none
			case 5:
				overflow(t, m.monitor)
			}
		}
	})
	for _, o := range owners { // ends what is put off because of the war
		if held[o] {
			m.Hold(o)
		} else {
			m.Release(o)
		}
	}
	eventually(t, "the host as wanted", func() bool {
		on := h.addresses(t)
		for _, s := range m.Snapshot() {
			there := slices.Contains(on, s.Address.Prefix.String())
			if there != s.Present || s.Wanted != held[s.Owner] || s.Wanted && !s.Present || !s.Wanted && s.Present && !s.Foreign {
				return false
			}
		}
		return true
	})
	for _, s := range m.Snapshot() {
		if s.Foreign && !strangers[s.Address.Prefix.String()] {
			t.Errorf("%s is called foreign, and no stranger ever added it", s.Address)
		}
	}
	shut(t, m)
	for _, a := range h.addresses(t) {
		if slices.Contains(all, a) && !strangers[a] {
			t.Errorf("%s of ours was left", a)
		}
	}
	if n := r.count(Trouble); n != 0 {
		t.Errorf("%d troubles: %v", n, r.all)
	}
}
