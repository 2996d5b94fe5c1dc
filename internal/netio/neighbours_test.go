package netio

import (
	"net/netip"
	"testing"
	"time"

	"golang.org/x/net/bpf"
)

// heldFrames are frames that tell of a holder, and others.
func heldFrames() map[string]struct {
	frame []byte
	want  bool
} {
	vip, six := netip.MustParseAddr("10.99.9.1"), netip.MustParseAddr("fe80::99:1")
	garp, na := GARPFrame(mac1, vip), NAFrame(mac1, six)
	change := func(f []byte, at int, b ...byte) []byte {
		f = append([]byte{}, f...)
		copy(f[at:], b)
		return f
	}
	ns := QuestionFrame(mac1, six, six, asked)
	return map[string]struct {
		frame []byte
		want  bool
	}{
		"gratuitous ARP":         {garp, true},
		"ARP reply":              {change(change(garp, etherLen+7, 2), etherLen+24, 10, 99, 0, 7), true},
		"ARP request":            {change(garp, etherLen+24, 10, 99, 0, 7), false},
		"question":               {QuestionFrame(mac1, netip.Addr{}, vip, asked), true},
		"advertisement":          {na, true},
		"question over IPv6":     {ns, true},
		"solicitation":           {change(ns, etherLen+ipv6Len+ndLen, 1, 1), false},
		"echo request":           {change(na, etherLen+ipv6Len, 128), false},
		"VRRP":                   {frameOf(0x0800, ipv4Of(112)...), false},
		"UDP over IPv6":          {frameOf(0x86dd, ipv6Of(17, "fe80::1")...), false},
		"cut short":              {garp[:20], false},
		"an advertisement, cut":  {na[:50], false},
		"another kind of packet": {frameOf(0x88cc, garp[etherLen:]...), false},
	}
}

func TestNeighbourFilter(t *testing.T) {
	vm, err := bpf.NewVM(neighbourFilter)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range heldFrames() {
		if n, err := vm.Run(c.frame); err != nil || (n > 0) != c.want {
			t.Errorf("%s: %d octets, %v; want through: %v", name, n, err, c.want)
		}
	}
}

func TestNeighboursHearsHolders(t *testing.T) {
	e := earsForTest(t)
	heard := make(chan Held, 64)
	var n *Neighbours
	if err := e.b.Do(func() (err error) {
		n, err = OpenNeighbours(e.b.Ifindex, func(f HeldFrame) { heard <- f.Held })
		return err
	}); err != nil {
		t.Fatal(err)
	}
	vip := netip.MustParseAddr("10.99.9.1")
	e.send(e.advert(51, 100), GARPFrame(e.a.MAC, vip), QuestionFrame(e.a.MAC, netip.Addr{}, vip, asked))
	for _, question := range []bool{false, true} {
		for {
			select {
			case h := <-heard:
				if h.Addr != vip {
					continue // the namespace's own business
				}
				if h.Question != question || h.MAC != [6]byte(e.a.MAC) {
					t.Errorf("heard %+v", h)
				}
			case <-time.After(patience):
				t.Fatal("heard nothing")
			}
			break
		}
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
}
