package daemon

import (
	"net/netip"

	"github.com/vrrpx/vrrpx/vrrp"
)

// lastRelease is the last release (priority 0) that was heard, and on which line.
//
// One line may be slower than another. What is under way on it when its sender
// releases comes after the release: an advert that would end the release, and a
// copy of the release that would have a successor's followers take over from it.
type lastRelease struct {
	src netip.Addr
	via *line
	at  vrrp.Instant
}

// late tells whether an advert is such a late one. It is so only on another line
// than the release, and for no longer than a master may be silent.
func (r *router) late(src netip.Addr, via *line, priority uint8, at vrrp.Instant) bool {
	if len(r.lines) == 0 {
		return false
	}
	rel := &r.lastRelease
	if rel.src == src && rel.via != via && at.Sub(rel.at) < r.machine.MasterDown() {
		return true
	}
	switch {
	case priority == 0:
		*rel = lastRelease{src, via, at}
	case rel.src == src:
		*rel = lastRelease{}
	}
	return false
}

// lateKept is late for what the datapath kept: on which line it does not say. It
// keeps nothing once it has been told of the release, so what comes after that
// was under way then.
func (r *router) lateKept(src netip.Addr, at vrrp.Instant) bool {
	rel := &r.lastRelease
	return len(r.lines) > 0 && rel.src == src && at > rel.at && at.Sub(rel.at) < r.machine.MasterDown()
}
