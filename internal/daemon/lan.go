package daemon

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/internal/link"
	onlan "github.com/vrrpx/vrrpx/internal/speakers"
	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/stats"
	"github.com/vrrpx/vrrpx/vrrp"
)

// lanView is what the loop knows of who speaks.
type lanView struct {
	now     vrrp.Instant
	devices map[uint32]string // names by index
	ears    map[uint32]stats.Ear
	deaf    []stats.Ear           // nothing is heard there: it has gone
	routers map[loader.Key]string // names, of the lines too
	valid   map[onlan.Key]speaker
}

// noter has noted whom it heard: in user space, or in the kernel.
type noter interface {
	All(vrrp.Instant, func(onlan.Key, onlan.Sighting))
	NotListed(ifindex uint32) uint64
}

// Speakers is who has been heard to speak VRRP or CARP: who is valid to a router, which
// the loop remembers, and whomever else the datapath has noted.
func (h *host) Speakers(ctx context.Context) (*stats.Speakers, error) {
	var v lanView
	if err := h.onLoop(ctx, func() { v = h.lookLAN() }); err != nil {
		return nil, err
	}
	if h.kernel == nil {
		return v.list(&h.lan), nil
	}
	k := &kernelNotes{Kernel: h.kernel}
	all := v.list(&h.lan, k)
	return all, k.err
}

// lookLAN copies what only the loop may read.
func (h *host) lookLAN() lanView {
	v := lanView{
		now: clock.Now(), devices: map[uint32]string{}, ears: map[uint32]stats.Ear{},
		routers: map[loader.Key]string{}, valid: map[onlan.Key]speaker{},
	}
	for name, d := range h.devices {
		l := d.link
		if (l == nil || l.Path == nil) && len(d.routers)+len(d.lines) == 0 {
			continue // nobody wants to hear there
		}
		if l == nil || l.Path == nil {
			v.deaf = append(v.deaf, stats.Ear{Interface: name, By: "none"})
			continue
		}
		i := uint32(l.Index)
		v.devices[i] = name
		e := stats.Ear{Interface: name, By: "packet socket"}
		if l.XDP != loader.Off {
			e.By = "xdp " + l.XDP.String()
		}
		v.ears[i] = e
	}
	for k, r := range h.loop.byKey {
		r.catchUp() // to the last advert that the kernel kept
		v.routers[k] = r.cfg.Name
		for _, s := range r.speakers {
			v.valid[onlan.Key{Ifindex: k.Ifindex, VRID: k.VRID, Family: k.Family, Kind: s.last.Version<<4 | 1, Src: s.last.Src}] = s
		}
	}
	for k, l := range h.loop.byLine {
		v.routers[k] = l.router.cfg.Name
	}
	return v
}

// list puts what was noted and what is valid together: of a master whose adverts the
// kernel keeps to itself only the latter is up to date.
func (v *lanView) list(noters ...noter) *stats.Speakers {
	all := map[onlan.Key]stats.LANSpeaker{}
	for _, n := range noters {
		n.All(v.now, func(k onlan.Key, s onlan.Sighting) { all[k] = onlan.Describe(k, &s, v.now) })
	}
	for k, s := range v.valid {
		was, ok := all[k]
		if ok && v.now.Sub(s.at) > time.Duration(was.Heard) {
			continue // noted later than it was valid: by now it may be refused
		}
		is := validSpeaker(k, s, v.now)
		is.TTL, is.Frames, is.First = was.TTL, was.Frames, was.First
		all[k] = is
	}
	out := &stats.Speakers{At: time.Now(), Speakers: []stats.LANSpeaker{}, Ears: append([]stats.Ear{}, v.deaf...)}
	for k, s := range all {
		s.Router = v.routers[loader.Key{Ifindex: k.Ifindex, VRID: k.VRID, Family: k.Family}]
		if s.Interface = v.devices[k.Ifindex]; s.Interface == "" {
			continue // it has gone
		}
		out.Speakers = append(out.Speakers, s)
	}
	for i, e := range v.ears {
		for _, n := range noters {
			e.NotListed += n.NotListed(i)
		}
		out.Ears = append(out.Ears, e)
	}
	onlan.Sort(out.Speakers)
	onlan.SortEars(out.Ears)
	return out
}

// shownAddresses is how many virtual addresses of a speaker are shown, as of those that
// are noted.
const shownAddresses = (onlan.Kept - 8) / 4

func validSpeaker(k onlan.Key, s speaker, now vrrp.Instant) stats.LANSpeaker {
	a := s.last
	v := stats.LANSpeaker{
		Protocol: "VRRP", VRID: k.VRID, Family: k.Family.String(), Address: a.Src.String(), MAC: net.HardwareAddr(a.MAC[:]).String(),
		Version: a.Version, Priority: a.Priority, Interval: stats.Seconds(a.Interval), Verdict: vrrp.Accepted.String(),
		Heard: stats.Seconds(now.Sub(s.at)), More: max(len(a.Addrs)-shownAddresses, 0),
	}
	for _, addr := range a.Addrs[:len(a.Addrs)-v.More] {
		v.Addresses = append(v.Addresses, fmt.Sprint(addr))
	}
	return v
}

// noteSpeakers has a packet socket tell of whom it hears.
func (h *host) noteSpeakers(l *link.Link) {
	i := uint32(l.Index)
	l.Socket.Tell(func(at vrrp.Instant, fr *vrrp.Frame, d vrrp.Drop) { h.lan.Hear(at, i, fr, d) })
}
