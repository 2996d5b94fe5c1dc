package e2e

import (
	"slices"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/vrrp"
)

// isFrom tells whether a frame is a host's, by its IPv4 address or else by the
// MAC that eth0 was built with.
func isFrom(f testnet.Frame, h *testnet.Host) bool {
	return f.SrcIP() == h.Addr || f.SrcMAC().String() == h.MAC.String()
}

// advertsOf returns a host's recorded adverts.
func advertsOf(tap *testnet.Tap, h *testnet.Host) []testnet.Frame {
	return slices.DeleteFunc(tap.Frames(), func(f testnet.Frame) bool { return !f.IsAdvert() || !isFrom(f, h) })
}

func lastAdvert(t *testing.T, tap *testnet.Tap, h *testnet.Host) (vrrp.Instant, testnet.Advert) {
	t.Helper()
	ads := advertsOf(tap, h)
	if len(ads) == 0 {
		t.Fatalf("no advert of %s", h.Name)
	}
	f := ads[len(ads)-1]
	ad, _ := f.Advert()
	return f.At, ad
}

// firstAdvert waits for the first advert of h after an instant.
func firstAdvert(t *testing.T, tap *testnet.Tap, h *testnet.Host, after vrrp.Instant) vrrp.Instant {
	t.Helper()
	var at vrrp.Instant
	await(t, "an advert of "+h.Name, func() bool {
		for _, f := range advertsOf(tap, h) {
			if f.At > after {
				at = f.At
				return true
			}
		}
		return false
	})
	return at
}

// garps returns the stamps of a host's gratuitous ARPs, or unsolicited
// neighbour advertisements, for an address.
func garps(tap *testnet.Tap, h *testnet.Host, ip string) (at []vrrp.Instant) {
	for _, f := range tap.Frames() {
		if (f.IsGARP(ip) || f.IsNA(ip)) && f.SrcMAC().String() == h.MAC.String() {
			at = append(at, f.At)
		}
	}
	return at
}

// announced checks that h sent its gratuitous ARPs from an instant on: exactly
// want within a second of the first.
func announced(t *testing.T, tap *testnet.Tap, h *testnet.Host, from vrrp.Instant, want int) {
	t.Helper()
	var got []vrrp.Instant
	late := func(at vrrp.Instant) bool { return at < from || len(got) > 0 && at.Sub(got[0]) > time.Second }
	testnet.WaitFor(3*time.Second, func() bool {
		got = nil
		for _, at := range append(garps(tap, h, vip), garps(tap, h, vip6)...) {
			if !late(at) {
				got = append(got, at)
			}
		}
		return len(got) >= want
	})
	if len(got) != want {
		t.Errorf("%s sent %d gratuitous ARPs at once, want %d", h.Name, len(got), want)
	}
}

// cadence checks that adverts kept coming between two instants: nearly all
// there should be, and never a silence that would let a backup take over.
func cadence(t *testing.T, ads []testnet.Frame, from, to vrrp.Instant, interval, down time.Duration) {
	t.Helper()
	var at []vrrp.Instant
	for _, f := range ads {
		if f.At >= from && f.At <= to {
			at = append(at, f.At)
		}
	}
	want := int(to.Sub(from) / interval)
	if len(at) < want*9/10-1 {
		t.Errorf("%d adverts in %v, want about %d", len(at), to.Sub(from), want)
	}
	longest := time.Duration(0)
	for i, next := range append(slices.Clone(at), to) {
		before := from
		if i > 0 {
			before = at[i-1]
		}
		longest = max(longest, next.Sub(before))
	}
	if longest >= down {
		t.Errorf("longest silence %v, a backup takes over after %v", longest, down)
	}
	t.Logf("%d adverts in %v, longest silence %v", len(at), to.Sub(from).Round(time.Millisecond), longest.Round(10*time.Microsecond))
}
