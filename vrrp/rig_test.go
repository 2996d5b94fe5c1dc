package vrrp

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

// A test that proves a row of the conformance checklist carries the directive
//
//	//vrrp:row 43 51
//
// in its doc comment; conversations in testdata carry "# vrrp:row 43".
// rows_test.go holds this package to the rows that it owes.

// t0 is when tests begin: any instant but 0, which means never.
const t0 = Instant(time.Hour)

// The cast. own's address lies between the two others, for ties.
var (
	below = netip.MustParseAddr("10.0.0.1")
	own   = netip.MustParseAddr("10.0.0.9")
	above = netip.MustParseAddr("10.0.0.10") // above own as a number, not as a string
	vip   = netip.MustParseAddr("10.0.0.100")
	group = netip.MustParseAddr("224.0.0.18")
)

// base is a VRRPv3 router of priority 100 that preempts.
func base() Config {
	return Config{
		Version: 3, Family: IPv4, VRID: 51, Priority: 100, Interval: time.Second,
		Primary: own, Addrs: []netip.Addr{vip}, Preempt: true,
		DownAdverts: 3, MaxLearn: 10, ReplyToLower: true,
	}
}

// with is base with changes.
func with(change func(*Config)) Config {
	c := base()
	change(&c)
	return c
}

// advert is one that fits base: equal interval and addresses.
func advert(src netip.Addr, priority uint8) Advert {
	return Advert{Src: src, Packet: Packet{
		Version: 3, VRID: 51, Priority: priority, Interval: time.Second, Addrs: []netip.Addr{vip},
	}}
}

func every(d time.Duration, a Advert) Advert {
	a.Interval = d
	return a
}

// rig is a machine in a test. The referee watches every step of it.
type rig struct {
	*testing.T
	referee
}

func newRig(t *testing.T, c Config) *rig {
	t.Helper()
	return &rig{t, referee{m: New(c)}}
}

// backup is a rig that started at t0 and is BACKUP.
func backup(t *testing.T, c Config) *rig {
	t.Helper()
	r := newRig(t, c)
	r.step(t0, Startup{}, "INIT -> BACKUP (startup)")
	return r
}

// master is a rig that became MASTER of its own at the instant that it returns.
func master(t *testing.T, c Config) (*rig, Instant) {
	t.Helper()
	r := backup(t, c)
	now, _ := r.m.Deadline()
	r.step(now, Timer{}, "BACKUP -> MASTER (no_master)", "send "+itoa(c.Priority), "take VIPs", "announce")
	return r, now
}

// step applies an input and demands exactly these effects.
func (r *rig) step(now Instant, in Input, want ...string) {
	r.Helper()
	out, err := r.referee.step(now, in)
	if err != nil {
		r.Fatal(err)
	}
	if got := strings.Join(show(out), "; "); got != strings.Join(want, "; ") {
		r.Fatalf("%s at +%v:\n got %s\nwant %s", showInput(in), now.Sub(t0), got, strings.Join(want, "; "))
	}
}

// due demands the deadline.
func (r *rig) due(want Instant) {
	r.Helper()
	got, ok := r.m.Deadline()
	if !ok || got != want {
		r.Fatalf("%v: deadline at +%v (%v), want +%v", r.m.State(), got.Sub(t0), ok, want.Sub(t0))
	}
}
