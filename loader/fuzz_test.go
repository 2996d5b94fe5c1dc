package loader

import (
	"bytes"
	"encoding/binary"
	"maps"
	"testing"

	"github.com/vrrpx/vrrpx/vrrp"
)

// The routers of the parity test: a VRID each, so that the frame chooses.
func parityRules() map[Key]Rule {
	rules := map[Key]Rule{
		{0, 10, vrrp.IPv4}:  v2rule(),
		{0, 11, vrrp.IPv4}:  passed(),
		{0, 12, vrrp.IPv4}:  headed(),
		{0, 51, vrrp.IPv4}:  v3rule(),
		{0, 51, vrrp.IPv6}:  v6rule(),
		{0, 255, vrrp.IPv4}: v3rule(),
	}
	rules[Key{0, 14, vrrp.IPv4}], rules[Key{0, 15, vrrp.IPv4}] = uni4(), anySource(uni4())
	rules[Key{0, 16, vrrp.IPv4}], rules[Key{0, 17, vrrp.IPv4}] = uniV2(), noOldForm()
	rules[Key{0, 14, vrrp.IPv6}], rules[Key{0, 15, vrrp.IPv6}] = uni6(), anySource(uni6())
	any := v2rule()
	any.Interval = 0
	rules[Key{0, 13, vrrp.IPv4}] = any
	for k, r := range rules {
		r.UpRate, r.UpBurst = 1e9, 1e9
		rules[k] = r
	}
	return rules
}

// What a fuzzer does not find by chance: which sums to make right.
const (
	fixHeader  = 1 << iota // the IPv4 header's
	fixPlain               // VRRP's over the message
	fixPseudo              // VRRP's with a pseudo-header
	fixLengths             // those of the IP header
	fixOld                 // VRRP's with a pseudo-header to the group
)

// fix makes sums and lengths right where the frame has them.
func fix(frame []byte, what uint8) []byte {
	frame = bytes.Clone(frame)
	if len(frame) < 14 {
		return frame
	}
	var m, pseudo []byte
	ip := frame[14:]
	switch {
	case frame[12] == 8 && len(ip) >= 20 && ip[0]&15 == 5:
		if what&fixLengths != 0 {
			copy(ip[2:], be16(len(ip)))
		}
		if what&fixHeader != 0 {
			sum4(ip)
		}
		m, pseudo = ip[20:], bytes.Clone(ip[12:20])
		if ip[9] == 51 && len(m) > 2 {
			m = m[min(len(m), (int(m[1])+2)*4):]
		}
		if len(m) >= 8 {
			m = m[:min(len(m), size(m))]
		}
	case frame[12] == 0x86 && len(ip) >= 40:
		if what&fixLengths != 0 {
			copy(ip[4:], be16(len(ip)-40))
		}
		m, pseudo = ip[40:], bytes.Clone(ip[8:40])
	}
	if len(pseudo) == 8 && what&fixOld != 0 {
		copy(pseudo[4:], group4.AsSlice())
		what |= fixPseudo
	}
	if len(m) < 8 || what&(fixPlain|fixPseudo) == 0 {
		return frame
	}
	pseudo = append(append(pseudo, 0, 112), be16(len(m))...)
	if what&fixPseudo == 0 {
		pseudo = nil
	}
	m[6], m[7] = 0, 0
	binary.BigEndian.PutUint16(m[6:], ^inetSum(pseudo, m))
	return frame
}

// parity holds the judges in C and Go to one another: the same counter, and of
// an accepted advert the same particulars.
type parity struct {
	*harness
	rules map[Key]Rule
}

func newParity(t testing.TB) *parity {
	p := &parity{open(t, Options{NoTimer: true}), map[Key]Rule{}}
	for k, r := range parityRules() {
		k.Ifindex = p.lo
		p.rules[k] = r
		p.set(k, r)
	}
	return p
}

func (p *parity) lookup(vrid uint8, f vrrp.Family) (vrrp.Expect, bool) {
	r, ok := p.rules[Key{p.lo, vrid, f}]
	return vrrp.Expect{Version: r.Version, Auth: r.Auth, Interval: r.Interval, Own: r.Own, Group: r.Group, Unicast: r.Unicast}, ok
}

func (p *parity) check(t testing.TB, frame []byte) vrrp.Drop {
	t.Helper()
	p.TB = t
	fr, drop, is := vrrp.Judge(frame, p.lookup)
	k := Key{p.lo, fr.VRID, fr.Family}
	_, ours := p.rules[k]
	before := p.snapshot(k, ours)
	p.run(frame)
	after := p.snapshot(k, ours)
	events := p.events()

	want := map[vrrp.Drop]uint64{}
	if is && drop != vrrp.Accepted {
		want[drop] = 1
	}
	got := map[vrrp.Drop]uint64{}
	for d := range after.drops {
		if n := after.drops[d] - before.drops[d]; n != 0 {
			got[vrrp.Drop(d)] = n
		}
	}
	if !maps.Equal(got, want) || is != (after.frames-before.frames == 1) {
		t.Fatalf("C counts %v of %d frames, Go judges %v (VRRP: %v)\n%x", got, after.frames-before.frames, drop, is, frame)
	}
	accepted := is && drop == vrrp.Accepted
	if accepted != (len(events) == 1) {
		t.Fatalf("C sends %d events, Go judges %v\n%x", len(events), drop, frame)
	}
	if !accepted {
		return drop
	}
	e := events[0]
	if e.Key != k || e.Src != fr.Src || e.Dst != fr.Dst || e.TTL != fr.TTL || e.MAC != fr.MAC ||
		e.AH != (fr.AH != nil) || e.Pseudo != (fr.Checksum == vrrp.ChecksumPseudo) || e.Old != (fr.Checksum == vrrp.ChecksumOld) ||
		!bytes.Equal(e.Message, fr.Message) {
		t.Fatalf("C found %+v\nGo found %+v\n%x", e, fr, frame)
	}
	return drop
}

type snapshot struct {
	frames uint64
	drops  [vrrp.NumDrops]uint64
}

func (p *parity) snapshot(k Key, ours bool) snapshot {
	p.Helper()
	ic := p.counters()
	s := snapshot{ic.Frames, ic.Drops}
	if ours {
		state := p.state(k)
		for d := vrrp.DropTTL; int(d) < vrrp.NumDrops; d++ {
			s.drops[d] = state.Drops[d]
		}
	}
	return s
}

// paritySeeds are the named frames, v2 with every authentication to routers of
// every other, and unicast to each such router.
func paritySeeds() (frames [][]byte) {
	for _, c := range testCases() {
		frames = append(frames, c.frame)
	}
	for _, vrid := range []byte{10, 11, 12, 13} {
		for auth := range byte(3) {
			m := message(v2one, set(1, vrid), set(4, auth))
			frames = append(frames, v4frame(m), v4frame(ah(3, m), set(9, 51)))
		}
	}
	for _, vrid := range []byte{14, 15, 16, 17} {
		for _, src := range []string{peer4, peerA, "192.0.2.77"} {
			frames = append(frames, toUs4(message(v3plain, set(1, vrid)), src, 62), toUs4(message(v2one, set(1, vrid)), src, 62))
		}
		six := toUs6(peerB, 62)
		six[14+40+1] = vrid
		frames = append(frames, six)
	}
	return frames
}

//vrrp:row 27
func FuzzParity(f *testing.F) {
	for _, frame := range paritySeeds() {
		f.Add(frame, uint8(0))
		f.Add(frame, uint8(fixHeader|fixPlain))
		f.Add(frame, uint8(fixHeader|fixOld))
	}
	p := newParity(f)
	f.Fuzz(func(t *testing.T, frame []byte, what uint8) {
		if len(frame) < 14 || len(frame) > 3000 {
			return // what the kernel takes for a test run, and one buffer holds
		}
		p.check(t, fix(frame, what))
	})
}

// What the fuzzer does at leisure, in little: each seed with each byte changed.
func TestParityWithEachByteChanged(t *testing.T) {
	p := newParity(t)
	seen := map[vrrp.Drop]int{}
	for _, frame := range paritySeeds() {
		if len(frame) > 100 {
			continue
		}
		for i := 12; i < len(frame); i++ {
			for _, flip := range []byte{0x01, 0x10, 0x80, 0xff} {
				changed := bytes.Clone(frame)
				changed[i] ^= flip
				for _, what := range []uint8{0, fixHeader | fixPlain, fixHeader | fixPseudo, fixOld} {
					seen[p.check(t, fix(changed, what))]++
				}
			}
		}
	}
	for d := vrrp.Accepted; d <= vrrp.DropInterval; d++ {
		if seen[d] < 20 {
			t.Errorf("only %d frames were judged %v", seen[d], d)
		}
	}
}
