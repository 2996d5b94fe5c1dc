package netio

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/vrrp"
)

// ears is host b with a receiver on eth0, and host a that sends to it.
type ears struct {
	t    *testing.T
	a, b *testnet.Host
	from *Sender
	*Receiver
}

var generous = Rule{
	Expect:   vrrp.Expect{Version: 3, Own: netip.MustParseAddr("10.99.0.2"), Group: group4},
	Priority: 100, Rate: 1000, Burst: 1000,
}

// earsForTest has VRID 51 set by the generous rule.
func earsForTest(t *testing.T) *ears {
	t.Helper()
	testnet.Need(t, "ping")
	lan := testnet.ForTest(t, "a", "b")
	e := &ears{t: t, a: lan.Host("a"), b: lan.Host("b")}
	e.from = senderOn(t, e.a)
	// A bridge port forwards only some time after its link came up.
	if !testnet.WaitFor(patience, func() bool {
		return e.a.Command(t.Context(), "ping", "-c", "1", "-W", "1", e.b.Addr.String()).Run() == nil
	}) {
		t.Fatal("host b is out of reach")
	}
	if err := e.b.Do(func() (err error) {
		e.Receiver, err = OpenReceiver(e.b.Ifindex)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	if err := e.SetRouter(51, vrrp.IPv4, generous); err != nil {
		t.Fatal(err)
	}
	return e
}

func (e *ears) send(frames ...[]byte) {
	e.t.Helper()
	for _, f := range frames {
		if err := e.from.Send(f); err != nil {
			e.t.Fatal(err)
		}
	}
}

// advert is a frame of host a.
func (e *ears) advert(vrid, priority uint8) []byte {
	return AdvertFrame(e.a.MAC, e.a.Addr, group4, 255, message(e.t, vrid, priority, e.a.Addr, "10.99.0.100"))
}

// hear drains until the receiver has seen n frames in all, and returns the
// priorities of the adverts it gave.
func (e *ears) hear(n uint64) (priorities []uint8) {
	e.t.Helper()
	if !testnet.WaitFor(patience, func() bool {
		if _, err := e.Drain(testnet.Now(), func(p *Packet) {
			priorities = append(priorities, p.Message[2])
		}); err != nil {
			e.t.Fatal(err)
		}
		return e.Interface().Frames >= n
	}) {
		e.t.Fatalf("saw %d frames, want %d", e.Interface().Frames, n)
	}
	return priorities
}

func TestReceiverGivesAdvertsWithTheirArrival(t *testing.T) {
	e := earsForTest(t)
	var last vrrp.Instant
	for i := range 5 {
		before := testnet.Now()
		e.send(e.advert(51, 150))
		if !readable(e.FD(), patience) {
			t.Fatal("an advert does not make the descriptor readable")
		}
		arrived := testnet.Now()
		time.Sleep(5 * time.Millisecond) // the stamp is not that of the reading
		n, err := e.Drain(testnet.Now(), func(p *Packet) {
			// 1 ms for the two clocks not being read in one instant.
			if p.At < before.Add(-time.Millisecond) || p.At > arrived.Add(time.Millisecond) || p.At < last {
				t.Errorf("stamped %v, sent after %v, heard before %v, the one before %v", p.At, before, arrived, last)
			}
			last = p.At
			if p.Src != e.a.Addr || !bytes.Equal(p.MAC[:], e.a.MAC) || p.VRID != 51 || p.Checksum != vrrp.ChecksumPseudo ||
				!bytes.Equal(p.Message, message(t, 51, 150, e.a.Addr, "10.99.0.100")) {
				t.Errorf("packet %+v", p)
			}
		})
		if n != 1 || err != nil {
			t.Fatalf("Drain number %d: %d, %v", i, n, err)
		}
		if readable(e.FD(), 0) {
			t.Fatal("readable after Drain")
		}
	}
	c, _ := e.Router(51, vrrp.IPv4)
	if c.Received != 5 || c.Pseudo != 5 || c.LastSeen != last || c.Drops != [vrrp.NumDrops]uint64{} {
		t.Errorf("counts %+v", c)
	}
}

func TestReceiverDoesNotHearItsOwnHost(t *testing.T) {
	e := earsForTest(t)
	own := senderOn(t, e.b)
	if err := own.Send(e.advert(51, 150)); err != nil {
		t.Fatal(err)
	}
	e.send(e.advert(51, 151))
	if got := e.hear(1); !bytes.Equal(got, []uint8{151}) {
		t.Errorf("heard priorities %v, want only 151", got)
	}
}

func TestOtherTrafficDoesNotWakeTheReceiver(t *testing.T) {
	e := earsForTest(t)
	e.send(GARPFrame(e.a.MAC, netip.MustParseAddr("10.99.0.100")))
	if out, err := e.a.Command(t.Context(), "ping", "-c", "1", "-W", "10", e.b.Addr.String()).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if readable(e.FD(), 0) {
		t.Error("readable after ARP and ping")
	}
	if c := e.Interface(); c.Frames != 0 {
		t.Errorf("%d frames counted", c.Frames)
	}
}

// tagged puts a VLAN tag into a frame.
func tagged(tpid, tci uint16, frame []byte) []byte {
	b := bytes.Clone(frame[:12])
	b = binary.BigEndian.AppendUint16(b, tpid)
	b = binary.BigEndian.AppendUint16(b, tci)
	return append(b, frame[12:]...)
}

//vrrp:row 24
func TestReceiverCountsWhatItDrops(t *testing.T) {
	e := earsForTest(t)
	good := e.advert(51, 150)
	edit := func(at int, value byte) []byte {
		b := bytes.Clone(good)
		b[at] = value
		if at < etherLen+ipv4Len {
			checksumIPv4(b[etherLen:])
		}
		return b
	}
	const ip, msg = etherLen, etherLen + ipv4Len
	const prio3 = 3 << 13 // priority bits in front of VLAN ID 0
	tests := []struct {
		name  string
		frame []byte
		want  vrrp.Drop
	}{
		{"good", good, vrrp.Accepted},
		{"priority tag", tagged(0x8100, prio3, good), vrrp.Accepted},
		{"VLAN 5", tagged(0x8100, prio3|5, good), vrrp.DropVLAN},
		{"service VLAN 5", tagged(0x88a8, 5, good), vrrp.DropVLAN},
		{"VLAN 5 in VLAN 6", tagged(0x88a8, 6, tagged(0x8100, 5, good)), vrrp.DropVLAN},
		{"VLAN 5 in a priority tag", tagged(0x88a8, 0, tagged(0x8100, 5, good)), vrrp.DropVLAN},
		{"two priority tags", tagged(0x88a8, 0, tagged(0x8100, 0, good)), vrrp.DropVLAN},
		{"VLAN 5 and a TTL of 64", tagged(0x8100, 5, edit(ip+8, 64)), vrrp.DropVLAN},
		{"other VRID", e.advert(52, 150), vrrp.DropVRID},
		{"fragment", edit(ip+6, 0x20), vrrp.DropFragment},
		{"TTL 64", edit(ip+8, 64), vrrp.DropTTL},
		{"version 2", edit(msg, 0x21), vrrp.DropVersion},
		{"type 2", edit(msg, 0x32), vrrp.DropType},
		{"checksum", edit(msg+6, 0xaa), vrrp.DropChecksum},
		{"ours", AdvertFrame(e.a.MAC, generous.Own, group4, 255, message(t, 51, 150, generous.Own)), vrrp.DropOwn},
	}
	sum := func() (n uint64) {
		router, _ := e.Router(51, vrrp.IPv4)
		iface := e.Interface()
		for i := range vrrp.NumDrops {
			n += router.Drops[i] + iface.Drops[i]
		}
		return n
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			router, _ := e.Router(51, vrrp.IPv4)
			iface, before := e.Interface(), sum()
			e.send(tt.frame)
			given := len(e.hear(uint64(i + 1)))
			if (given == 1) != (tt.want == vrrp.Accepted) {
				t.Errorf("%d adverts given", given)
			}
			if tt.want == vrrp.Accepted {
				if sum() != before {
					t.Errorf("an accepted advert counted as dropped")
				}
				return
			}
			was, is := iface.Drops, e.Interface().Drops
			if tt.want.OfRouter() {
				after, _ := e.Router(51, vrrp.IPv4)
				was, is = router.Drops, after.Drops
			}
			if is[tt.want] != was[tt.want]+1 || sum() != before+1 {
				t.Errorf("not counted as %v, or not only: before %v, after %v", tt.want, was, is)
			}
		})
	}
	if _, ok := e.Router(52, vrrp.IPv4); ok {
		t.Error("a router that was never set has counters")
	}
}

func TestReceiverHearsWhatAFirewallDrops(t *testing.T) {
	e := earsForTest(t)
	if err := e.b.DropVRRP(); err != nil {
		t.Fatal(err)
	}
	e.send(e.advert(51, 150))
	if got := e.hear(1); len(got) != 1 {
		t.Errorf("heard %v", got)
	}
}

func TestDrainStopsAtWhatCameLater(t *testing.T) {
	e := earsForTest(t)
	e.send(e.advert(51, 1), e.advert(51, 2))
	if !readable(e.FD(), patience) {
		t.Fatal("nothing arrives")
	}
	time.Sleep(50 * time.Millisecond) // both have
	until := testnet.Now()
	time.Sleep(50 * time.Millisecond)
	e.send(e.advert(51, 3), e.advert(51, 4))
	time.Sleep(50 * time.Millisecond)
	var got []uint8
	collect := func(p *Packet) { got = append(got, p.Message[2]) }
	if n, err := e.Drain(until, collect); n != 3 || err != nil || !bytes.Equal(got, []uint8{1, 2, 3}) {
		t.Errorf("Drain gave %d: %v, %v; want 1, 2 and the first that came later", n, got, err)
	}
	if !readable(e.FD(), 0) {
		t.Error("not readable although an advert waits")
	}
	if n, err := e.Drain(testnet.Now(), collect); n != 1 || err != nil || got[len(got)-1] != 4 {
		t.Errorf("then %d: %v, %v", n, got, err)
	}
}

func TestReceiverSurvivesTheLinkGoingDownAndUp(t *testing.T) {
	testnet.Need(t, "ip")
	e := earsForTest(t)
	for _, word := range []string{"down", "up"} {
		if out, err := e.b.Command(t.Context(), "ip", "link", "set", "eth0", word).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	if _, err := e.Drain(testnet.Now(), func(*Packet) { t.Error("heard something") }); err != nil {
		t.Error(err)
	}
	if readable(e.FD(), 0) {
		t.Error("readable for ever after the link went down")
	}
	heard := testnet.WaitFor(patience, func() bool { // the bridge port takes a moment
		e.send(e.advert(51, 150))
		n, err := e.Drain(testnet.Now(), func(*Packet) {})
		return n > 0 && err == nil
	})
	if !heard {
		t.Error("deaf after the link came up")
	}
}

func TestReceiverTellsWhatIsWrong(t *testing.T) {
	e := earsForTest(t)
	for _, ifindex := range []int{-1, 0, 4711} {
		if err := e.b.Do(func() error {
			_, err := OpenReceiver(ifindex)
			return err
		}); err == nil {
			t.Errorf("opened interface %d", ifindex)
		}
	}
	if err := e.SetRouter(51, vrrp.IPv4, Rule{Expect: generous.Expect}); err == nil {
		t.Error("took a rule without a rate")
	}
	e.Remove(51, vrrp.IPv4)
	e.send(e.advert(51, 150))
	if got := e.hear(1); len(got) != 0 || e.Interface().Drops[vrrp.DropVRID] != 1 {
		t.Errorf("a removed router is heard: %v", got)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	e.Interface() // a late reader of the counters
}

func BenchmarkSendAndDrain(b *testing.B) {
	lan := testnet.ForTest(b, "a", "b")
	from := senderOn(b, lan.Host("a"))
	var r *Receiver
	if err := lan.Host("b").Do(func() (err error) {
		r, err = OpenReceiver(lan.Host("b").Ifindex)
		return err
	}); err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	rule := generous
	rule.Rate, rule.Burst = 1e9, 1e9
	if err := r.SetRouter(51, vrrp.IPv4, rule); err != nil {
		b.Fatal(err)
	}
	src := lan.Host("a").Addr
	frame := AdvertFrame(lan.Host("a").MAC, src, group4, 255, message(b, 51, 150, src, "10.99.0.100"))
	b.ReportAllocs()
	for b.Loop() { // one advert sent, passed on by the bridge, judged and given
		for n := 0; n == 0; {
			_ = from.Send(frame)
			n, _ = r.Drain(testnet.Now(), func(*Packet) {})
		}
	}
}
