package daemon

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/vrrpx/vrrpx/internal/alarm"
	"github.com/vrrpx/vrrpx/vrrp"
)

// compare looks whether an advert shows a second MASTER; it comes after the
// machine has stepped it.
func (r *router) compare(a vrrp.Advert, at vrrp.Instant) {
	s := &r.split
	if a.Src == r.machine.Config().Primary {
		return
	}
	r.peerSpeaks(at)
	if a.Priority == 0 {
		s.rivals = slices.DeleteFunc(s.rivals, func(v rival) bool { return v.Src == a.Src })
		return
	}
	state := r.machine.State()
	if state != vrrp.Master && state != vrrp.Backup {
		return
	}
	patience := max(a.Interval, r.machine.Config().Interval)
	if last := len(s.rivals) - 1; last >= 0 && s.rivals[last].Src != a.Src {
		s.turns++
		if i := s.rival(a.Src); i < 0 || at.Sub(s.rivals[i].last) > 3*patience {
			s.turns = 0 // one follows the other, and no more
		}
	}
	v := s.hears(a, at)
	switch {
	case state == vrrp.Master && v.adverts > 1 && at.Sub(v.first) >= mustHear(r.machine.Config().Interval):
		cause, why := r.rivalCause(v)
		r.alarms.Raise(at, alarm.Alarm{
			Kind: alarm.TwoMasters, Cause: cause, Level: slog.LevelError, Stands: 3*patience + time.Second, Same: a.Src.String() + cause,
			Text: fmt.Sprintf("%s (%s) is MASTER too and does not give way: %d adverts since %s, priority %d to our %d; %s",
				a.Src, net.HardwareAddr(a.MAC[:]), v.adverts, hour(v.first), a.Priority, r.machine.Config().Priority, why),
		})
		r.fenceNow(at, alarm.TwoMasters)
	case state == vrrp.Backup && s.turns > 3 && len(s.rivals) > 1:
		b := &s.rivals[len(s.rivals)-2]
		r.alarms.Raise(at, alarm.Alarm{
			Kind: alarm.TwoMasters, Cause: "firewall", Level: slog.LevelError, Stands: 3*patience + time.Second, Same: "in turns",
			Text: fmt.Sprintf("%s (%s, priority %d) and %s (%s, priority %d) are both MASTER: adverts in turns since %s; they do not hear each other",
				b.Src, net.HardwareAddr(b.MAC[:]), b.Priority, a.Src, net.HardwareAddr(a.MAC[:]), a.Priority, hour(b.first)),
		})
	}
	r.armSplit(at)
}

// mustHear is by when a rival has heard us, if it can: an interval after its first
// advert, and some time for ours to get there.
func mustHear(interval time.Duration) time.Duration { return interval + interval/4 }

// rival is where an advertiser is in the list; -1 for nowhere.
func (s *split) rival(src netip.Addr) int {
	return slices.IndexFunc(s.rivals, func(v rival) bool { return v.Src == src })
}

// hears puts an advertiser at the end of the list.
func (s *split) hears(a vrrp.Advert, at vrrp.Instant) *rival {
	v := rival{Advert: a, first: at}
	if i := s.rival(a.Src); i >= 0 {
		v = s.rivals[i]
		s.rivals = slices.Delete(s.rivals, i, i+1)
	} else if len(s.rivals) == maxOthers {
		s.rivals = slices.Delete(s.rivals, 0, 1)
	}
	v.Advert, v.last = a, at
	v.adverts++
	s.rivals = append(s.rivals, v)
	return &s.rivals[len(s.rivals)-1]
}

// rivalCause is why a rival that we hear does not give way.
func (r *router) rivalCause(v *rival) (cause, why string) {
	if !slices.Equal(v.Addrs, r.machine.Config().Addrs) {
		return "vrid_in_use", fmt.Sprintf("it backs up %v: another group uses VRID %d, or the configurations differ", v.Addrs, r.cfg.VRID)
	}
	return "one_way", "we hear it and it does not hear us, though it would have to yield: a one-way link, a firewall on its side that drops protocol 112, or it refuses our adverts (password, version, interval)"
}

// forgetSilent drops the rivals that have fallen silent, and what they were told of.
func (r *router) forgetSilent(at vrrp.Instant) {
	s := &r.split
	was := len(s.rivals)
	s.rivals = slices.DeleteFunc(s.rivals, func(v rival) bool {
		return at.Sub(v.last) >= 3*max(v.Interval, r.machine.Config().Interval)+time.Second
	})
	if len(s.rivals) < 2 {
		s.turns = 0
	}
	if was > 0 && len(s.rivals) == 0 && r.machine.State() == vrrp.Master {
		r.alarms.End(at, vrrp.NoteSecondMaster.String(), alarm.TwoMasters)
	}
}
