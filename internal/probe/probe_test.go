package probe

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

func TestVerdictTurnsAfterCount(t *testing.T) {
	var y tally
	for i, c := range []struct {
		is     Verdict
		turned bool
		want   Verdict
	}{
		{Down, false, Unknown}, {Up, true, Up}, {Down, false, Up}, {Up, false, Up}, {Down, false, Up},
		{Down, true, Down}, {Up, false, Down}, {Down, false, Down}, {Up, false, Down}, {Up, true, Up},
		{Unknown, false, Up}, {Down, false, Up}, {Unknown, false, Up}, {Unknown, true, Unknown}, {Unknown, false, Unknown},
		{Down, false, Unknown}, {Down, true, Down},
	} {
		if turned := y.add(c.is, 2); turned != c.turned || y.verdict != c.want {
			t.Errorf("%d: %v, turned %v; want %v, %v", i, y.verdict, turned, c.want, c.turned)
		}
	}
	y = tally{}
	if y.add(Down, 1); y.verdict != Down {
		t.Errorf("one failure of one leaves %v", y.verdict)
	}
	y = tally{}
	if y.add(Unknown, 2) || !y.add(Unknown, 2) || y.add(Unknown, 2) {
		t.Error("that a host cannot be asked is told once")
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
	if err := ask(to); err == nil || errors.Is(err, ErrSilent) {
		t.Errorf("a source that is not ours: %v", err)
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
	if err := a.Do(func() error { return Target{Addr: netip.MustParseAddr("10.99.0.200")}.Ask(short) }); !errors.Is(err, ErrSilent) {
		t.Errorf("nobody answered: %v", err)
	}
	if err := a.Do(func() error { return Target{Addr: b.Addr, Interface: "eth7"}.Ask(ctx) }); err == nil || errors.Is(err, ErrSilent) {
		t.Errorf("an interface that is not there: %v", err)
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
