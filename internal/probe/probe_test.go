package probe

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

func TestVerdictTurnsAfterCount(t *testing.T) {
	var y tally
	for i, c := range []struct {
		ok     bool
		turned bool
		want   Verdict
	}{
		{false, false, Unknown}, {true, true, Up}, {false, false, Up}, {true, false, Up}, {false, false, Up},
		{false, true, Down}, {true, false, Down}, {false, false, Down}, {true, false, Down}, {true, true, Up},
	} {
		if turned := y.add(c.ok, 2); turned != c.turned || y.verdict != c.want {
			t.Errorf("%d: %v, turned %v; want %v, %v", i, y.verdict, turned, c.want, c.turned)
		}
	}
	y = tally{}
	if y.add(false, 1); y.verdict != Down {
		t.Errorf("one failure of one leaves %v", y.verdict)
	}
}

// ask asks with a short patience; the answers come from this machine.
func ask(t Target) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return t.Ask(ctx)
}

func TestTCP(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	to := Target{Addr: netip.MustParseAddr("127.0.0.1"), Port: uint16(l.Addr().(*net.TCPAddr).Port), Source: netip.MustParseAddr("127.0.0.2")}
	if err := ask(to); err != nil {
		t.Errorf("who listens: %v", err)
	}
	l.Close()
	if err := ask(to); err != nil {
		t.Errorf("who refuses lives: %v", err)
	}
	to.Source = netip.MustParseAddr("192.0.2.77")
	if err := ask(to); err == nil {
		t.Error("a source that is not ours was used")
	}
}

func TestEcho(t *testing.T) {
	testnet.Need(t, "root")
	l := testnet.ForTest(t, "a", "b")
	a, b := l.Host("a"), l.Host("b")
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for name, to := range map[string]Target{
		"IPv4": {Addr: b.Addr}, "from an address": {Addr: b.Addr, Source: a.Addr}, "by an interface": {Addr: b.Addr, Interface: "eth0"},
		"itself over IPv6": {Addr: netip.IPv6Loopback()},
	} {
		if !testnet.WaitFor(10*time.Second, func() bool {
			return a.Do(func() error {
				short, cancel := context.WithTimeout(ctx, time.Second)
				defer cancel()
				return to.Ask(short)
			}) == nil
		}) {
			t.Errorf("%s: no answer", name)
		}
	}
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	if err := a.Do(func() error { return Target{Addr: netip.MustParseAddr("10.99.0.200")}.Ask(short) }); err == nil {
		t.Error("nobody answered")
	}
	if err := a.Do(func() error { return Target{Addr: b.Addr, Interface: "eth7"}.Ask(ctx) }); err == nil {
		t.Error("an interface that is not there was used")
	}
}

func TestRunTellsOfChanges(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	told := make(chan Verdict, 9)
	stop := Probe{
		Target:   Target{Addr: netip.MustParseAddr("127.0.0.1"), Port: uint16(l.Addr().(*net.TCPAddr).Port)},
		Interval: 10 * time.Millisecond, Timeout: 10 * time.Second, Count: 3,
	}.Run(func(v Verdict, _ error) { told <- v })
	defer stop()
	if v := <-told; v != Up {
		t.Errorf("verdict %v", v)
	}
}
