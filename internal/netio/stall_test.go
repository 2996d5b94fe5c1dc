package netio

import (
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/vrrp"
)

// helperIfindex names the interface on which TestHelperPacer is to advertise.
const helperIfindex = "NETIO_TEST_PACER_IFINDEX"

// TestHelperPacer is no test but the process that TestStalledProcess stops.
func TestHelperPacer(t *testing.T) {
	ifindex, err := strconv.Atoi(os.Getenv(helperIfindex))
	if err != nil {
		t.Skip("only as a child of TestStalledProcessDoesNotBurst")
	}
	s, err := OpenSender(ifindex)
	if err != nil {
		t.Fatal(err)
	}
	p := pacerForTest(t)
	src := netip.MustParseAddr("10.99.0.1") // the first host of a LAN
	p.Set("VI_1", Schedule{
		Sender: s, Frame: AdvertFrame(mac1, src, group4, 255, message(t, 51, 150, src, "10.99.0.100")),
		Interval: stallInterval, Next: now(),
	})
	select {} // until the parent kills us
}

const stallInterval = 10 * time.Millisecond

func TestStalledProcessDoesNotBurst(t *testing.T) {
	lan := testnet.ForTest(t, "a")
	a, tap := lan.Host("a"), lan.TapForTest(t)
	cmd := a.Command(t.Context(), os.Args[0], "-test.run=^TestHelperPacer$")
	cmd.Env = append(os.Environ(), helperIfindex+"="+strconv.Itoa(a.Ifindex))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	adverts := func() []testnet.Frame { return tap.Adverts(a.Addr) }
	await := func(n int) {
		t.Helper()
		if !testnet.WaitFor(patience, func() bool { return len(adverts()) >= n }) {
			t.Fatalf("%d adverts, want %d", len(adverts()), n)
		}
	}
	await(10)

	if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond) // what was on its way has arrived
	before := len(adverts())
	time.Sleep(300 * time.Millisecond)
	if n := len(adverts()); n != before {
		t.Fatalf("the stopped process sent %d adverts: it was not stopped", n-before)
	}
	resumed := testnet.Now()
	if err := cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	await(before + 20)

	// One for the slots that passed, then one a slot. Counted over a stretch,
	// because how late a single one is depends on the machine.
	var after []vrrp.Instant
	for _, f := range adverts()[before:] {
		after = append(after, f.At)
	}
	for i, at := range after {
		if slots := int(at.Sub(resumed)/stallInterval) + 1; i+1 > slots+1 {
			t.Fatalf("%d adverts in the first %v after the stall: a burst", i+1, at.Sub(resumed))
		}
	}
}
