package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/vrrp"
)

// scenario is a way in which the master goes.
type scenario struct {
	name     string
	title    string
	story    string
	deadline time.Duration // the RFC's, from the last advert
	because  string        // what the deadline is
	prepare  func(context.Context) error
	fail     func() error
}

const masterDownText = "master-down interval of RFC 9568: 3 x 10 ms + 156/256 of 10 ms"

func (d *demo) scenarios() []scenario {
	return []scenario{
		{
			name:  "dead master",
			title: "The master dies",
			story: "lb01's daemon stands still from one instant to the next and its bridge port is closed: " +
				"a dead machine is silent, while the kernel of a machine that only lost its daemon would " +
				"go on answering for the address. What is left of the daemon is killed afterwards.",
			deadline: masterDown(),
			because:  masterDownText,
			fail:     d.kill,
		},
		{
			name:     "graceful stop",
			title:    "The master is stopped",
			story:    "lb01's daemon gets SIGTERM. It says goodbye with priority 0, so lb02 waits for its skew time only.",
			deadline: skew(),
			because:  "skew time of RFC 9568: 156/256 of 10 ms",
			fail:     func() error { return d.lb01.daemon.Stop() },
		},
		{
			name:  "firewalled, dead",
			title: "The firewall drops VRRP, then the master dies",
			story: "nf_tables drops protocol 112 in INPUT and OUTPUT on both: the classic cause of two " +
				"masters. Adverts that are read in XDP and sent by packet socket pass it by.",
			deadline: masterDown(),
			because:  masterDownText,
			prepare:  d.firewall,
			fail:     d.kill,
		},
	}
}

// kill is the death of lb01's machine. Its daemon is only stopped until bury: both
// hosts have one kernel, with one lock of all network configuration (rtnl), which a process that
// ends and a cable that is pulled hold for some time. A machine that dies holds up no other.
func (d *demo) kill() error {
	d.lb01.daemon.Pause()
	return d.lan.Block("lb01")
}

// bury ends what is left of a dead machine's daemon.
func (d *demo) bury() { d.lb01.daemon.Kill9() }

// firewall drops VRRP on both load balancers and watches for a second, which
// is 27 master-down intervals, that nobody minds.
func (d *demo) firewall(ctx context.Context) error {
	for _, n := range []*node{d.lb01, d.lb02} {
		if err := n.host.DropVRRP(); err != nil {
			return err
		}
	}
	from := testnet.Now()
	if err := sleep(ctx, time.Second); err != nil {
		return err
	}
	if err := d.onlyHolder(ctx, d.lb01, d.lb02, from); err != nil {
		return fmt.Errorf("behind the firewall %w", err)
	}
	d.out.good("after 1 s lb01 is still the only holder, and lb02 silent")
	return nil
}

// noNFTables tells whether an error says that the kernel has no netfilter
// netlink, no nf_tables, or no filter chains for IPv4 and IPv6 in one.
func noNFTables(err error) bool {
	for _, e := range []syscall.Errno{syscall.EPROTONOSUPPORT, syscall.EOPNOTSUPP, syscall.ENOENT} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// result is what was seen of one takeover: times after the master's last
// advert.
type result struct {
	name, because                            string
	deadline                                 time.Duration
	decided, advert, garp, address, answered time.Duration
	lost                                     int
}

// play shows a scenario: lb01 fails, lb02 takes over.
func (d *demo) play(ctx context.Context, s scenario) error {
	d.out.title(s.title)
	d.out.text(s.story)
	if s.prepare != nil {
		err := s.prepare(ctx)
		if noNFTables(err) {
			d.out.note("left out: the kernel has no nf_tables (%v)", err)
			return nil
		}
		if err != nil {
			return err
		}
	}
	from := testnet.Now()
	if err := s.fail(); err != nil {
		return err
	}
	if !wait(ctx, func() bool { return d.tookOver(from) }) && ctx.Err() == nil {
		return fmt.Errorf("lb02 did not take over within %v", patience)
	}
	if err := d.settle(ctx, d.lb02, nil); err != nil {
		return err
	}
	r, err := d.measure(ctx, s, from)
	if err != nil {
		return err
	}
	d.bury()
	d.results = append(d.results, r)
	d.out.takeover(r)
	if err := r.check(); err != nil {
		return err
	}
	d.out.good("in time, and lb02 is the only holder")
	return nil
}

// tookOver tells whether all that is measured has happened. The cheap question
// comes first: to look through thousands of frames would slow what is measured.
func (d *demo) tookOver(from vrrp.Instant) bool {
	return d.lb02.watch.firstAfter(from) > 0 && d.firstAdvert(from) > 0 &&
		d.garpAfter(from) > 0 && d.client.firstAnswer(d.lb02.host, from) > 0
}

func (d *demo) measure(ctx context.Context, s scenario, from vrrp.Instant) (result, error) {
	last, err := d.lastAdvert(s, from)
	if err != nil {
		return result{}, err
	}
	advert := d.firstAdvert(from)
	decided, err := d.program.decided(ctx, d.lb02.host, advert)
	if err != nil {
		return result{}, err
	}
	r := result{
		name: s.name, deadline: s.deadline, because: s.because,
		decided:  decided.Sub(last),
		advert:   advert.Sub(last),
		garp:     d.garpAfter(from).Sub(last),
		address:  d.lb02.watch.firstAfter(from).Sub(last),
		answered: d.client.firstAnswer(d.lb02.host, from).Sub(last),
	}
	_, r.lost = d.client.pings(from, testnet.Now().Add(-50*time.Millisecond))
	return r, nil
}

// lastAdvert is the one from which lb02 counts: the last of a dead lb01, the
// first of priority 0 of one that stops.
func (d *demo) lastAdvert(s scenario, from vrrp.Instant) (vrrp.Instant, error) {
	var last vrrp.Instant
	for _, f := range d.tap.Adverts(d.lb01.host.Addr) {
		if a, _ := f.Advert(); a.Priority == 0 && f.At >= from {
			return f.At, nil
		}
		last = f.At
	}
	if s.deadline == skew() {
		return 0, errors.New("lb01 stopped without an advert of priority 0")
	}
	return last, nil
}

func (d *demo) firstAdvert(from vrrp.Instant) vrrp.Instant {
	for _, f := range d.tap.Adverts(d.lb02.host.Addr) {
		if f.At > from {
			return f.At
		}
	}
	return 0
}

func (d *demo) garpAfter(from vrrp.Instant) vrrp.Instant {
	for _, f := range d.tap.Frames() {
		if f.At > from && f.IsGARP(vip) && bytes.Equal(f.SrcMAC(), d.lb02.host.MAC) {
			return f.At
		}
	}
	return 0
}

// How far from its deadline a takeover may be. Late is meant for a busy
// machine; lateKernel for what also waits for the kernel's lock over all
// network settings, which everything on the machine shares. Early allows for
// stamps taken at two places.
const (
	early      = time.Millisecond
	late       = 100 * time.Millisecond
	lateKernel = time.Second
)

// check tells what is wrong with a takeover.
func (r result) check() error {
	if r.decided < r.deadline-early {
		return fmt.Errorf("lb02 took over %s ms after the last advert, before the deadline of %s ms", ms(r.decided), ms(r.deadline))
	}
	for _, step := range []struct {
		name      string
		at, bound time.Duration
	}{
		{"first advert", r.advert, late},
		{"first gratuitous ARP", r.garp, late},
		{"address", r.address, lateKernel},
		{"answer to the client", r.answered, lateKernel},
	} {
		if step.at > r.deadline+step.bound {
			return fmt.Errorf("the %s came %s ms after the last advert, more than %v past the deadline", step.name, ms(step.at), step.bound)
		}
	}
	return nil
}
