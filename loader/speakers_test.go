package loader

import (
	"bytes"
	"net/netip"
	"testing"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/vrrp"
)

func (h *harness) speakers(forget vrrp.Instant) (all []Noted) {
	h.Helper()
	if err := h.Speakers(forget, func(n *Noted) { all = append(all, *n) }); err != nil {
		h.Fatal(err)
	}
	return all
}

// Whoever speaks is noted, but for the master whose adverts are elided.
func TestSpeakersAreNoted(t *testing.T) {
	h := open(t, Options{NoTimer: true})
	k := h.key(51, vrrp.IPv4)
	kept := v4frame(unhex(v3plain))
	h.learn(k, v3rule(), kept)
	before := len(h.speakers(0)) // the one that was learned, which went up
	for range 3 {
		h.run(kept)
	}
	for _, n := range h.speakers(0) {
		if n.Key == k && n.Frames != uint64(before) {
			t.Errorf("elided adverts are noted: %+v", n)
		}
	}
	foreign := v4frame(message(v3plain, set(1, 52)))
	start := testnet.Now()
	for range 3 {
		h.run(foreign)
	}
	h.run(v4frame(unhex(v3plain), ttl(64)))
	carp := make([]byte, 36)
	copy(carp, []byte{0x21, 9, 100, 7, 0, 1})
	h.run(v4frame(carp))
	want := map[uint8]struct {
		frames uint64
		drop   vrrp.Drop
		kind   uint8
		length int
	}{51: {uint64(before) + 1, vrrp.DropTTL, 0x31, len(unhex(v3plain))}, 52: {3, vrrp.DropVRID, 0x31, len(unhex(v3plain))}, 9: {1, vrrp.DropVRID, 0x21, 36}}
	all := h.speakers(0)
	if len(all) != len(want) {
		t.Fatalf("%+v", all)
	}
	for _, n := range all {
		w := want[n.Key.VRID]
		if n.Frames != w.frames || n.Drop != w.drop || n.Kind != w.kind || n.Length != w.length || n.Key.Ifindex != h.lo || n.Last < start || n.First > n.Last {
			t.Errorf("%+v, want %+v", n, w)
		}
		if n.Src != netip.AddrFrom4([4]byte(foreign[26:30])) || !bytes.Equal(n.MAC[:], foreign[6:12]) {
			t.Errorf("from %v %x", n.Src, n.MAC)
		}
		if n.Key.VRID == 52 && !bytes.Equal(n.Message[:n.Length], foreign[34:34+n.Length]) {
			t.Errorf("message %x", n.Message)
		}
	}
	if h.speakers(testnet.Now()); len(h.speakers(0)) != 0 {
		t.Error("who has been silent is not forgotten")
	}
}

// Forged sources get in as the bucket says, and are counted.
func TestForgedSpeakersAreBounded(t *testing.T) {
	h := open(t, Options{NoTimer: true})
	const sent = 5000
	for i := range sent {
		f := v4frame(message(v3plain, set(1, 52)))
		f[28], f[29] = byte(i>>8), byte(i)
		fixIPv4(f)
		h.run(f)
	}
	n := len(h.speakers(0))
	lost := h.counters().NotListed
	if n < 200 || n > 1000 || uint64(n)+lost != sent {
		t.Errorf("%d noted, %d not, of %d", n, lost, sent)
	}
}

// What is forged once goes, and whoever speaks all the time stays: the map is turned
// over three times.
func TestAFullMapForgetsWhoIsSilent(t *testing.T) {
	h := open(t, Options{NoTimer: true})
	genuine := v4frame(message(v3plain, set(1, 52)))
	ran := uint64(0)
	for i := range 3 * 4096 {
		if i%200 == 0 {
			h.run(genuine)
			ran++
		}
		forged := vrrpxSpeakerKey{Ifindex: h.lo, Vrid: 53, Family: 4, Kind: 0x31, Src: [16]uint8{172, 16, uint8(i >> 8), uint8(i)}}
		if err := h.Kernel.speakers.Put(&forged, &vrrpxSpeaker{Frames: 1, FirstNs: 1, LastNs: 1}); err != nil {
			t.Fatal(err)
		}
	}
	all := h.speakers(0)
	if len(all) > 4096 || len(all) < 2048 {
		t.Errorf("%d speakers in a full map", len(all))
	}
	for _, n := range all {
		if n.Key.VRID == 52 {
			if n.Frames != ran {
				t.Errorf("%d frames of %d are known", n.Frames, ran)
			}
			return
		}
	}
	t.Error("who speaks all the time has been forgotten")
}

// fixIPv4 sums the header of an untagged frame anew.
func fixIPv4(f []byte) {
	f[24], f[25] = 0, 0
	sum := 0
	for i := 14; i < 34; i += 2 {
		sum += int(f[i])<<8 | int(f[i+1])
	}
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	f[24], f[25] = byte(^sum>>8), byte(^sum)
}
