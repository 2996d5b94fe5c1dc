package netio

import (
	"log"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/vrrp"
)

// helperIfindex names the interface on which helperPacer is to advertise.
const helperIfindex = "NETIO_TEST_PACER_IFINDEX"

func TestMain(m *testing.M) {
	if ifindex, err := strconv.Atoi(os.Getenv(helperIfindex)); err == nil {
		helperPacer(ifindex)
	}
	os.Exit(m.Run())
}

// helperPacer is the process that TestStalledProcessDoesNotBurst stops. An
// error shows there, as no adverts.
func helperPacer(ifindex int) {
	s, err := OpenSender(ifindex)
	if err != nil {
		log.Fatal(err)
	}
	p, err := NewPacer()
	if err != nil {
		log.Fatal(err)
	}
	src := netip.MustParseAddr("10.99.0.1") // the first host of a LAN
	advert := vrrp.Packet{Version: 3, VRID: 51, Priority: 150, Interval: stallInterval}
	message, err := advert.Append(nil, src, group4, vrrp.ChecksumPseudo)
	if err != nil {
		log.Fatal(err)
	}
	p.Set("VI_1", Schedule{
		Sender: s, Frames: [][]byte{AdvertFrame(mac1, src, group4, 255, message)},
		Interval: stallInterval, Next: clock.Now(),
	})
	select {} // until the parent kills us
}

const stallInterval = 10 * time.Millisecond

func TestStalledProcessDoesNotBurst(t *testing.T) {
	lan := testnet.ForTest(t, "a")
	a, tap := lan.Host("a"), lan.TapForTest(t)
	cmd := a.Command(t.Context(), os.Args[0], "-test.run=^$") // no test, whatever the environment
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
