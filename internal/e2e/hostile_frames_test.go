package e2e

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/stats"
)

// reheader changes the IPv4 header of a frame and sums it again.
func reheader(f []byte, change func(ip []byte)) []byte {
	f = slices.Clone(f)
	ip := f[14:]
	change(ip)
	ip[10], ip[11] = 0, 0
	binary.BigEndian.PutUint16(ip[10:], testnet.Checksum(ip[:int(ip[0]&15)*4]))
	return f
}

// tagged puts VLAN tags (TPID, VID) into a frame.
func tagged(f []byte, tags ...uint16) []byte {
	var b []byte
	for _, t := range tags {
		b = binary.BigEndian.AppendUint16(b, t)
	}
	return slices.Concat(f[:12], b, f[12:])
}

// carp is a CARP advertisement of OpenBSD's ip_carp.h, VHID 51: the same
// protocol number, group and TTL, and a header that begins like VRRPv2's with
// the skew for priority, the length of its digest for the address count.
func carp(skew byte) []byte {
	m := append([]byte{0x21, 51, skew, 7, 0, 1, 0, 0}, make([]byte, 28)...)
	for i := range m[8:] {
		m[8+i] = byte(7 * i) // counter and digest
	}
	binary.BigEndian.PutUint16(m[6:], testnet.Checksum(m))
	return m
}

// hostile are frames that no router of p may listen to, whose IP or VRRP
// headers lie or are of another protocol. IP headers that lie of their length
// are left to the tests of loader and vrrp: the bridge drops such frames.
func (p protocol) hostile(from *testnet.Host) []junk {
	if p.six {
		return hostile6(from)
	}
	changed := func(change func(m []byte) []byte) []byte {
		m := change(p.message(255))
		m[6], m[7] = 0, 0
		binary.BigEndian.PutUint16(m[6:], testnet.Checksum(m))
		return from.GroupFrame(from.Addr, 255, protoVRRP, m)
	}
	good := changed(func(m []byte) []byte { return m })
	header := func(change func(ip []byte)) []byte { return reheader(good, change) }
	options := header(func(ip []byte) { copy(ip[20:], []byte{1, 1, 1, 1}); ip[0] = 0x46 })
	group := header(func(ip []byte) { ip[19] = 19 })
	group[5] = 19
	js := []junk{
		{"first fragment", "fragment", header(func(ip []byte) { ip[6] = 0x20 })},
		{"later fragment", "fragment", header(func(ip []byte) { ip[7] = 8 })},
		{"IP options", "ip_options", options},
		{"802.1Q of a VLAN", "vlan", tagged(good, 0x8100, 5)},
		{"QinQ", "vlan", tagged(good, 0x88a8, 5, 0x8100, 6)},
		{"QinQ of priority tags", "vlan", tagged(good, 0x88a8, 0, 0x8100, 0)},
		{"one address of 255", "length", changed(func(m []byte) []byte { m[3] = 255; return m })},
		{"one address of two", "length", changed(func(m []byte) []byte { m[3] = 2; return m[:12] })},
		{"type 2", "type", changed(func(m []byte) []byte { m[0]++; return m })},
		{"from nowhere", "source", header(func(ip []byte) { clear(ip[12:16]) })},
		{"from loopback", "source", header(func(ip []byte) { copy(ip[12:], []byte{127, 0, 0, 1}) })},
		{"from a group", "source", header(func(ip []byte) { copy(ip[12:], ip[16:20]) })},
		{"to another group", "destination", group},
		{"AH longer than the packet", "truncated", from.GroupFrame(from.Addr, 255, protoAH, []byte{protoVRRP, 200, 0, 0})},
	}
	if p.version == 2 {
		return append(js,
			junk{"CARP, best", "length", from.GroupFrame(from.Addr, 255, protoVRRP, carp(0))},
			junk{"CARP, worst", "length", from.GroupFrame(from.Addr, 255, protoVRRP, carp(254))},
			junk{"another interval", "interval", changed(func(m []byte) []byte { m[5]++; return m })})
	}
	return append(js,
		junk{"CARP, best", "version", from.GroupFrame(from.Addr, 255, protoVRRP, carp(0))},
		junk{"CARP, worst", "version", from.GroupFrame(from.Addr, 255, protoVRRP, carp(254))},
		junk{"interval 0", "interval_zero", changed(func(m []byte) []byte { m[4], m[5] = 0xf0, 0; return m })})
}

func hostile6(from *testnet.Host) []junk {
	src := netip.MustParseAddr("fe80::99")
	same := func(m []byte) []byte { return m }
	good := message6(src, 255, same)
	behind := func(header byte, next byte) []byte {
		f := frame6(from, append([]byte{next, 0, 1, 4, 0, 0, 0, 0}, good...))
		f[14+6] = header
		return f
	}
	return []junk{
		{"fragment", "ext_header", behind(44, protoVRRP)},
		{"destination options", "ext_header", behind(60, protoVRRP)},
		{"routing header", "ext_header", behind(43, protoVRRP)},
		{"two headers", "ext_header", behind(0, 60)},
		{"802.1Q of a VLAN", "vlan", tagged(frame6(from, good), 0x8100, 5)},
		{"QinQ", "vlan", tagged(frame6(from, good), 0x88a8, 5, 0x8100, 6)},
		{"one address of 255", "length", frame6(from, message6(src, 255, func(m []byte) []byte { m[3] = 255; return m }))},
		{"CARP", "version", frame6(from, carp(0))},
		{"from a group", "source", func() []byte {
			group := netip.MustParseAddr("ff02::12")
			f := frame6(from, message6(group, 255, same))
			copy(f[14+8:], group.AsSlice())
			return f
		}()},
	}
}

// Each kind alone and then all in turn: what one does is not hidden by another.
//
//vrrp:row 15 16 18 19 24 27 66
func TestHostileFramesMoveNothingAndAreCountedByName(t *testing.T) {
	for _, c := range []struct {
		protocol
		mode string
	}{
		{v3, "native"}, {v3, "generic"}, {v3, "off"},
		{v2pass, "native"}, {v2pass, "off"},
		{v3six, "native"}, {v3six, "off"},
	} {
		t.Run(c.name+" "+c.mode, func(t *testing.T) {
			l := testnet.ForTest(t, "a", "b", "evil", "watch")
			a, b, evil := l.Host("a"), l.Host("b"), l.Host("evil")
			startPair(t, c.protocol, c.mode, a, b)
			tap := watcher(t, l.Host("watch"), a)
			check := unmoved(t, a, b)
			before := map[*testnet.Host]*stats.Status{a: status(t, a), b: status(t, b)}
			from := testnet.Now()
			want := map[string]uint64{}
			js := c.hostile(evil)
			if c.mode != "off" {
				// The bridge hands the outer tag on beside the frame, where XDP
				// does not see it.
				js = slices.DeleteFunc(js, func(j junk) bool { return j.counter == "vlan" })
			}
			var all [][]byte
			for _, j := range js {
				want[j.counter] += flood(t, evil, [][]byte{j.frame}, 1000, 50*time.Millisecond)[0]
				for h, before := range before {
					if !testnet.WaitFor(time.Second, func() bool { return dropped(status(t, h), j.counter)-dropped(before, j.counter) == want[j.counter] }) {
						t.Errorf("%s: %s: %d frames counted as %s, want %d", h.Name, j.name,
							dropped(status(t, h), j.counter)-dropped(before, j.counter), j.counter, want[j.counter])
					}
				}
				all = append(all, j.frame)
			}
			for i, n := range flood(t, evil, all, 5000, time.Second) {
				want[js[i].counter] += n
			}
			check()
			if !c.six {
				cadence(t, tap.Frames(), from, testnet.Now(), c.interval, c.masterDown(100))
			}
			for h, before := range before {
				counted(t, h, before, want, c.mode != "off")
			}
		})
	}
}
