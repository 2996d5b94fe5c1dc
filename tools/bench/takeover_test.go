package main

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/vrrp"
)

var (
	hostA = &testnet.Host{Addr: netip.MustParseAddr("10.99.0.1"), MAC: net.HardwareAddr{2, 0, 0, 0, 0, 1}}
	hostB = &testnet.Host{Addr: netip.MustParseAddr("10.99.0.2"), MAC: net.HardwareAddr{2, 0, 0, 0, 0, 2}}
)

func at(t time.Duration) vrrp.Instant { return vrrp.Instant(t) }

func advert(when time.Duration, h *testnet.Host, vrid, priority byte) testnet.Frame {
	b := slices.Concat([]byte{1, 0, 0x5e, 0, 0, 18}, h.MAC, []byte{8, 0, 0x45, 0, 0, 32, 0, 0, 0, 0, 255, 112, 0, 0},
		h.Addr.AsSlice(), []byte{224, 0, 0, 18, 0x31, vrid, priority, 1})
	return testnet.Frame{At: at(when), Bytes: b}
}

func garp(when time.Duration, h *testnet.Host, ip string) testnet.Frame {
	a := netip.MustParseAddr(ip).AsSlice()
	b := slices.Concat([]byte{255, 255, 255, 255, 255, 255}, h.MAC, []byte{8, 6, 0, 1, 8, 0, 6, 4, 0, 1},
		h.MAC, a, []byte{0, 0, 0, 0, 0, 0}, a)
	return testnet.Frame{At: at(when), Bytes: b}
}

func reply(when time.Duration, h *testnet.Host, ip string) testnet.Frame {
	b := slices.Concat([]byte{2, 0, 0, 0, 0, 9}, h.MAC, []byte{8, 0, 0x45, 0, 0, 36, 0, 0, 0, 0, 64, 1, 0, 0},
		netip.MustParseAddr(ip).AsSlice(), []byte{10, 99, 0, 3, 0, 0, 0, 0})
	return testnet.Frame{At: at(when), Bytes: b}
}

// Two routers of 100 ms and priority 100: 360.9375 ms after the last advert.
func TestTakeoverIsMeasuredFromEachRoutersOwnDeadline(t *testing.T) {
	const msec = time.Millisecond
	routers := Routers(2, 2, backupPriority, 100*msec)
	frames := []testnet.Frame{
		advert(0, hostA, 1, masterPriority), advert(40*msec, hostA, 2, masterPriority),
		garp(50*msec, hostA, routers[0].VIPs[0]), // the old master's count for nothing
		advert(100*msec, hostA, 1, masterPriority),
		advert(402*msec, hostB, 2, backupPriority), garp(403*msec, hostB, routers[1].VIPs[1]), garp(405*msec, hostB, routers[1].VIPs[0]),
		advert(461*msec, hostB, 1, backupPriority), garp(462*msec, hostB, routers[0].VIPs[0]), garp(463*msec, hostB, routers[0].VIPs[0]),
	}
	if _, done, err := Takeovers(frames, hostA, hostB, routers); done || err != nil {
		t.Fatalf("one address is not announced: done %v, %v", done, err)
	}
	frames = append(frames, garp(470*msec, hostB, routers[0].VIPs[1]), advert(500*msec, hostB, 2, backupPriority))
	got, done, err := Takeovers(frames, hostA, hostB, routers)
	const down = 360937500 * time.Nanosecond
	want := []Takeover{
		{1, at(100*msec + down), 361*msec - down, 362*msec - down, 370*msec - down},
		{2, at(40*msec + down), 362*msec - down, 363*msec - down, 365*msec - down},
	}
	if !done || err != nil || !slices.Equal(got, want) {
		t.Errorf("done %v, %v:\n%v\nwant\n%v", done, err, got, want)
	}
	if worst := (blow{takeovers: got}).worst(addressesOf); worst != 370*msec-down {
		t.Errorf("worst: %v", worst)
	}
	if all, _ := (blow{takeovers: got}).spread(); all != 60*msec {
		t.Errorf("spread of the deadlines: %v", all)
	}
	// Between the look at the wire and the kill, and of one router alone.
	if _, _, err := Takeovers(append(frames, advert(600*msec, hostA, 2, masterPriority)), hostA, hostB, routers); !errors.Is(err, errSpoiled) {
		t.Errorf("a takeover before the master's last advert: %v", err)
	}
	if _, _, err := Takeovers(append(frames, advert(600*msec, hostA, 1, 0)), hostA, hostB, routers); err == nil {
		t.Error("a farewell is no sudden death")
	}
}

func TestAnswers(t *testing.T) {
	const vip = "10.99.100.1"
	frames := []testnet.Frame{
		reply(1, hostA, vip), reply(2, hostA, vip), reply(3, hostB, "10.99.0.2"),
		garp(4, hostB, vip), reply(7, hostB, vip), reply(8, hostB, vip),
	}
	if last, first, ok := Answers(frames, hostA, hostB, vip); !ok || last != 2 || first != 7 {
		t.Errorf("%v %v %v", last, first, ok)
	}
	if _, _, ok := Answers(frames[:4], hostA, hostB, vip); ok {
		t.Error("nobody answers, and ok")
	}
}

func TestStormFigureIsHalfOfBoth(t *testing.T) {
	for _, test := range []struct {
		ours, theirs Dist
		met          bool
	}{
		{Dist{N: 2, P50: 4, Max: 7}, Dist{N: 2, P50: 8, Max: 15}, true},
		{Dist{N: 2, P50: 5, Max: 7}, Dist{N: 2, P50: 8, Max: 15}, false},
		{Dist{N: 2, P50: 4, Max: 8}, Dist{N: 2, P50: 8, Max: 15}, false},
		{Dist{N: 2, P50: 1, Max: 1}, Dist{}, false},
	} {
		if f := stormFigure(shapes[0], test.ours, test.theirs); f.Met != test.met {
			t.Errorf("%+v beside %+v: %v", test.ours, test.theirs, f.Met)
		}
	}
}

// A client's addresses are never those of a host, and no two are the same.
func TestRouters(t *testing.T) {
	for _, s := range shapes {
		seen := map[string]bool{}
		for _, r := range Routers(s.routers, s.addresses, 100, time.Second) {
			for _, vip := range r.VIPs {
				if a := netip.MustParseAddr(vip); seen[vip] || !virtualNet.Contains(a) || a.As4()[3] == 0 {
					t.Errorf("%v: %s", s, vip)
				}
				seen[vip] = true
			}
		}
		if len(seen) != s.routers*s.addresses {
			t.Errorf("%v: %d addresses", s, len(seen))
		}
	}
}

// What the bench sends as a master is an advert with right checksums.
func TestBurstAdvert(t *testing.T) {
	r := Routers(2, 16, masterPriority, 100*time.Millisecond)[1]
	b := r.advert(hostA)
	a, ok := (testnet.Frame{Bytes: b}).Advert()
	if !ok || a.VRID != 2 || a.Priority != masterPriority || a.Count != 16 || a.Src != hostA.Addr || a.Version != 3 || a.Type != 1 {
		t.Fatalf("%v %+v", ok, a)
	}
	if len(b) != 14+20+8+64 || b[22] != 255 || b[38+1] != 10 {
		t.Errorf("length %d, TTL %d, interval %d", len(b), b[22], b[39])
	}
	pseudo := slices.Concat(b[26:34], []byte{0, 112, 0, 72})
	if ip, vrrp := testnet.Checksum(b[14:34]), testnet.Checksum(slices.Concat(pseudo, b[34:])); ip != 0 || vrrp != 0 {
		t.Errorf("checksums: IPv4 %#x, VRRP %#x", ip, vrrp)
	}
}
