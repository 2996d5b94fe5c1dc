package daemon

import (
	"net"
	"net/netip"
	"slices"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/link"
	"github.com/vrrpx/vrrpx/internal/netio"
	"github.com/vrrpx/vrrpx/internal/nexthop"
	"github.com/vrrpx/vrrpx/internal/vip"
	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/stats"
	"github.com/vrrpx/vrrpx/vrrp"
)

// unicast is what a router with unicast peers has in place of a group. A router
// of a group has none (nil).
type unicast struct {
	expect *vrrp.Unicast
	out    sender              // of the link; nil without one
	routed *netio.RoutedSender // what out is, for its counters
	before [2]uint64           // its counters on links that have gone
	hops   map[netip.Addr]nexthop.Hop
	forms  map[netip.Addr]string // of the checksum that a peer last sent
	turn   uint64                // counts changes of hops: frames are built anew
}

func newUnicast(c *config.Router) *unicast {
	if len(c.Peers) == 0 {
		return nil
	}
	u := &unicast{
		expect: &vrrp.Unicast{AnySource: !c.CheckSource},
		hops:   map[netip.Addr]nexthop.Hop{}, forms: map[netip.Addr]string{},
	}
	if c.Version == 3 && c.Family == 4 && c.OldChecksum != config.OldChecksumNever {
		u.expect.OldGroup = c.Group
	}
	for _, p := range c.Peers {
		u.expect.Peers = append(u.expect.Peers, vrrp.Peer{Addr: p.Addr, MinTTL: p.MinTTL, MaxTTL: p.MaxTTL})
	}
	return u
}

// attach sends by way of a link from now on; nil for none.
func (u *unicast) attach(l *link.Link) {
	sent, failed := u.counts()
	u.before, u.out, u.routed = [2]uint64{sent, failed}, nil, nil
	clear(u.hops)
	u.turn++
	if l == nil {
		return
	}
	if u.routed = l.Routed(); u.routed != nil {
		u.out = u.routed
	}
}

// counts are the adverts that left without a known MAC address, and those that
// the kernel refused then.
func (u *unicast) counts() (sent, failed uint64) {
	if u.routed != nil {
		sent, failed = u.routed.Routed()
	}
	return sent + u.before[0], failed + u.before[1]
}

// sender is where the router's adverts leave.
func (r *router) sender() sender {
	if r.unicast != nil && r.unicast.out != nil {
		return r.unicast.out
	}
	return r.link.Sender
}

// destination is where an advert goes to, and what its checksum takes for that.
type destination struct{ addr, summed netip.Addr }

// destinations are the group, or the peers. Our own address may be among these
// where it is not configured.
func (r *router) destinations() []destination {
	if r.unicast == nil {
		return []destination{{r.group(), r.group()}}
	}
	var all []destination
	for _, p := range r.cfg.Peers {
		to := destination{p.Addr, p.Addr}
		if r.cfg.OldChecksum == config.OldChecksumSent {
			to.summed = r.cfg.Group
		}
		if p.Addr != r.machine.Config().Primary {
			all = append(all, to)
		}
	}
	return all
}

// frame is an advert to one of the destinations.
func (r *router) frame(to destination, message []byte) []byte {
	src := r.machine.Config().Primary
	if r.unicast == nil {
		return netio.AdvertFrame(r.advertMAC(), src, to.addr, 255, message)
	}
	return netio.UnicastFrame(r.advertMAC(), r.unicast.hops[to.addr].MAC, src, to.addr, r.cfg.UnicastTTL, message)
}

// hearForm remembers the checksum of a peer's adverts.
func (u *unicast) hearForm(e *loader.Event) {
	if !u.expectsFrom(e.Src) {
		return // from anyone, and they may be many
	}
	u.forms[e.Src] = formWords[formOf(e)]
}

func (u *unicast) expectsFrom(a netip.Addr) bool {
	for _, p := range u.expect.Peers {
		if p.Addr == a {
			return true
		}
	}
	return false
}

// view is the peers as status shows them.
func (u *unicast) view(f vrrp.Family, version uint8) (peers []stats.Peer) {
	for _, p := range u.expect.Peers {
		hop := u.hops[p.Addr]
		v := stats.Peer{Address: p.Addr.String(), MinTTL: p.MinTTL, MaxTTL: p.MaxTTL, Unchecked: u.expect.AnySource}
		if hop.MAC != nil {
			v.MAC = hop.MAC.String()
		}
		if hop.Via.IsValid() && hop.Via != p.Addr {
			v.Via = hop.Via.String()
		}
		if version == 3 && f == vrrp.IPv4 {
			v.Checksum = u.forms[p.Addr]
		}
		peers = append(peers, v)
	}
	return peers
}

// openHops begins to follow the ways to peers, where there are any.
func (h *host) openHops() (err error) {
	if !slices.ContainsFunc(h.routers, func(r *router) bool { return hasPeers(&r.cfg) }) {
		return nil
	}
	h.hops, err = nexthop.Open(h.hopNews)
	return err
}

func (h *host) hopNews(hop nexthop.Hop) { h.loop.post(func() { h.hopChanged(hop) }) }

// watchPeers has the next hops of a device's peers followed.
func (h *host) watchPeers(d *device) {
	if d.link == nil || h.hops == nil {
		return
	}
	var targets []nexthop.Target
	for _, r := range d.routers {
		src := r.machine.Config().Primary
		if r.unicast == nil || !src.IsValid() {
			continue
		}
		for _, to := range r.destinations() {
			targets = append(targets, nexthop.Target{Ifindex: d.link.Index, Source: src, Peer: to.addr})
		}
	}
	h.hops.Watch(d.link.Index, append(targets, d.lineTargets()...))
}

// hopChanged takes news of the way to a peer, on the loop.
func (h *host) hopChanged(hop nexthop.Hop) {
	h.lineHop(hop)
	for _, r := range h.routers {
		if r.unicast == nil || r.link == nil || r.link.Index != hop.Ifindex || r.machine.Config().Primary != hop.Source || !r.unicast.expectsFrom(hop.Peer) {
			continue
		}
		was := r.unicast.hops[hop.Peer]
		r.unicast.hops[hop.Peer] = hop
		r.unicast.turn++
		r.settle()
		r.log.Debug("("+r.cfg.Name+") the way to a peer", "peer", hop.Peer, "via", hop.Via, "mac", text(hop.MAC), "was", text(was.MAC))
	}
}

func text(mac net.HardwareAddr) string {
	if mac == nil {
		return "unknown"
	}
	return mac.String()
}

// watchSources has the addresses of track_src_ip followed.
func (h *host) watchSources() {
	var sources []vip.Source
	for _, r := range h.routers {
		if r.cfg.TrackSource {
			sources = append(sources, vip.Source{Device: r.cfg.Interface, Addr: r.cfg.Source})
		}
	}
	h.addrs.WatchSources(sources...)
	for _, r := range h.routers {
		h.findSource(r)
	}
}

// findSource looks whether a router's track_src_ip is there.
func (h *host) findSource(r *router) {
	r.sourceGone = r.cfg.TrackSource && !h.addrs.Has(vip.Source{Device: r.cfg.Interface, Addr: r.cfg.Source})
}

// sourceEvent notes that an address of track_src_ip is on its device or not. The
// faults are for refresh.
func (h *host) sourceEvent(s vip.Source, there bool) {
	for _, r := range h.routers {
		if r.cfg.TrackSource && r.cfg.Interface == s.Device && r.cfg.Source == s.Addr {
			r.sourceGone = !there
		}
	}
}
