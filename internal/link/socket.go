package link

import (
	"github.com/vrrpx/vrrpx/internal/netio"
	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/vrrp"
)

// Socket is the Datapath of an interface without XDP: a packet socket. It
// keeps no advert to itself and no deadline.
type Socket struct {
	*netio.Receiver
	ifindex uint32
}

func openSocket(ifindex int) (*Socket, error) {
	r, err := netio.OpenReceiver(ifindex)
	if err != nil {
		return nil, err
	}
	return &Socket{r, uint32(ifindex)}, nil
}

func (s *Socket) Drain(until vrrp.Instant, f func(*loader.Event)) (int, error) {
	var e loader.Event
	return s.Receiver.Drain(until, func(p *netio.Packet) {
		e = loader.Event{
			Kind: loader.Advert, Key: loader.Key{Ifindex: s.ifindex, VRID: p.VRID, Family: p.Family},
			At: p.At, Now: p.At, AH: p.AH != nil, Pseudo: p.Checksum == vrrp.ChecksumPseudo, Old: p.Checksum == vrrp.ChecksumOld,
			Src: p.Src, Dst: p.Dst, MAC: p.MAC, TTL: p.TTL, Packet: p.Packet, Message: p.Message,
		}
		f(&e)
	})
}

// Ready is not asked: only a datapath that keeps deadlines sends a Soon.
func (s *Socket) Ready() bool { return false }

// SetRule gives the master's adverts, which it does not elide, a bound of their
// own, so that no flood hides them.
func (s *Socket) SetRule(k loader.Key, r loader.Rule) error {
	rule := netio.Rule{
		Expect: vrrp.Expect{
			Version: r.Version, Auth: vrrp.AuthType(r.Auth), Interval: r.Interval, Own: r.Own, Group: r.Group, Unicast: r.Unicast,
		},
		Priority: r.Priority, Rate: r.UpRate, Burst: r.UpBurst,
	}
	if r.Elide != nil {
		rule.Master = netio.Match{Src: r.Elide.Src, Priority: r.Elide.Priority}
	}
	if r.Master != nil {
		rule.Master = netio.Match{Src: r.Master.Src, Priority: r.Master.Priority, MAC: r.Master.MAC}
	}
	return s.SetRouter(k.VRID, k.Family, rule)
}

func (s *Socket) Remove(k loader.Key) error {
	s.Receiver.Remove(k.VRID, k.Family)
	return nil
}

func (s *Socket) Deadlines() bool { return false }

func (s *Socket) Arm(loader.Key, loader.Deadline) error { return nil }

func (s *Socket) Cancel(loader.Key) error { return nil }

func (s *Socket) LastMatch(loader.Key) (vrrp.Instant, error) { return 0, nil }

func (s *Socket) State(k loader.Key) (loader.State, error) {
	n, ok := s.Router(k.VRID, k.Family)
	if !ok {
		return loader.State{}, nil
	}
	state := loader.State{
		LastSeen: n.LastSeen, LastMatch: n.LastMatch, Received: n.Received, Matched: n.Matched,
		ChecksumPseudo: n.Pseudo, ChecksumPlain: n.Plain, ChecksumOld: n.Old, Drops: n.Drops, Arrivals: n.Arrivals,
	}
	for i, g := range n.Gaps {
		state.Gaps[i] = loader.Gap(g)
	}
	return state, nil
}

func (s *Socket) Interface(int) (loader.InterfaceCounters, error) {
	n := s.Receiver.Interface()
	n.Drops[vrrp.DropRingFull] = n.Lost // of any router: nobody looked
	return loader.InterfaceCounters{Frames: n.Frames, Passed: n.Frames, Drops: n.Drops}, nil
}
