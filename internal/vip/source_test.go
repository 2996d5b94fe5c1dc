package vip

import (
	"net/netip"
	"testing"
)

func TestSourcesComeAndGo(t *testing.T) {
	h := newHost(t)
	m, r := h.start(t)
	m.Watch("vip0")
	for _, c := range []struct{ addr, other string }{{"10.7.0.1/24", "10.7.0.2/32"}, {"2001:db8::1/64", "2001:db8::2/64"}} {
		s := Source{"vip0", netip.MustParsePrefix(c.addr).Addr()}
		m.WatchSources(s)
		if m.Has(s) {
			t.Fatalf("%v is there before it is", s)
		}
		h.ip(t, "address add "+c.other+" dev vip0 nodad")
		h.ip(t, "address add "+c.addr+" dev vip0-peer nodad") // another device
		h.ip(t, "address add "+c.addr+" dev vip0 nodad")
		if ev := r.take(t, SourceCame); ev.Source != s || !m.Has(s) {
			t.Errorf("told %+v of %v", ev, s)
		}
		h.ip(t, "address del "+c.other+" dev vip0")
		h.ip(t, "address del "+c.addr+" dev vip0-peer")
		h.ip(t, "address del "+c.addr+" dev vip0")
		if ev := r.take(t, SourceWent); ev.Source != s || m.Has(s) {
			t.Errorf("told %+v of %v", ev, s)
		}
		if n := r.count(SourceCame) + r.count(SourceWent); n != 0 {
			t.Errorf("%d more events of %v", n, s)
		}
	}
}
