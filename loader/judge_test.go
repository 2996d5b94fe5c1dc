package loader

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"testing"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/vrrp"
)

//vrrp:row 13 14 15 16 17 18 19 22 24 26 27 64 66
func TestFrameHasOneVerdictOneCounterAndAtMostOneEvent(t *testing.T) {
	h := open(t, Options{NoTimer: true})
	seen := map[vrrp.Drop]bool{}
	for _, c := range testCases() {
		t.Run(c.name, func(t *testing.T) {
			h.TB = t
			c.install(h)
			h.resetInterface()
			if v := h.run(c.frame); v != xdpPass {
				t.Errorf("verdict %d, want pass", v)
			}
			seen[c.want] = true
			ic, counts, s := h.counted(c.family())
			events := h.events()
			wantCounts, wantFrames, wantEvents := map[vrrp.Drop]uint64{c.want: 1}, uint64(1), 0
			switch c.want {
			case vrrp.Accepted:
				wantCounts, wantEvents = nil, 1
			case notVRRP:
				wantCounts, wantFrames = nil, 0
			}
			if !maps.Equal(counts, wantCounts) {
				t.Errorf("counted %v, want %v", counts, wantCounts)
			}
			if ic.Frames != wantFrames || ic.Passed != wantFrames || ic.Dropped != 0 {
				t.Errorf("interface counts %d frames, %d passed, %d dropped; want %d, all passed", ic.Frames, ic.Passed, ic.Dropped, wantFrames)
			}
			if len(events) != wantEvents || s.SentUp != uint64(wantEvents) || s.Received != uint64(wantEvents) {
				t.Fatalf("%d events, %d received, %d sent up; want %d", len(events), s.Received, s.SentUp, wantEvents)
			}
			if wantEvents == 1 {
				c.checkEvent(t, events[0], s)
			}
		})
	}
	h.TB = t
	for d := vrrp.DropIPHeader; d <= vrrp.DropInterval; d++ {
		if !seen[d] {
			t.Errorf("no case is dropped as %v", d)
		}
	}
}

func (c testCase) checkEvent(t *testing.T, e Event, s State) {
	t.Helper()
	packet := c.frame[14:]
	if c.frame[12] == 0x81 || c.frame[12] == 0x88 {
		packet = c.frame[18:]
	}
	header, ttlAt, src, dst, length := 20, 8, packet[12:16], packet[16:20], int(packet[2])<<8+int(packet[3])
	if c.family() == vrrp.IPv6 {
		header, ttlAt, src, dst, length = 40, 7, packet[8:24], packet[24:40], 40+int(packet[4])<<8+int(packet[5])
	}
	if c.ah {
		header += (int(packet[header+1]) + 2) * 4
	}
	packet = packet[:length]
	if e.Kind != Advert || e.Key.VRID != packet[header+1] || e.Key.Family != c.family() || e.Key.Ifindex == 0 {
		t.Errorf("event %v of %v", e.Kind, e.Key)
	}
	if !bytes.Equal(e.Packet, packet) || !bytes.Equal(e.Message, packet[header:]) {
		t.Errorf("packet\n%x\nmessage\n%x\nof frame\n%x", e.Packet, e.Message, c.frame)
	}
	if !bytes.Equal(e.Src.AsSlice(), src) || !bytes.Equal(e.Dst.AsSlice(), dst) || e.TTL != packet[ttlAt] || e.MAC != peerMAC {
		t.Errorf("from %v (%x) to %v with TTL %d", e.Src, e.MAC, e.Dst, e.TTL)
	}
	if e.AH != c.ah || e.Pseudo != c.pseudo || e.Old != c.old {
		t.Errorf("AH %v, pseudo-header %v, old %v; want %v, %v, %v", e.AH, e.Pseudo, e.Old, c.ah, c.pseudo, c.old)
	}
	if e.At == 0 || e.Now != e.At || e.Digest == 0 {
		t.Errorf("at %d, now %d, digest %d", e.At, e.Now, e.Digest)
	}
	forms := map[bool]uint64{c.pseudo: s.ChecksumPseudo, c.old: s.ChecksumOld, !c.pseudo && !c.old: s.ChecksumPlain}
	if forms[true] != 1 || s.ChecksumPlain+s.ChecksumPseudo+s.ChecksumOld != 1 {
		t.Errorf("checksums counted: %d plain, %d pseudo, %d old", s.ChecksumPlain, s.ChecksumPseudo, s.ChecksumOld)
	}
}

//vrrp:row 18
func TestVRIDsAreOfOneFamily(t *testing.T) {
	h := open(t, Options{NoTimer: true})
	h.set(h.key(51, vrrp.IPv4), v3rule())
	h.run(v6frame(unhex(v3ipv6)))
	if got := drops(h.counters().Drops); !maps.Equal(got, map[vrrp.Drop]uint64{vrrp.DropVRID: 1}) {
		t.Errorf("an IPv6 advert for an IPv4 router: counted %v", got)
	}
}

func TestInterfaceThatIsNotOursIsLeftAlone(t *testing.T) {
	h := open(t, Options{NoTimer: true})
	h.set(h.key(51, vrrp.IPv4), v3rule())
	if err := h.interfaces.Delete(h.lo); err != nil {
		t.Fatal(err)
	}
	if v := h.run(v4frame(unhex(v3plain))); v != xdpPass || len(h.events()) != 0 {
		t.Errorf("verdict %d", v)
	}
}

// A frame cut anywhere is never read past its end, nor taken as whole.
//
//vrrp:row 16 27
func TestFrameCutAtEveryLength(t *testing.T) {
	h := open(t, Options{NoTimer: true})
	for _, c := range []testCase{
		{name: "v3", frame: v4frame(unhex(v3signed))},
		{name: "v2 behind AH and a tag", rule: headed, frame: ether(0x0800, ip4(ah(3, message(v2one, set(4, 2))), set(9, 51)), vid(0))},
		{name: "IPv6", frame: v6frame(unhex(v3signed6), with(24, "fe80::20"))},
	} {
		t.Run(c.name, func(t *testing.T) {
			h.TB = t
			c.install(h)
			for n := 14; n < len(c.frame); n++ {
				h.run(c.frame[:n])
				if e := h.events(); len(e) != 0 {
					t.Fatalf("%d of %d bytes were taken as an advert", n, len(c.frame))
				}
			}
		})
	}
}

// The same at every length of the payload, so that the IP header is right and
// the end of the message is what is judged.
//
//vrrp:row 16 27
func TestPayloadOfEveryLength(t *testing.T) {
	h := open(t, Options{NoTimer: true})
	whole := message(v3plain, addrs(3, 4))
	for n := range whole {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			h.TB = t
			c := testCase{frame: append(v4frame(whole[:n]), whole[n:]...)} // as padding
			c.install(h)
			h.resetInterface()
			h.run(c.frame)
			want := vrrp.DropLength
			if n < 2 {
				want = vrrp.DropTruncated
			}
			if _, counts, _ := h.counted(vrrp.IPv4); !maps.Equal(counts, map[vrrp.Drop]uint64{want: 1}) {
				t.Errorf("counted %v, want one %v", counts, want)
			}
		})
	}
}

// The program sees the first buffer of a frame, some 3500 bytes. What is
// longer is no advert to it, and passes.
func TestAdvertBeyondTheFirstBufferPasses(t *testing.T) {
	h := open(t, Options{NoTimer: true})
	c := testCase{frame: v6frame(message6(v3ipv6, peer6, addrs(255, 16)))}
	c.install(h)
	v, err := h.rx.Run(&ebpf.RunOptions{Data: c.frame})
	if errors.Is(err, unix.EMSGSIZE) && os.Getenv("CI") != "true" {
		t.Skip("before 5.18 XDP has no frames of several buffers")
	}
	if err != nil || v != xdpPass {
		t.Errorf("verdict %d (%v), want pass", v, err)
	}
	if _, counts, _ := h.counted(vrrp.IPv6); !maps.Equal(counts, map[vrrp.Drop]uint64{vrrp.DropIPHeader: 1}) {
		t.Errorf("counted %v", counts)
	}
}
