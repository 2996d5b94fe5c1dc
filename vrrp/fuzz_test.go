package vrrp

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"testing"
)

// The seed corpora are in testdata/fuzz: the golden messages, the good frames
// and one of every drop, and random inputs for the machine; those of unicast are
// made in FuzzJudge.

// FuzzParse: any bytes are a packet or a Drop. A packet that can be sent comes
// back equal, and nothing past the end is read.
func FuzzParse(f *testing.F) {
	f.Fuzz(func(t *testing.T, msg []byte, six bool) {
		family := IPv4
		if six {
			family = IPv6
		}
		p, err := Parse(slices.Clip(msg), family)
		if err != nil {
			var d Drop
			if !errors.As(err, &d) || d != DropLength && d != DropVersion && d != DropType {
				t.Fatalf("error %v", err)
			}
			return
		}
		if len(p.Addrs) != int(msg[3]) || p.VRID != msg[1] || p.Priority != msg[2] {
			t.Fatalf("%x read as %+v", msg, p)
		}
		src, dst := ends(family)
		out, err := p.Append(nil, src, dst, ChecksumPlain)
		if err != nil {
			if !errors.Is(err, ErrInterval) || p.Interval != 0 {
				t.Fatalf("%+v cannot be sent: %v", p, err)
			}
			return
		}
		if again, err := Parse(out, family); err != nil || !reflect.DeepEqual(again, p) {
			t.Fatalf("%+v came back as %+v, %v", p, again, err)
		}
	})
}

// FuzzJudge: no frame panics, nothing past its end is read, and an accepted
// one has what every check demands.
func FuzzJudge(f *testing.F) {
	for _, seed := range []frame{uni3(), change(uni3(), fromFar), unicastFrame(frameV2(), 62), unicastFrame(frameV6(), 61)} {
		f.Add(seed.bytes())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		b = slices.Clip(b)
		was := slices.Clone(b)
		var s scene
		fr, drop, vrrp := Judge(b, s.lookup)
		if !bytes.Equal(b, was) {
			t.Fatal("the frame was written to")
		}
		if int(drop) >= NumDrops || !vrrp && drop != Accepted {
			t.Fatalf("%v, VRRP: %v", drop, vrrp)
		}
		if !vrrp || drop != Accepted {
			return
		}
		want, ok := s.lookup(fr.VRID, fr.Family)
		p, err := Parse(fr.Message, fr.Family)
		switch {
		case !ok || err != nil:
			t.Fatalf("accepted, but: router %v, %v", ok, err)
		case fr.TTL != 255 && want.Unicast == nil || fr.Dst != want.Group || fr.Src == want.Own || badSource(fr.Src):
			t.Fatalf("accepted from %v to %v with TTL %d", fr.Src, fr.Dst, fr.TTL)
		case p.Version != want.Version || p.VRID != fr.VRID || p.Auth != want.Auth || p.Interval == 0:
			t.Fatalf("accepted %+v for %+v", p, want)
		case !bytes.Contains(b, fr.Message) || (fr.AH != nil) != (want.Auth == AuthAH):
			t.Fatalf("accepted with AH %x", fr.AH)
		}
		// Any one bit of the message, changed, must show: the other checksum
		// form may fit by chance, the same one never.
		at := cap(b) - cap(fr.Message)
		for bit := range 8 * messageLen(fr.Message, fr.Family) {
			if bit/8 == 3 {
				continue // another count of addresses is another length: what follows may be made to fit
			}
			b[at+bit/8] ^= 1 << (bit % 8)
			if again, drop, vrrp := Judge(b, s.lookup); vrrp && drop == Accepted && again.Checksum == fr.Checksum {
				t.Fatalf("accepted with bit %d of the message changed", bit)
			}
			b[at+bit/8] ^= 1 << (bit % 8)
		}
	})
}

// FuzzMachine: bytes choose the inputs, the referee watches.
func FuzzMachine(f *testing.F) {
	f.Fuzz(func(t *testing.T, b []byte) {
		c := chance{now: t0, draw: func(n int) int {
			if len(b) == 0 {
				return 0
			}
			v := int(b[0]) % n
			b = b[1:]
			return v
		}}
		w := referee{m: New(c.config())}
		for len(b) > 0 {
			now, in := c.next(w.m)
			if _, err := w.step(now, in); err != nil {
				t.Fatal(err)
			}
		}
	})
}
