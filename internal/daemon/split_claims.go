package daemon

import (
	"net"
	"net/netip"
	"slices"
	"sync"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/link"
	"github.com/vrrpx/vrrpx/internal/netio"
	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/vrrp"
)

// watcher tells of frames by which others claim an address (loader.Kernel). It
// does not block.
type watcher interface {
	Watch(loader.Watch) error
	Unwatch(loader.Watch) error
	Tie(w loader.Watch, slot uint32) error
	Unanswered(loader.Watch) uint64
}

// watchedSet are the addresses that routers watch, for the sockets that hear
// where XDP does not. For any goroutine.
type watchedSet struct {
	mu    sync.Mutex
	addrs map[netip.Addr]int
}

func (s *watchedSet) add(a netip.Addr, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.addrs == nil {
		s.addrs = map[netip.Addr]int{}
	}
	if s.addrs[a] += n; s.addrs[a] <= 0 {
		delete(s.addrs, a)
	}
}

func (s *watchedSet) has(a netip.Addr) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addrs[a] > 0
}

// linkOf is where an address is, and would be claimed by others; nil for nowhere.
func (r *router) linkOf(a config.Address) *link.Link {
	for _, b := range r.besides {
		if b.name == a.Device {
			return b.device.link
		}
	}
	return r.link
}

// watch begins to watch the router's addresses. It comes before they are taken.
func (r *router) watch() {
	if len(r.split.watches) > 0 {
		return
	}
	for _, a := range r.cfg.All() {
		l := r.linkOf(a)
		if l == nil {
			continue
		}
		w := loader.Watch{Ifindex: uint32(l.Index), Addr: a.Prefix.Addr(), Own: macArray(l.MAC)}
		if r.out.watcher != nil && !r.try("watch "+w.Addr.String(), r.out.watcher.Watch(w)) {
			continue
		}
		if r.out.watched != nil {
			r.out.watched.add(w.Addr, 1)
		}
		r.split.watches = append(r.split.watches, w)
	}
}

// unwatch comes when the addresses have gone, or are not taken after all.
func (r *router) unwatch() {
	for _, w := range r.split.watches {
		if r.out.watcher != nil {
			r.split.unanswered += r.out.watcher.Unanswered(w)
			r.try("end the watch of "+w.Addr.String(), r.out.watcher.Unwatch(w))
		}
		if r.out.watched != nil {
			r.out.watched.add(w.Addr, -1)
		}
	}
	r.split.watches, r.split.tied = r.split.watches[:0], 0
}

// tie tells the kernel whose gate it is that keeps it from answering for the
// addresses, when that has changed.
func (r *router) tie() {
	slot := r.slot()
	if r.out.watcher == nil || len(r.split.watches) == 0 || slot == r.split.tied {
		return
	}
	r.split.tied = slot
	for _, w := range r.split.watches {
		r.try("tie "+w.Addr.String(), r.out.watcher.Tie(w, slot))
	}
}

// unanswered is how many questions for the addresses the kernel has dropped. Any
// goroutine may ask.
func unanswered(by watcher, watches []loader.Watch) (n uint64) {
	if by == nil {
		return 0
	}
	for _, w := range watches {
		n += by.Unanswered(w)
	}
	return n
}

func macArray(mac net.HardwareAddr) (a [6]byte) {
	copy(a[:], mac)
	return a
}

// ours tells whether a claim comes from this host. A virtual MAC address is that of
// every holder: what comes from it may be our own gratuitous ARP, sent back by a
// switch, but not an answer, since our questions do not reach ourselves.
func (r *router) ours(mac [6]byte, solicited bool) bool {
	if r.link != nil && mac == macArray(r.link.MAC) {
		return true
	}
	for _, b := range r.besides {
		if b.device.link != nil && mac == macArray(b.device.link.MAC) {
			return true
		}
	}
	return !solicited && slices.ContainsFunc(r.cfg.VMACs, func(v config.VMAC) bool { return mac == v.MAC })
}

// claim routes a frame that claims an address to the routers that watch it.
func (l *loop) claim(at vrrp.Instant, ifindex uint32, source [6]byte, held netio.Held) {
	if held.MAC == [6]byte{} {
		held.MAC = source
	}
	for _, r := range l.routers {
		watches := slices.ContainsFunc(r.split.watches, func(w loader.Watch) bool { return w.Ifindex == ifindex && w.Addr == held.Addr })
		if watches && !r.ours(source, held.Solicited) && !r.ours(held.MAC, held.Solicited) {
			r.claimed(at, held)
			r.settle()
		}
	}
}

// askMost is how many addresses are asked for at once: of more, others each time.
const askMost = 32

// ask asks the LANs of the router's addresses whether another holds them: of all,
// or of one. A MASTER says who it is, and the answers come as claims.
func (r *router) ask(at vrrp.Instant, only netip.Addr, yields bool) {
	s, c := &r.split, r.machine.Config()
	claim := netio.Claim{
		VRID: c.VRID, Priority: c.Priority, From: c.Primary, Yields: yields,
		Holds: r.machine.State() == vrrp.Master, MayYield: r.mayYield(),
	}
	s.asked = at
	all := r.cfg.All()
	for range min(len(all), askMost) {
		a := all[s.turn%len(all)]
		s.turn++
		if l := r.linkOf(a); l != nil && l.Sender != nil && (!only.IsValid() || a.Prefix.Addr() == only) {
			var own netip.Addr
			if d := r.device; d != nil && l == r.link {
				own = d.linkLocal
			}
			if f := netio.QuestionFrame(l.MAC, own, a.Prefix.Addr(), claim); f != nil {
				l.Sender.SendAll([][]byte{f})
			}
		}
	}
}
