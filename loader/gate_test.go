package loader

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/vrrp"
)

// gated is a BACKUP of priority 100 at 198.51.100.1 whose gate is in slot 1.
type gated struct {
	*harness
	Key
	slot  *vrrpxSlot
	lease *int64
}

func openGate(t testing.TB) *gated {
	t.Helper()
	h := openTimers(t)
	if !h.Gates() {
		t.Fatal("no better advert shuts a gate here")
	}
	memory, err := mapMemory(h.slots)
	if err != nil {
		t.Fatal(err)
	}
	lease, err := mapMemory(h.Kernel.lease)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = unix.Munmap(memory), unix.Munmap(lease) })
	slots := unsafe.Slice((*vrrpxSlot)(unsafe.Pointer(&memory[0])), MaxSlots)
	g := &gated{h, h.key(51, vrrp.IPv4), &slots[1], (*int64)(unsafe.Pointer(&lease[0]))}
	g.slot.LeaseNs = uint64(time.Second)
	return g
}

func (g *gated) word() GateWord { return GateWord(atomic.LoadUint64(&g.slot.Gate)) }

func (g *gated) turn(to Gate) GateWord {
	w := g.word().next(to)
	atomic.StoreUint64(&g.slot.Gate, uint64(w))
	return w
}

func (g *gated) renew(ago time.Duration) { atomic.StoreInt64(g.lease, boot()-int64(ago)) }

func gatedRule() Rule {
	r := v3rule()
	r.Slot = 2
	return r
}

func TestDeadlineOpensTheGate(t *testing.T) {
	g := openGate(t)
	for name, c := range map[string]struct {
		lease  time.Duration // 0: none
		age    time.Duration
		change func()
		opens  bool
		gate   Gate
	}{
		"lease fresh":               {lease: time.Second, opens: true, gate: GateOpen},
		"lease about to end":        {lease: time.Hour, age: 59 * time.Minute, opens: true, gate: GateOpen},
		"lease over":                {lease: time.Second, age: 2 * time.Second, gate: GateArmed},
		"no lease":                  {gate: GateArmed},
		"shut since it was armed":   {lease: time.Second, change: func() { g.turn(GateShut) }, gate: GateShut},
		"armed again since":         {lease: time.Second, change: func() { g.turn(GateArmed) }, gate: GateArmed},
		"a better advert was heard": {lease: time.Second, change: func() { g.turn(GateYielded) }, gate: GateYielded},
	} {
		g.set(g.Key, gatedRule())
		g.slot.LeaseNs = uint64(c.lease)
		g.renew(c.age)
		word := g.turn(GateArmed)
		now := testnet.Now()
		at := now.Add(10 * time.Millisecond)
		g.arm(g.Key, Deadline{At: at, Since: now, Down: time.Second, Slot: 2, Gate: word})
		if c.change != nil {
			c.change()
		}
		e := g.wait()
		s := g.state(g.Key)
		if g.word().Gate() != c.gate || e.At != at || e.Key != g.Key || s.Fired != 1 {
			t.Errorf("%s: gate %v, want %v; event %v at %d", name, g.word().Gate(), c.gate, e.Kind, e.At)
		}
		if !c.opens {
			if e.Kind != Down || s.Taken != 0 {
				t.Errorf("%s: told of %v, taken %d", name, e.Kind, s.Taken)
			}
			continue
		}
		due := vrrp.Instant(g.slot.DueNs)
		if e.Kind != Taken || e.Gate != g.word() || e.Slot != 1 || s.Taken != 1 || due < at || due > e.Now {
			t.Errorf("%s: told of %v of slot %d with %#x, the gate is %#x; first advert at %d, deadline %d", name, e.Kind, e.Slot, e.Gate, g.word(), due, at)
		}
		if sent := int64(g.slot.SentBootNs); boot()-sent > int64(time.Minute) {
			t.Errorf("%s: the clock takes the host for frozen", name)
		}
	}
}

// A takeover of which user space could not be told is none.
func TestGateStaysShutWhileTheRingIsFull(t *testing.T) {
	g := openGate(t)
	filler := g.key(1, vrrp.IPv4)
	g.set(g.Key, gatedRule())
	for frame := v4frame(unhex(v3plain)); g.state(g.Key).Drops[vrrp.DropRingFull] == 0; {
		for range 500 {
			g.run(frame)
		}
	}
	within(t, func() bool {
		g.set(filler, v3rule())
		now := testnet.Now()
		g.arm(filler, Deadline{At: now, Since: now, Down: time.Second})
		within(t, func() bool { s := g.state(filler); return s.Fired+s.Retried > 0 })
		return g.state(filler).Retried > 0
	})
	if err := g.Remove(filler); err != nil {
		t.Fatal(err)
	}
	g.renew(0)
	at, word := testnet.Now(), g.turn(GateArmed)
	g.arm(g.Key, Deadline{At: at, Since: at, Down: time.Second, Slot: 2, Gate: word})
	within(t, func() bool { return g.state(g.Key).Retried >= 3 })
	if g.word() != word {
		t.Errorf("the gate is %v", g.word().Gate())
	}
	within(t, func() bool { g.renew(0); e := g.wait(); return e.Kind == Taken })
	if g.word().Gate() != GateOpen {
		t.Errorf("the gate is %v", g.word().Gate())
	}
}

//vrrp:row 34
func TestAdvertAndGate(t *testing.T) {
	g := openGate(t)
	const low, high = "198.51.100.0", "198.51.100.2" // of own 198.51.100.1
	from := func(src string, priority byte) []byte {
		return v4frame(message(v3plain, set(2, priority)), with(12, src))
	}
	pass := passed()
	pass.Slot = 2
	fromPass := func(priority byte) []byte {
		return v4frame(message(v2one, set(4, 1), set(12, 's'), set(2, priority)), with(12, high))
	}
	for name, c := range map[string]struct {
		rule  Rule
		frame []byte
		known bool // it is the advert that the rule elides
		gate  Gate
		want  Gate
		kept  bool
	}{
		"better ends a MASTER":                  {frame: from(low, 101), gate: GateOpen, want: GateYielded},
		"better ends one that becomes MASTER":   {frame: from(low, 101), gate: GateTaking, want: GateYielded},
		"worse does not":                        {frame: from(high, 99), gate: GateOpen, want: GateOpen},
		"equal with the higher address does":    {frame: from(high, 100), gate: GateOpen, want: GateYielded},
		"equal with the lower address does not": {frame: from(low, 100), gate: GateOpen, want: GateOpen},
		"a release does not":                    {frame: from(high, 0), gate: GateOpen, want: GateOpen},
		"the old master does, and is told of":   {frame: from(low, 101), known: true, gate: GateOpen, want: GateYielded},
		"the old, worse master is told of":      {frame: from(low, 99), known: true, gate: GateOpen, want: GateOpen},
		"the master of a BACKUP is kept":        {frame: from(low, 101), known: true, gate: GateArmed, want: GateArmed, kept: true},
		"another master is for user space":      {frame: from(low, 101), gate: GateArmed, want: GateYielded},
		"a worse one too":                       {frame: from(low, 99), gate: GateArmed, want: GateYielded},
		"a release speaks for nobody":           {frame: from(low, 0), gate: GateArmed, want: GateArmed},
		"what is latched stays":                 {frame: from(high, 200), gate: GateLapsed, want: GateLapsed},
		"what is shut stays":                    {frame: from(high, 200), known: true, gate: GateShut, want: GateShut, kept: true},
		"a password is checked by user space":   {rule: pass, frame: fromPass(200), gate: GateOpen, want: GateOpen},
		"unless it is known":                    {rule: pass, frame: fromPass(200), known: true, gate: GateOpen, want: GateYielded},
		"who may have it is for user space":     {rule: pass, frame: fromPass(200), gate: GateArmed, want: GateYielded},
		"a router without slot leaves it":       {rule: v3rule(), frame: from(high, 200), gate: GateOpen, want: GateOpen},
	} {
		r := c.rule
		if r.Version == 0 {
			r = gatedRule()
		}
		key := g.key(c.frame[14+20+1], vrrp.IPv4)
		g.turn(GateShut)
		if g.set(key, r); c.known {
			g.learn(key, r, c.frame)
		}
		g.turn(c.gate)
		g.run(c.frame)
		if e := g.events(); g.word().Gate() != c.want || (len(e) == 0) != c.kept {
			t.Errorf("%s: gate %v, want %v; %d events", name, g.word().Gate(), c.want, len(e))
		}
	}
}

func TestIPv6AddressesDecideByAllTheirBits(t *testing.T) {
	g := openGate(t)
	for src, want := range map[string]Gate{"fe80::2": GateYielded, "fe80::": GateOpen, "fe81::": GateYielded, "fe7f::2": GateOpen} {
		key, r := g.key(51, vrrp.IPv6), v6rule()
		r.Slot = 2
		frame := v6frame(message6(v3ipv6, src, set(2, 100)), with(8, src))
		key.VRID = frame[14+40+1]
		g.set(key, r)
		g.turn(GateOpen)
		g.run(frame)
		if n := len(g.events()); g.word().Gate() != want || n != 1 {
			t.Errorf("from %s: gate %v, want %v; %d events", src, g.word().Gate(), want, n)
		}
	}
}

// A better advert that meets the deadline in one instant, on another CPU: either it
// was kept silently and the gate has not opened, or user space is told of it and
// the gate is shut, after the takeover if there was one.
//
//vrrp:row 34
func TestAdvertRacesWithTheDeadline(t *testing.T) {
	g := openGate(t)
	frame := v4frame(message(v3plain, set(2, 200)))
	g.learn(g.Key, gatedRule(), frame)
	g.turn(GateArmed)

	var at, done atomic.Int64 // when to send, in the round
	var wg sync.WaitGroup
	defer wg.Wait()
	defer at.Store(-1)
	wg.Go(func() { // the wire, on a thread of its own
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for {
			switch t := at.Swap(0); {
			case t < 0:
				return
			case t > 0:
				for int64(testnet.Now()) < t {
				}
				g.run(frame)
				done.Store(1)
			}
		}
	})
	const rounds = 4000
	kept, ended, told := 0, 0, 0
	spread := 30 * time.Microsecond // about what the timer takes
	for range rounds {
		before := g.state(g.Key)
		g.renew(0)
		word := g.turn(GateArmed)
		now := testnet.Now()
		deadline := now.Add(60 * time.Microsecond)
		g.arm(g.Key, Deadline{At: deadline, Since: now, Down: time.Hour, Slot: 2, Gate: word})
		done.Store(0)
		at.Store(int64(deadline.Add(rand.N(2*spread) - spread/4)))
		for done.Load() == 0 {
			runtime.Gosched()
		}
		// The callback may be under way, or look again in a millisecond.
		within(t, func() bool {
			s := g.state(g.Key)
			return s.Fired > before.Fired || s.Postponed > before.Postponed
		})
		if err := g.Cancel(g.Key); err != nil {
			t.Fatal(err)
		}
		var order []Kind
		for _, e := range g.events() {
			order = append(order, e.Kind)
		}
		up := g.state(g.Key).SentUp - before.SentUp
		switch gate := g.word().Gate(); {
		case gate == GateArmed && up == 0 && len(order) == 0:
			kept++
			spread = min(spread+time.Microsecond, 100*time.Microsecond)
		case gate == GateYielded && up == 1 && len(order) == 2 && order[0] == Taken && order[1] == Advert:
			ended++
			spread = max(spread-time.Microsecond, 5*time.Microsecond)
		case gate == GateYielded && up == 1 && len(order) == 1 && order[0] == Advert:
			told++ // the advert came between TAKING and OPEN
		default:
			t.Fatalf("the gate is %v, %d adverts were sent up, events %v", gate, up, order)
		}
	}
	t.Logf("of %d adverts %d were kept before the takeover, %d ended it, %d met it", rounds, kept, ended, told)
	if kept == 0 || ended == 0 {
		t.Error("they never met")
	}
}
