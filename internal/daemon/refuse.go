package daemon

import (
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"

	"github.com/vrrpx/vrrpx/internal/alarm"
	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/vrrp"
)

// refuser keeps packets to an address from the host (loader.Kernel). It does
// not block.
type refuser interface {
	Refuse(loader.Refusal) error
	Admit(loader.Refusal) error
	Refused(loader.Refusal) uint64
}

// refusal is what a MASTER without Accept_Mode drops: packets addressed to the
// addresses of its router (RFC 9568 section 6.4.3). It begins before the
// addresses are there and ends when they have gone. A BACKUP drops none: for it
// they are other people's packets, which it may have to forward.
type refusal struct {
	doors   []*device // where packets to the addresses come in
	inForce []loader.Refusal
	before  map[netip.Addr]uint64 // packets dropped in earlier masterships
	err     error                 // why one is not in force
}

// refuses tells whether the router refuses packets while it is MASTER.
func (r *router) refuses() bool { return refuses(&r.cfg) }

// refuse comes before the addresses are taken.
func (r *router) refuse() {
	if !r.refuses() {
		return
	}
	f := &r.refusal
	f.err = nil
	for _, a := range r.cfg.All() {
		to := loader.Refusal{Ifindex: r.doorIndex(a), Addr: a.Prefix.Addr()}
		if r.out.refuser == nil || slices.Contains(f.inForce, to) {
			continue
		}
		if err := r.out.refuser.Refuse(to); err != nil {
			f.err = err
			continue
		}
		f.inForce = append(f.inForce, to)
	}
	r.warnOpen(clock.Now())
}

// admit comes when the addresses have gone.
func (r *router) admit() {
	f := &r.refusal
	for _, to := range f.inForce {
		f.before[to.Addr] += r.out.refuser.Refused(to)
		r.try("admit packets to "+to.Addr.String(), r.out.refuser.Admit(to))
	}
	f.inForce = f.inForce[:0]
}

// admitOthers ends what a reload has made an end of: it comes when addresses that
// are no longer the router's have gone.
func (r *router) admitOthers() {
	f := &r.refusal
	f.inForce = slices.DeleteFunc(f.inForce, func(to loader.Refusal) bool {
		if r.refuses() && slices.ContainsFunc(r.cfg.All(), func(a config.Address) bool { return a.Prefix.Addr() == to.Addr }) {
			return false
		}
		f.before[to.Addr] += r.out.refuser.Refused(to)
		r.try("admit packets to "+to.Addr.String(), r.out.refuser.Admit(to))
		return true
	})
}

// doorIndex is the interface by which packets to the address come in, if it is
// one that only that interface's hosts can reach; 0 while there is none.
func (r *router) doorIndex(a config.Address) uint32 {
	for _, d := range r.refusal.doors {
		if d.name == a.Device && d.link != nil {
			return uint32(d.link.Index)
		}
	}
	return 0
}

// open says why packets to the addresses reach this host although they are to
// be refused; empty: they do not, or may.
func (r *router) open() string {
	if !r.refuses() {
		return ""
	}
	var why []string
	for _, d := range r.refusal.doors {
		switch {
		case d.link == nil && d.note != "":
			why = append(why, fmt.Sprintf("no XDP on %s (%s)", d.name, d.note))
		case d.link != nil && d.link.XDP == loader.Off:
			why = append(why, fmt.Sprintf("no XDP on %s (%s)", d.name, d.link.Note))
		}
	}
	if r.refusal.err != nil {
		why = append(why, r.refusal.err.Error())
	}
	if len(why) == 0 {
		return ""
	}
	return "no_accept is not enforced: packets to the addresses reach this host: " + strings.Join(why, "; ")
}

func (r *router) warnOpen(at vrrp.Instant) {
	if why := r.open(); why != "" {
		r.alarms.Raise(at, alarm.Alarm{Kind: alarm.NoAccept, Text: why, Level: slog.LevelError})
	} else {
		r.alarms.End(at, alarm.NoAccept)
	}
}

// refusedCounts are the packets dropped so far, by address. It is for any
// goroutine, on copies.
func refusedCounts(k refuser, inForce []loader.Refusal, before map[netip.Addr]uint64) map[netip.Addr]uint64 {
	for _, to := range inForce {
		before[to.Addr] += k.Refused(to)
	}
	return before
}
