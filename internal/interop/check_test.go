package interop

import (
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/vrrp"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// await fails the test when pred does not come to hold. It asks less often
// than testnet.WaitFor, for a dozen cells ask at once.
func await(t testing.TB, what string, pred func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !pred(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited %v in vain: %s", patience, what)
		}
	}
}

// onlyHolder waits until holder has the address and other, if any, has not,
// and the wire agrees: two adverts of the holder, none of other after them.
func (p *pair) onlyHolder(t testing.TB, since vrrp.Instant, holder, other *side) {
	t.Helper()
	one := func() bool { return holder.holds() && (other == nil || !other.holds()) }
	await(t, holder.String()+" to be the one holder", func() bool {
		ads := holder.adverts(since)
		if len(ads) < 2 || !one() {
			return false
		}
		if other == nil {
			return true
		}
		late := other.adverts(ads[len(ads)-2].At)
		return len(late) == 0
	})
	if !one() {
		t.Errorf("%s did not stay the one holder", holder)
	}
}

// stays waits for as long as silent would need to take over, and checks that it
// has not sent an advert and that the holder is the one holder.
func (p *pair) stays(t testing.TB, since vrrp.Instant, holder, silent *side) {
	t.Helper()
	time.Sleep(silent.masterDown() + slack)
	p.onlyHolder(t, since, holder, silent)
	if n := len(silent.adverts(since)); n != 0 {
		t.Errorf("%d adverts of %s, which is to be silent", n, silent)
	}
}

// announced checks that s told the hosts of the LAN that it has the address.
func (p *pair) announced(t testing.TB, s *side, since vrrp.Instant) {
	t.Helper()
	await(t, "an announcement of "+s.String(), func() bool { return s.announcements(since) > 0 })
}

// within checks a time that the protocol sets, from above with slack.
func (p *pair) within(t testing.TB, what string, got, least, want time.Duration) {
	t.Helper()
	t.Logf("%s after %v, the protocol says %v", what, got.Round(10*time.Microsecond), want)
	if got < least*9/10 || got > want+slack {
		t.Errorf("%s after %v, want %v and at most %v more", what, got, want, slack)
	}
}
