package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/stats"
)

// timer_expired_backup beside the real keepalived: a master that was stopped for
// longer than keepalived waits comes back as BACKUP and does not say a word, not
// even in answer to keepalived's adverts of lower priority, and keepalived stays.
// Where the kernel sends, it is the lease that has run out.
func TestMasterThatWasStoppedGivesWay(t *testing.T) {
	for _, mode := range []string{"native", "off"} {
		t.Run(mode, func(t *testing.T) {
			l := testnet.ForTest(t, "a", "b")
			a, b := l.Host("a"), l.Host("b")
			tap := l.TapForTest(t)
			d := start(t, a, mode, v3.conf(150, "nopreempt", "timer_expired_backup 100", "garp_master_refresh 1"))
			await(t, "the address", func() bool { return a.HasAddr(vip) })
			b.StartForTest(t, testnet.Keepalived, v3.conf(100, "nopreempt"))
			time.Sleep(5 * v3.interval)

			d.Pause()
			await(t, "keepalived to take over", func() bool { return b.HasAddr(vip) })
			time.Sleep(2 * time.Second) // a refresh of gratuitous ARP falls due
			from := testnet.Now()
			d.Resume()
			awaitRouter(t, a, "to give way", func(r stats.Router) bool {
				return r.State == "BACKUP" && (strings.Contains(r.Reason, "held up for") || strings.Contains(r.Reason, "longer than its lease")) && r.Master != nil && r.Master.Address == b.Addr.String()
			})
			await(t, "one holder", func() bool { return !a.HasAddr(vip) && b.HasAddr(vip) })
			time.Sleep(2 * v3.masterDown(150))
			for _, f := range advertsOf(tap, a) {
				if f.At > from {
					t.Fatalf("an advert %v after it was resumed", f.At.Sub(from))
				}
			}
			for _, at := range garps(tap, a, vip) {
				if at > from {
					t.Fatalf("a gratuitous ARP %v after it was resumed", at.Sub(from))
				}
			}
			onlyHolder(t, tap, b, a)
			if n := len(router(t, a).History); n != 3 {
				t.Errorf("%d transitions, want to BACKUP, MASTER and BACKUP", n)
			}
		})
	}
}

// A pause that no other can have used changes nothing.
func TestMasterThatWasStoppedForAMomentGoesOn(t *testing.T) {
	l := testnet.ForTest(t, "a")
	a := l.Host("a")
	d := start(t, a, "native", v3.conf(150, "nopreempt", "timer_expired_backup"))
	awaitState(t, a, "MASTER")
	check := unmoved(t, a)
	for range 5 {
		d.Pause()
		time.Sleep(v3.interval)
		d.Resume()
		time.Sleep(2 * v3.interval)
	}
	check()
}
