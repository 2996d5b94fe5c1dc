package daemon

import (
	"github.com/vrrpx/vrrpx/stats"
	"github.com/vrrpx/vrrpx/vrrp"
)

// counted is what keepalived counts of a router and no datapath does. Only the
// loop touches it.
type counted struct {
	becameMaster, releasedMaster uint64
	zeroReceived, zeroSent       uint64
	addressesDiffer              uint64
	stalled                      uint64 // times that this host stood still while BACKUP
	taken, gaveWay               uint64 // times that the kernel took over, and we followed or not
	lapsed, paused, survived     uint64 // times that a MASTER lost its lease; sent nothing for too long; and went on

	entered [vrrp.NumStates][vrrp.NumReasons]uint64 // each state, by reason
}

func (c *counted) transition(t vrrp.Transition) {
	c.entered[t.To][t.Reason.Code]++
	if t.To == vrrp.Master {
		c.becameMaster++
	}
	if t.From == vrrp.Master {
		c.releasedMaster++
	}
}

func (c *counted) heard(p *vrrp.Packet) {
	if p.Priority == 0 {
		c.zeroReceived++
	}
}

func (c *counted) show(s *stats.Router) {
	s.BecameMaster, s.ReleasedMaster = c.becameMaster, c.releasedMaster
	s.ZeroReceived, s.ZeroSent = c.zeroReceived, c.zeroSent
	s.AddressesDiffer = c.addressesDiffer
	s.KernelTakeovers, s.KernelGaveWay, s.Stalls = c.taken, c.gaveWay, c.stalled
	s.Lapses, s.Pauses, s.PausesSurvived = c.lapsed, c.paused, c.survived
	for to := range c.entered {
		for why, n := range c.entered[to] {
			if n > 0 {
				s.Transitions = append(s.Transitions, stats.TransitionCount{To: vrrp.State(to).String(), Reason: vrrp.ReasonCode(why).String(), Count: n})
			}
		}
	}
}
