package loader

import (
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cilium/ebpf"

	"github.com/vrrpx/vrrpx/vrrp"
)

// most is what a bucket may let through since start, and one for the second
// that has begun.
func most(rate, burst uint32, start time.Time) uint64 {
	return uint64(burst) + uint64(float64(rate)*time.Since(start).Seconds()) + 1
}

func TestWhatGoesUpIsBounded(t *testing.T) {
	h := open(t, Options{NoTimer: true})
	k, frame := h.key(51, vrrp.IPv4), v4frame(unhex(v3plain))
	r := v3rule()
	r.UpRate, r.UpBurst = 1, 5
	h.set(k, r)
	start := time.Now()
	const n = 100
	for range n {
		if v := h.run(frame); v != xdpPass {
			t.Fatalf("verdict %d on a valid advert", v)
		}
	}
	s := h.state(k)
	if s.SentUp < 5 || s.SentUp > most(1, 5, start) {
		t.Errorf("%d sent up at once, burst is 5", s.SentUp)
	}
	if s.Received != n || s.Drops[vrrp.DropOverflow] != n-s.SentUp || uint64(len(h.events())) != s.SentUp {
		t.Errorf("received %d, sent up %d, overflow %d", s.Received, s.SentUp, s.Drops[vrrp.DropOverflow])
	}
	// The bucket fills again, and not by more than its rate.
	for h.state(k).SentUp < s.SentUp+2 && time.Since(start) < 20*time.Second {
		h.run(frame)
	}
	if got := h.state(k).SentUp; got < s.SentUp+2 || got > most(1, 5, start) {
		t.Errorf("%d sent up within %v", got, time.Since(start))
	}
}

func TestBurstOfOneLetsOneThrough(t *testing.T) {
	h := open(t, Options{NoTimer: true})
	k := h.key(51, vrrp.IPv4)
	r := v3rule()
	r.UpRate, r.UpBurst = 1, 1
	h.set(k, r)
	h.run(v4frame(unhex(v3plain)))
	if len(h.events()) != 1 {
		t.Error("not even the first went up")
	}
}

func TestFloodOfLesserPrioritiesOrReleasesLeavesRoomForTheOthers(t *testing.T) {
	for flood, others := range map[byte][]byte{99: {0, 100, 255}, 0: {99, 100, 255}} {
		floodOf(t, flood, others)
	}
}

func floodOf(t *testing.T, priority byte, others []byte) {
	h := open(t, Options{NoTimer: true})
	k := h.key(51, vrrp.IPv4)
	r := v3rule()
	r.Priority, r.UpRate, r.UpBurst = 100, 1, 3
	h.set(k, r)
	start := time.Now()
	for range 1000 {
		h.run(v4frame(message(v3plain, set(2, priority))))
	}
	flood := h.state(k)
	if flood.SentUp > most(1, 3, start) {
		t.Errorf("%d of the flood went up", flood.SentUp)
	}
	h.events()
	for _, priority := range others {
		h.run(v4frame(message(v3plain, set(2, priority))))
		if e := h.events(); len(e) != 1 || e[0].Message[2] != priority {
			t.Errorf("priority %d did not go up", priority)
		}
	}
	h.run(v4frame(message(v3plain, set(2, priority)))) // counted as overflow, if no second has passed
	if s := h.state(k); s.Received != s.SentUp+s.Drops[vrrp.DropOverflow] {
		t.Errorf("%d received, %d sent up, %d over the bound", s.Received, s.SentUp, s.Drops[vrrp.DropOverflow])
	}
}

// Where every advert is verified, those that do not look like the master's by
// source, MAC and priority cannot crowd his out.
func TestFloodOfOthersLeavesRoomForTheMaster(t *testing.T) {
	h := open(t, Options{NoTimer: true})
	k, master := h.key(51, vrrp.IPv4), v4frame(unhex(v3plain))
	r := v3rule()
	r.UpRate, r.UpBurst = 1, 3
	r.Master = &Speaker{Src: netip.AddrFrom4([4]byte(master[26:30])), MAC: [6]byte(master[6:12]), Priority: 200}
	h.set(k, r)
	others := [][]byte{v4frame(message(v3plain, set(2, 201)))}
	for i := range 6 {
		other := slices.Clone(master)
		other[6+i] ^= 0x80 // each octet of the MAC counts
		others = append(others, other)
	}
	start := time.Now()
	for range 100 {
		for _, f := range others {
			h.run(f)
		}
	}
	if s := h.state(k); s.SentUp > most(1, 3, start) {
		t.Errorf("%d of the others went up", s.SentUp)
	}
	h.events()
	start = time.Now()
	for range 3 {
		h.run(master)
		if e := h.events(); len(e) != 1 || e[0].MAC != r.Master.MAC {
			t.Error("the master's advert did not go up")
		}
	}
	for range 100 {
		h.run(master)
	}
	if n := len(h.events()); uint64(n) > most(1, 0, start) {
		t.Errorf("the master's own bound lets %d more through", n)
	}
}

func TestMasterAndElideExcludeEachOther(t *testing.T) {
	r := v3rule()
	r.Elide, r.Master = &Match{Src: r.Group}, &Speaker{Src: r.Group}
	if _, err := r.raw(Key{1, 51, vrrp.IPv4}); err == nil {
		t.Error("taken")
	}
	r.Elide, r.Master.Src = nil, netip.MustParseAddr("fe80::1")
	if _, err := r.raw(Key{1, 51, vrrp.IPv4}); err == nil {
		t.Error("a master of the other family taken")
	}
}

// The bound is of the router, whichever CPU the flood comes in on.
func TestBoundHoldsAcrossCPUs(t *testing.T) {
	h := open(t, Options{NoTimer: true})
	k, frame := h.key(51, vrrp.IPv4), v4frame(unhex(v3plain))
	r := v3rule()
	const rate, burst, repeat = 1, 300_000, 200_000 // so that CPUs meet at the bucket
	r.UpRate, r.UpBurst = rate, burst
	h.set(k, r)
	start := time.Now()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, err := h.rx.Run(&ebpf.RunOptions{Data: frame, Repeat: repeat}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	s := h.state(k)
	if sent := s.SentUp + s.Drops[vrrp.DropRingFull]; sent > most(rate, burst, start) || sent < burst {
		t.Errorf("%d sent up in %v", sent, time.Since(start))
	}
	if s.Received < 4*repeat || s.Received != s.SentUp+s.Drops[vrrp.DropOverflow]+s.Drops[vrrp.DropRingFull] {
		t.Errorf("received %d, sent up %d, drops %v: not all counted", s.Received, s.SentUp, drops(s.Drops))
	}
}

// Some bad adverts pass, for tcpdump; a flood of them ends here.
func TestBadAdvertsPassSeldom(t *testing.T) {
	h := open(t, Options{NoTimer: true})
	k := h.key(51, vrrp.IPv4)
	h.set(k, v3rule())
	start := time.Now()
	var passed, dropped uint64
	for i := range 500 {
		frame := v4frame(unhex(v3plain), ttl(64))
		if i%2 == 1 {
			frame = v4frame(unhex("3133c80100644403c0000264"))
		}
		switch h.run(frame) {
		case xdpPass:
			passed++
		case xdpDrop:
			dropped++
		}
	}
	if passed < 10 || passed > most(10, 10, start) || passed+dropped != 500 {
		t.Errorf("%d passed, %d dropped", passed, dropped)
	}
	if ic := h.counters(); ic.Frames != 500 || ic.Passed != passed || ic.Dropped != dropped {
		t.Errorf("counted %+v", ic)
	}
	if s := h.state(k); s.Drops[vrrp.DropTTL] != 250 || s.Drops[vrrp.DropChecksum] != 250 {
		t.Errorf("counted %v", drops(s.Drops))
	}
	// What is not ours passes, as much as there is.
	for range 100 {
		if v := h.run(v4frame(message(v3plain, set(1, 52)), ttl(64))); v != xdpPass {
			t.Fatal("an advert of another daemon was dropped")
		}
	}
	// And so do good adverts beside the flood.
	if v := h.run(v4frame(unhex(v3plain))); v != xdpPass || len(h.events()) != 1 {
		t.Error("a good advert was lost in the flood")
	}
}

func TestFullRingIsCounted(t *testing.T) {
	h := open(t, Options{NoTimer: true})
	k, frame := h.key(51, vrrp.IPv4), v4frame(unhex(v3plain))
	h.set(k, v3rule())
	const n = 10_000
	for range n {
		h.run(frame)
	}
	s := h.state(k)
	if s.SentUp == 0 || s.Drops[vrrp.DropRingFull] == 0 || s.SentUp+s.Drops[vrrp.DropRingFull] != n {
		t.Errorf("%d sent up, %d found the ring full", s.SentUp, s.Drops[vrrp.DropRingFull])
	}
	if e := h.events(); uint64(len(e)) != s.SentUp {
		t.Errorf("%d events of %d", len(e), s.SentUp)
	}
	h.run(frame)
	if len(h.events()) != 1 {
		t.Error("the drained ring takes nothing")
	}
}
