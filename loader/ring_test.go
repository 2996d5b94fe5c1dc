package loader

import (
	"bytes"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/vrrp"
)

func readable(t *testing.T, fd int) bool {
	t.Helper()
	p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	if _, err := unix.Poll(p, 0); err != nil {
		t.Fatal(err)
	}
	return p[0].Revents&unix.POLLIN != 0
}

func TestDescriptorIsReadableWhileThereAreEvents(t *testing.T) {
	h := open(t, Options{NoTimer: true})
	h.set(h.key(51, vrrp.IPv4), v3rule())
	if readable(t, h.FD()) {
		t.Error("readable without an event")
	}
	for range 2 {
		h.run(v4frame(unhex(v3plain)))
	}
	for left := 2; left > 0; left-- {
		if !readable(t, h.FD()) {
			t.Errorf("not readable with %d events", left)
		}
		if n, err := h.Drain(0, func(*Event) {}); n != 1 || err != nil {
			t.Fatalf("drained %d, %v", n, err)
		}
	}
	if readable(t, h.FD()) {
		t.Error("readable after the last event")
	}
}

// Drain delivers all that was there when it was told the time, and stops at
// the first event after that.
func TestDrainStopsBehindUntil(t *testing.T) {
	h := open(t, Options{NoTimer: true})
	h.set(h.key(51, vrrp.IPv4), v3rule())
	frame := v4frame(unhex(v3plain))
	for range 5 {
		h.run(frame)
	}
	until := testnet.Now()
	var more int
	n, err := h.Drain(until, func(e *Event) {
		if more < 3 {
			more++
			h.run(frame) // the flood goes on
		}
	})
	if n != 6 || err != nil {
		t.Errorf("drained %d, %v; want the five and the first behind them", n, err)
	}
	if n := len(h.events()); n != 2 {
		t.Errorf("%d events left, want 2", n)
	}
}

// Far more than the ring holds, so that records of both sizes lie on its end.
func TestRingWraps(t *testing.T) {
	h := open(t, Options{NoTimer: true})
	h.set(h.key(51, vrrp.IPv4), v3rule())
	sizes := []int{1, 255, 30, 60, 2}
	for i := range 4000 {
		m := message(v3plain, addrs(sizes[i%len(sizes)], 4), set(2, byte(i)))
		h.run(v4frame(m))
		n, err := h.Drain(0, func(e *Event) {
			if !bytes.Equal(e.Message, m) {
				t.Fatalf("advert %d came up as %x, was %x", i, e.Message, m)
			}
		})
		if n != 1 || err != nil {
			t.Fatalf("advert %d: drained %d, %v", i, n, err)
		}
	}
}

// Messages stay good until the next Drain, while events do not.
func TestMessagesOutliveTheCall(t *testing.T) {
	h := open(t, Options{NoTimer: true})
	h.set(h.key(51, vrrp.IPv4), v3rule())
	for i := range 100 {
		h.run(v4frame(message(v3plain, set(2, byte(i)))))
	}
	for i, e := range h.events() {
		if e.Message[2] != byte(i) || e.Packet[20+2] != byte(i) {
			t.Errorf("message %d has become that of %d", i, e.Message[2])
		}
	}
}

func TestDrainAllocatesNothing(t *testing.T) {
	h := open(t, Options{NoTimer: true})
	h.set(h.key(51, vrrp.IPv4), v3rule())
	const runs = 100
	for range runs + 1 {
		h.run(v4frame(unhex(v3plain)))
	}
	n := 0
	count := func(*Event) { n++ }
	if got := testing.AllocsPerRun(runs, func() { _, _ = h.Drain(0, count) }); got != 0 || n != runs+1 {
		t.Errorf("%v allocations an event, %d events", got, n)
	}
}

// What bpf/ never writes must not be believed.
func TestRecordThatMakesNoSenseIsAnError(t *testing.T) {
	h := open(t, Options{NoTimer: true})
	h.set(h.key(51, vrrp.IPv4), v3rule())
	h.run(v4frame(unhex(v3plain)))
	rec, ok := h.ring.peek()
	if !ok {
		t.Fatal("no record")
	}
	const (
		familyAt  = int(unsafe.Offsetof(vrrpxEvent{}.Key) + unsafe.Offsetof(vrrpxRouterKey{}.Family))
		kindAt    = int(unsafe.Offsetof(vrrpxEvent{}.Kind))
		lengthAt  = int(unsafe.Offsetof(vrrpxEvent{}.Length))
		messageAt = int(unsafe.Offsetof(vrrpxEvent{}.Message))
	)
	for name, change := range map[string]func(b []byte) []byte{
		"cut":              func(b []byte) []byte { return b[:eventSize-1] },
		"empty":            func(b []byte) []byte { return nil },
		"kind":             set(kindAt, 9),
		"longer than it":   func(b []byte) []byte { return set(lengthAt+1, 0xff)(b) },
		"message behind":   set(messageAt, 200),
		"message in IP":    set(messageAt, 19),
		"IPv6 too short":   set(familyAt, 6),
		"nothing of it":    func(b []byte) []byte { return make([]byte, eventSize) },
		"packet of 0 byte": func(b []byte) []byte { return set(lengthAt, 0)(b) },
	} {
		var e Event
		if _, err := e.decode(change(bytes.Clone(rec)), nil); err == nil {
			t.Errorf("%s: read as %+v", name, e)
		}
	}
	var e Event
	if _, err := e.decode(bytes.Clone(rec), nil); err != nil || e.Kind != Advert {
		t.Errorf("the record itself: %v", err)
	}
}
