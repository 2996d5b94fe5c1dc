// Package probe asks a host whether it lives, by other means than VRRP: ICMP
// echo, or a TCP connection.
package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Target is whom to ask, and from where.
type Target struct {
	Addr      netip.Addr
	Port      uint16     // 0: ICMP echo
	Source    netip.Addr // not valid: what the route says
	Interface string     // empty: likewise
}

func (t Target) String() string {
	if t.Port == 0 {
		return t.Addr.String()
	}
	return netip.AddrPortFrom(t.Addr, t.Port).String()
}

// Ask asks once, and waits for the answer until ctx ends. nil means that the host
// lives: it answered, or, of TCP, refused the connection.
func (t Target) Ask(ctx context.Context) error {
	if t.Port == 0 {
		return t.echo(ctx)
	}
	d := net.Dialer{Control: t.bind}
	if t.Source.IsValid() {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(t.Source, 0))
	}
	c, err := d.DialContext(ctx, "tcp", netip.AddrPortFrom(t.Addr, t.Port).String())
	if errors.Is(err, syscall.ECONNREFUSED) {
		return nil // nobody but the host itself says so
	}
	if err != nil {
		return err
	}
	_ = c.(*net.TCPConn).SetLinger(0) // no state is left on either side
	return c.Close()
}

// bind ties a socket to the interface.
func (t Target) bind(_, _ string, c syscall.RawConn) error {
	if t.Interface == "" {
		return nil
	}
	var failed error
	err := c.Control(func(fd uintptr) { failed = unix.BindToDevice(int(fd), t.Interface) })
	if err == nil && failed != nil {
		err = fmt.Errorf("interface %s: %w", t.Interface, failed)
	}
	return err
}

// Verdict is what is known of a host.
type Verdict uint8

// The verdicts.
const (
	Unknown Verdict = iota
	Up
	Down
)

func (v Verdict) String() string { return [...]string{"unknown", "up", "down"}[min(v, 2)] }

// Probe asks again and again.
type Probe struct {
	Target
	Interval time.Duration // from one question to the next
	Timeout  time.Duration // for an answer, not above Interval
	Count    int           // answers, or failures, in a row that turn the verdict, at least 1
}

// Run asks until stop is called. tell is called of each change of the verdict, on
// a goroutine of its own; with Down it is told of the last failure. The first
// answer makes an unknown host Up, since whoever answers lives.
func (p Probe) Run(tell func(Verdict, error)) (stop func()) {
	ctx, stop := context.WithCancel(context.Background())
	go p.run(ctx, tell)
	return stop
}

func (p Probe) run(ctx context.Context, tell func(Verdict, error)) {
	var t tally
	tick := time.NewTicker(p.Interval)
	defer tick.Stop()
	for {
		ask, cancel := context.WithTimeout(ctx, p.Timeout)
		err := p.Ask(ask)
		cancel()
		if ctx.Err() != nil {
			return
		}
		if t.add(err == nil, p.Count) {
			tell(t.verdict, err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// tally counts what came in a row.
type tally struct {
	verdict Verdict
	against int // answers or failures in a row that contradict it
}

// add tells whether the verdict has turned.
func (t *tally) add(ok bool, count int) bool {
	is := Down
	if ok {
		is = Up
	}
	if is == t.verdict {
		t.against = 0
		return false
	}
	t.against++
	if t.verdict == Unknown && ok || t.against >= count {
		t.verdict, t.against = is, 0
		return true
	}
	return false
}
