package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

const (
	masterPriority = 200
	backupPriority = 100

	steady   = 500 * time.Millisecond // of the backup before anything is done to it
	settling = 200 * time.Millisecond // of the wire after the takeover
)

// Pair is a master on host A and a backup on host B, of one contestant.
type Pair struct {
	*Lab
	Master, Backup *Node
	Burst          *Burst // instead of Master, after Facing
	Wire           *Capture
}

// errSpoiled is a backup that took over while its master lived: nothing to
// measure.
var errSpoiled = errors.New("the backup took over before the kill")

// Pair starts a contestant on both hosts, with n routers of so many addresses,
// and returns once the backup has been steady for a while. Close ends both.
func (l *Lab) Pair(ctx context.Context, c Contestant, n, addresses int, interval time.Duration) (*Pair, error) {
	return l.PairOf(ctx, c, c, n, addresses, interval)
}

// PairOf is Pair of two that are run in different ways.
func (l *Lab) PairOf(ctx context.Context, master, backup Contestant, n, addresses int, interval time.Duration) (_ *Pair, err error) {
	p := &Pair{Lab: l}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Close())
		}
	}()
	if p.Wire, err = l.Capture(); err != nil {
		return nil, err
	}
	if p.Master, err = l.Start(l.A, master, Routers(n, addresses, masterPriority, interval)); err != nil {
		return nil, err
	}
	wait := MasterDown(3, backupPriority, interval) + patience
	if !Wait(ctx, wait, func() bool { return holds(l.A, n*addresses) }) {
		return nil, whyNot(ctx, "no master", p.Master)
	}
	return p, p.startBackup(ctx, backup, Routers(n, addresses, backupPriority, interval))
}

// Facing is Pair whose master is the bench: see Burst.
func (l *Lab) Facing(ctx context.Context, c Contestant, n, addresses int, interval time.Duration) (_ *Pair, err error) {
	p := &Pair{Lab: l}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Close())
		}
	}()
	if p.Wire, err = l.Capture(); err != nil {
		return nil, err
	}
	if p.Burst, err = l.Burst(Routers(n, addresses, masterPriority, interval)); err != nil {
		return nil, err
	}
	return p, p.startBackup(ctx, c, Routers(n, addresses, backupPriority, interval))
}

// startBackup returns once it has been steady for a while.
func (p *Pair) startBackup(ctx context.Context, c Contestant, routers []Router) (err error) {
	if p.Backup, err = p.Start(p.B, c, routers); err != nil {
		return err
	}
	down := routers[0].MasterDown()
	if !Wait(ctx, down+patience, func() bool { return strings.Count(p.Backup.Log(), "Entering BACKUP STATE") >= len(routers) }) {
		return whyNot(ctx, "no backup", p.Backup)
	}
	if err := Sleep(ctx, down+steady); err != nil {
		return err
	}
	frames, err := p.Wire.Frames()
	if err != nil {
		return err
	}
	masters := map[uint8]bool{}
	for _, f := range frames {
		if a, ok := f.Advert(); ok && a.Src == p.B.Addr {
			return errSpoiled
		} else if ok && a.Src == p.A.Addr {
			masters[a.VRID] = true
		}
	}
	if len(masters) < len(routers) {
		return fmt.Errorf("the master sends adverts of %d routers, not of %d", len(masters), len(routers))
	}
	if !p.Backup.Running() {
		return whyNot(ctx, "the backup has ended", p.Backup)
	}
	return nil
}

// holds tells whether a host has that many virtual addresses.
func holds(h *testnet.Host, virtual int) bool {
	addrs, err := h.Addrs()
	if err != nil {
		return false
	}
	n := 0
	for _, a := range addrs {
		if virtualNet.Contains(a.Addr()) {
			n++
		}
	}
	return n >= virtual
}

func whyNot(ctx context.Context, what string, n *Node) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("%s: %s; its log:\n%s", n.Contestant.Name, what, n.Log())
}

// alive fails when a daemon has ended, which is silent and would be judged well.
func (p *Pair) alive(ctx context.Context) error {
	for _, n := range []*Node{p.Master, p.Backup} {
		if n != nil && !n.Running() {
			return whyNot(ctx, "the daemon on "+n.Host.Name+" has ended", n)
		}
	}
	return nil
}

// Close ends both daemons and makes the hosts as they were.
func (p *Pair) Close() error {
	var errs []error
	for _, n := range []*Node{p.Master, p.Backup} {
		if n != nil {
			errs = append(errs, p.Clear(n))
		}
	}
	if p.Burst != nil {
		errs = append(errs, p.Burst.Stop())
	}
	if p.Wire != nil {
		p.Wire.Close()
	}
	return errors.Join(errs...)
}

// Retry runs a sample again, a few times, when it was spoiled. It tells how
// often it was.
func Retry(f func() error) (spoiled int, err error) {
	for spoiled = 0; ; spoiled++ {
		if err = f(); !errors.Is(err, errSpoiled) || spoiled == 5 {
			return spoiled, err
		}
	}
}

// closing closes a pair at the end of a function that returns *err.
func closing(p *Pair, err *error) {
	if e := p.Close(); *err == nil {
		*err = e
	}
}

// Kill stops the master for good and cuts it off at the switch: from then on nothing
// comes from it, as from a dead host. It is killed when the pair is closed. The hosts of
// the lab have one kernel, with one lock of all network configuration: a process that ends, and
// a cable that is pulled, hold it for some time, and with it who wants to add an
// address. A host that dies holds up no other.
func (p *Pair) Kill() error {
	if p.Burst != nil {
		return p.Burst.Stop()
	}
	p.Master.Pause()
	return p.LAN.Block(p.A.Name)
}

// Await returns the takeovers once all have happened. It looks at the wire
// seldom, so as not to be in the way.
func (p *Pair) Await(ctx context.Context) ([]Takeover, []testnet.Frame, error) {
	for end := time.Now().Add(patience); ; {
		frames, err := p.Wire.Frames()
		if err != nil {
			return nil, nil, err
		}
		ts, done, err := Takeovers(frames, p.A, p.B, p.Backup.Routers)
		if err != nil || done {
			return ts, frames, err
		}
		if time.Now().After(end) {
			return nil, nil, whyNot(ctx, "no takeover", p.Backup)
		}
		if err := Sleep(ctx, settling); err != nil {
			return nil, nil, err
		}
	}
}
