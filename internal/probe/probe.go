// Package probe asks a host whether it lives, by other means than VRRP: ICMP
// echo, or a TCP connection.
package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
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

// ErrSilent is in the error of Ask when the host did not answer, or the last hop
// could not find it. Any other error is this host's own, and says nothing of that one.
var ErrSilent = errors.New("no answer")

// Ask asks once, and waits for the answer until ctx ends. nil means that the host
// lives: it answered, or, of TCP, refused the connection.
func (t Target) Ask(ctx context.Context) error {
	err := t.ask(ctx)
	silent := ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) ||
		errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.EHOSTDOWN) || errors.Is(err, syscall.ETIMEDOUT)
	if err != nil && silent {
		return fmt.Errorf("%w from %s", ErrSilent, t)
	}
	return err
}

func (t Target) ask(ctx context.Context) error {
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

// The verdicts. Unknown is that of a host that could not be asked, too.
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
// a goroutine of its own, with the last failure. The first answer makes an unknown
// host Up, since whoever answers lives.
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
		if t.add(judge(err), p.Count) {
			tell(t.verdict, err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func judge(err error) Verdict {
	switch {
	case err == nil:
		return Up
	case errors.Is(err, ErrSilent):
		return Down
	}
	return Unknown
}

// tally counts what came in a row.
type tally struct {
	verdict Verdict
	told    bool    // it has been
	last    Verdict // of the last question
	row     int     // so often
}

// add tells whether the verdict has turned, or is to be told for the first time.
func (t *tally) add(is Verdict, count int) bool {
	if is != t.last || t.row == 0 {
		t.last, t.row = is, 0
	}
	t.row++
	if is == t.verdict && (t.told || is != Unknown) {
		return false
	}
	if t.row < count && (is != Up || t.verdict != Unknown) {
		return false
	}
	t.verdict, t.told = is, true
	return true
}
