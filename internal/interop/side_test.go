package interop

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/vrrp"
)

const (
	vrid = 51
	vip  = "10.99.9.1"
	vip6 = "fe80::99:1" // with a global one behind it
)

// side is one of the two routers of a cell.
type side struct {
	cell
	kind     testnet.Kind
	own      netip.Addr // where its unicast comes from
	peer     netip.Addr
	priority int

	host    *testnet.Host
	port    *testnet.Port
	tap     *testnet.Tap // what its host sends, and nobody else
	daemon  *testnet.Daemon
	starts  int // so often it has been ready
	stopped bool
	killed  vrrp.Instant
}

func (s *side) String() string { return fmt.Sprintf("%s (%s)", s.host.Name, s.kind) }

// vips are written as their daemon wants them.
func (s *side) vips() []string {
	if s.six {
		return []string{vip6 + "/64", "2001:db8:99::1/64"}
	}
	return []string{vip}
}

func (s *side) conf() string {
	i := testnet.Instance{
		VRID: vrid, Priority: s.priority, AdvertInt: fmt.Sprint(s.interval.Seconds()), VIPs: s.vips(),
	}
	if s.lines != nil {
		i.Lines = s.lines(s.own, s.peer)
	}
	if s.kind == testnet.FRR {
		return testnet.FRRConf(s.version, i)
	}
	return testnet.Conf(s.version, i)
}

// start starts the daemon, for the first time or again, and waits until it
// takes part.
func (s *side) start(t testing.TB) {
	t.Helper()
	if s.daemon == nil {
		s.daemon = s.host.StartForTest(t, s.kind, s.conf())
	} else {
		must(t, s.daemon.Start())
	}
	word := "Entering BACKUP STATE"
	if s.kind == testnet.FRR {
		word = "Initialize -> Backup"
	}
	s.starts++
	s.stopped = false
	await(t, s.String()+" to be BACKUP", func() bool { return strings.Count(s.daemon.Log(), word) >= s.starts })
}

// holds tells whether the host has the virtual address, and so answers for it.
// What a FRR that has ended leaves is zebra's to take away, and not looked at.
func (s *side) holds() bool {
	if s.kind == testnet.FRR {
		return s.daemon != nil && !s.stopped && s.host.HasCarrier(testnet.FRRDevice(vrid, s.six))
	}
	return s.host.HasAddr(vip) || s.host.HasAddr(vip6)
}

// adverts are those that the host has sent since an instant.
func (s *side) adverts(since vrrp.Instant) (ads []testnet.Frame) {
	for _, f := range s.tap.Frames() {
		if f.At > since && f.IsAdvert() {
			ads = append(ads, f)
		}
	}
	return ads
}

// announcements counts the gratuitous ARPs, or unsolicited neighbour
// advertisements, for the address since an instant.
func (s *side) announcements(since vrrp.Instant) (n int) {
	for _, f := range s.tap.Frames() {
		if f.At > since && (f.IsGARP(vip) || f.IsNA(vip6)) {
			n++
		}
	}
	return n
}

// firstAdvert waits for the first advert since an instant.
func (s *side) firstAdvert(t testing.TB, since vrrp.Instant) vrrp.Instant {
	t.Helper()
	var ads []testnet.Frame
	await(t, "an advert of "+s.String(), func() bool {
		ads = s.adverts(since)
		return len(ads) > 0
	})
	return ads[0].At
}

// lastAdvert is the last one so far.
func (s *side) lastAdvert(t testing.TB) (vrrp.Instant, testnet.Advert) {
	t.Helper()
	ads := s.adverts(0)
	if len(ads) == 0 {
		t.Fatalf("no advert of %s", s)
	}
	f := ads[len(ads)-1]
	ad, _ := f.Advert()
	return f.At, ad
}

// skew is that of RFC 9568 section 6.1, or of RFC 3768 section 6.1.
func (s *side) skew() time.Duration {
	unit := s.interval
	if s.version == 2 {
		unit = time.Second
	}
	return unit * time.Duration(256-s.priority) / 256
}

func (s *side) masterDown() time.Duration { return 3*s.interval + s.skew() }

// leastSkew is what cannot be undercut by more than a clock's grain. FRR's
// timers are its own: it counts them in whole hundredths of a second.
func (s *side) leastSkew() time.Duration {
	if s.kind == testnet.FRR {
		return s.skew().Truncate(10 * time.Millisecond)
	}
	return s.skew()
}

func (s *side) leastMasterDown() time.Duration { return 3*s.interval + s.leastSkew() }

// shy is how long after it has taken over a router is first heard. FRR sends
// over a device that then has no carrier yet; over IPv6 its first advert is lost.
func (s *side) shy() time.Duration {
	if s.kind == testnet.FRR && s.six {
		return s.interval
	}
	return 0
}
