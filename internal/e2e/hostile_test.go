package e2e

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/stats"
)

// forged is a good VRRPv3 advert of a stranger: by the protocol he may be who
// he says, for nothing in it is proof.
func forged(from *testnet.Host, priority byte, centiseconds uint16, addrs ...string) []byte {
	m := []byte{0x31, 51, priority, byte(len(addrs)), 0, 0, 0, 0}
	binary.BigEndian.PutUint16(m[4:], centiseconds)
	for _, a := range addrs {
		m = append(m, netip.MustParseAddr(a).AsSlice()...)
	}
	binary.BigEndian.PutUint16(m[6:], testnet.Checksum(m))
	return from.GroupFrame(from.Addr, 255, protoVRRP, m)
}

// besieged is a LAN with a MASTER of priority 200, a BACKUP of priority 1 that
// is far behind it, and somebody who means no good.
type besieged struct {
	lan            *testnet.LAN
	a, b, evil     *testnet.Host
	da, db         *testnet.Daemon
	tap            *testnet.Tap // of a's adverts
	beforeA        int          // transitions of a
	interval, down time.Duration
}

// underSiege does it in the two modes that hear by different code.
func underSiege(t *testing.T, f func(t *testing.T, s *besieged)) {
	for _, mode := range []string{"native", "off"} {
		t.Run(mode, func(t *testing.T) {
			s := &besieged{lan: testnet.ForTest(t, "a", "b", "evil", "watch"), interval: v3.interval, down: v3.masterDown(200)}
			s.a, s.b, s.evil = s.lan.Host("a"), s.lan.Host("b"), s.lan.Host("evil")
			s.da = start(t, s.a, mode, v3.conf(200))
			awaitState(t, s.a, "MASTER")
			s.db = start(t, s.b, mode, v3.conf(1))
			awaitRouter(t, s.b, "to follow a", func(r stats.Router) bool {
				return r.State == "BACKUP" && r.Master != nil && r.Master.MAC == s.a.MAC.String()
			})
			await(t, "the address", func() bool { return s.a.HasAddr(vip) })
			s.tap = watcher(t, s.lan.Host("watch"), s.a)
			s.beforeA = len(router(t, s.a).History)
			f(t, s)
		})
	}
}

// since are a's transitions since the siege began.
func (s *besieged) since(t *testing.T) []stats.Transition { return router(t, s.a).History[s.beforeA:] }

// yieldedOnce checks that a gave way to the stranger once, and came back once.
func (s *besieged) yieldedOnce(t *testing.T) {
	t.Helper()
	awaitState(t, s.a, "MASTER")
	awaitState(t, s.b, "BACKUP")
	await(t, "a alone to have the address", func() bool { return s.a.HasAddr(vip) && !s.b.HasAddr(vip) })
	got := s.since(t)
	if len(got) != 2 || got[0].To != "BACKUP" || !strings.Contains(got[0].Reason, s.evil.Addr.String()) || got[1].To != "MASTER" {
		t.Errorf("a moved %+v, want once to BACKUP for %s and once back", got, s.evil.Addr)
	}
}

func alarm(r stats.Router, want string) bool {
	return strings.Contains(strings.Join(r.Alarms, "\n"), want)
}

// A better advert is followed, whoever sends it: that is the protocol. It
// costs one transition, and one more when it stops.
//
//vrrp:row 23 50
func TestSpoofedMasterIsFollowedOnceAndSucceeded(t *testing.T) {
	for _, priority := range []byte{254, 255} {
		underSiege(t, func(t *testing.T, s *besieged) {
			check := unmoved(t, s.b)
			flood(t, s.evil, [][]byte{forged(s.evil, priority, 10, vip)}, 10, time.Second)
			if r := router(t, s.a); r.State != "BACKUP" || r.Master == nil || r.Master.MAC != s.evil.MAC.String() {
				t.Errorf("a is %s of %+v, want BACKUP of the stranger, by his MAC", r.State, r.Master)
			}
			if s.a.HasAddr(vip) || s.b.HasAddr(vip) {
				t.Error("somebody has the address beside its master")
			}
			s.yieldedOnce(t)
			check()
		})
	}
}

// A foreign router with our VRID: who is MASTER or follows it says so.
//
//vrrp:row 21
func TestVRIDUsedTwiceIsAlarmed(t *testing.T) {
	const twice = "VRID 51 is used twice"
	underSiege(t, func(t *testing.T, s *besieged) {
		check := unmoved(t, s.a, s.b)
		flood(t, s.evil, [][]byte{forged(s.evil, 50, 10, "192.0.2.1", "192.0.2.2")}, 10, time.Second)
		check()
		r := router(t, s.a)
		for _, want := range []string{twice, "is MASTER too, and loses with priority 50", s.evil.MAC.String()} {
			if !alarm(r, want) || !strings.Contains(s.da.Log(), want) {
				t.Errorf("neither status nor log may lack %q: %q", want, r.Alarms)
			}
		}
		flood(t, s.evil, [][]byte{forged(s.evil, 220, 10, "192.0.2.1")}, 10, time.Second)
		for _, h := range []*testnet.Host{s.a, s.b} {
			if r := router(t, h); !alarm(r, twice) {
				t.Errorf("%s follows a router of other addresses and has the alarms %q", h.Name, r.Alarms)
			}
		}
		s.yieldedOnce(t)
		if r := router(t, s.a); len(r.Alarms) != 0 {
			t.Errorf("the stranger is gone, and the alarms stand: %q", r.Alarms)
		}
		// An advert without addresses, as of a router that only elects.
		flood(t, s.evil, [][]byte{forged(s.evil, 50, 10)}, 10, 300*time.Millisecond)
		if r := router(t, s.a); !alarm(r, twice) || r.State != "MASTER" {
			t.Errorf("a is %s with the alarms %q", r.State, r.Alarms)
		}
	})
}

// Each release is answered with an advert (row 49), but not at any rate.
//
//vrrp:row 31 49
func TestStormOfReleasesMovesNothingAndIsBound(t *testing.T) {
	underSiege(t, func(t *testing.T, s *besieged) {
		const seconds = 3
		check := unmoved(t, s.a, s.b)
		before := router(t, s.a)
		from := testnet.Now()
		sent := flood(t, s.evil, [][]byte{forged(s.evil, 0, 10, vip)}, 3000, seconds*time.Second)[0]
		check()
		ads := s.tap.Frames()
		cadence(t, ads, from, testnet.Now(), s.interval, v3.masterDown(1))
		if len(ads) > 120*seconds {
			t.Errorf("%d adverts in answer to %d releases in %d s", len(ads), sent, seconds)
		}
		if over := router(t, s.a).Drops["overflow"] - before.Drops["overflow"]; over < sent/2 {
			t.Errorf("%d of %d releases counted as over the bound", over, sent)
		}
	})
}

// An interval of 40.95 s would buy its sender two minutes of silence, and one of
// 10 ms makes us quick; both end with their sender.
//
//vrrp:row 20 30
func TestSpoofedIntervalsAreBound(t *testing.T) {
	const capped = "not learned"
	for _, c := range []struct {
		name         string
		centiseconds uint16
		least, most  time.Duration
	}{
		{"4095", 4095, v3.masterDown(200), v3.masterDown(200) + slack},
		{"1", 1, v3fast.masterDown(200), v3fast.masterDown(200) + slack},
	} {
		t.Run(c.name, func(t *testing.T) {
			underSiege(t, func(t *testing.T, s *besieged) {
				sent := testnet.Now()
				flood(t, s.evil, [][]byte{forged(s.evil, 255, c.centiseconds, vip)}, 1, time.Millisecond)
				back := firstAdvert(t, s.tap, s.a, sent.Add(c.least/2)).Sub(sent)
				if back < c.least*9/10 || back > c.most {
					t.Errorf("a is MASTER again after %v, want %v to %v", back, c.least, c.most)
				}
				s.yieldedOnce(t)
				if got := alarm(router(t, s.a), capped) && strings.Contains(s.da.Log(), capped); got != (c.centiseconds > 100) {
					t.Errorf("alarm of an interval that is not learned: %v", got)
				}
			})
		})
	}
}

// captured is an advert as a sent it.
func (s *besieged) captured(t *testing.T) []byte {
	t.Helper()
	await(t, "an advert of a", func() bool { return len(s.tap.Frames()) > 0 })
	return slices.Clone(s.tap.Frames()[0].Bytes)
}

// Without authentication a replay is the master: it is followed as long as it
// lasts, and not a moment longer.
func TestReplayOfADeadMasterIsSucceededWhenItStops(t *testing.T) {
	underSiege(t, func(t *testing.T, s *besieged) {
		frame := s.captured(t)
		check := unmoved(t, s.b)
		s.da.SendKill9()
		must(t, s.lan.Cut("a"))
		s.tap.Clear()
		flood(t, s.evil, [][]byte{frame}, 10, 2*time.Second)
		check()
		before := len(router(t, s.b).History)
		last := s.tap.Frames()
		if len(last) < 15 {
			t.Fatalf("%d replays on the wire", len(last))
		}
		tapB := watcher(t, s.lan.Host("watch"), s.b)
		took := firstAdvert(t, tapB, s.b, 0).Sub(last[len(last)-1].At)
		within(t, "after the last replay: takeover", took, v3.masterDown(1))
		if got := router(t, s.b).History[before:]; len(got) != 1 {
			t.Errorf("b moved %+v, want once", got)
		}
	})
}

// Our own adverts come back: a loop in the LAN, or a replay.
//
//vrrp:row 26
func TestOwnAdvertsLoopedBackAreCountedAndIgnored(t *testing.T) {
	underSiege(t, func(t *testing.T, s *besieged) {
		frame := s.captured(t)
		check := unmoved(t, s.a, s.b)
		before := router(t, s.a)
		sent := flood(t, s.evil, [][]byte{frame}, 2000, 2*time.Second)[0]
		check()
		own := func() uint64 { return router(t, s.a).Drops["own"] - before.Drops["own"] }
		if !testnet.WaitFor(time.Second, func() bool { return own() == sent }) {
			t.Errorf("%d adverts counted as own, %d came back", own(), sent)
		}
		if r := router(t, s.a); len(r.Alarms) != 0 {
			t.Errorf("alarms %q", r.Alarms)
		}
	})
}

// Whatever is sent, however fast, the log grows by some lines of each kind in
// ten seconds.
//
//vrrp:row 24
func TestHostileLANIsLoggedAtABoundedRate(t *testing.T) {
	l := testnet.ForTest(t, "a", "evil")
	a, evil := l.Host("a"), l.Host("evil")
	d := start(t, a, "native", v3.conf(200))
	awaitState(t, a, "MASTER")
	kinds := map[string]bool{}
	var frames [][]byte
	for _, j := range slices.Concat(v3.junks(evil), v3.hostile(evil)) {
		if j.counter != "vrid" && j.counter != "vlan" { // others' business
			kinds[j.counter] = true
			frames = append(frames, j.frame)
		}
	}
	for priority := range byte(20) { // in turn, so that each is news
		frames = append(frames, forged(evil, 50+priority, 10, "192.0.2.1"), forged(evil, 100+priority, 20, vip))
	}
	before := len(d.Log())
	const periods = 2
	flood(t, evil, frames, 5000, periods*10*time.Second+time.Second)
	log := d.Log()[before:]
	if n, most := strings.Count(log, "\n"), (len(kinds)+6)*(periods+1); n > most {
		t.Errorf("%d lines for %d kinds in %d s, want at most %d:\n%s", n, len(kinds), 10*periods+1, most, log)
	}
	for kind := range kinds {
		if !strings.Contains(log, ": "+kind+" ") {
			t.Errorf("no line tells of %s:\n%s", kind, log)
		}
	}
	if !strings.Contains(log, "alarm=second_master") {
		t.Errorf("no line tells of a second MASTER:\n%s", log)
	}
}
