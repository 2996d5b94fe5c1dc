package e2e

import (
	"bytes"
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

// A stopped host that was succeeded has the address still, and its kernel would go
// on answering for it beside the new holder.
func TestStoppedHostDoesNotAnswerForItsAddress(t *testing.T) {
	testnet.Need(t, "root", "ping", "ip")
	l := testnet.ForTest(t, "a", "b", "c")
	a, b, c := l.Host("a"), l.Host("b"), l.Host("c")
	// ARP replies for the address, as they come to who asked.
	tap, err := c.Tap("eth0", func(f testnet.Frame) bool {
		arp := f.Bytes
		return len(arp) >= 42 && arp[12] == 8 && arp[13] == 6 && arp[21] == 2 && netip.AddrFrom4([4]byte(arp[28:32])) == netip.MustParseAddr(vip)
	})
	must(t, err)
	defer tap.Close()
	da := start(t, a, "native", v3fast.conf(150, "nopreempt"))
	awaitPacer(t, a, "kernel clock")
	await(t, "the address", func() bool { return a.HasAddr(vip) })
	start(t, b, "native", v3fast.conf(100, "nopreempt"))
	awaitState(t, b, "BACKUP")
	answers := func(h *testnet.Host) (n int) {
		for _, f := range tap.Frames() {
			if bytes.Equal(f.Bytes[22:28], h.MAC) {
				n++
			}
		}
		return n
	}
	ask := func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		must(t, c.Command(ctx, "ip", "neigh", "flush", "dev", "eth0").Run())
		_ = c.Command(ctx, "ping", "-c", "1", "-W", "1", vip).Run() // the replies are what counts
	}
	await(t, "an answer of the MASTER", func() bool { ask(); return answers(a) > 0 })

	da.Pause()
	await(t, "the other to take over", func() bool { return b.HasAddr(vip) })
	time.Sleep(50 * time.Millisecond) // the announcement is over
	tap.Clear()
	await(t, "three answers of the new MASTER", func() bool { ask(); return answers(b) >= 3 })
	if n := answers(a); n > 0 || !a.HasAddr(vip) {
		t.Errorf("the stopped host gave %d answers, and has the address: %v", n, a.HasAddr(vip))
	}
	da.Resume()
	awaitState(t, a, "BACKUP")
	await(t, "its address to go", func() bool { return !a.HasAddr(vip) })
	if n := router(t, a).Unanswered; n < 3 {
		t.Errorf("%d questions were counted as unanswered", n)
	}
}
